"""An administrator corrects what the record says of a clock; what it said before stays in the record, with the reason."""

from dataclasses import replace
from datetime import datetime, timedelta

from schemas.tickets import ClockRepaired
from services.routing.domain import clocks, sentences
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock, Era, Repair, Verdict
from services.routing.domain.commands import Actor, RepairClock
from services.routing.domain.draft import Draft
from services.routing.domain.moves import Refused
from services.routing.domain.naming import named
from services.routing.domain.saying import required


def repair(draft: Draft, command: RepairClock, actor: Actor) -> Draft:
    """Correct a verdict, a deadline, or both, in every status of the ticket: a wrong record does not close with it."""
    _administrator(draft, actor)
    because = required(command.because, "because", sentences.REASON_MISSING)
    found = named(draft.ticket.clocks)
    if command.clock not in found:
        raise Refused(sentences.fill(sentences.NO_SUCH_CLOCK, clock=command.clock, clocks=", ".join(found) or "-"), field="clock")
    if command.verdict is None and command.due_at is None:
        raise Refused(sentences.NOTHING_TO_REPAIR, field="verdict")
    old = found[command.clock]
    new = _repaired(draft, old, command)
    if (new.verdict, _due(new)) == (old.verdict, _due(old)):
        raise Refused(sentences.REPAIRED_ALREADY, field="verdict" if command.verdict else "due_at", conflict=True)
    before = Repair(draft.at, actor.key, because, old.verdict, _due(old), old.missed_at, old.finished_at)
    kept = replace(new, repairs=(*old.repairs, before))
    return draft.swap([(old, kept)]).record(
        ClockRepaired,
        *(kept.kind, str(kept.cycle), kept.started_at.isoformat()),
        clock=kept.kind,
        cycle=kept.cycle,
        started_at=kept.started_at,
        old_verdict=old.verdict,
        new_verdict=kept.verdict,
        old_due_at=_due(old),
        new_due_at=_due(kept),
        because=because,
        by=actor.key,
    )


def _administrator(draft: Draft, actor: Actor) -> None:
    spec = draft.ctx.org.officer(actor.key)
    if spec is None or "administrator" not in spec.roles:
        raise Refused(sentences.ADMINISTRATORS_ONLY, allowed=False)


def _repaired(draft: Draft, clock: Clock, command: RepairClock) -> Clock:
    if clock.verdict is not None and clock.finished_at is not None:
        return _finished_anew(clock, clock.finished_at, command.verdict, command.due_at)
    if command.verdict is not None:
        return _ended(clock, command.verdict, draft.at)
    return _due_anew(clock, command.due_at or draft.at, draft.at, draft.ctx.calendar(clock.calendar), draft.ctx.revision)


def _finished_anew(clock: Clock, finished_at: datetime, verdict: Verdict | None, due_at: datetime | None) -> Clock:
    """With a deadline alone the verdict follows from it; a verdict given stands against any deadline."""
    due = due_at or clock.due_at
    if verdict is None:
        verdict = "met" if due is None or finished_at <= due else "missed"
    if verdict == "cancelled":
        return replace(clock, verdict=verdict, due_at=due_at, missed_at=None)
    return replace(clock, verdict=verdict, due_at=due, missed_at=(due or finished_at) if verdict == "missed" else None)


def _ended(clock: Clock, verdict: Verdict, at: datetime) -> Clock:
    """A clock nobody should wait for is cancelled; met and missed come with the end of the work and not before."""
    if verdict != "cancelled":
        raise Refused(sentences.STILL_MEASURED, field="verdict", conflict=True)
    return clocks.cancel(clock, max(at, clock.started_at))


def _due_anew(clock: Clock, due_at: datetime, at: datetime, calendar: Calendar, revision: int) -> Clock:
    """As much left from now on as there is until the deadline wanted, so that pauses and later changes go on from there.

    A deadline outside working hours becomes the end of the working time before it. A miss is lifted; what was warned of
    and escalated stays done.
    """
    if clock.is_paused:
        raise Refused(sentences.PAUSED_HAS_NONE, field="due_at", conflict=True)
    if due_at <= at:
        raise Refused(sentences.DEADLINE_PAST, field="due_at")
    spent = _spent_so_that_it_ends(clock, due_at, clocks.era(clock, calendar, at), calendar, revision)
    if spent is None:
        raise Refused(sentences.NO_WORK_BEFORE, field="due_at")
    lifted = replace(clock, eras=(*clock.eras, spent), missed_at=None)
    return clocks.retarget(lifted, clock.target, clock.policy, clock.revision, clock.calendar, calendar, at)


def _spent_so_that_it_ends(clock: Clock, due_at: datetime, spent: Era, calendar: Calendar, revision: int) -> Era | None:
    """The era with so much spent that the rest of the target ends at `due_at`; None when there is no working time until then."""
    after = replace(clock, eras=(*clock.eras, spent))
    if clock.target.days is not None:
        days = sum(day > after.last_counted_day for day in calendar.days(spent.until, due_at))
        return replace(spent, days=spent.days + clock.target.days - after.carried_days - days, revision=revision) if days else None
    left = calendar.elapsed(spent.until, due_at)
    target = timedelta(hours=clock.target.hours or 0)
    return replace(spent, worked=target - clock.carried - left, revision=revision) if left else None


def _due(clock: Clock) -> datetime | None:
    return clock.due_at or clock.held_due_at
