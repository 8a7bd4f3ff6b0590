"""The history of a ticket: its part of the journal, as events; and what reports count of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError
from structlog.typing import FilteringBoundLogger

from kit.journal import JOURNAL
from kit.mongo import Database, Document, translated
from schemas.envelope import UnknownEvent
from schemas.tickets import DeliveryTroubled, Known, ticket_events
from services.routing.domain.clocks import Clock
from services.routing.outcomes import outcome_id
from services.routing.storage import OUTCOMES

TROUBLED: Final = DeliveryTroubled.model_fields["type"].default


@dataclass(frozen=True, slots=True)
class Unread:
    """An event that cannot be read: what the journal itself knows of it."""

    sequence: int
    type: str
    at: datetime


class HistoryRepository:
    """`logger` hears of events that cannot be read; None where whoever asks says so."""

    def __init__(self, database: Database, logger: FilteringBoundLogger | None = None) -> None:
        self._journal = database[JOURNAL.name]
        self._outcomes = database[OUTCOMES.name]
        self._logger = logger

    async def of(self, ticket_id: str) -> Sequence[Known | Unread]:
        """Everything that happened to it, newest last; without what only a newer release understands."""
        with translated():
            rows = await self._journal.find({"stream": ticket_id}, {"trace": 0}).sort("seq", 1).to_list(None)
        events = [self._read(row) for row in rows]
        return [event for event in events if not isinstance(event, UnknownEvent)]

    async def events(self, ticket_id: str) -> Sequence[Known]:
        """As `of`, without what cannot be read."""
        return [event for event in await self.of(ticket_id) if not isinstance(event, Unread)]

    async def troubles(self, ticket_id: str) -> Sequence[DeliveryTroubled]:
        """What did not reach the business, newest last."""
        with translated():
            found = self._journal.find({"stream": ticket_id, "type": TROUBLED}, {"trace": 0})
            rows = await found.sort("seq", 1).to_list(None)
        return [event for row in rows if isinstance(event := self._read(row), DeliveryTroubled)]

    async def worked(self, ticket_id: str, clock: Clock) -> timedelta | None:
        """The working time that reports count for a finished clock; None where they count none."""
        key = outcome_id(ticket_id, clock.kind, clock.cycle, clock.started_at)
        with translated():
            row = await self._outcomes.find_one({"_id": key}, {"worked_ms": 1})
        return timedelta(milliseconds=row["worked_ms"]) if row else None

    def _read(self, row: Document) -> Known | UnknownEvent | Unread:
        try:
            return ticket_events.validate_json(row["body"])
        except ValidationError as error:
            if self._logger:
                errors = error.errors(include_url=False, include_input=False, include_context=False)[:5]
                self._logger.warning("history.unreadable", ticket_id=row["stream"], sequence=row["seq"], type=row["type"], errors=errors)
            return Unread(row["seq"], row["type"], row["at"])
