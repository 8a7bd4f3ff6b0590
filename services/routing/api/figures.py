"""What reports give."""

from datetime import date, datetime, timedelta

from pydantic import BaseModel, Field

from schemas.values import ClockKind


class OnTime(BaseModel):
    keys: dict[str, str | None] = Field(description="The value of each dimension of `by`; null where there is none.")
    names: dict[str, str] = Field(description="The same for people.")
    met: int
    missed: int
    cancelled: int = Field(description="Nobody waited any more; neither met nor missed.")
    finished: int = Field(description="met + missed")
    rate: float | None = Field(description="met / (met + missed); null with `too_few`.")
    too_few: bool = Field(description="Fewer than 10 finished: too few to rate.")
    average_working_time: timedelta | None = Field(description="From start to finish, without pauses; null when none finished.")
    overdue: int | None = Field(description="Tickets open and past due now; in none of the figures beside it. Null by month.")
    clocks: str = Field(description="Where the finished clocks are that make the numbers; add `verdict` for one of them.")
    tickets: str | None = Field(description="Where the overdue tickets are.")


class OnTimeReport(BaseModel):
    clock: ClockKind
    first: date
    last: date
    timezone: str = Field(description="Of the units it is about, or of the organisation where they differ: each counts by its own days.")
    by: list[str]
    rows: list[OnTime]


class OutcomeRow(BaseModel):
    id: str
    ticket_id: str
    reference: str
    verdict: str
    cycle: int
    group: str
    officer: str | None
    topic: str
    channel: str
    member_tier: str | None
    day: date = Field(description="Local day of the unit on which it finished.")
    started_at: datetime
    due_at: datetime | None
    finished_at: datetime
    repaired: bool = Field(description="An administrator corrected it; the ticket's history says what it was and why.")
    working_time: timedelta


class OutcomePage(BaseModel):
    items: list[OutcomeRow]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class OverdueRow(BaseModel):
    id: str
    reference: str
    subject: str
    business: str
    group: str
    officer: str | None
    topic: str
    channel: str
    opened_at: datetime
    due_at: datetime


class OverduePage(BaseModel):
    items: list[OverdueRow]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")
