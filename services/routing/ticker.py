"""Time passing: deadlines that come due, on the database server's clock, by any number of replicas.

The leased slots only keep replicas out of each other's way. That a deadline fires once rests on the ticket's version:
whoever saves second finds it moved on. So nobody waits for a dead replica's lease to run out: what is overdue in the slots of
one that seems dead is done by whoever stands in for it.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from prometheus_client import Counter as Metric
from prometheus_client import Histogram
from structlog.typing import FilteringBoundLogger

from kit.errors import TransientError
from kit.mongo import Conflict
from schemas.tickets import DeadlineMissed
from services.routing.deciding import automatic_officers, change_of, count_work
from services.routing.directory import Directory
from services.routing.documents import Change
from services.routing.domain.context import Context
from services.routing.domain.decide import Outdated, time_passing
from services.routing.domain.ticket import Ticket
from services.routing.repository import Due, Stale, TicketRepository

LATENESS = Histogram(
    "helpdesk_deadline_lateness_seconds", "Seconds from a missed deadline to its record", buckets=(0.25, 0.5, 1, 2, 5, 15, 60, 600, 3600)
)
FAILED = Metric("helpdesk_ticker_failures", "Tickets whose deadlines could not be decided or saved")

AGAIN_AFTER: Final = timedelta(minutes=1)
"""When to look again at a ticket that could not be decided."""

STAND_IN_AFTER: Final = timedelta(seconds=0.5)
"""How long something is overdue in the slot of one that seems dead before the first stand-in does it: it may only be slow."""

STAND_IN_APART: Final = timedelta(seconds=0.25)
"""How much longer the next stand-in waits: a round of the one before it."""

STAND_IN_BATCH: Final = 50
"""Stand-ins take little at once, so that they seldom meet the owner over what it has in hand."""

SHORTEST_REST: Final = 0.2
"""Seconds; what falls due meanwhile shares one transaction."""

LONGEST_REST: Final = 0.5
"""Seconds; within it somebody else's change can make something due that nobody knew of, or somebody else can die."""

ASIDE_FIRST: Final = timedelta(seconds=0.25)
ASIDE_LONGEST: Final = timedelta(seconds=4)
"""How long a ticket is left alone that others are writing: twice as long each time, for a killed process's lock lasts."""


class Share(Protocol):
    """The part of the work that is this process's own, then those in which it stands in; `kit.leases.Slots` in real use."""

    @property
    def turns(self) -> Sequence[Collection[int]]: ...


