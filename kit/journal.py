"""The journal: every event a service ever wrote, in the same transaction as the state it changed.

It is audit trail and replay source. An entry's `stream` is what its `seq` counts in: contiguous from 1 and equal to the version of the
document the stream belongs to. Entries never change. What of them Kafka has not acknowledged is said beside them, in the same
transaction: one row of `owed` for all that was journalled together, gone once all of it is published.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from collections.abc import Collection as Some
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bson import Timestamp
from pymongo import ASCENDING

from kit.ids import new_id, slot_of
from kit.mongo import CollectionSpec, Database, Document, IndexModel, Session, UpdateOne, Writes, after_commit, translated
from schemas.envelope import Event

JOURNAL = CollectionSpec(
    "journal",
    indexes=(
        IndexModel([("stream", ASCENDING), ("seq", ASCENDING)], name="stream_seq", unique=True),
        IndexModel([("at", ASCENDING)], name="at"),
        # Of entries of an earlier release, see `Journal.adopt`; those of this one are not in it.
        IndexModel([("at", ASCENDING), ("seq", ASCENDING), ("slot", ASCENDING)], name="owed", partialFilterExpression={"published": False}),
    ),
    shard_key={"key": "hashed"},
)
OWED = CollectionSpec("owed", indexes=(IndexModel([("order", ASCENDING)], name="order"),))
"""What Kafka has not acknowledged: `entries`, with the `id` and `slot` of each, that were written together, and since when (`at`).

