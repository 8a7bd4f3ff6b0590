"""What the API takes and gives."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.values import Message, Ticket

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
    reason: str = Field(default="", max_length=500)


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
    status: str
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


class TicketBody(BaseModel):
    id: str
    ticket: Ticket
    messages: list[Message]
    can: list[str] = Field(description="What may be done with it now, by you.")


class Me(BaseModel):
    key: str
    name: str
    language: str
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
    clock: str
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
    return {status: {"description": _MEANINGS[status], "content": content} for status in (*statuses, 503)}


_MEANINGS = {
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
