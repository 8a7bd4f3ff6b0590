"""What is said: a delivery and its event become the bytes of a mail, or the text of a chat message.

Each template is one file per language that sets `subject`, `opening`, `facts` (one `Label: value` a line), `closing` and `link_label`.
Text and HTML are laid out from the same words, so they can't differ, and everything is escaped on its way into HTML. What comes from
outside is put on one line wherever a template names it; the words of a message are laid out apart and keep their lines.
"""

import re
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from schemas.tickets import AnswerGiven, BusinessReplied, Known, QuestionAsked, TicketOpened, TicketResolved
from schemas.values import ClockKind, Deadline, Language, Message
from services.notifier import mime
from services.notifier.domain.address import BadAddress, ascii_address, recipient_address
from services.notifier.domain.audience import Delivery
from services.notifier.domain.notices import Notice, notice_of
from services.notifier.local_time import local_time
from services.notifier.notice_links import LABEL, unsubscribe_headers

TEMPLATES: Final = Path(__file__).parent / "templates"

_EMPTY_LINES: Final = re.compile(r"\n{3,}")
_SUBJECT_LENGTH: Final = 120
_SHOWN_TO_BUSINESS: Final[frozenset[ClockKind]] = frozenset({"first_response", "next_response", "resolution"})
"""A hand-over between groups is nothing the asker has to wait for knowingly."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all our mail has in common."""

    address: str
    """The sender; its domain also ends our message ids."""
    name: str
    status_url: Callable[[str, str, datetime], str]
    """(reference, ticket_id, the time of the event) to the signed link of the asker's status page; the same for the same arguments."""
    ticket_url: Callable[[str], str] | None = None
    """ticket_id to the officers' page of it, where there is one."""
    thread_id: Callable[[str], str] | None = None
    """ticket_id to the signed message id that all mail to its asker refers to; answers that bring it back are put on the ticket."""
    message_id: Callable[[str, str], str] | None = None
    """(ticket_id, delivery_id) to the signed id of that mail; without it the delivery's id with our domain. Staff never see one."""
    staff_thread_id: Callable[[str], str] | None = None
    staff_message_id: Callable[[str, str], str] | None = None
    """The same in mail to staff, whose answers must not become the asker's."""
    reply_to: Callable[[str, str], str | None] | None = None
    """(mailbox, ticket_id) to the address that brings an answer back to the ticket; None where it would be too long."""
    loop_mark: Callable[[str], str] | None = None
    """delivery_id to the signed mark that tells us a mail of our own; without it the mark is our domain, which tells nobody anything."""
    digest_id: Callable[[str, str], str] | None = None
    """As `message_id`, of a mail about several tickets."""
    notice_url: Callable[[str, Notice], str] | None = None
    """(officer, notice) to the page where such notices are turned off, where there is one."""
    sign: Callable[[bytes], bytes] | None = None
    """The mail to the same mail with its signatures."""

    def mark(self, delivery_id: str) -> str:
        """The header by which we know a mail of ours that comes back."""
        return f"X-Helpdesk-Loop: {self.loop_mark(delivery_id) if self.loop_mark else self.address.rpartition('@')[2]}"

    def stop(self, officer: str, notice: Notice | None) -> str | None:
        """Where a reader turns this notice off; None for mail that can't be."""
        return self.notice_url(officer, notice) if self.notice_url and notice else None

    def signed(self, raw: bytes) -> bytes:
        return self.sign(raw) if self.sign else raw


@dataclass(frozen=True, slots=True)
class _Wording:
    """The words of one template in one language, laid out by nobody yet."""

    subject: str
    opening: str
    facts: tuple[tuple[str, str], ...]
    closing: str
    link_label: str
    said: str
    """Of several paragraphs, as are `opening` and `closing`: lines, with one empty line between paragraphs."""


