"""An explanation as the API gives it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from schemas.values import ClockKind, ClockState, LocalText
from services.routing.domain.clocks import Clock
from services.routing.domain.explain import NOTHING, Line
from services.routing.domain.ladder import What
from services.routing.domain.notices import Notice, State
from services.routing.domain.reasons import Code, pause_in_words
from services.routing.explaining import Account, Move


class Moment(BaseModel):
    utc: datetime
    local: datetime = Field(description="The same instant with the offset of the calendar's zone.")


class PolicyUsed(BaseModel):
    key: str
    revision: int = Field(description="Of the organisation, when the target was set; 0 where that was not kept.")


class TargetBody(BaseModel):
    value: float
    unit: str = Field(description="`hours` (working hours) or `days` (working days).")
    receipt_day_counts: bool | None = Field(description="Whether the day of receipt is the first working day; null for hours.")


class CalendarUsed(BaseModel):
    key: str
    timezone: str


class MoveBody(BaseModel):
    """By how much an administrator moved the deadline; it is no part of what was spent."""

    at: Moment
    by: str
    because: str
    seconds: float = Field(description="Working time, for a target in hours. Negative: an earlier deadline.")
    days: int = Field(description="Working days, for a target in days.")


class SegmentReason(BaseModel):
    code: Code
    words: LocalText


class SegmentBody(BaseModel):
    """`from` and `to`: the end belongs to the next segment."""

    start: Moment = Field(serialization_alias="from")
    end: Moment = Field(serialization_alias="to")
    counted_seconds: float = Field(description="Zero for what was skipped. Exact to the microsecond as it is written.")
    total_seconds: float = Field(description="What all segments up to this one sum to.")
    reason: SegmentReason
    calendar: CalendarUsed
    policy: PolicyUsed = Field(description="What it was measured by.")


class PauseBody(BaseModel):
    start: Moment = Field(serialization_alias="from")
    end: Moment | None = Field(serialization_alias="to", description="Null while it lasts.")
    because: LocalText


class Used(BaseModel):
    seconds: float | None = Field(description="Working time; of what is left only for a target in hours. Negative: more was spent.")
    days: int | None = Field(description="Working days, for a target in days.")


class NoticeBody(BaseModel):
    what: What
    words: LocalText
    percent: int | None
    step: int | None = Field(description="Place in the policy's ladder, from 0.")
    tells: LocalText
    state: State
    why: LocalText
    at: Moment | None = Field(description="Its true instant, past or to come; null where there is none.")
    recorded: Moment | None = Field(description="When it was noticed.")


class ExplanationBody(BaseModel):
    """The segments follow each other without a gap from the start to `as_of`; `sum_seconds` of them is `spent.seconds`."""

    ticket_id: str
    reference: str
    clock: str
    kind: ClockKind
    cycle: int
    state: ClockState
    policy: PolicyUsed
    target: TargetBody
    calendar: CalendarUsed
    as_of: Moment = Field(description="Now, or the end of a finished clock.")
    started: Moment
    due: Moment | None = Field(description="Null while paused and when cancelled.")
    missed: Moment | None
    finished: Moment | None
    spent: Used
    left: Used
    percent: float | None = Field(description="Of the target and what `moves` added, as warnings count it, rounded down to a tenth.")
    segments: list[SegmentBody]
    sum_seconds: float
    days: list[date] = Field(description="The working days counted towards a target in days.")
    days_carried: int = Field(description="Working days counted on an earlier calendar that are not in `days`.")
    recorded_seconds: float | None = Field(description="What reports count as spent, in milliseconds; null of a clock not finished.")
    agrees: bool = Field(description="Whether the segments sum to what the clock and the reports say was spent.")
    moves: list[MoveBody] = Field(description="Repairs that moved the deadline; `left` and `percent` count them to the target.")
    pauses: list[PauseBody]
    notices: list[NoticeBody] = Field(description="Warnings, the deadline, the steps of the ladder.")


def body(account: Account) -> ExplanationBody:
    clock, told, zone = account.clock, account.explanation, account.zone
    target = clock.target
    return ExplanationBody(
        ticket_id=account.ticket.id,
        reference=account.ticket.reference,
        clock=account.name,
        kind=clock.kind,
        cycle=clock.cycle,
        state=account.state,
        policy=PolicyUsed(key=clock.policy, revision=clock.revision),
        target=TargetBody(
            value=target.hours if target.hours is not None else target.days or 0,
            unit="hours" if target.hours is not None else "days",
            receipt_day_counts=None if target.days is None else target.count_first_day,
        ),
        calendar=CalendarUsed(key=clock.calendar, timezone=zone.key),
        as_of=_moment(told.at, zone),
        started=_moment(clock.started_at, zone),
        due=_maybe(clock.due_at, zone),
        missed=_maybe(clock.missed_at if clock.is_missed else None, zone),
        finished=_maybe(clock.finished_at, zone),
        spent=Used(seconds=_seconds(account.elapsed), days=None if target.days is None else told.counted_days),
        left=Used(seconds=None if told.left is None else _seconds(told.left), days=told.left_days),
        percent=None if told.permille is None else told.permille / 10,
        segments=_segments(told.lines),
        sum_seconds=_seconds(told.worked),
        days=list(told.days),
        days_carried=told.carried_days,
        recorded_seconds=None if account.recorded is None else _seconds(account.recorded),
        agrees=account.agrees,
        moves=[_move(move, zone) for move in account.moves],
        pauses=_pauses(clock, zone),
        notices=[_notice(notice, zone) for notice in account.notices],
    )


def _segments(lines: tuple[Line, ...]) -> list[SegmentBody]:
    total = NOTHING
    found = []
    for line in lines:
        total += line.counted
        found.append(
            SegmentBody(
                start=_moment(line.start, line.zone),
                end=_moment(line.end, line.zone),
                counted_seconds=_seconds(line.counted),
                total_seconds=_seconds(total),
                reason=SegmentReason(code=line.reason, words=line.words),
                calendar=CalendarUsed(key=line.calendar, timezone=line.zone.key),
                policy=PolicyUsed(key=line.source.policy, revision=line.source.revision),
            )
        )
    return found


def _move(move: Move, zone: ZoneInfo) -> MoveBody:
    repair = move.repair
    at = _moment(repair.at, zone)
    return MoveBody(at=at, by=move.by, because=repair.because, seconds=_seconds(repair.granted), days=repair.granted_days)


def _pauses(clock: Clock, zone: ZoneInfo) -> list[PauseBody]:
    return [
        PauseBody(start=_moment(pause.began_at, zone), end=_maybe(pause.ended_at, zone), because=pause_in_words(pause.because))
        for pause in clock.pauses
    ]


def _notice(notice: Notice, zone: ZoneInfo) -> NoticeBody:
    return NoticeBody(
        what=notice.what,
        words=notice.label,
        percent=notice.percent,
        step=notice.step,
        tells=notice.tells,
        state=notice.state,
        why=notice.state_words,
        at=_maybe(notice.at, zone),
        recorded=_maybe(notice.recorded_at, zone),
    )


def _moment(at: datetime, zone: ZoneInfo) -> Moment:
    return Moment(utc=at.astimezone(UTC), local=at.astimezone(zone))


def _maybe(at: datetime | None, zone: ZoneInfo) -> Moment | None:
    return None if at is None else _moment(at, zone)


def _seconds(span: timedelta) -> float:
    return span.total_seconds()
