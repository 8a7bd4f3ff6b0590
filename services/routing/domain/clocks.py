"""One deadline being measured: a record that pause, resume, retarget and finish turn into the next record.

Nothing here reads the time: `at` is an argument, and the calendar is the one the clock's `calendar` key names.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal

from schemas.organisation import Target
from schemas.values import ClockKind, Deadline, TicketStatus
from services.routing.domain.calendar import Calendar
from services.routing.domain.pauses import Pause

__all__ = ["PAUSES", "Clock", "Era", "Pause", "Repair", "Verdict"]

Verdict = Literal["met", "missed", "cancelled"]

PAUSES: Final[dict[ClockKind, frozenset[TicketStatus]]] = {
    "first_response": frozenset(),
    "next_response": frozenset(),
    "resolution": frozenset({"waiting", "referred"}),
    "hand_over": frozenset({"waiting"}),
}
"""The ticket statuses in which a clock of a kind stands still."""


@dataclass(frozen=True, slots=True)
class Era:
    """What was spent up to `until` on a calendar the clock has left since, in both units, so that nothing is recounted.

    `days` leaves out the day of receipt, which `receipt_day` tells; no date up to `through` counts again later.
    """

    calendar: str
    until: datetime
    worked: timedelta
    days: int
    receipt_day: bool
    through: date | None
    policy: str = ""
    revision: int = 0
    """What the clock was measured by then; empty in records from before it was kept."""


CalendarThen = Callable[[Era], Calendar]
"""The calendar of an era as it was in its revision."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What an administrator corrected at `at`, and what the record said until then.

    `granted` or `granted_days` is by how much of the target's unit it moved the deadline, negative for an earlier one. It is
    added to the target and never to what was spent; under a target in the other unit it counts for nothing.
    """

    at: datetime
    by: str
    because: str
    verdict: Verdict | None
    due_at: datetime | None
    missed_at: datetime | None
    finished_at: datetime | None
    granted: timedelta = timedelta(0)
    granted_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """`due_at` is None while paused, when cancelled, and when finished in time out of a pause.

    `held_due_at`, `left` (working hours) or `left_days` say while paused what was due and what is left; both can be
    negative inside, when a target was cut below what was spent. `missed_at` stays what the ladder recorded, even when
    a later target lifted the miss; `is_missed` decides.
    """

    kind: ClockKind
    cycle: int
    policy: str
    revision: int
    calendar: str
    target: Target
    started_at: datetime
    received_on: date
    pauses: tuple[Pause, ...] = ()
    eras: tuple[Era, ...] = ()
    due_at: datetime | None = None
    held_due_at: datetime | None = None
    left: timedelta | None = None
    left_days: int | None = None
    warned: tuple[int, ...] = ()
    missed_at: datetime | None = None
    escalated: tuple[int | str, ...] = ()
    """Keys of the ladder's steps that were taken; a number is a place in the ladder, as older records have it."""
    verdict: Verdict | None = None
    finished_at: datetime | None = None
    repairs: tuple[Repair, ...] = ()

    @property
    def is_paused(self) -> bool:
        return self.verdict is None and bool(self.pauses) and any(pause.is_open for pause in self.pauses)

    @property
    def is_running(self) -> bool:
        return self.verdict is None and not self.is_paused

    @property
    def is_missed(self) -> bool:
        """Recorded as missed, and not lifted by a later target."""
        return self.missed_at is not None and (self.due_at or self.held_due_at or self.missed_at) <= self.missed_at

    @property
    def since(self) -> datetime:
        """From when on the present calendar measures."""
        return self.eras[-1].until if self.eras else self.started_at

    @property
    def carried(self) -> timedelta:
        """Working time spent on earlier calendars."""
        return sum((era.worked for era in self.eras), timedelta(0))

    @property
    def granted(self) -> timedelta:
        """Working time by which repairs moved a deadline in hours."""
        return sum((repair.granted for repair in self.repairs), timedelta(0))

    @property
    def granted_days(self) -> int:
        """Working days by which repairs moved a deadline in days."""
        return sum(repair.granted_days for repair in self.repairs)

    @property
    def allowed(self) -> timedelta | None:
        """Of a target in hours: it and what repairs granted on top of it, which is spent when the deadline comes."""
        return None if self.target.hours is None else timedelta(hours=self.target.hours) + self.granted

    @property
    def allowed_days(self) -> int | None:
        """Of a target in days, as `allowed`."""
        return None if self.target.days is None else self.target.days + self.granted_days

    @property
    def last_counted_day(self) -> date:
        """No working day up to this one counts (again) towards a target in days."""
        first = self.received_on - timedelta(days=1) if self.target.count_first_day else self.received_on
        return max([first, *(era.through for era in self.eras if era.through is not None)])

    @property
    def carried_days(self) -> int:
        receipt = any(era.receipt_day for era in self.eras) and self.target.count_first_day
        return sum(era.days for era in self.eras) + receipt


