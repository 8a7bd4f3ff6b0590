"""What a revision would do to the open clocks, before it is saved: every ticket that is not over is asked, and nothing is written."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from kit.errors import TransientError
from kit.mongo import Database, translated
from schemas.tickets import DeadlinesMoved
from schemas.values import ClockKind
from services.routing.documents import ticket_of
from services.routing.domain.context import Context
from services.routing.domain.decide import Outdated, brought_up
from services.routing.domain.ticket import Ticket
from services.routing.storage import TICKETS

LARGEST: Final = 10
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Move:
    """One clock that would be due at another instant. Of a paused one: what it would be due without the pause."""

    reference: str
    group: str
    clock: ClockKind
    old: datetime
    new: datetime
    paused: bool
    overdue: bool
    """Ahead until now, and passed as soon as the revision is loaded."""

    @property
    def by(self) -> timedelta:
        return self.new - self.old


@dataclass(slots=True)
class Preview:
    """Counted over all tickets looked at; `largest` are the ten greatest moves, either way."""

    tickets: int = 0
    unreadable: int = 0
    moved: Counter[tuple[str, ClockKind]] = field(default_factory=Counter)
    largest: list[Move] = field(default_factory=list)
    overdue: int = 0

    @property
    def clocks(self) -> int:
        return self.moved.total()

    def add(self, moves: list[Move]) -> None:
        for move in moves:
            self.moved[move.group, move.clock] += 1
            self.overdue += move.overdue
        if moves:
            self.largest = sorted([*self.largest, *moves], key=lambda move: (-abs(move.by), move.reference, move.clock))[:LARGEST]


async def preview(database: Database, ctx: Context, now: datetime, progress: Callable[[int], None] = lambda _: None) -> Preview:
    """What bringing every ticket up to `ctx` would move; `progress` is told how many were looked at, a batch at a time.

    TransientError: another revision was loaded meanwhile.
    """
    found = Preview()
    async for ticket in _open_tickets(database, found):
        found.tickets += 1
        try:
            found.add(moves(ticket, ctx, now))
        except Outdated as error:
            raise TransientError("another revision of the organisation was loaded meanwhile: look again") from error
        if found.tickets % BATCH == 0:
            progress(found.tickets)
    return found


def moves(ticket: Ticket, ctx: Context, now: datetime) -> list[Move]:
    events = [event for event in brought_up(ticket, ctx, now).events if isinstance(event, DeadlinesMoved)]
    return [
        Move(ticket.reference, ticket.group, move.clock, old, new, move.paused, overdue=not move.paused and new <= now)
        for event in events
        for move in event.moves
        if (old := move.old_due_at) is not None and (new := move.new_due_at) is not None
    ]


async def _open_tickets(database: Database, found: Preview) -> AsyncIterator[Ticket]:
    with translated():
        async for row in database[TICKETS.name].find({"measured": {"$exists": True}}, {"state": 1}, batch_size=BATCH):
            try:
                ticket = ticket_of(row)
            except ValueError:
                found.unreadable += 1
                continue
            yield ticket