class Renderer:
    """Compiles every template once; rendering the same delivery again gives the same bytes."""

    def __init__(self, letterhead: Letterhead, templates: Path = TEMPLATES) -> None:
        self._letterhead = letterhead
        self._address = ascii_address(letterhead.address)
        self._domain = self._address.rpartition("@")[2]
        self._from = mime.mailbox("From", letterhead.name, self._address)
        self._wordings = environment(templates, finalize=_on_one_line)
        # What they lay out went through the wordings; looking at every word a second time was a fifth of a mail's time.
        self._layouts = environment(templates)

    def render(self, delivery: Delivery, event: Known) -> bytes:
        """The mail. Raises `BadAddress` when the recipient's address can't be written to."""
        _, wording = self._wording(delivery, event)
        stop = self._letterhead.stop(delivery.recipient, notice_of(delivery, event))
        layout = {"wording": wording, "language": delivery.language, "link": self._link(delivery, event)}
        layout |= {"stop": stop, "stop_label": LABEL[delivery.language]}
        text = self._layouts.get_template("layout.txt.j2").render(layout)
        html = self._layouts.get_template("layout.html.j2").render(layout)
        boundary = f"=_{delivery.id.replace('-', '')}"
        headers = [*self._headers(delivery, event, wording.subject), *(unsubscribe_headers(stop) if stop else [])]
        return self._letterhead.signed(mime.alternative(headers, text, html, boundary))

    def render_chat(self, delivery: Delivery, event: Known) -> str:
        """The same for a conversation: short, without greeting or signature."""
        words, wording = self._wording(delivery, event)
        chat = _paragraphs(words.chat()) if hasattr(words, "chat") else ""
        layout = {"wording": wording, "chat": chat, "link": self._link(delivery, event)}
        return self._layouts.get_template("layout.chat.j2").render(layout).strip()

    def _headers(self, delivery: Delivery, event: Known, subject: str) -> list[str]:
        ticket = event.ticket
        make = self._letterhead.thread_id if delivery.audience == "business" else self._letterhead.staff_thread_id
        thread = make(event.ticket_id) if make else None
        headers = [
            f"Date: {format_datetime(event.occurred_at.astimezone(ZoneInfo(ticket.group.timezone)))}",
            self._from,
            mime.mailbox("To", delivery.name, recipient_address(delivery.address)),
            *self._reply_to(delivery, event),
            mime.unstructured("Subject", subject, prefix=f"[{_ascii(ticket.reference)}] "),
            f"Message-ID: {self._message_id(delivery)}",
            *([f"In-Reply-To: {thread}", f"References: {thread}"] if thread else []),
            f"Content-Language: {delivery.language}",
            self._letterhead.mark(delivery.id),
        ]
        return headers + (_automatic(delivery) if delivery.message_id is None else [])

    def _message_id(self, delivery: Delivery) -> str:
        make = self._letterhead.message_id if delivery.audience == "business" else self._letterhead.staff_message_id
        return make(delivery.ticket_id, delivery.id) if make else f"<{delivery.id}@{self._domain}>"

    def _reply_to(self, delivery: Delivery, event: Known) -> list[str]:
        """The group's mailbox, for the business with the token of its ticket; a mistake in it costs the header, not the mail."""
        mailbox, make = event.ticket.group.mailbox, self._letterhead.reply_to
        try:
            address = ascii_address(mailbox) if mailbox else None
        except BadAddress:
            return []
        if address and make and delivery.audience == "business":
            address = make(address, event.ticket_id) or address
        return [f"Reply-To: {address}"] if address else []

    def _wording(self, delivery: Delivery, event: Known) -> tuple[Any, _Wording]:
        """The template's variables and macros, and what every layout needs of them."""
        template = self._wordings.get_template(f"{delivery.template}/{delivery.language}.j2")
        said = _said(delivery, event)
        words = template.make_module(self._context(delivery, event, said))
        return words, _Wording(
            subject=str(getattr(words, "subject")).strip(),  # noqa: B009 (a template's variable, unknown to the type checker)
            opening=_paragraphs(getattr(words, "opening", "")),
            facts=_facts(getattr(words, "facts", "")),
            closing=_paragraphs(getattr(words, "closing", "")),
            link_label=str(getattr(words, "link_label", "")).strip(),
            said=_paragraphs(mime.visible(said.new_text or said.text)) if said else "",
        )

    def _context(self, delivery: Delivery, event: Known, said: Message | None) -> dict[str, Any]:
        ticket = event.ticket
        language = delivery.language
        group = ticket.group.name.in_language(language)
        return {
            "event": event,
            "ticket": ticket,
            "delivery": delivery,
            "name": delivery.name or ticket.business.name,
            "subject_line": _shortened(ticket.subject),
            "topic": ticket.topic.name.in_language(language),
            "group": group,
            "place": _place(group, ticket.group.unit.name.in_language(language)),
            "attachments": ", ".join(attachment.filename for attachment in said.attachments) if said else "",
            "left_out": said is not None and said.new_text is not None,
            **_refused(event, language),
            "deadlines": _running(ticket.deadlines, delivery),
            "when": partial(local_time, timezone=ticket.group.timezone, language=language),
            "to_mailbox": delivery.recipient.startswith("group:"),
            "is_officer": ticket.officer is not None and ticket.officer.key == delivery.recipient,
        }

    def _link(self, delivery: Delivery, event: Known) -> str | None:
        if delivery.audience == "business":
            return self._letterhead.status_url(event.ticket.reference, event.ticket_id, event.occurred_at)
        return self._letterhead.ticket_url(event.ticket_id) if self._letterhead.ticket_url else None


