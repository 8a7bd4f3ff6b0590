"""Time passing: deadlines that come due, on the database server's clock, by any number of replicas.

The leased slots only keep replicas out of each other's way. That a deadline fires once rests on the ticket's version:
whoever saves second finds it moved on.
"""

from collections import Counter
from collections.abc import Sequence

from prometheus_client import Histogram

from kit.leases import Slots
from kit.mongo import DuplicateKey, Mongo
from schemas.tickets import DeadlineMissed
from services.routing.directory import Directory
from services.routing.domain.decide import time_passing
from services.routing.domain.ticket import Ticket
from services.routing.handlers import automatic_officers, change_of
from services.routing.repository import Change, Stale, TicketRepository

LATENESS = Histogram(
    "helpdesk_deadline_lateness_seconds", "Seconds from a missed deadline to its record", buckets=(0.25, 0.5, 1, 2, 5, 15, 60, 600, 3600)
)


class Ticker:
    def __init__(self, mongo: Mongo, tickets: TicketRepository, directory: Directory, slots: Slots, *, batch: int = 200) -> None:
        self._mongo = mongo
        self._tickets = tickets
        self._directory = directory
        self._slots = slots
        self._batch = batch

    async def step(self) -> bool:
        """Handle one batch of due tickets; True when there are probably more."""
        mine = self._slots.mine
        if not mine:
            return False
        due = await self._tickets.due(mine, self._mongo.now(), self._batch)
        if due:
            await self._save(await self._decide(due))
        return len(due) == self._batch

    async def _decide(self, due: Sequence[Ticket]) -> list[Change]:
        ctx, now = self._directory.context(), self._mongo.now()
        work = Counter(await self._tickets.open_work(automatic_officers(ctx)))
        return [change_of(ticket, time_passing(ticket, ctx, now, work), ctx, cause=ticket.id, always=True) for ticket in due]

    async def _save(self, changes: Sequence[Change]) -> None:
        """All in one transaction; when one ticket moved on meanwhile, each alone, and that one is left for the next round."""
        try:
            await self._tickets.save(changes)
        except (Stale, DuplicateKey):
            if len(changes) > 1:
                for change in changes:
                    await self._save([change])
            return
        for change in changes:
            for event in change.decision.events:
                if isinstance(event, DeadlineMissed):
                    LATENESS.observe(event.late_by.total_seconds())
