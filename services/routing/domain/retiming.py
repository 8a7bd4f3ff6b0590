"""A newer revision measures otherwise: the clocks of a ticket that is not over go on by it, without losing what was spent.

What was spent is never recounted. A clock keeps the working time and days it counted by the old calendar up to the
instant the revision was loaded, and goes on by the new one from there; so it makes no difference who brings it up,
when, or in how many steps. Every decision begins with this, so that none is taken under two definitions at once.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from schemas.organisation import PolicySpec
from schemas.tickets import DeadlinesMoved, MovedDeadline
from services.routing.domain import clocks, measuring, policies, sentences
from services.routing.domain.clocks import Clock
from services.routing.domain.context import Context
from services.routing.domain.draft import Decision, Draft
from services.routing.domain.identity import derived_id
from services.routing.domain.ticket import OVER, Ticket


class Outdated(Exception):
    """The ticket is measured by a revision not read here yet: read the organisation, then decide again.

    Deciding all the same would measure it by old calendars under the new number, and nobody would ever look again.
    """


def brought_up(ticket: Ticket, ctx: Context, now: datetime) -> Decision:
    """The ticket measured by the present edition; unchanged when it is already, or over. Events only when a deadline moved."""
    return caught_up(Draft(ticket, ctx, now, cause=f"{ticket.id}:{ticket.version}")).decision()


def caught_up(draft: Draft) -> Draft:
    """The draft measured by the present edition, through every edition since; deadlines that had passed by then stay missed.

    Every decision about a ticket begins here. Raises Outdated.
    """
    edition, before = draft.ctx.edition, draft.ticket
    if before.revision > draft.ctx.revision:
        raise Outdated(f"ticket {before.id} is measured by revision {before.revision}, and the newest known here is {draft.ctx.revision}")
    if edition is None or before.revision >= edition.first or before.status in OVER:
        return draft
    moved: list[MovedDeadline] = []
    for old, new, loaded_at in _since(before.revision, draft.ctx):
        at = min(loaded_at, draft.now)
        draft = measuring.note_misses(draft, at)
        present = draft.ticket
        draft = _measured_by(draft, old, new, at)
        moved = _joined(moved, _moves(present, draft.ticket))
    draft = draft.change(revision=draft.ctx.revision)
    if not moved:
        return draft
    number = str(edition.first)
    return draft.record(
        DeadlinesMoved,
        cause=derived_id(before.id, "edition", number, str(before.version)),
        revision=edition.first,
        because=draft.in_words(sentences.fill(sentences.REVISION_LOADED, revision=number)),
        moves=moved,
    )


def remeasured(clock: Clock, policy: PolicySpec, calendar: str, old: Context, new: Context, at: datetime) -> Clock:
    """The clock as `new` measures it from `at`: the new target minus what was spent by `old`; pauses and warnings survive.

    A missed one keeps its target, its instant and the calendar it was missed on, on which the steps after the miss are
    measured, whoever has the ticket now. So does one the policy has no target for, so that no promise is lost.
    """
    if clock.verdict is not None:
        return clock
    target = policy.target(clock.kind)
    if target is None or clock.is_missed:
        target, key, calendar = clock.target, clock.policy, clock.calendar
    else:
        key = policy.key
    alike = clock.calendar == calendar and old.calendar_spec(calendar) == new.calendar_spec(calendar)
    if alike and (target, key) == (clock.target, clock.policy):
        return clock
    since = max(at, clock.missed_at) if clock.is_missed and clock.missed_at else at
    spent_by = None if alike else old.calendar(clock.calendar)
    return clocks.retarget(clock, target, key, new.revision, calendar, new.calendar(calendar), since, before=spent_by)


def _since(revision: int, ctx: Context) -> Iterator[tuple[Context, Context, datetime]]:
    """Each edition after the one the revision belongs to, with the one before it and when it was loaded.

    Of a revision older than all that are known, the oldest known one stands in its place.
    """
    earlier = ctx.edition.before if ctx.edition else ()
    first = max((at for at, known in enumerate(earlier) if known.revision <= revision), default=0)
    for old, new in pairwise((*earlier[first:], ctx)):
        if new.edition is not None:
            yield old, new, new.edition.loaded_at


def _measured_by(draft: Draft, old: Context, new: Context, at: datetime) -> Draft:
    chosen = policies.under_its_policy(replace(draft, ctx=new))
    policy, calendar = new.policy(chosen.ticket.policy), new.group(draft.ticket.group).calendar
    changed = [(clock, remeasured(clock, policy, calendar, old, new, at)) for clock in draft.ticket.unfinished()]
    return draft.swap(changed).change(policy=policy.key)


def _moves(before: Ticket, after: Ticket) -> list[MovedDeadline]:
    return [
        MovedDeadline(
            clock=old.kind, cycle=old.cycle, started_at=old.started_at, paused=new.is_paused, old_due_at=_due(old), new_due_at=_due(new)
        )
        for old, new in zip(before.clocks, after.clocks, strict=True)
        if new.verdict is None and _due(old) != _due(new)
    ]


def _joined(earlier: list[MovedDeadline], later: list[MovedDeadline]) -> list[MovedDeadline]:
    """Several moves of one clock as one; none when they led back."""
    first = {(move.clock, move.cycle, move.started_at): move for move in earlier}
    for move in later:
        key = move.clock, move.cycle, move.started_at
        old = first.get(key, move)
        first[key] = move.model_copy(update={"old_due_at": old.old_due_at})
    return [move for move in first.values() if move.old_due_at != move.new_due_at]


def _due(clock: Clock) -> datetime | None:
    return clock.due_at or clock.held_due_at
