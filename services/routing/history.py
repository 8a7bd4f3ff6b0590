"""The history of a ticket: its part of the journal, as events."""

from collections.abc import Sequence

from kit.journal import JOURNAL
from kit.mongo import Database, translated
from schemas.envelope import UnknownEvent
from schemas.tickets import Known, ticket_events


class HistoryRepository:
    def __init__(self, database: Database) -> None:
        self._journal = database[JOURNAL.name]

    async def of(self, ticket_id: str) -> Sequence[Known]:
        """Everything that happened to it, newest last; without what only a newer release understands."""
        with translated():
            rows = await self._journal.find({"stream": ticket_id}, {"body": 1}).sort("seq", 1).to_list(None)
        events = (ticket_events.validate_json(row["body"]) for row in rows)
        return [event for event in events if not isinstance(event, UnknownEvent)]