class _Templates(Environment):
    """Every context is made of the globals and of those of the template; as a plain dictionary they are copied in a tenth of the time."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


def environment(templates: Path, **options: Any) -> Environment:  # noqa: ANN401 (Jinja2's own)
    """Where a name that is not given is an error, and whatever goes into HTML is escaped."""
    made = _Templates(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        autoescape=_is_html,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
        **options,
    )
    made.filters |= {"paragraphs": _as_html, "rows": _as_rows}
    return made


def _is_html(template: str | None) -> bool:
    """Asked for every context, three times a mail."""
    return template is not None and template.endswith(".html.j2")


def _as_html(text: str, opening_tag: str) -> Markup:
    """Each paragraph in its element, each line but the last ended by `<br>`."""
    paragraphs = str(escape(text)).replace("\n\n", f"</p>\n{opening_tag}").replace("\n", "<br>").replace("</p><br>", "</p>\n")
    return Markup(f"{opening_tag}{paragraphs}</p>" if text else "")  # noqa: S704 (escaped above)


def _as_rows(facts: Sequence[tuple[str, str]], before: str, between: str, after: str) -> Markup:
    """Each label and value in a row, escaped at one go: a dozen calls for them were a third of the layout's time."""
    cells = str(escape("\n".join(["\0".join(fact) for fact in facts])))
    rows = cells.replace("\0", between).replace("\n", f"{after}\n{before}")
    return Markup(f"{before}{rows}{after}")  # noqa: S704 (escaped above)


def _on_one_line(value: object) -> object:
    """For every value a template names; what a template of ours has marked as HTML is left alone."""
    return mime.one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _place(group: str, unit: str) -> str:
    """Group and unit, without saying the same name twice."""
    if group.casefold() in unit.casefold():
        return unit
    return group if unit.casefold() in group.casefold() else f"{group} ({unit})"


def _said(delivery: Delivery, event: Known) -> Message | None:
    """The message whose words are shown, without what it quotes; the whole is on the ticket.

    An acknowledgement doesn't repeat them: a form filled in with a stranger's address would mail them anything.
    """
    if delivery.template == "acknowledgement":
        return None
    carries = TicketOpened | BusinessReplied | AnswerGiven | QuestionAsked | TicketResolved
    return event.message if isinstance(event, carries) else None


def _refused(event: Known, language: Language) -> dict[str, Any]:
    """What an acknowledgement tells of files that were not kept: else their sender would take them for received."""
    refused = event.message.refused if isinstance(event, TicketOpened | BusinessReplied) else None
    because = refused.because if refused else ()
    return {"refused": [each.in_language(language) for each in because], "refused_more": refused.more if refused else 0}


def _automatic(delivery: Delivery) -> list[str]:
    """Keeps out-of-office robots quiet (RFC 3834 section 5), but not the bounces we need: never `All`, never `NDR`."""
    kind = "auto-replied" if delivery.template == "acknowledgement" else "auto-generated"
    return [f"Auto-Submitted: {kind}", "X-Auto-Response-Suppress: OOF, AutoReply, DR, RN, NRN"]


def _running(deadlines: tuple[Deadline, ...], delivery: Delivery) -> list[Deadline]:
    return [
        deadline
        for deadline in deadlines
        if deadline.state == "running"
        and deadline.due_at is not None
        and (delivery.audience == "staff" or deadline.kind in _SHOWN_TO_BUSINESS)
    ]


def _shortened(subject: str) -> str:
    line = mime.one_line(subject)
    return line if len(line) <= _SUBJECT_LENGTH else line[: _SUBJECT_LENGTH - 1].rstrip() + "…"


def _ascii(text: str) -> str:
    return "".join(character for character in text if " " < character < "\x7f")


def _paragraphs(text: object) -> str:
    """Lines without trailing blanks, and one empty line between paragraphs."""
    lines = "\n".join(map(str.rstrip, str(text).split("\n")))
    return (_EMPTY_LINES.sub("\n\n", lines) if "\n\n\n" in lines else lines).strip("\n")


def _facts(text: object) -> tuple[tuple[str, str], ...]:
    lines = (line.partition(": ") for line in str(text).split("\n") if line.strip())
    return tuple((label.strip(), value.strip()) for label, _, value in lines)
