"""The one mail that tells somebody of many alarms: counts, then a table with the most overdue first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from kit.mongo import Document
from services.notifier import mime
from services.notifier.domain.address import BadAddress, ascii_address
from services.notifier.domain.gathering import Alarm, Digest, Row, digest, one_of
from services.notifier.rendering import Letterhead

TEMPLATES: Final = Path(__file__).parent / "digest_templates"
_SUBJECT_LENGTH: Final = 80
_WORDS: Final = ("subject", "greeting", "opening", "headings", "due", "more", "zone", "closing")


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the table in the reader's words; `due` and `late` are empty while the clock stands still."""

    reference: str
    subject: str
    what: str
    due: str
    late: str
    link: str | None


class DigestMail:
    """Rendered once, when the digest is made; every attempt sends the same bytes."""

    def __init__(self, letterhead: Letterhead) -> None:
        self._letterhead = letterhead
        self._address = ascii_address(letterhead.address)
        self._domain = self._address.rpartition("@")[2]
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            autoescape=select_autoescape(enabled_extensions=("html.j2",), default_for_string=False),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )

    def render(self, row: Document, alarms: Sequence[Alarm], at: datetime) -> bytes:
        """The mail of a digest's delivery, made at `at`."""
        told, language = digest(alarms, at), row["language"]
        module: Any = self._templates.get_template(f"{language}.j2").make_module(_context(row, told, at))
        words = {name: _tidy(getattr(module, name)) for name in _WORDS}
        layout = {
            "words": words,
            "subject": words["subject"],
            "lines": [self._line(one, module, told) for one in told.rows],
            "language": language,
        }
        text, html = (self._templates.get_template(f"layout.{kind}.j2").render(layout) for kind in ("txt", "html"))
        raw = mime.alternative(self._headers(row, alarms, words["subject"], at), text, html, f"=_{row['_id'].replace('-', '')}")
        return self._letterhead.signed(raw)

    def _line(self, row: Row, module: Any, told: Digest) -> _Line:  # noqa: ANN401 (a template's module)
        alarm = row.alarm
        link = self._letterhead.ticket_url
        return _Line(
            reference=mime.one_line(alarm.reference),
            subject=_shortened(alarm.subject),
            what=mime.one_line(str(module.what(alarm))),
            due=_wall(alarm.due_at, alarm.timezone, named=len(_zones(told)) > 1) if alarm.due_at else "",
            late=mime.one_line(str(module.late(*_span(row.late_by)))) if row.late_by is not None else "",
            link=link(alarm.ticket_id) if link else None,
        )

    def _headers(self, row: Document, alarms: Sequence[Alarm], subject: str, at: datetime) -> list[str]:
        zone = one_of([alarm.timezone for alarm in alarms]) or "UTC"
        return [
            f"Date: {format_datetime(at.astimezone(ZoneInfo(zone)))}",
            mime.mailbox("From", self._letterhead.name, self._address),
            mime.mailbox("To", row["name"], ascii_address(row["address"])),
            *_reply_to(one_of([alarm.mailbox for alarm in alarms])),
            mime.unstructured("Subject", subject),
            f"Message-ID: <{row['_id']}@{self._domain}>",
            f"Content-Language: {row['language']}",
            f"X-Helpdesk-Loop: {self._domain}",
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: OOF, AutoReply, DR, RN, NRN",
        ]


def _context(row: Document, told: Digest, at: datetime) -> dict[str, Any]:
    zones = _zones(told)
    return {
        "digest": told,
        "name": mime.one_line(row["name"] or row["address"]),
        "now": _wall(at, zones[0], named=len(zones) > 1),
        "zones": ", ".join(_with_offset(zone, at) for zone in zones),
    }


def _zones(told: Digest) -> list[str]:
    return list(dict.fromkeys(row.alarm.timezone for row in told.rows))


def _wall(at: datetime, timezone: str, *, named: bool) -> str:
    """`16:30 24/11/2026`, the way both languages are read in Vietnam; the zone once for the whole mail, or with each where they differ."""
    text = f"{at.astimezone(ZoneInfo(timezone)):%H:%M %d/%m/%Y}"
    return f"{text} ({timezone})" if named else text


def _with_offset(timezone: str, at: datetime) -> str:
    offset = f"{at.astimezone(ZoneInfo(timezone)):%z}"
    return f"{timezone} (UTC{offset[:3]}:{offset[3:5]})"


def _span(late_by: timedelta) -> tuple[int, int, int, bool]:
    """Days, hours, minutes of real time, and whether it is still to come."""
    minutes = abs(late_by) // timedelta(minutes=1)
    return minutes // 1440, minutes // 60 % 24, minutes % 60, late_by < timedelta(0)


def _reply_to(mailbox: str | None) -> list[str]:
    try:
        return [f"Reply-To: {ascii_address(mailbox)}"] if mailbox else []
    except BadAddress:
        return []


def _shortened(subject: str) -> str:
    line = mime.one_line(subject)
    return line if len(line) <= _SUBJECT_LENGTH else line[: _SUBJECT_LENGTH - 1].rstrip() + "…"


def _tidy(value: object) -> Any:  # noqa: ANN401 (words, or the list of headings)
    return value if isinstance(value, list) else mime.one_line(str(value))