`order` is the server's own time of the insert, which is later for whatever was written knowing of it, in whichever process (MongoDB manual,
"BSON types": an empty timestamp is filled in). Of what is owed again it is the date of the event: in BSON's order dates come before
timestamps, so that what was lost is published before what was never published.
"""

RELAY_STATE = CollectionSpec("relay_state")
RELAY_LEASES = CollectionSpec("relay_leases", indexes=(IndexModel([("owner", ASCENDING)]),))


def entry(topic: str, event: Event, stream: str | None = None) -> Document:
    return {
        "_id": event.id,
        "stream": stream or event.ticket_id,
        "seq": event.sequence,
        "key": event.ticket_id,
        "slot": slot_of(event.ticket_id),
        "topic": topic,
        "type": event.type,
        "at": event.occurred_at,
        "body": event.model_dump_json(exclude_none=True),
        "trace": event.traceparent,
    }


MOST_FRESH = 5_000
"""Entries that wait in memory to be published: some 10 MB."""

PAGE = 1_000
"""Entries that are owed again, or taken over, at a time: with millions one write would take longer than a connection waits."""

_BY_SERVER = Timestamp(0, 0)
_GROUP = "owed"
"""Where an entry that was read or written to be published says what it is owed with; never stored."""


@dataclass(frozen=True)
class Group:
    """A row of `owed`, with how many entries it had."""

    id: str
    size: int


class Journal:
    """One service's journal; the topic is the one that service alone writes."""

    def __init__(self, database: Database, topic: str, now: Callable[[], datetime] | None = None) -> None:
        """`now` is the database server's time; this process's own when none is given."""
        self._entries = database[JOURNAL.name]
        self._owed = database[OWED.name]
        self._topic = topic
        self._now = now or partial(datetime.now, UTC)
        self.bell = asyncio.Event()
        """Set when there is something to publish; the relay waits on it."""
        self.attended = False
        """Whether a relay of this process takes what it commits."""
        self.adopted = False
        """Whether what an earlier release left has been looked for."""
        self._fresh: list[Document] = []

    async def append(self, events: Sequence[Event], session: Session, *, streams: Sequence[str] | None = None) -> None:
        """Inside a transaction. DuplicateKey: an event of that id, or that place in the stream, is there already."""
        if events:
            documents, owed = self._documents(events, streams)
            await self._entries.insert_many(documents, session=session, ordered=True)
            await self._owed.insert_one(owed, session=session)
            after_commit(session, partial(self._committed, documents, owed))

    def add(self, events: Sequence[Event], writes: Writes, *, streams: Sequence[str] | None = None) -> None:
        """The same, to a transaction that is written in one go."""
        if events:
            documents, owed = self._documents(events, streams)
            writes.insert(self._entries, documents)
            writes.insert(self._owed, [owed])
            writes.after_commit(partial(self._committed, documents, owed))

    def _documents(self, events: Sequence[Event], streams: Sequence[str] | None) -> tuple[list[Document], Document]:
        names: Sequence[str | None] = streams or [None] * len(events)
        entries = [entry(self._topic, event, stream) for event, stream in zip(events, names, strict=True)]
        owed = [{"id": row["_id"], "slot": row["slot"]} for row in entries]
        return entries, {"_id": new_id(), "order": _BY_SERVER, "at": self._now(), "entries": owed}

    def _committed(self, documents: list[Document], owed: Document) -> None:
        if self.attended:
            group = Group(owed["_id"], len(documents))
            for row in documents:
                row[_GROUP] = group
            # Too many to keep in mind are not lost: the relay reads what it is not told of.
            self._fresh = [*self._fresh, *documents] if len(self._fresh) < MOST_FRESH else []
        self.bell.set()

    def take(self) -> list[Document]:
        """What this process committed since it was last asked, in the order in which it learned of it."""
        fresh, self._fresh = self._fresh, []
        return fresh

    async def unpublished(self, slots: Some[int], limit: int) -> list[Document]:
        """What is still owed in these slots, in an order that keeps every stream's order."""
        mine = {"$match": {"entries.slot": {"$in": sorted(slots)}}}
        sized = {"$project": {"entries": 1, "size": {"$size": "$entries"}}}
        with translated():
            steps: list[Document] = [mine, {"$sort": {"order": ASCENDING}}, sized, {"$unwind": "$entries"}, mine, {"$limit": limit}]
            owed = {row["entries"]["id"]: Group(row["_id"], row["size"]) async for row in self._owed.aggregate(steps)}
            if not owed:
                return []
            rows = {row["_id"]: row async for row in self._entries.find({"_id": {"$in": list(owed)}})}
        return in_stream_order([rows[name] | {_GROUP: group} for name, group in owed.items() if name in rows])

    async def mark_published(self, entries: Sequence[Document], session: Session | None = None) -> None:
        """Of these, which `take` or `unpublished` gave, nothing is owed any more."""
        groups = Counter[Group](entry[_GROUP] for entry in entries)
        whole = [group.id for group, count in groups.items() if count == group.size]
        part = [group.id for group, count in groups.items() if count != group.size]
        with translated():
            if whole:
                await self._owed.delete_many({"_id": {"$in": whole}}, session=session)
            if part:  # the rest is another process's to publish, or Kafka refused it
                ids = [entry["_id"] for entry in entries]
                await self._owed.update_many({"_id": {"$in": part}}, {"$pull": {"entries": {"id": {"$in": ids}}}}, session=session)
                await self._owed.delete_many({"_id": {"$in": part}, "entries": []}, session=session)

    async def owe_again(self, since: datetime) -> AsyncGenerator[tuple[datetime, int], None]:
        """Everything journalled since `since` is to be published again. Yields, page by page, up to when that is done and of how many."""
        with translated():
            lost = self._entries.find({"at": {"$gte": since}}, {"at": 1, "slot": 1}).sort("at", ASCENDING)
            while page := await lost.to_list(PAGE):
                await self._owe(page)
                yield page[-1]["at"], len(page)

    async def adopt(self) -> bool:
        """Owe what processes of a release before `owed` have journalled and not published: its entries say so themselves.

        A step for a loop: one of them may still be running.
        """
        with translated():
            left = self._entries.find({"published": False}, {"at": 1, "slot": 1}).sort("at", ASCENDING)
            while page := await left.to_list(PAGE):
                await self._owe(page)
                await self._entries.update_many({"_id": {"$in": [row["_id"] for row in page]}}, {"$unset": {"published": ""}})
        self.adopted = True
        return False

    async def _owe(self, entries: Sequence[Document]) -> None:
        """Each on its own, under its own id."""
        rows = [{"order": row["at"], "at": row["at"], "entries": [{"id": row["_id"], "slot": row["slot"]}]} for row in entries]
        writes = [UpdateOne({"_id": entry["_id"]}, {"$set": row}, upsert=True) for entry, row in zip(entries, rows, strict=True)]
        await self._owed.bulk_write(writes, ordered=False)

    async def oldest_unpublished_at(self) -> datetime | None:
        with translated():
            row: dict[str, Any] | None = await self._owed.find_one({}, {"at": 1}, sort=[("order", ASCENDING)])
        return row["at"] if row else None


def in_stream_order(entries: Sequence[Document]) -> list[Document]:
    """The same places, but within each stream by `seq`: two processes that write one stream may have clocks that differ."""
    waiting: dict[str, list[Document]] = {}
    for row in sorted(entries, key=lambda row: int(row["seq"]), reverse=True):
        waiting.setdefault(row["stream"], []).append(row)
    return [waiting[row["stream"]].pop() for row in entries]