def start(  # noqa: PLR0913, PLR0917 (all of it is decided by whoever opens the ticket)
    kind: ClockKind,
    cycle: int,
    target: Target,
    policy: str,
    revision: int,
    calendar_key: str,
    calendar: Calendar,
    at: datetime,
) -> Clock:
    """A clock that runs from `at`."""
    # Nothing of a fresh one is spent, paused or granted yet, so that its deadline is the whole target away.
    whole_days, whole = target.days, timedelta(hours=target.hours or 0)
    return Clock(
        kind=kind,
        cycle=cycle,
        policy=policy,
        revision=revision,
        calendar=calendar_key,
        target=target,
        started_at=at,
        received_on=calendar.local_date(at),
        due_at=calendar.add(at, whole) if whole_days is None else calendar.add_days(at, whole_days, target.count_first_day),
    )


def pause(clock: Clock, at: datetime, because: str, calendar: Calendar) -> Clock:
    """Stands still from `at`; a paused clock goes on being paused for the new reason. Finished clocks stay as they are."""
    if clock.verdict is not None:
        return clock
    return _measured(replace(clock, pauses=(*_ended(clock, at), Pause(at, None, because))), calendar)


def resume(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """Runs again with what was left when the pause began. Nothing happens to a clock that is not paused."""
    return _measured(replace(clock, pauses=_ended(clock, at)), calendar) if clock.is_paused else clock


def retarget(  # noqa: PLR0913, PLR0917 (as `start`)
    clock: Clock,
    target: Target,
    policy: str,
    revision: int,
    calendar_key: str,
    calendar: Calendar,
    at: datetime,
    *,
    before: Calendar | None = None,
) -> Clock:
    """The new target minus what was spent; pauses and what was already told survive. Finished clocks stay as they are.

    What was spent is never converted: a target in days counts the working days already passed, a target in hours the
    working time. `before` is the calendar up to `at` when `calendar` is another one or another revision: it keeps what
    was spent on it. Without it all time since the start is measured on `calendar`.

    A deadline made by the change is never before it: one that has spent more than the new target is due at `at`.
    """
    if clock.verdict is not None:
        return clock
    eras = clock.eras if before is None or before is calendar else (*clock.eras, era(clock, before, at))
    changed = replace(clock, target=target, policy=policy, revision=revision, calendar=calendar_key, eras=eras)
    return _set_at(_measured(changed, calendar), at, calendar, before=clock)


def start_late(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """One that runs from an earlier instant and is measured since `at` alone: its deadline is not before `at` either."""
    return _set_at(clock, at, calendar)


def finish(clock: Clock, at: datetime) -> Clock:
    """Met when `at` is not later than the deadline, or than the deadline there was when the present pause began.

    `at` may lie before a miss already recorded: an answer accepted in time was in time. The first verdict stays.
    """
    if clock.verdict is not None:
        return clock
    if _in_time(clock, at):
        return _stopped(clock, at, "met", due_at=clock.due_at, missed_at=None)
    due_at = clock.due_at or clock.held_due_at
    return _stopped(clock, at, "missed", due_at=due_at, missed_at=clock.missed_at if clock.is_missed else due_at)


def cancel(clock: Clock, at: datetime) -> Clock:
    """Ends without a verdict on time, as on a merged ticket."""
    return clock if clock.verdict is not None else _stopped(clock, at, "cancelled", due_at=None, missed_at=None)


def spent(clock: Clock, calendar: Calendar, at: datetime, then: CalendarThen | None = None) -> timedelta:
    """Working time counted up to `at`, or up to the end of a finished clock.

    That end may lie in an era: an answer accepted before the ticket was handed on, and heard of after it. `then` says which
    calendar measured it up to there; without it that is `calendar`.
    """
    until = _until(clock, at)
    return _carried(clock, calendar, until, then) + calendar.elapsed(clock.since, until, clock.pauses)


def spent_days(clock: Clock, calendar: Calendar, at: datetime) -> int:
    """Working days counted up to `at` under the present target; `at` is not before the present calendar began to measure."""
    passed = calendar.days(clock.since, _until(clock, at), clock.pauses)
    return clock.carried_days + sum(day > clock.last_counted_day for day in passed)


def snapshot(clock: Clock) -> Deadline:
    """The clock as events carry it: while paused what is left and no date."""
    paused = clock.is_paused
    return Deadline(
        kind=clock.kind,
        cycle=clock.cycle,
        state=clock.verdict or ("paused" if paused else "running"),
        due_at=clock.due_at,
        missed_at=clock.missed_at if clock.is_missed else None,
        left=max(clock.left, timedelta(0)) if paused and clock.left is not None else None,
        left_days=max(clock.left_days, 0) if paused and clock.left_days is not None else None,
        finished_at=clock.finished_at,
    )


def _stopped(clock: Clock, at: datetime, verdict: Verdict, *, due_at: datetime | None, missed_at: datetime | None) -> Clock:
    return replace(
        clock,
        verdict=verdict,
        finished_at=at,
        pauses=_ended(clock, at),
        due_at=due_at,
        missed_at=missed_at,
        held_due_at=None,
        left=None,
        left_days=None,
    )


def _carried(clock: Clock, calendar: Calendar, until: datetime, then: CalendarThen | None) -> timedelta:
    """Working time of the eras up to `until`; what of one lies behind it was not spent."""
    total, begin = timedelta(0), clock.started_at
    for era in clock.eras:
        if begin >= until:
            break
        measured_by = then(era) if then else calendar
        total += era.worked if era.until <= until else measured_by.elapsed(begin, until, clock.pauses)
        begin = era.until
    return total


def _until(clock: Clock, at: datetime) -> datetime:
    return at if clock.finished_at is None else min(at, clock.finished_at)


def _ended(clock: Clock, at: datetime) -> tuple[Pause, ...]:
    """Its pauses with an open one ended at `at`, never before it began."""
    return tuple(replace(pause, ended_at=max(at, pause.began_at)) if pause.is_open else pause for pause in clock.pauses)


def _in_time(clock: Clock, at: datetime) -> bool:
    if clock.due_at is not None:
        return at <= clock.due_at
    if (clock.left is not None and clock.left < timedelta(0)) or (clock.left_days is not None and clock.left_days < 0):
        return False
    began = min((pause.began_at for pause in clock.pauses if pause.is_open), default=at)
    return clock.held_due_at is None or min(at, began) <= clock.held_due_at


def era(clock: Clock, calendar: Calendar, at: datetime) -> Era:
    """What was spent up to `at` since the last era."""
    passed = calendar.days(clock.since, at, clock.pauses)
    seen = max((era.through for era in clock.eras if era.through is not None), default=None)
    fresh = [day for day in passed if day >= clock.received_on and (seen is None or day > seen)]
    return Era(
        calendar=clock.calendar,
        until=max(at, clock.since),
        worked=calendar.elapsed(clock.since, at, clock.pauses),
        days=sum(day > clock.received_on for day in fresh),
        receipt_day=clock.received_on in fresh,
        through=max(fresh, default=None),
        policy=clock.policy,
        revision=clock.revision,
    )


def _set_at(clock: Clock, at: datetime, calendar: Calendar, *, before: Clock | None = None) -> Clock:
    """The clock with what was spent by `at` put down in an era when nothing is left of the target, so that it is due at `at`.

    Nobody could have kept a deadline that was not set yet. One that was there `before` the change, or was missed, stays.
    """
    due_at = clock.due_at or clock.held_due_at
    if due_at is None or due_at >= at or clock.is_missed or _has_left(clock):
        return clock
    if before is not None and due_at == (before.due_at or before.held_due_at):
        return clock
    return _measured(replace(clock, eras=(*clock.eras, era(before or clock, calendar, at))), calendar)


def _has_left(clock: Clock) -> bool:
    """Of a paused clock; what it would be due without the pause may have passed."""
    return (clock.left or timedelta(0)) > timedelta(0) or (clock.left_days or 0) > 0


def _measured(clock: Clock, calendar: Calendar) -> Clock:
    """The clock with its due instant, or while paused with what is left and what it was due when the pause began."""
    past = tuple(pause for pause in clock.pauses if not pause.is_open)
    began = min((pause.began_at for pause in clock.pauses if pause.is_open), default=None)
    due_at = _due(clock, calendar, clock.since if began is None else min(clock.since, began), past)
    if began is None:
        return replace(clock, due_at=due_at, held_due_at=None, left=None, left_days=None)
    allowed, days = clock.allowed, clock.allowed_days
    return replace(
        clock,
        due_at=None,
        held_due_at=due_at,
        left=None if allowed is None else allowed - clock.carried - calendar.elapsed(clock.since, began, clock.pauses),
        left_days=None if days is None else days - spent_days(clock, calendar, began),
    )


def _due(clock: Clock, calendar: Calendar, since: datetime, pauses: tuple[Pause, ...]) -> datetime:
    if clock.allowed_days is not None:
        days = clock.allowed_days - clock.carried_days
        return calendar.nth_close(since, days, clock.last_counted_day, pauses) if days > 0 else _overrun(clock, pauses)
    left = (clock.allowed or timedelta(0)) - clock.carried
    return calendar.add(since, left, pauses) if left > timedelta(0) else _overrun(clock, pauses)


def _overrun(clock: Clock, pauses: tuple[Pause, ...]) -> datetime:
    """Due when nothing of the target is left on the present calendar: the recorded miss, or the change that used it up.

    Of a change within a pause: when the clock ran again, for a paused clock is never overdue.
    """
    if clock.missed_at is not None:
        return clock.missed_at
    due_at = clock.since
    for pause in sorted(pauses, key=lambda pause: pause.began_at):
        if pause.ended_at is not None and pause.began_at <= due_at < pause.ended_at:
            due_at = pause.ended_at
    return due_at
