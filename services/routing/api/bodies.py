"""What the API takes and gives."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from schemas.text import clean_line, clean_text
from schemas.values import Attachment, ClockKind, ClockState, Language, LocalText, Message, Priority, Ticket, TicketStatus


def _cleaned(clean: Callable[[str], str]) -> Callable[[object], object]:
    """Nothing at all where nothing can be seen: direction controls and blanks of no width are no text."""

    def cleaned(value: object) -> object:
        if not isinstance(value, str):
            return value
        text = clean(value)
        return text if any(char.isprintable() and not char.isspace() for char in text) else ""

    return cleaned


Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000), BeforeValidator(_cleaned(clean_text))]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500), BeforeValidator(_cleaned(clean_line))]
MaybeLine = Annotated[str, StringConstraints(max_length=500), BeforeValidator(_cleaned(clean_line))]
OfKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AssignBody(Body):
    """Give it to a group, to an officer, or to an officer of another group."""

    reason: Line
    group: OfKey | None = None
    officer: OfKey | None = None


class PrioritiseBody(Body):
    """Say how urgent it is and why; what was spent of the deadlines stays spent."""

    priority: Priority
    reason: Line


class ReleaseBody(Body):
    reason: MaybeLine = Field(default="", description="May be left out.")


class TextBody(Body):
    text: Text


class ReferBody(Body):
    authority: Line
    reason: Line


class ResolveBody(Body):
    text: Text | None = Field(default=None, description="What the business is told; may be left out once it was answered.")


class ReasonBody(Body):
    reason: Line


class RepairBody(Body):
    """What the record should say. A deadline alone makes the verdict follow from it."""

    because: Line
    verdict: Literal["met", "missed", "cancelled"] | None = Field(default=None, description="Of a clock still measured: only `cancelled`.")
    due_at: AwareDatetime | None = Field(
        default=None, description="Outside working hours it becomes the end of the working time before it, on a clock still measured."
    )


class RejectBody(Body):
    reason: Text
    legal_basis: Line


class QueueRow(BaseModel):
    id: str
    reference: str
    version: int
    status: TicketStatus
    subject: str
    business: str
    topic: str
    channel: str
    priority: Priority
    member_tier: str | None = Field(
        description="Tier of the business as a member when the ticket was opened; nobody checked who typed the tax code."
    )
    language: str
    group: str
    unit: str
    officer: str | None
    opened_at: datetime
    due_at: datetime | None = Field(description="The soonest running deadline; null while none runs.")
    overdue: bool


class QueuePage(BaseModel):
    items: list[QueueRow]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class AttachmentBody(Attachment):
    url: str = Field(description="Where it can be downloaded for some hours; read the ticket again for a fresh one.")


class Returned(BaseModel):
    """Something said to the business that did not arrive."""

    message_id: str | None = Field(description="The message; null for an acknowledgement, which carries none.")
    template: str | None = Field(description="What it was: `acknowledgement`, `answer`, `question`, `resolution`.")
    address: str | None = Field(description="Where it was to go; null where an older release did not say.")
    bounced: Literal["hard", "soft"] | None = Field(
        description="`hard`: it came back, the address is no good; `soft`: it came back this time (mailbox full, policy); "
        "null: it was never accepted."
    )
    suppressed: bool | None = Field(
        description="Whether nothing more was sent to the address from then on. `helpdesk mail suppressed` shows and lifts it."
    )
    at: datetime = Field(description="When it failed, or the report came that it had.")
    reason: str


class MessageBody(Message):
    returned: Returned | None = Field(default=None, description="Set when it did not reach the business; of several times the last.")
    text: str = Field(description="All of it, with the mail it quotes.")
    new_text: str = Field(
        description="What to read first: `text` without the quoted mail and the signature; equal to it where nothing was left out.",
        examples=["Chúng tôi gửi bổ sung hợp đồng."],
    )
    attachments: tuple[AttachmentBody, ...] = ()
    html: AttachmentBody | None = Field(
        default=None,
        description="A mail's HTML form, where it shows more than `text` (tables, pictures, struck-out words, links that lead elsewhere "
        "than they say). Its `url` opens in a browser: no scripts, nothing loaded from elsewhere; the pictures are `attachments`.",
    )


class ClockRow(BaseModel):
    name: str = Field(description="Kind and cycle; `hand_over-1-2` is the second hand-over of the first cycle.")
    kind: ClockKind
    cycle: int
    state: ClockState
    explain: str = Field(description="Where it says why it stands where it stands.")


class TicketBody(BaseModel):
    id: str
    ticket: Ticket
    clocks: list[ClockRow] = Field(description="Its clocks by name, in the order of `ticket.deadlines`.")
    messages: list[MessageBody]
    returned: list[Returned] = Field(description="Everything that did not reach the business, newest last; also with the messages.")
    linked: list[str] = Field(description="References of tickets it belongs to: the same mail to another group, or what it went on with.")
    can: list[str] = Field(description="What may be done with it now, by you.")


class HistoryEntry(BaseModel):
    version: int = Field(description="Of the ticket after it.")
    at: datetime
    type: str
    who: str = Field(description="The officer, the business, or the system.")
    what: str
    why: str | None
    message_id: str | None = Field(description="The message it is about, where it is about one.")


class History(BaseModel):
    reference: str
    entries: list[HistoryEntry] = Field(description="Newest last.")


class GroupRow(BaseModel):
    key: str
    name: LocalText
    unit: str
    open: int
    unassigned: int = Field(description="Open and nobody's.")
    overdue: int = Field(description="Open and past the soonest deadline.")
    works: bool = Field(description="Whether you may work on its tickets, or only read them.")


class Me(BaseModel):
    key: str
    name: str
    language: Language
    groups: list[str]
    sees: list[str]
    roles: list[str]


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of refusals."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in (*statuses, 400, 503)}


_MEANINGS: Final = {
    400: "Not understood",
    401: "No valid bearer token",
    403: "You may see it but not do this",
    404: "Not there, or not for you",
    409: "The ticket's state stands in the way",
    412: "Not the version it is at, for somebody was faster or it never was; `current` shows the ticket as it is now",
    413: "Too large",
    415: "Not sent as JSON; name it in `Content-Type`",
    422: "A field or a parameter is wrong; `errors` names it",
    428: "If-Match is missing",
    503: "Out of service for a moment; try again",
}
