"""The journal: every event a service ever wrote, in the same transaction as the state it changed.

It is audit trail, outbox and replay source at once. An entry's `stream` is what its `seq` counts in: contiguous
from 1 and equal to the version of the document the stream belongs to.
"""

import asyncio
from collections.abc import Collection as Some
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pymongo import ASCENDING

from kit.ids import slot_of
from kit.mongo import CollectionSpec, Database, Document, IndexModel, Session, Writes, after_commit, translated
from schemas.envelope import Event

JOURNAL = CollectionSpec(
    "journal",
    indexes=(
        IndexModel([("stream", ASCENDING), ("seq", ASCENDING)], name="stream_seq", unique=True),
        IndexModel(
            [("at", ASCENDING), ("seq", ASCENDING), ("slot", ASCENDING)],  # slot last: merging 64 sorted ranges cost 10 ms a look
            name="owed",
            partialFilterExpression={"published": False},
        ),
        IndexModel([("at", ASCENDING)], name="at"),
    ),
    shard_key={"key": "hashed"},
)
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
        "published": False,
        "body": event.model_dump_json(exclude_none=True),
        "trace": event.traceparent,
    }


MOST_FRESH = 5_000
"""Entries that wait in memory to be published: some 10 MB."""


class Journal:
    """One service's journal; the topic is the one that service alone writes."""

    def __init__(self, database: Database, topic: str) -> None:
        self._entries = database[JOURNAL.name]
        self._topic = topic
        self.bell = asyncio.Event()
        """Set when there is something to publish; the relay waits on it."""
        self.attended = False
        """Whether a relay of this process takes what it commits."""
        self._fresh: list[Document] = []

    async def append(self, events: Sequence[Event], session: Session, *, streams: Sequence[str] | None = None) -> None:
        """Inside a transaction. DuplicateKey: an event of that id, or that place in the stream, is there already."""
        if events:
            documents = self._documents(events, streams)
            await self._entries.insert_many(documents, session=session, ordered=True)
            after_commit(session, partial(self._committed, documents))

    def add(self, events: Sequence[Event], writes: Writes, *, streams: Sequence[str] | None = None) -> None:
        """The same, to a transaction that is written in one go."""
        if events:
            documents = self._documents(events, streams)
            writes.insert(self._entries, documents)
            writes.after_commit(partial(self._committed, documents))

    def _documents(self, events: Sequence[Event], streams: Sequence[str] | None) -> list[Document]:
        names: Sequence[str | None] = streams or [None] * len(events)
        return [entry(self._topic, event, stream) for event, stream in zip(events, names, strict=True)]

    def _committed(self, documents: list[Document]) -> None:
        if self.attended:
            # Too many to keep in mind are not lost: the relay reads what it is not told of.
            self._fresh = [*self._fresh, *documents] if len(self._fresh) < MOST_FRESH else []
        self.bell.set()

    def take(self) -> list[Document]:
        """What this process committed since it was last asked, in the order in which it learned of it."""
        fresh, self._fresh = self._fresh, []
        return fresh

    async def unpublished(self, slots: Some[int], limit: int) -> list[Document]:
        """What is still owed, in an order that keeps every stream's order."""
        with translated():
            cursor = self._entries.find({"published": False, "slot": {"$in": sorted(slots)}})
            return in_stream_order(await cursor.sort([("at", ASCENDING), ("seq", ASCENDING)]).limit(limit).to_list(limit))

    async def mark_published(self, ids: Sequence[str], session: Session | None = None) -> None:
        with translated():
            await self._entries.update_many({"_id": {"$in": list(ids)}}, {"$set": {"published": True}}, session=session)

    async def owe_again(self, since: datetime) -> int:
        """Everything journalled since `since` is to be published again. Returns how many entries."""
        with translated():
            result = await self._entries.update_many({"at": {"$gte": since}, "published": True}, {"$set": {"published": False}})
        self.bell.set()
        return int(result.modified_count)

    async def oldest_unpublished_at(self) -> datetime | None:
        with translated():
            row: dict[str, Any] | None = await self._entries.find_one({"published": False}, sort=[("at", ASCENDING)])
        return row["at"] if row else None


def in_stream_order(entries: Sequence[Document]) -> list[Document]:
    """The same places, but within each stream by `seq`: two processes that write one stream may have clocks that differ."""
    waiting: dict[str, list[Document]] = {}
    for row in sorted(entries, key=lambda row: int(row["seq"]), reverse=True):
        waiting.setdefault(row["stream"], []).append(row)
    return [waiting[row["stream"]].pop() for row in entries]
