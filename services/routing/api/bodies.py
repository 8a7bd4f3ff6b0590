"""What the API takes and gives."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.values import Attachment, ClockKind, Language, LocalText, Message, Ticket, TicketStatus

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
OfKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AssignBody(Body):
    """Give it to a group, to an officer, or to an officer of another group."""

    reason: Line
    group: OfKey | None = None
    officer: OfKey | None = None


class ReleaseBody(Body):
    reason: str = Field(default="", max_length=500, description="May be left out.")


class TextBody(Body):
    text: Text


class ReferBody(Body):
    authority: Line
    reason: Line


class ResolveBody(Body):
    text: Text | None = Field(default=None, description="What the business is told; may be left out once it was answered.")


class ReasonBody(Body):
    reason: Line


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


class MessageBody(Message):
    attachments: tuple[AttachmentBody, ...] = ()


class TicketBody(BaseModel):
    id: str
    ticket: Ticket
    messages: list[MessageBody]
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


class OnTime(BaseModel):
    key: str | None = Field(description="The value of `by`; null for the whole.")
    met: int
    missed: int
    finished: int
    rate: float | None = Field(description="met / (met + missed); null with `too_few`.")
    too_few: bool = Field(description="Fewer than 10 finished: too few to rate.")
    overdue: int = Field(description="Open and past due; in none of the figures beside it.")


class OnTimeReport(BaseModel):
    clock: ClockKind
    first: date
    last: date
    timezone: str
    by: str | None
    rows: list[OnTime]


class OutcomeRow(BaseModel):
    id: str
    ticket_id: str
    reference: str
    verdict: str
    cycle: int
    group: str
    started_at: datetime
    due_at: datetime | None
    finished_at: datetime


class OutcomePage(BaseModel):
    items: list[OutcomeRow]
    next: str | None


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
    412: "Somebody was faster; `current` shows the ticket as it is now",
    413: "Too large",
    422: "A field is wrong; `errors` names it",
    428: "If-Match is missing",
    503: "Out of service for a moment; try again",
}
