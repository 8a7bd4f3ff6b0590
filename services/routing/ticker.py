"""Time passing: deadlines that come due, on the database server's clock, by any number of replicas.

The leased slots only keep replicas out of each other's way. That a deadline fires once rests on the ticket's version:
whoever saves second finds it moved on.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from prometheus_client import Counter as Metric
from prometheus_client import Histogram
from structlog.typing import FilteringBoundLogger

from kit.mongo import DuplicateKey
from schemas.tickets import DeadlineMissed
from services.routing.deciding import automatic_officers, change_of, count_work
from services.routing.directory import Directory
from services.routing.documents import Change
from services.routing.domain.decide import time_passing
from services.routing.domain.ticket import Ticket
from services.routing.repository import Stale, TicketRepository

LATENESS = Histogram(
    "helpdesk_deadline_lateness_seconds", "Seconds from a missed deadline to its record", buckets=(0.25, 0.5, 1, 2, 5, 15, 60, 600, 3600)
)
FAILED = Metric("helpdesk_ticker_failures", "Tickets whose deadlines could not be decided")

AGAIN_AFTER: Final = timedelta(minutes=1)
"""When to look again at a ticket that could not be decided."""


class Share(Protocol):
    """The part of the work that is this process's own; `kit.leases.Slots` in real use."""

    @property
    def mine(self) -> Collection[int]: ...


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

    async def step(self) -> bool:
        """Handle one batch of due tickets; True when there are probably more."""
        mine = self._slots.mine
        if not mine:
            return False
        due = await self._tickets.due(mine, self._now(), self._batch)
        if due:
            await self._save(await self._decide(due))
        return len(due) == self._batch

    async def _decide(self, due: Sequence[Ticket]) -> list[Change]:
        """A ticket that cannot be decided is put off and reported; the others do not wait for it."""
        ctx, now = self._directory.context(), self._now()
        work = Counter(await self._tickets.open_work(automatic_officers(ctx)))
        changes = []
        for ticket in due:
            try:
                change = change_of(ticket, time_passing(ticket, ctx, now, work), ctx, cause=ticket.id, always=True)
            except Exception:
                FAILED.inc()
                self._logger.exception("routing.deadline_undecided", ticket_id=ticket.id)
                await self._tickets.postpone(ticket, now + AGAIN_AFTER)
                continue
            count_work(work, ticket, change.decision.ticket)
            changes.append(change)
        return changes

    async def _save(self, changes: Sequence[Change]) -> None:
        """All in one transaction; when one ticket moved on meanwhile, each alone, and that one is left for the next round."""
        try:
            await self._tickets.save(changes, now=self._now())
        except (Stale, DuplicateKey):
            if len(changes) > 1:
                for change in changes:
                    await self._save([change])
            return
        for change in changes:
            for event in change.decision.events:
                if isinstance(event, DeadlineMissed):
                    LATENESS.observe(event.late_by.total_seconds())
