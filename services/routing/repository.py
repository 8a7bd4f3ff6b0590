"""Tickets in MongoDB: loaded by id, saved under the version they had, with everything that follows, in one transaction."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.journal import Journal
from kit.mongo import RETRY_FOR, Database, Document, Mongo, Writes, translated
from schemas.values import Message
from services.routing.documents import Change, Prepared, ticket_of
from services.routing.domain.ticket import OVER, Ticket
from services.routing.storage import INBOX, MESSAGES, OUTCOMES, TICKETS


class Stale(Exception):
    """The ticket changed since it was read: read it again and decide again."""


@dataclass(frozen=True, slots=True)
class Due:
    """A ticket something is to be done about, not read yet: one that cannot be read must not keep the others from being found."""

    id: str
    version: int
    row: Document

    def ticket(self) -> Ticket:
        """ValueError when the stored state is not a ticket."""
        return ticket_of(self.row)


class TicketRepository:
    def __init__(self, mongo: Mongo, database: Database, journal: Journal) -> None:
        self._mongo = mongo
        self._journal = journal
        self._tickets = database[TICKETS.name]
        self._messages = database[MESSAGES.name]
        self._inbox = database[INBOX.name]
        self._outcomes = database[OUTCOMES.name]

    async def load(self, ids: Collection[str]) -> dict[str, Ticket]:
        """The tickets there are, by id."""
        if not ids:
            return {}
        with translated():
            rows = await self._tickets.find({"_id": {"$in": list(ids)}}, {"state": 1}).to_list(None)
        return {row["_id"]: ticket_of(row) for row in rows}

    async def by_reference(self, reference: str) -> Ticket | None:
        with translated():
            row = await self._tickets.find_one({"reference": reference}, {"state": 1})
        return ticket_of(row) if row else None

    async def linked(self, ticket: Ticket) -> list[str]:
        """References of the tickets it belongs to and of those that belong to it."""
        with translated():
            rows = await self._tickets.find({"linked_to": ticket.reference}, {"reference": 1}).sort("opened_at", 1).to_list(100)
        own = [ticket.linked_to] if ticket.linked_to else []
        return list(dict.fromkeys([*own, *(row["reference"] for row in rows)]))

    async def messages(self, ticket_id: str) -> list[Message]:
        with translated():
            rows = await self._messages.find({"ticket_id": ticket_id}).sort([("at", 1), ("seq", 1)]).to_list(None)
        return [Message.model_validate(row["message"]) for row in rows]

    async def seen(self, event_ids: Collection[str]) -> set[str]:
        """Which of these events were applied before."""
        if not event_ids:
            return set()
        with translated():
            return {row["_id"] async for row in self._inbox.find({"_id": {"$in": list(event_ids)}}, {"_id": 1})}

    async def due(self, overdue: Sequence[tuple[Collection[int], datetime]], limit: int) -> list[Due]:
        """Tickets of these slots on which something is due by the instant given with them, the longest due first."""
        query = due_query(overdue)
        if not query["$or"]:
            return []
        with translated():
            cursor = self._tickets.find(query, {"state": 1, "version": 1})
            rows = await cursor.sort("next_at", 1).limit(limit).to_list(limit)
        return [Due(row["_id"], row["version"], row) for row in rows]

    async def next_due_at(self, slots: Collection[int], *, after: datetime) -> datetime | None:
        """The first instant after this one at which something falls due in these slots."""
        if not slots:
            return None
        query = {"slot": {"$in": sorted(slots)}, "next_at": {"$gt": after}}
        with translated():
            row: Document | None = await self._tickets.find_one(query, {"next_at": 1, "_id": 0}, sort=[("next_at", 1)])
        return row["next_at"] if row else None

    async def measured_before(self, revision: int, slots: Collection[int], besides: Collection[str], limit: int) -> list[Due]:
        """Tickets that are not over and whose clocks are measured by an earlier revision, without those in `besides`."""
        query = {"measured": {"$lt": revision}, "slot": {"$in": sorted(slots)}, "_id": {"$nin": list(besides)}}
        with translated():
            rows = await self._tickets.find(query, {"state": 1, "version": 1}).sort("measured", 1).limit(limit).to_list(limit)
        return [Due(row["_id"], row["version"], row) for row in rows]

    async def postpone(self, ticket_id: str, version: int, until: datetime) -> None:
        """Look at it again then, unless it changes before: what cannot be decided must not hold up what is due behind it."""
        with translated():
            await self._tickets.update_one({"_id": ticket_id, "version": version}, {"$set": {"next_at": until}})

    async def open_work(self, officers: Collection[str]) -> dict[str, int]:
        """How many open tickets each of these officers has."""
        if not officers:
            return {}
        pipeline: list[dict[str, Any]] = [
            {"$match": {"officer": {"$in": list(officers)}, "open": True}},
            {"$group": {"_id": "$officer", "count": {"$sum": 1}}},
        ]
        with translated():
            return {row["_id"]: row["count"] async for row in self._tickets.aggregate(pipeline)}

    async def save(self, changes: Sequence[Change], applied: Iterable[str] = (), *, now: datetime, retry_for: float = RETRY_FOR) -> None:
        """All or nothing, with the journal entries and the ids of the events that were applied at `now`.

        Raises Stale when a ticket moved on, DuplicateKey when an event was applied by somebody else meanwhile, Conflict when
        somebody else has been writing one of the tickets for `retry_for` seconds, TransientError.
        """
        inbox = [{"_id": event_id, "at": now} for event_id in applied]
        prepared = Prepared(changes)
        if prepared.empty and not inbox:
            return
        await self._mongo.write(self._writes(prepared, inbox), retry_for=retry_for)

    def _writes(self, prepared: Prepared, inbox: list[Document]) -> Writes:
        writes = Writes()
        writes.insert(self._inbox, inbox)
        writes.insert(self._tickets, prepared.opened)
        writes.update(self._tickets, prepared.moved, unmatched=Stale)
        writes.insert(self._messages, prepared.messages)
        writes.insert(self._outcomes, prepared.outcomes)
        writes.update(self._outcomes, prepared.corrections)
        self._journal.add(prepared.events, writes)
        return writes


def due_query(overdue: Sequence[tuple[Collection[int], datetime]]) -> Document:
    """One range of the index `alarms` for each pair; ranges in the order asked for are merged, never sorted."""
    return {"$or": [{"slot": {"$in": sorted(slots)}, "next_at": {"$lte": until}} for slots, until in overdue if slots]}


async def note_revisions(database: Database) -> None:
    """Let the retimer find tickets from before it was noted which revision measures them. Reads every ticket once."""
    with translated():
        await database[TICKETS.name].update_many(
            {"measured": {"$exists": False}, "status": {"$nin": sorted(OVER)}},
            [{"$set": {"measured": {"$ifNull": ["$state.revision", 0]}}}],
        )


async def oldest_in_use(database: Database) -> int | None:
    """The oldest revision that a ticket which is not over is measured by."""
    with translated():
        row = await database[TICKETS.name].find_one({"measured": {"$exists": True}}, {"measured": 1}, sort=[("measured", 1)])
    return int(row["measured"]) if row else None
