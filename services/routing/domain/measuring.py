"""What happens to a ticket's clocks when something happens to the ticket. The arithmetic itself is in `clocks`."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from schemas.organisation import GroupSpec, PolicySpec
from schemas.tickets import ClockFinished, DeadlineMissed
from schemas.values import ClockKind, TicketStatus
from services.routing.domain import clocks
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock
from services.routing.domain.context import Context
from services.routing.domain.draft import Draft
from services.routing.domain.identity import derived_id
from services.routing.domain.ladder import WHOLE
from services.routing.domain.people import told
from services.routing.domain.quiet import tell_at
from services.routing.domain.ticket import Ticket

WORKED_ON: Final[frozenset[TicketStatus]] = frozenset({"new", "open", "waiting", "referred"})
"""Statuses in which a message of the business waits for an answer."""


def start(draft: Draft, at: datetime, *kinds: ClockKind) -> Draft:
    """Start a clock of each kind that the ticket's policy has a target for."""
    policy = draft.ctx.policy(draft.ticket.policy)
    return draft.add(*started(draft.ctx, policy, group_of(draft), draft.ticket.cycle, at, *kinds))


def started(ctx: Context, policy: PolicySpec, group: GroupSpec, cycle: int, at: datetime, *kinds: ClockKind) -> tuple[Clock, ...]:
    """A clock of each kind that the policy has a target for, on the group's calendar."""
    targets = [target for kind in kinds if (target := policy.target(kind)) is not None]
    key, calendar = group.calendar, ctx.calendar(group.calendar)
    return tuple(clocks.start(target.clock, cycle, target, policy.key, ctx.revision, key, calendar, at) for target in targets)


def follow_status(draft: Draft, at: datetime) -> Draft:
    """Pause and resume what the ticket's new status pauses and lets run; the status is the reason of the pause.

    A message that crossed the question it answers ends the pause where it began, never before.
    """
    return draft.swap((clock, _as_in(draft.ticket.status, clock, at, draft.ctx)) for clock in draft.ticket.unfinished())


def _as_in(status: TicketStatus, clock: Clock, at: datetime, ctx: Context) -> Clock:
    reason = next((pause.because for pause in clock.pauses if pause.is_open), None)
    calendar = ctx.calendar(clock.calendar)
    if status in clocks.PAUSES[clock.kind]:
        return clock if reason == status else clocks.pause(clock, max(at, clock.started_at), status, calendar)
    return clocks.resume(clock, at, calendar)


def finish(draft: Draft, at: datetime, *finished: Clock) -> Draft:
    """The work these clocks measure was done at `at`."""
    return draft.swap((clock, clocks.finish(clock, max(at, clock.started_at))) for clock in finished)


def abandon(draft: Draft, at: datetime, *abandoned: Clock) -> Draft:
    """Nobody waits for the work any more: cancelled, but missed where the target had passed by then."""
    return draft.swap((clock, _abandoned(clock, at)) for clock in abandoned)


def _abandoned(clock: Clock, at: datetime) -> Clock:
    if clock.is_missed:
        return replace(clocks.cancel(clock, at), verdict="missed", due_at=clock.due_at or clock.held_due_at, missed_at=clock.missed_at)
    passed = clock.due_at is not None and clock.due_at < at
    return clocks.finish(clock, at) if passed else clocks.cancel(clock, at)


def measure_unanswered(draft: Draft, *, changed: bool = False) -> Draft:
    """Let a clock run from the oldest unanswered message: that of the first response while it does, else a next response.

    `changed`: it is another policy that measures this now, so its deadline is not before the change.
    """
    since = draft.ticket.unanswered_since
    measured = any(draft.ticket.unfinished("first_response", "next_response"))
    if since is None or measured or draft.ticket.status not in WORKED_ON:
        return draft
    begun = start(draft, since, "next_response")
    if not changed:
        return begun
    return begun.swap(
        (clock, clocks.start_late(clock, draft.at, _calendar(draft)[1])) for clock in begun.ticket.unfinished("next_response")
    )