class Ticker:
    def __init__(
        self,
        tickets: TicketRepository,
        directory: Directory,
        slots: Share,
        now: Callable[[], datetime],
        *,
        logger: FilteringBoundLogger,
        batch: int = 200,
    ) -> None:
        self._tickets = tickets
        self._directory = directory
        self._slots = slots
        self._now = now
        self._logger = logger
        self._batch = batch
        self._aside = Aside()
        self._contended = False
        self._next_at: datetime | None = None

    async def step(self) -> bool:
        """Handle one batch of due tickets; True when there are probably more."""
        turns = self._slots.turns
        if not turns:
            return False
        due = await self._due(turns, self._now())
        await self._save_all(await self._decide(due))
        if self._contended:
            return False
        if len(due) >= self._batch:
            return True
        self._next_at = await self._tickets.next_due_at(turns[0], after=self._now())
        return False

    def rest(self) -> float:
        """Seconds until the next step is worth while."""
        if self._contended:
            return random.uniform(0, SHORTEST_REST)  # noqa: S311 (so that two do not meet again)
        ahead = (self._next_at - self._now()).total_seconds() if self._next_at else LONGEST_REST
        return min(max(ahead, SHORTEST_REST), LONGEST_REST)

    async def _due(self, turns: Sequence[Collection[int]], now: datetime) -> list[Due]:
        """Its own first; only who has time to spare stands in for others."""
        aside = self._aside.at(now)
        limit = self._batch + len(aside)
        found = await self._tickets.due([(turns[0], now)], limit)
        if len(found) < limit:
            overdue = [(slots, now - STAND_IN_AFTER - turn * STAND_IN_APART) for turn, slots in enumerate(turns[1:])]
            found += await self._tickets.due(overdue, min(limit - len(found), STAND_IN_BATCH + len(aside)))
        return [due for due in found if due.id not in aside][: self._batch]

    async def _decide(self, due: Sequence[Due]) -> list[Change]:
        """A ticket that cannot be decided is put off and reported; the others do not wait for it."""
        if not due:
            return []
        ctx, now = self._directory.context(), self._now()
        changes = await self._decided(due, ctx, now, Counter())
        moved = {change.decision.ticket.id for change in changes if _given(change)}
        if not moved:
            return changes
        # Who has how much work is asked only when somebody is to get more: it is counted over every open ticket.
        work = Counter(await self._tickets.open_work(automatic_officers(ctx)))
        again = await self._decided([one for one in due if one.id in moved], ctx, now, work)
        return [change for change in changes if change.decision.ticket.id not in moved] + again

    async def _decided(self, due: Iterable[Due], ctx: Context, now: datetime, work: Counter[str]) -> list[Change]:
        changes = []
        ahead = 0
        for one in due:
            await asyncio.sleep(0)  # a long batch must not keep the leases from being renewed
            try:
                ticket = one.ticket()
                change = change_of(ticket, time_passing(ticket, ctx, now, work), ctx, cause=one.id, always=True)
            except Outdated:
                ahead += 1
                self._aside.put(one.id, now)
                continue
            except Exception as error:  # noqa: BLE001 (whatever is wrong with one ticket, the others come due)
                await self._put_off(one, error)
                continue
            count_work(work, ticket, change.decision.ticket)
            changes.append(change)
        if ahead:
            await self._catch_up(ctx, ahead)
        return changes

    async def _catch_up(self, ctx: Context, tickets: int) -> None:
        """Others have read a newer revision: read it too, and look at those tickets in the next round."""
        await self._directory.refresh()
        if self._directory.context().revision == ctx.revision:
            self._logger.warning("routing.revision_unknown", tickets=tickets, known=ctx.revision)

    async def _save_all(self, changes: Sequence[Change]) -> None:
        """In one transaction. Who meets somebody else over them looks again first, for most will be done; only then it takes them apart."""
        trouble = await self._refusal(changes) if changes else None
        if trouble is None:
            self._contended = False
        elif isinstance(trouble, Stale | Conflict) and not self._contended:
            self._contended = True
        else:
            self._contended = False
            await self._take_apart(changes, trouble)

    async def _save(self, changes: Sequence[Change]) -> None:
        trouble = await self._refusal(changes)
        if trouble is not None:
            await self._take_apart(changes, trouble)

    async def _take_apart(self, changes: Sequence[Change], trouble: Exception) -> None:
        """Each half in a transaction of its own, down to the one that stands in the way."""
        if len(changes) > 1:
            middle = len(changes) // 2
            await self._save(changes[:middle])
            await self._save(changes[middle:])
        elif isinstance(trouble, Stale | Conflict):
            self._aside.put(changes[0].decision.ticket.id, self._now())
        elif changes[0].before is not None:
            await self._put_off(changes[0].before, trouble)

    async def _refusal(self, changes: Sequence[Change]) -> Exception | None:
        """Save them together; what stood in the way, if anything did. TransientError when it has nothing to do with them."""
        try:
            await self._tickets.save(changes, now=self._now(), retry_for=0)
        except TransientError as error:
            if not isinstance(error, Conflict):
                raise
            return error
        except Exception as error:  # noqa: BLE001 (as above)
            return error
        for change in changes:
            self._aside.forget(change.decision.ticket.id)
            for event in change.decision.events:
                if isinstance(event, DeadlineMissed):
                    LATENESS.observe(event.late_by.total_seconds())
        return None

    async def _put_off(self, ticket: Due | Ticket, error: Exception) -> None:
        FAILED.inc()
        self._logger.error("routing.deadline_undecided", ticket_id=ticket.id, exc_info=error)
        await self._tickets.postpone(ticket.id, ticket.version, self._now() + AGAIN_AFTER)


class Aside:
    """Tickets left alone for a while, because somebody else is writing them or knows more of them."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}
        self._span: dict[str, timedelta] = {}

    def at(self, now: datetime) -> Collection[str]:
        """Those left alone now. One not looked at for long has been done by somebody else, and is forgotten."""
        for ticket_id in [key for key, until in self._until.items() if until < now - 2 * ASIDE_LONGEST]:
            self.forget(ticket_id)
        return {key for key, until in self._until.items() if until > now}

    def put(self, ticket_id: str, now: datetime) -> None:
        span = self._span.get(ticket_id, ASIDE_FIRST)
        self._until[ticket_id] = now + span
        self._span[ticket_id] = min(2 * span, ASIDE_LONGEST)

    def forget(self, ticket_id: str) -> None:
        self._until.pop(ticket_id, None)
        self._span.pop(ticket_id, None)


def _given(change: Change) -> bool:
    """Whether the ticket came to another group or officer, which may depend on who has how much work."""
    before, after = change.before, change.decision.ticket
    return before is not None and (before.group, before.officer) != (after.group, after.officer)
