"""The relay: publishes what the journal owes, in per-ticket order, and republishes when Kafka has lost its log."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import Counter
from structlog.typing import FilteringBoundLogger

from kit.crashpoints import crash_point
from kit.errors import TransientError
from kit.journal import Journal
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

REFILL_AFTER = timedelta(seconds=20)
"""How long a new log stays as short as it was found. A reader whose place lies behind its end notices, and begins at its beginning; in one
that was full again at once it would go on in the middle."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)

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
        refill_after: timedelta = REFILL_AFTER,
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
        self._refill_after = refill_after
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
        """Which log it is that is written to: how many were lost before it."""
        self._refilled_from = LONG_AGO
        self._known: dict[int, int] = {}
        """The last place acknowledged by partition: of any process before this one began to publish, and of this one since."""
        self._unmarked: dict[str, Document] = {}
        self._last: dict[str, int] = {}
        """The last place sent by stream."""
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
        if self._log == self._sent_to and await self._is_same_log(offsets):
            self._unmarked |= {entry["_id"]: entry for entry in acknowledged}
            self._known |= {partition: last for partition, (_, last) in offsets.items()}
            PUBLISHED.labels(self._topic).inc(len(acknowledged))
        if failure is not None:
            self._last.clear()
            self._look = True
            await self.close()
            raise TransientError(f"publishing to {self._topic}: {failure!r}") from failure
        if len(self._unmarked) >= BATCH or time.monotonic() - self._marked_at >= self._mark_every:
            await self._mark()
        return full

    async def _send(self) -> bool:
        """Hand the next batch to the producer; False when there is nothing to publish. A record it refuses ends the batch."""
        await self._learn()
        if self._slots.now() < self._refilled_from:
            return False
        entries = await self._next()
        if self._log is None:  # marking has shown that the log was lost
            self._look = True
            return False
        if not entries:
            return False
        self._sent_to = self._log
        crash_point("relay.before_send")
        producer = await self._connected()
        for entry in entries:
            try:
                answer: asyncio.Future[Any] = await producer.send(self._topic, **record(entry))
            except (KafkaError, OSError) as error:
                answer = asyncio.get_running_loop().create_future()
                answer.set_exception(error)
                self._in_flight.append((entry, answer))
                break
            self._in_flight.append((entry, answer))
        return True

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
                await producer.stop()
                raise TransientError(f"Kafka: {error!r}") from error
            self._producer = producer
        return self._producer

    async def _learn(self) -> None:
        """Which log it is, and what an offset acknowledged from now on must lie beyond as long as it is the same."""
        if self._log is None:
            with translated():
                await self._state.update_one({"_id": self._topic}, {"$setOnInsert": {"log": 0}}, upsert=True)
            self._log, self._known, lost_at = await self._remembered()
            self._refilled_from = lost_at + self._refill_after if lost_at else LONG_AGO

    async def _remembered(self) -> tuple[int, dict[int, int], datetime | None]:
        """(which log, the last place acknowledged by partition, when the one before was found lost)."""
        with translated():
            row: Document = await self._state.find_one({"_id": self._topic}) or {}
        return row.get("log", 0), {int(partition): offset for partition, offset in row.get("offsets", {}).items()}, row.get("lost_at")

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
        """A record that got a place an earlier one had is in a new log. The ends alone don't show that once it is longer than the old one.

        Asked again before it is believed: another process may have noticed first and begun to remember anew.
        """
        lost = {partition: last for partition, last in self._known.items() if partition in offsets and offsets[partition][0] <= last}
        if not lost:
            return True
        log, _, _ = await self._remembered()
        if log == self._log:
            await self._log_lost(log, lost)
        self._forget()
        return False

    async def check_log(self) -> bool:
        """Compare the topic's ends with what was acknowledged; a shorter log was lost, so everything in the window is owed again.

        What is on its way to Kafka in that moment arrives before what is owed again: after a loss, and only then, order may suffer.
        """
        # What was acknowledged is read first: ends asked for earlier would be behind what was published in between.
        log, remembered, _ = await self._remembered()
        ends = await self._ends()
        if not ends:
            # Gone, or not yet known to a broker that has just started: only the ends of a topic that is there say what was lost.
            await self._restore_topics()
            ends = await self._ends()
            if not ends:
                raise TransientError(f"{self._topic} has no partitions yet")
        lost = {partition: last for partition, last in remembered.items() if ends.get(partition, 0) <= last}
        if lost:
            await self._log_lost(log, lost)
        return False

    async def _log_lost(self, log: int, lost: Mapping[int, int]) -> None:
        """Owe first, forget after: a crash in between publishes twice, never nothing. Before both, nobody's marks count any more.

        Whoever finds it out first does it; should it die, what it did not forget shows the loss again.
        """
        self._forget()
        found = {"$inc": {"log": 1}, "$set": {"lost_at": self._slots.now()}}
        with translated():
            if not (await self._state.update_one({"_id": self._topic, "log": log}, found)).matched_count:
                return
        count = await self._journal.owe_again(self._slots.now() - self._window)
        with translated():
            for partition, last in lost.items():
                place = f"offsets.{partition}"
                await self._state.update_one({"_id": self._topic, place: {"$lte": last}}, {"$unset": {place: ""}})
        REPUBLISHED.labels(self._topic).inc(count)
        self._logger.error("relay.log_lost", topic=self._topic, partitions=len(lost), owed_again=count)

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


def record(entry: Document) -> dict[str, Any]:
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
    return {
        "value": entry["body"].encode(),
        "key": entry["key"].encode(),
        "headers": headers,
        "timestamp_ms": int(at.timestamp() * 1000),
    }
