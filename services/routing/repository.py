"""Tickets in MongoDB: loaded by id, saved under the version they had, with everything that follows, in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter
from pymongo import ReplaceOne

from kit.ids import slot_of
from kit.journal import Journal
from kit.mongo import Database, Document, Mongo, Session, translated
from schemas.values import Message
from services.routing.domain.clocks import Clock
from services.routing.domain.decide import Decision
from services.routing.domain.ticket import OVER, Ticket
from services.routing.storage import INBOX, MESSAGES, OUTCOMES, TICKETS

FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Sorts tickets without a running deadline (paused, resolved) behind all others."""

_state: Final = TypeAdapter(Ticket)


class Stale(Exception):
    """The ticket changed since it was read: read it again and decide again."""


@dataclass(frozen=True)
class Change:
    """A decision with what it started from. `next_at`: when the ticker has to look at the ticket again."""

    before: Ticket | None
    decision: Decision
    unit: str
    next_at: datetime | None
    cause: str
    trace: str | None = None
    always: bool = False
    """Write even an unchanged ticket: the ticker's look at it moves `next_at`."""


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
        return {row["_id"]: _state.validate_python(row["state"]) for row in rows}

    async def by_reference(self, reference: str) -> Ticket | None:
        with translated():
            row = await self._tickets.find_one({"reference": reference}, {"state": 1})
        return _state.validate_python(row["state"]) if row else None

    async def messages(self, ticket_id: str) -> list[Message]:
        with translated():
            rows = await self._messages.find({"ticket_id": ticket_id}).sort([("at", 1), ("_id", 1)]).to_list(None)
        return [Message.model_validate(row["message"]) for row in rows]

    async def seen(self, event_ids: Collection[str]) -> set[str]:
        """Which of these events were applied before."""
        if not event_ids:
            return set()
        with translated():
            return {row["_id"] async for row in self._inbox.find({"_id": {"$in": list(event_ids)}}, {"_id": 1})}

    async def due(self, slots: Collection[int], now: datetime, limit: int) -> list[Ticket]:
        """Tickets something is due on, the longest due first."""
        with translated():
            cursor = self._tickets.find({"slot": {"$in": sorted(slots)}, "next_at": {"$lte": now}}, {"state": 1})
            rows = await cursor.sort("next_at", 1).limit(limit).to_list(limit)
        return [_state.validate_python(row["state"]) for row in rows]

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

    async def save(self, changes: Sequence[Change], applied: Iterable[str] = ()) -> None:
        """All or nothing, with the journal entries and the ids of the events that were applied.

        Raises Stale when a ticket moved on, DuplicateKey when an event was applied by somebody else meanwhile, TransientError.
        """
        inbox = [{"_id": event_id, "at": datetime.now(UTC)} for event_id in applied]
        prepared = _Prepared(changes)
        if prepared.empty and not inbox:
            return
        await self._mongo.transaction(lambda session: self._write(prepared, inbox, session))
        if prepared.events:
            self._journal.ring()

    async def _write(self, prepared: "_Prepared", inbox: list[Document], session: Session) -> None:
        if inbox:
            await self._inbox.insert_many(inbox, session=session)
        if prepared.opened:
            await self._tickets.insert_many(prepared.opened, session=session)
        if prepared.moved:
            result = await self._tickets.bulk_write(prepared.moved, session=session)
            if result.matched_count != len(prepared.moved):
                raise Stale
        if prepared.messages:
            await self._messages.insert_many(prepared.messages, session=session)
        if prepared.outcomes:
            await self._outcomes.insert_many(prepared.outcomes, session=session)
        await self._journal.append(prepared.events, session)


class _Prepared:
    """The documents of a save, made once so that a transaction tried again writes the same.

    Several changes of one ticket in a row become one write of its last state under its first version.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        first: dict[str, Change] = {}
        last: dict[str, Change] = {}
        for change in changes:
            first.setdefault(change.decision.ticket.id, change)
            last[change.decision.ticket.id] = change
        self.opened = [document(last[key]) for key, change in first.items() if change.before is None]
        self.moved = [
            ReplaceOne({"_id": key, "version": change.before.version}, document(last[key]))
            for key, change in first.items()
            if change.before is not None and (change.always or change.before != last[key].decision.ticket)
        ]
        self.events = [
            event.model_copy(update={"traceparent": change.trace}) if change.trace else event
            for change in changes
            for event in change.decision.events
        ]
        self.messages = [_message(change.decision.ticket.id, message) for change in changes for message in change.decision.messages]
        self.outcomes = [outcome for key in first for outcome in _outcomes(first[key].before, last[key])]

    @property
    def empty(self) -> bool:
        return not (self.opened or self.moved or self.events or self.messages)


def document(change: Change) -> Document:
    """What is stored of a ticket: its state, and beside it what queries need."""
    ticket = change.decision.ticket
    due = min((clock.due_at for clock in ticket.unfinished() if clock.due_at), default=None)
    row: Document = {
        "_id": ticket.id,
        "reference": ticket.reference,
        "version": ticket.version,
        "status": ticket.status,
        "group": ticket.group,
        "unit": change.unit,
        "officer": ticket.officer,
        "topic": ticket.topic,
        "channel": ticket.channel,
        "language": ticket.language,
        "subject": ticket.subject,
        "business": ticket.business.name,
        "opened_at": ticket.opened_at,
        "open": ticket.status not in OVER and ticket.status != "resolved",
        "due_sort": due or FAR,
        "running": [{"kind": clock.kind, "due_at": clock.due_at} for clock in ticket.unfinished() if clock.due_at],
        "slot": slot_of(ticket.id),
        "state": _state.dump_python(ticket, mode="json"),
    }
    if change.next_at is not None:
        row["next_at"] = change.next_at
    return row


def _message(ticket_id: str, message: Message) -> Document:
    return {"_id": message.id, "ticket_id": ticket_id, "at": message.at, "message": message.model_dump(mode="json")}


def _outcomes(before: Ticket | None, change: Change) -> Iterable[Mapping[str, Any]]:
    """A fact for each clock that has its verdict now and had none before."""
    known = {_identity(clock) for clock in before.clocks if clock.verdict} if before else set()
    ticket = change.decision.ticket
    for clock in ticket.clocks:
        if clock.verdict and _identity(clock) not in known:
            kind, cycle, started_at = _identity(clock)
            yield {
                "_id": f"{ticket.id}:{kind}:{cycle}:{started_at.isoformat()}",
                "ticket_id": ticket.id,
                "reference": ticket.reference,
                "kind": kind,
                "cycle": cycle,
                "verdict": clock.verdict,
                "started_at": started_at,
                "due_at": clock.due_at,
                "finished_at": clock.finished_at,
                "policy": clock.policy,
                "group": ticket.group,
                "unit": change.unit,
                "topic": ticket.topic,
                "channel": ticket.channel,
            }


def _identity(clock: Clock) -> tuple[str, int, datetime]:
    return clock.kind, clock.cycle, clock.started_at
