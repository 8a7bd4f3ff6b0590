"""Time passes: warnings, misses, the ladder, and the end of the reopen window, each recorded once and in true order."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from schemas.tickets import DeadlineWarned, TicketClosed
from services.routing.domain import measuring
from services.routing.domain.clocks import Clock
from services.routing.domain.context import Context
from services.routing.domain.cycles import closes_at
from services.routing.domain.draft import Decision, Draft
from services.routing.domain.escalating import escalate, tells_with_the_deadline
from services.routing.domain.identity import derived_id
from services.routing.domain.ladder import Alarm, by_keys, due_alarms, fired, next_alarm_at
from services.routing.domain.people import told
from services.routing.domain.quiet import tell_at
from services.routing.domain.retiming import caught_up
from services.routing.domain.ticket import Ticket


def time_passing(ticket: Ticket, ctx: Context, now: datetime, open_work: Mapping[str, int] | None = None) -> Decision:
    """Everything that fell due by `now`, however long ago. Without anything due the decision has no events."""
    draft = caught_up(Draft(ticket, ctx, now, cause=f"{ticket.id}:{ticket.version}"))
    while (due := min(_due(draft), key=_order, default=None)) is not None:
        draft = _fire(draft, *due, open_work or {})
    closing = closes_at(draft.ticket, ctx)
    return (_closed(draft, closing) if closing is not None and closing <= now else draft).decision()


def next_at(ticket: Ticket, ctx: Context) -> datetime | None:
    """The next instant at which `time_passing` has something to say; None when nothing will happen by itself."""
    instants = (next_alarm_at(ticket.unfinished(), ctx.policy, ctx.calendar), closes_at(ticket, ctx))
    return min((at for at in instants if at is not None), default=None)


def _due(draft: Draft) -> Iterator[tuple[Clock, Alarm]]:
    """The next alarm of each clock; none of later than the ticket closed, however late that is noticed."""
    closing = closes_at(draft.ticket, draft.ctx)
    until = draft.now if closing is None else min(draft.now, closing)
    for clock in draft.ticket.unfinished():
        found = due_alarms(clock, draft.ctx.policy(clock.policy), draft.ctx.calendar(clock.calendar), until)
        yield from ((clock, alarm) for alarm in found[:1])


def _order(due: tuple[Clock, Alarm]) -> datetime:
    return due[1].at


def _fire(draft: Draft, clock: Clock, alarm: Alarm, open_work: Mapping[str, int]) -> Draft:
    if alarm.what == "miss":
        return measuring.miss(draft, clock)
    policy = draft.ctx.policy(clock.policy)
    marked = draft.swap([(clock, fired(by_keys(clock, policy), alarm))])
    if alarm.what == "warning":
        return _warned(marked, clock, alarm)
    step = policy.ladder[alarm.step or 0]
    return marked if tells_with_the_deadline(step, clock) else escalate(marked, clock, alarm, step, open_work)


def _warned(draft: Draft, clock: Clock, alarm: Alarm) -> Draft:
    """The steps of the ladder at the same percentage say whom to tell, so that nobody is told the same twice."""
    steps = [
        step for step in draft.ctx.policy(clock.policy).ladder if step.percent == alarm.percent and tells_with_the_deadline(step, clock)
    ]
    tell = [who for step in steps for who in step.tell] or ["officer", "lead"]
    group = measuring.group_of(draft)
    return draft.record(
        DeadlineWarned,
        cause=measuring.alarm_cause(draft.ticket, clock, f"warning {alarm.percent}"),
        clock=clock.kind,
        cycle=clock.cycle,
        percent=alarm.percent,
        due_at=clock.due_at,
        reached_at=alarm.at,
        recipients=() if alarm.stale else told(tell, draft.ctx.org, group, draft.ticket.officer),
        tell_at=None if alarm.stale else tell_at(draft.ctx, group, draft.at),
    )


def _closed(draft: Draft, at: datetime) -> Draft:
    """Clocks that still wait for an answer end with the ticket."""
    before = draft.ticket
    ended = measuring.abandon(draft, at, *before.unfinished()).change(status="closed", closed_at=at)
    cause = derived_id(before.id, "closing", str(before.cycle))
    return measuring.announce(ended.record(TicketClosed, cause=cause), before)