def retarget(draft: Draft, at: datetime, *also: ClockKind) -> Draft:
    """Measure by the ticket's present policy and calendar: the new target minus what was spent.

    A deadline already missed stays as it was, so that handing a late ticket on does not make it punctual; so does
    a clock the new policy has no target for, so that no promise is lost on the way. A new deadline is never before `at`;
    record what was missed by then first. `also`: clocks that would end with a move to another group, for changes that are none.
    """
    kept: tuple[ClockKind, ...] = ("first_response", "next_response", "resolution", *also)
    changed = [(clock, _retargeted(draft, clock, at)) for clock in draft.ticket.unfinished(*kept) if not clock.is_missed]
    return draft.swap(changed)


def _retargeted(draft: Draft, clock: Clock, at: datetime) -> Clock:
    policy = draft.ctx.policy(draft.ticket.policy)
    target = policy.target(clock.kind)
    if target is None:
        return clock
    key, calendar = _calendar(draft)
    before = draft.ctx.calendar(clock.calendar) if clock.calendar != key else None
    return clocks.retarget(clock, target, policy.key, draft.ctx.revision, key, calendar, at, before=before)


def note_misses(draft: Draft, until: datetime) -> Draft:
    """Record every deadline passed by `until` that no ticker has seen yet, before anything else can hide it."""
    passed = [clock for clock in draft.ticket.unfinished() if not clock.is_missed and clock.due_at is not None and clock.due_at < until]
    for clock in sorted(passed, key=lambda clock: clock.due_at or until):
        draft = miss(draft, clock)
    return draft


def miss(draft: Draft, clock: Clock) -> Draft:
    """Mark the clock missed at its true instant and tell those whom the ladder names for it."""
    due = clock.due_at
    if due is None:
        return draft
    group = group_of(draft)
    steps = [
        step for step in draft.ctx.policy(clock.policy).ladder if step.clock == clock.kind and step.percent == WHOLE and not step.take_over
    ]
    tell = [who for step in steps for who in step.tell] or ["lead", "supervisor"]
    return draft.swap([(clock, replace(clock, missed_at=due))]).record(
        DeadlineMissed,
        cause=alarm_cause(draft.ticket, clock, f"miss {due.isoformat()}"),
        clock=clock.kind,
        cycle=clock.cycle,
        due_at=due,
        late_by=max(draft.at - due, timedelta(0)),
        recipients=told(tell, draft.ctx.org, group, draft.ticket.officer),
        tell_at=tell_at(draft.ctx, group, draft.at),
    )


def alarm_cause(ticket: Ticket, clock: Clock, what: str) -> str:
    """Names one alarm of one clock, so that two tickers that see it give its event the same id."""
    return derived_id(ticket.id, *_identity(clock), what)


def leave_group(draft: Draft) -> Draft:
    """End the hand-over clock. One that started at this very instant is dropped: the group only passed the ticket on."""
    now = draft.at
    passed_through = [clock for clock in draft.ticket.unfinished("hand_over") if clock.started_at == now]
    kept = draft.change(clocks=tuple(clock for clock in draft.ticket.clocks if clock not in passed_through))
    return finish(kept, now, *kept.ticket.unfinished("hand_over"))


def announce(draft: Draft, before: Ticket) -> Draft:
    """Record the end of every clock that ended since `before`."""
    told_before = {_identity(clock) for clock in before.clocks if clock.verdict is not None}
    for clock in draft.ticket.clocks:
        if clock.verdict is not None and _identity(clock) not in told_before:
            draft = draft.record(
                ClockFinished,
                *_identity(clock),
                clock=clock.kind,
                cycle=clock.cycle,
                verdict=clock.verdict,
                finished_at=clock.finished_at,
            )
    return draft


def _identity(clock: Clock) -> tuple[str, str, str]:
    """Tells the clocks of a ticket apart: no two of a kind start at the same instant."""
    return clock.kind, str(clock.cycle), clock.started_at.isoformat()


def group_of(draft: Draft) -> GroupSpec:
    return draft.ctx.group(draft.ticket.group)


def _calendar(draft: Draft) -> tuple[str, Calendar]:
    key = group_of(draft).calendar
    return key, draft.ctx.calendar(key)
