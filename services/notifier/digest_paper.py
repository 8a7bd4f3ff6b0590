"""What all mails that tell of many things have in common: their templates, their headers, and how times and subjects are written."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from kit.mongo import Document
from services.notifier import mime
from services.notifier.domain.address import BadAddress, ascii_address, recipient_address
from services.notifier.domain.notices import Notice
from services.notifier.notice_links import LABEL, unsubscribe_headers
from services.notifier.rendering import Letterhead, environment

TEMPLATES: Final = Path(__file__).parent / "digest_templates"
_SUBJECT_LENGTH: Final = 80


@dataclass(frozen=True, slots=True)
class Contents:
    """What is put on the paper. `layout` names the templates of `words` and `lines`; `zone` and `mailbox` are what all lines agree on."""

    layout: str
    words: dict[str, Any]
    lines: list[Any]
    notice: Notice | None
    zone: str | None
    mailbox: str | None


class Paper:
    def __init__(self, letterhead: Letterhead) -> None:
        self._letterhead = letterhead
        self._address = ascii_address(letterhead.address)
        self._domain = self._address.rpartition("@")[2]
        self._templates = environment(TEMPLATES)

    def wording(self, template: str, context: dict[str, Any]) -> Any:  # noqa: ANN401 (a template's module)
        return self._templates.get_template(template).make_module(context)

    def link(self, ticket_id: str) -> str | None:
        """The officers' page of a ticket, where there is one."""
        return self._letterhead.ticket_url(ticket_id) if self._letterhead.ticket_url else None

    def mail(self, row: Document, contents: Contents, at: datetime) -> bytes:
        """The mail of a digest's delivery, made at `at`."""
        subject, language = contents.words["subject"], row["language"]
        stop = self._letterhead.stop(row["recipient"], contents.notice)
        layout = {
            "stop": stop,
            "stop_label": LABEL[language],
            "words": contents.words,
            "subject": subject,
            "lines": contents.lines,
            "language": language,
        }
        text, html = (self._templates.get_template(f"{contents.layout}.{kind}.j2").render(layout) for kind in ("txt", "html"))
        headers = [*self._headers(row, contents, subject, at), *(unsubscribe_headers(stop) if stop else [])]
        raw = mime.alternative(headers, text, html, f"=_{row['_id'].replace('-', '')}")
        return self._letterhead.signed(raw)

    def _headers(self, row: Document, contents: Contents, subject: str, at: datetime) -> list[str]:
        return [
            f"Date: {format_datetime(at.astimezone(ZoneInfo(contents.zone or 'UTC')))}",
            mime.mailbox("From", self._letterhead.name, self._address),
            mime.mailbox("To", row["name"], recipient_address(row["address"])),
            *_reply_to(contents.mailbox),
            mime.unstructured("Subject", subject),
            f"Message-ID: {self._message_id(row)}",
            f"Content-Language: {row['language']}",
            self._letterhead.mark(row["_id"]),
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: OOF, AutoReply, DR, RN, NRN",
        ]

    def _message_id(self, row: Document) -> str:
        make = self._letterhead.digest_id
        return make(row["ticket_id"], row["_id"]) if make else f"<{row['_id']}@{self._domain}>"


def shortened(text: str) -> str:
    line = mime.one_line(text)
    return line if len(line) <= _SUBJECT_LENGTH else line[: _SUBJECT_LENGTH - 1].rstrip() + "…"


def tidy(value: object) -> Any:  # noqa: ANN401 (words, or the list of headings)
    return value if isinstance(value, list) else mime.one_line(str(value))


def _reply_to(mailbox: str | None) -> list[str]:
    try:
        return [f"Reply-To: {ascii_address(mailbox)}"] if mailbox else []
    except BadAddress:
        return []
