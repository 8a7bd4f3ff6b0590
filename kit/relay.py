"""The relay: publishes what the journal owes, in per-ticket order, and republishes when Kafka has lost its log."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import Counter
from pymongo import ReturnDocument
from structlog.typing import FilteringBoundLogger

from kit.crashpoints import crash_point
from kit.errors import TransientError
from kit.journal import Journal
from kit.kafka import LOG_HEADER
from kit.leases import Slots
from kit.mongo import Collection, Document, Mongo, Session, translated

Offsets = dict[int, tuple[int, int]]
"""The first and the last place acknowledged, by partition."""

BATCH = 1_000
"""Entries per round: about 1 MB, one request per partition."""

ANSWERS_WITHIN = 10.0
"""Seconds a step waits for acknowledgements. An idempotent producer never gives a record up: while Kafka is away a step that waited for
the end would count as stuck, and a process that accepts perfectly well would be restarted."""

MARK_EVERY = 0.5
"""Seconds for which acknowledged entries may wait to be marked together. After a crash they are published again."""

LOOK_EVERY = 1.0
"""Seconds after which the journal is asked for entries whose commit nobody here has told of: another process, or a dead one, wrote them."""

OWING_FOR = 30.0
"""Seconds of owing again in one step; the next one goes on."""

MOST_STREAMS = 100_000
"""Streams whose last place is kept in mind."""

PUBLISHED = Counter("helpdesk_relay_published", "Journal entries acknowledged by Kafka", ["topic"])
REPUBLISHED = Counter("helpdesk_relay_republished", "Journal entries owed again because Kafka lost its log", ["topic"])


class LogLost(Exception):
    """Another process has found that Kafka lost the log: what was acknowledged before is owed again and must not be marked."""


class Relay:
    """Publishes the entries of the slots this process holds.

    What this process commits is published at once, without asking for it: entries that begin their stream, or follow what was sent last.
    Everything else is read from the journal, which alone says what is owed. A crash between Kafka's acknowledgement and the mark publishes
    an entry again: consumers know it by its id.
    """

    def __init__(  # noqa: PLR0913 (each is one collaborator)
        self,
        topic: str,
        journal: Journal,
        slots: Slots,
        *,
        mongo: Mongo,
        make_producer: Callable[[], AIOKafkaProducer],
        ends: Callable[[], Awaitable[dict[int, int]]],
        restore_topics: Callable[[], Awaitable[object]],
        state: Collection,
        window: timedelta,
        logger: FilteringBoundLogger,
        answers_within: float = ANSWERS_WITHIN,
        mark_every: float = MARK_EVERY,
        owing_for: float = OWING_FOR,
    ) -> None:
        self._topic = topic
        self._journal = journal
        self._slots = slots
        self._mongo = mongo
        self._make_producer = make_producer
        self._ends = ends
        self._restore_topics = restore_topics
        self._state = state
        self._window = window
        self._answers_within = answers_within
        self._mark_every = mark_every
        self._owing_for = owing_for
        self._logger = logger
        self._producer: AIOKafkaProducer | None = None
        self._in_flight: list[tuple[Document, asyncio.Future[Any]]] = []
        self._looked_at = self._marked_at = float("-inf")
        self._look = True
        self._forget()
        journal.attended = True

    def _forget(self) -> None:
        """Of a log that is lost nothing counts; what was acknowledged and not marked is owed again."""
        self._log: int | None = None
        """Which log it is that is written to: 0, or when the one before was found lost, in milliseconds since 1970."""
        self._known: dict[int, int] = {}
        """The last place acknowledged by partition: of any process before this one began to publish, and of this one since."""
        self._unmarked: dict[str, Document] = {}
        self._last: dict[str, int] = {}
        """The last place sent by stream."""
        self._lost: dict[int, int] = {}
        """What shows that the log was lost; it shows once, and must be known until it is written down."""
        self._look = True

    async def step(self) -> bool:
        """Publish one batch; True when there is probably more. What Kafka has not answered in time is waited for in the next step."""
        if not self._in_flight and not await self._send():
            return False
        _, unanswered = await asyncio.wait([future for _, future in self._in_flight], timeout=self._answers_within)
        if unanswered:
            self._logger.warning("relay.unanswered", topic=self._topic, records=len(unanswered))
            return True
        crash_point("relay.after_ack")
        full = len(self._in_flight) >= BATCH
        acknowledged, offsets, failure = self._outcome()
        if failure is not None:
            self._last.clear()
            self._look = True
        if self._log == self._sent_to and await self._is_same_log(offsets):
            self._unmarked |= {entry["_id"]: entry for entry in acknowledged}
            self._known |= {partition: last for partition, (_, last) in offsets.items()}
            PUBLISHED.labels(self._topic).inc(len(acknowledged))
        if failure is not None:
            await self.close()
            raise TransientError(f"publishing to {self._topic}: {failure!r}") from failure
        if len(self._unmarked) >= BATCH or time.monotonic() - self._marked_at >= self._mark_every:
            await self._mark()
        return full

    async def _send(self) -> bool:
        """Hand the next batch to the producer; False when there is nothing to publish. A record it refuses ends the batch."""
        if not await self._learn():
            return False
        entries = await self._next()
        if self._log is None:  # meanwhile it was found lost: what is owed is more than that
            self._forget()
            return False
        if not entries:
            return False
        self._sent_to = self._log
        crash_point("relay.before_send")
        producer = await self._connected()
        for entry in entries:
            if self._log != self._sent_to:  # found lost while this waited for a connection
                break
            try:
                answer: asyncio.Future[Any] = await producer.send(self._topic, **record(entry, self._sent_to))
            except (KafkaError, OSError) as error:
                answer = asyncio.get_running_loop().create_future()
                answer.set_exception(error)
                self._in_flight.append((entry, answer))
                break
            self._in_flight.append((entry, answer))
        return bool(self._in_flight)

    async def _next(self) -> list[Document]:
        """What to publish now: what was just committed here, or what the journal has owed for longer."""
        mine = self._slots.mine
        fresh = self._journal.take()
        now = time.monotonic()
        if fresh and not self._look and now - self._looked_at < LOOK_EVERY:
            entries = [entry for entry in fresh if entry["slot"] in mine]
            if all(self._follows(entry) for entry in entries):
                return entries
        self._look = True  # until it has worked
        await self._mark()
        rows = await self._journal.unpublished(mine, BATCH) if mine else []
        self._look, self._looked_at = len(rows) >= BATCH, now
        if len(self._last) > MOST_STREAMS:
            self._last.clear()
        self._last |= {row["stream"]: row["seq"] for row in rows}
        return rows

    def _follows(self, entry: Document) -> bool:
        stream, seq = entry["stream"], entry["seq"]
        if seq != self._last.get(stream, 0) + 1:
            return False
        self._last[stream] = seq
        return True

    def _outcome(self) -> tuple[list[Document], Offsets, BaseException | None]:
        """(entries acknowledged, offsets per partition, first failure). After a failure nothing more of its key counts."""
        answered, self._in_flight = self._in_flight, []
        acknowledged: list[Document] = []
        offsets: Offsets = {}
        broken: set[str] = set()
        failure: BaseException | None = None
        for entry, answer in answered:
            if error := answer.exception():
                failure = failure or error
                broken.add(entry["key"])
            elif entry["key"] not in broken:
                acknowledged.append(entry)
                result = answer.result()
                if result.offset >= 0:  # unknown when a repeat was acknowledged
                    first, last = offsets.get(result.partition, (result.offset, result.offset))
                    offsets[result.partition] = min(first, result.offset), max(last, result.offset)
        return acknowledged, offsets, failure

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = self._make_producer()
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                self._look = True  # what was to be sent was not
                await producer.stop()
                raise TransientError(f"Kafka: {error!r}") from error
            self._producer = producer
        return self._producer

    async def _learn(self) -> bool:
        """Which log it is, and what an offset acknowledged from now on must lie beyond as long as it is the same.

        False as long as what the one before held is not owed again: new events follow it.
        """
        if self._log is None:
            row = await self._remembered()
            if "owing" in row:
                return False
            self._log, self._known = row["log"], acknowledged_in(row)
        return True

    async def _remembered(self) -> Document:
        """`log`, the last `offsets` acknowledged in it by partition, and from when on what was lost is still to be owed again (`owing`)."""
        with translated():
            row: Document = await self._state.find_one_and_update(
                {"_id": self._topic}, {"$max": {"log": 0}}, upsert=True, return_document=ReturnDocument.AFTER
            )
        return row

    async def _mark(self) -> None:
        """Mark what was acknowledged, and remember how far the log has come; nothing of either when the log is another one by now."""
        entries, self._unmarked = self._unmarked, {}
        self._marked_at = time.monotonic()
        if not entries:
            return
        log = self._log
        furthest = {"log": log} | {f"offsets.{partition}": last for partition, last in self._known.items()}

        async def write(session: Session) -> None:
            result = await self._state.update_one({"_id": self._topic, "log": log}, {"$max": furthest}, session=session)
            if not result.matched_count:
                raise LogLost
            await self._journal.mark_published(list(entries.values()), session)

        try:
            await self._mongo.transaction(write)
        except LogLost:
            self._forget()
        except TransientError:
            if self._log == log:
                self._unmarked = entries | self._unmarked
            raise
        crash_point("relay.after_mark")

    async def _is_same_log(self, offsets: Offsets) -> bool:
        """A record that got a place an earlier one had is in a new log. Its ends alone don't show that when it is longer."""
        self._lost |= {partition: last for partition, last in self._known.items() if partition in offsets and offsets[partition][0] <= last}
        lost = bool(self._lost)
        if lost and self._log is not None:
            await self._log_lost(self._log, self._lost)
        return not lost

    async def check_log(self) -> bool:
        """Compare the topic's ends with what was acknowledged; a shorter log was lost, so everything in the window is owed again.

        What is on its way to Kafka in that moment arrives before what is owed again: after a loss, and only then, order may suffer.
        """
        # What was acknowledged is read first: ends asked for earlier would be behind what was published in between.
        row = await self._remembered()
        if self._log not in {None, row["log"]}:
            self._forget()
        if "owing" in row:
            return await self._owe_again(row["log"], row["owing"])
        if self._lost and self._log == row["log"]:
            await self._log_lost(row["log"], self._lost)
            return True
        ends = await self._ends()
        if not ends:
            # Gone, or not yet known to a broker that has just started: only the ends of a topic that is there say what was lost.
            await self._restore_topics()
            ends = await self._ends()
            if not ends:
                raise TransientError(f"{self._topic} has no partitions yet")
        lost = {partition: last for partition, last in acknowledged_in(row).items() if ends.get(partition, 0) <= last}
        if lost:
            await self._log_lost(row["log"], lost)
        return bool(lost)

    async def _log_lost(self, log: int, lost: Mapping[int, int]) -> None:
        """From now on nobody's marks of that log count. Of several who find it out at once, one is the first."""
        now = self._slots.now()
        # Later than any before, also when the database is an older one that was restored: readers believe the latest.
        another = {"log": max(log + 1, int(now.timestamp() * 1000)), "owing": now - self._window}
        with translated():
            found = await self._state.update_one({"_id": self._topic, "log": log}, {"$set": another, "$unset": {"offsets": ""}})
        self._forget()
        if found.matched_count:
            self._logger.error("relay.log_lost", topic=self._topic, partitions=len(lost))

    async def _owe_again(self, log: int, since: datetime) -> bool:
        """A stretch of the window. Whoever dies in the middle loses nothing: how far it is owed again is written down, for any to go on."""
        mine, began = {"_id": self._topic, "log": log, "owing": {"$exists": True}}, time.monotonic()
        async with aclosing(self._journal.owe_again(since)) as pages:
            async for at, entries in pages:
                REPUBLISHED.labels(self._topic).inc(entries)
                with translated():
                    found = await self._state.update_one(mine, {"$max": {"owing": at}})
                if not found.matched_count:  # another has ended it, or that log is lost too
                    return False
                if at > since and time.monotonic() - began > self._owing_for:
                    return True
        with translated():
            await self._state.update_one(mine, {"$unset": {"owing": ""}})
        self._logger.warning("relay.owed_again", topic=self._topic)
        self._journal.bell.set()
        return False

    async def close(self) -> None:
        """Mark what was acknowledged; forget the producer: after sequence errors an idempotent one never recovers (aiokafka issue 1017)."""
        try:
            await self._mark()
        except TransientError as error:
            self._logger.warning("relay.not_marked", error=str(error)[:200])
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), timeout=10)
            except (KafkaError, OSError, TimeoutError) as error:
                self._logger.warning("relay.producer_not_closed", error=repr(error))


def acknowledged_in(row: Document) -> dict[int, int]:
    return {int(partition): offset for partition, offset in row.get("offsets", {}).items()}


def record(entry: Document, log: int) -> dict[str, Any]:
    """The Kafka record of a journal entry; headers follow the CloudEvents Kafka binding and hold ASCII only."""
    at = entry["at"]
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", entry["_id"].encode()),
        ("ce_type", entry["type"].encode()),
        ("ce_time", at.isoformat().encode()),
        ("content-type", b"application/json"),
    ]
    if entry.get("trace"):
        headers.append(("traceparent", entry["trace"].encode("ascii", "ignore")))
    if log:
        headers.append((LOG_HEADER, str(log).encode()))
    return {
        "value": entry["body"].encode(),
        "key": entry["key"].encode(),
        "headers": headers,
        "timestamp_ms": int(at.timestamp() * 1000),
    }
