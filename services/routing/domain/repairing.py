"""An administrator corrects what the record says of a clock; what it said before stays in the record, with the reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.tickets import ClockRepaired
from services.routing.domain import clocks, sentences
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock, Repair, Verdict
from services.routing.domain.commands import Actor, RepairClock
from services.routing.domain.draft import Draft
from services.routing.domain.moves import Refused
from services.routing.domain.naming import named
from services.routing.domain.saying import required

FARTHEST: Final = timedelta(days=3653)
"""Ten years: a deadline that is later is a slip of the pen, and calendars are not known so far ahead."""


def repair(draft: Draft, command: RepairClock, actor: Actor) -> Draft:
    """Correct a verdict, a deadline, or both, in every status of the ticket: a wrong record does not close with it."""
    _administrator(draft, actor)
    because = required(command.because, "because", sentences.REASON_MISSING)
    old = _found(draft, command)
    new = _repaired(draft, old, command, Repair(draft.at, actor.key, because, old.verdict, _due(old), old.missed_at, old.finished_at))
    if (new.verdict, _due(new)) == (old.verdict, _due(old)):
        raise Refused(sentences.REPAIRED_ALREADY, field="verdict" if command.verdict else "due_at", conflict=True)
    return draft.swap([(old, new)]).record(
        ClockRepaired,
        *(new.kind, str(new.cycle), new.started_at.isoformat()),
        clock=new.kind,
        cycle=new.cycle,
        started_at=new.started_at,
        old_verdict=old.verdict,
        new_verdict=new.verdict,
        old_due_at=_due(old),
        new_due_at=_due(new),
        because=because,
        by=actor.key,
    )


def _administrator(draft: Draft, actor: Actor) -> None:
    spec = draft.ctx.org.officer(actor.key)
    if spec is None or "administrator" not in spec.roles:
        raise Refused(sentences.ADMINISTRATORS_ONLY, allowed=False)


def _found(draft: Draft, command: RepairClock) -> Clock:
    """The clock meant. Refused when there is none, or nothing is to change."""
    there = named(draft.ticket.clocks)
    if command.clock not in there:
        raise Refused(sentences.fill(sentences.NO_SUCH_CLOCK, clock=command.clock, clocks=", ".join(there) or "-"), field="clock")
    if command.verdict is None and command.due_at is None:
        raise Refused(sentences.NOTHING_TO_REPAIR, field="verdict")
    return there[command.clock]


def _repaired(draft: Draft, clock: Clock, command: RepairClock, note: Repair) -> Clock:
    due_at = _believable(command.due_at, clock, draft.at)
    if clock.verdict is not None and clock.finished_at is not None:
        calendar = draft.ctx.calendar_at(clock.revision, clock.calendar)
        return _finished_anew(clock, clock.finished_at, command.verdict, due_at, note, calendar)
    if command.verdict is not None:
        return _ended(clock, command.verdict, draft.at, note)
    return _due_anew(clock, due_at or draft.at, draft.at, draft.ctx.calendar(clock.calendar), note)


def _believable(due_at: datetime | None, clock: Clock, at: datetime) -> datetime | None:
    """In UTC. Refused when it lies before the clock's start, or farther ahead than anybody plans."""
    if due_at is None:
        return None
    if due_at < clock.started_at:
        raise Refused(sentences.DEADLINE_BEFORE_START, field="due_at")
    if due_at > at + FARTHEST:
        raise Refused(sentences.DEADLINE_TOO_FAR, field="due_at")
    return due_at.astimezone(UTC)


def _finished_anew(
    clock: Clock, finished_at: datetime, verdict: Verdict | None, due_at: datetime | None, note: Repair, calendar: Calendar
) -> Clock:
    """With a deadline alone the verdict follows from it; a verdict given stands against any deadline."""
    due = due_at or clock.due_at
    if verdict is None:
        verdict = "met" if due is None or finished_at <= due else "missed"
    if verdict == "cancelled":
        return replace(clock, verdict=verdict, due_at=due_at, missed_at=None, repairs=(*clock.repairs, note))
    moved = _granted(clock, note, calendar, clock.due_at, due)
    missed_at = (due or finished_at) if verdict == "missed" else None
    return replace(clock, verdict=verdict, due_at=due, missed_at=missed_at, repairs=(*clock.repairs, moved))


def _ended(clock: Clock, verdict: Verdict, at: datetime, note: Repair) -> Clock:
    """A clock nobody should wait for is cancelled; met and missed come with the end of the work and not before."""
    if verdict != "cancelled":
        raise Refused(sentences.STILL_MEASURED, field="verdict", conflict=True)
    return clocks.cancel(replace(clock, repairs=(*clock.repairs, note)), max(at, clock.started_at))


def _due_anew(clock: Clock, due_at: datetime, at: datetime, calendar: Calendar, note: Repair) -> Clock:
    """As much left from now on as there is until the deadline wanted, so that pauses and later changes go on from there.

    A deadline outside working hours becomes the end of the working time before it. A miss is lifted; what was warned of
    and escalated stays done.
    """
    if clock.is_paused:
        raise Refused(sentences.PAUSED_HAS_NONE, field="due_at", conflict=True)
    if due_at <= at:
        raise Refused(sentences.DEADLINE_PAST, field="due_at")
    lifted = replace(clock, missed_at=None, repairs=(*clock.repairs, _until(clock, due_at, at, calendar, note)))
    return clocks.retarget(lifted, clock.target, clock.policy, clock.revision, clock.calendar, calendar, at)


def _until(clock: Clock, due_at: datetime, at: datetime, calendar: Calendar, note: Repair) -> Repair:
    """The repair with what has to be granted so that the rest of the target ends at `due_at`. Refused without work until then."""
    if clock.allowed_days is not None:
        days = sum(day > clock.last_counted_day for day in calendar.days(at, due_at))
        if days:
            return replace(note, granted_days=clocks.spent_days(clock, calendar, at) + days - clock.allowed_days)
    elif clock.allowed is not None and (left := calendar.elapsed(at, due_at)):
        return replace(note, granted=clocks.spent(clock, calendar, at) + left - clock.allowed)
    raise Refused(sentences.NO_WORK_BEFORE, field="due_at")


def _granted(clock: Clock, note: Repair, calendar: Calendar, old: datetime | None, new: datetime | None) -> Repair:
    """Of a finished clock: what lies between the two deadlines, in the unit of its target."""
    if old is None or new is None or old == new:
        return note
    first, last, sign = (old, new, 1) if old < new else (new, old, -1)
    if clock.target.days is not None:
        return replace(note, granted_days=sign * len(calendar.days(first, last, clock.pauses)))
    return replace(note, granted=sign * calendar.elapsed(first, last, clock.pauses))


def _due(clock: Clock) -> datetime | None:
    return clock.due_at or clock.held_due_at
