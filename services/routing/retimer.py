"""After a newer revision of the organisation: every ticket that is not over is brought up to it, in batches.

Decisions bring up the ticket they are about by themselves; this is for those nobody touches. A batch is one transaction,
guarded by each ticket's version, and what is done is marked in the ticket itself: a process killed anywhere leaves nothing
half done, and whoever goes on finds exactly the rest. The slots are the ticker's.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final, Protocol

from prometheus_client import Counter as Metric
from structlog.typing import FilteringBoundLogger

from kit.mongo import Conflict, DuplicateKey
from schemas.tickets import DeadlinesMoved
from services.routing.deciding import change_of
from services.routing.directory import Directory
from services.routing.documents import Change
from services.routing.domain.context import Context
from services.routing.domain.decide import brought_up
from services.routing.repository import Due, Stale, TicketRepository

LOOK: Final = 1.0
"""Seconds between two looks for tickets measured by an earlier revision: one read of an index that is empty but after a load."""

BATCH: Final = 200

MOVED = Metric("helpdesk_deadlines_moved", "Deadlines moved by a newer revision of the organisation")
FAILED = Metric("helpdesk_retimer_failures", "Tickets that could not be brought up to the present revision")


class Share(Protocol):
    """The part of the work that is this process's own; `kit.leases.Slots` in real use."""

    @property
    def mine(self) -> Collection[int]: ...


class Retimer:
    def __init__(
        self,
        tickets: TicketRepository,
        directory: Directory,
        slots: Share,
        now: Callable[[], datetime],
        *,
        logger: FilteringBoundLogger,
        batch: int = BATCH,
    ) -> None:
        self._tickets = tickets
        self._directory = directory
        self._slots = slots
        self._now = now
        self._logger = logger
        self._batch = batch
        self._troubled: set[str] = set()
        self._revision = 0

    async def step(self) -> bool:
        """Bring up one batch; True when there are probably more."""
        mine, ctx = self._slots.mine, self._directory.context()
        if not mine or ctx.edition is None:
            return False
        if ctx.revision != self._revision:
            self._revision, self._troubled = ctx.revision, set()  # what failed may be well with another revision
        behind = await self._tickets.measured_before(ctx.edition.first, mine, self._troubled, self._batch)
        await self._save(await self._decided(behind, ctx))
        return len(behind) == self._batch

    async def _decided(self, behind: Sequence[Due], ctx: Context) -> list[Change]:
        """A ticket that cannot be brought up is left as it is and reported; the others do not wait for it."""
        changes = []
        for one in behind:
            await asyncio.sleep(0)  # a long batch must not keep the leases from being renewed
            try:
                ticket = one.ticket()
                changes.append(change_of(ticket, brought_up(ticket, ctx, self._now()), ctx, cause=ticket.id, always=True))
            except Exception:
                FAILED.inc()
                self._troubled.add(one.id)
                self._logger.exception("routing.ticket_not_brought_up", ticket_id=one.id, revision=ctx.revision)
        return changes

    async def _save(self, changes: Sequence[Change]) -> None:
        """All in one transaction; when one ticket moved on meanwhile, each alone, and that one is left for the next round."""
        if not changes:
            return
        try:
            await self._tickets.save(changes, now=self._now())
        except (Stale, DuplicateKey, Conflict):
            if len(changes) > 1:
                for change in changes:
                    await self._save([change])
            return
        moved = [
            move for change in changes for event in change.decision.events if isinstance(event, DeadlinesMoved) for move in event.moves
        ]
        MOVED.inc(len(moved))
        self._logger.info("routing.brought_up", tickets=len(changes), deadlines_moved=len(moved), revision=self._revision)
