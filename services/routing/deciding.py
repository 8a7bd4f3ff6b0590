"""What handlers, ticker and desk share around a decision: who has work, and what the decision changes."""

from collections import Counter
from collections.abc import Collection

from services.routing.documents import Change
from services.routing.domain.context import Context
from services.routing.domain.decide import Decision, next_at
from services.routing.domain.ticket import Ticket
from services.routing.outcomes import outcomes


def automatic_officers(ctx: Context) -> Collection[str]:
    """Officers of groups whose work is given out; nobody counts the work of the others."""
    groups = {group.key for group in ctx.org.groups if group.assignment == "automatic"}
    return [officer.key for officer in ctx.org.officers if not groups.isdisjoint(officer.groups)]


def count_work(work: Counter[str], before: Ticket | None, after: Ticket) -> None:
    """Keep the count of open work right within a batch, or one officer would get all of it."""
    had = before.officer if before else None
    if after.officer == had:
        return
    if after.officer:
        work[after.officer] += 1
    if had:
        work[had] -= 1


def change_of(
    before: Ticket | None, decision: Decision, ctx: Context, *, cause: str, trace: str | None = None, always: bool = False
) -> Change:
    after = decision.ticket
    return Change(
        before,
        decision,
        unit=ctx.group(after.group).unit,
        outcomes=outcomes(before, after, ctx),
        next_at=next_at(after, ctx),
        cause=cause,
        trace=trace,
        always=always,
    )
