"""Events in: batches from Kafka, applied at least once, with dead letters for what will never work.

The middleware decides what FastStream's `NACK_ON_ERROR` then does: it returns (offsets are committed) or, when the
infrastructure is in trouble, pauses and raises (the whole batch comes again). `apply` must therefore be idempotent.
"""

import asyncio
import dataclasses
import random
import time
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from prometheus_client import Counter, Histogram
from pydantic import TypeAdapter, ValidationError
from structlog.typing import FilteringBoundLogger

from kit.crashpoints import crash_point
from kit.deadletters import BurstError, DeadLetters
from kit.errors import TransientError
from kit.kafka import REBALANCE_TIMEOUT_MS, SESSION_TIMEOUT_MS
from kit.mongo import is_passing
from kit.offsets import CommittedLogs, Offsets
from schemas.envelope import Event, UnknownEvent

E = TypeVar("E", bound=Event)

LONGEST_PAUSE = 10.0
"""Seconds; far below `max_poll_interval_ms` (300 s), after which Kafka would take the partitions away."""

STUCK_AFTER = 120.0

LOOK_MS = 500
"""How long one look for records waits; it ends with the first one that comes."""

UNHURRIED_MS = 250
"""How long records are collected where nobody waits for what follows: a batch of thirty costs little more than one of one."""

UNHURRIED_BYTES = 200_000

AHEAD_BYTES = 128_000
"""Of each partition that are fetched ahead: some fifty records, together two batches. Kafka's own 1 MB of each is memory that waits. A
single larger record comes whole all the same (KIP-74)."""

UNHURRIED_AHEAD_BYTES = 256_000
"""More than `UNHURRIED_BYTES`: where one partition alone is behind, what Kafka may give of it must be worth giving at once."""

APPLIED = Counter("helpdesk_events_applied", "Events applied", ["topic", "group"])
SKIPPED = Counter("helpdesk_events_unknown", "Events of a type this release does not know", ["topic", "type"])
SECONDS = Histogram("helpdesk_batch_seconds", "Seconds to apply one batch", ["topic", "group"])


class Inlet(Generic[E]):
    """One subscription: decode, apply in one go, and when that fails find the record that is to blame."""

    def __init__(  # noqa: PLR0913 (each is one collaborator)
        self,
        topic: str,
        group: str,
        adapter: TypeAdapter[Any],
        apply: Callable[[Sequence[E]], Awaitable[None]],
        dead_letters: DeadLetters,
        *,
        committed_logs: CommittedLogs,
        logger: FilteringBoundLogger,
        only: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`only`: the types this inlet is for; a record whose header names another is passed over without being decoded."""
        self._only = frozenset(name.encode() for name in only)
        self.topic = topic
        self.group = group
        self._adapter = adapter
        self._apply = apply
        self._dead_letters = dead_letters
        self._logger = logger
        self._clock = clock
        self._failures = 0
        self._busy_since: float | None = None
        self.last_ok_at: float | None = None
        self.offsets = Offsets(committed_logs, logger, clock)
        self.subscriber: Any = None

    def stuck(self) -> bool:
        """Whether one batch has been under way for too long; a pause between two tries of it does not count."""
        return self._busy_since is not None and self._clock() - self._busy_since > STUCK_AFTER

    @property
    def stopped(self) -> bool:
        """Whether a burst of dead letters has stopped it, until somebody has looked and restarts the process."""
        return self._dead_letters.stopped

    def assigned(self) -> bool:
        """Whether the consumer takes part in its group (it may still hold no partition when others hold them all)."""
        consumer: AIOKafkaConsumer | None = getattr(self.subscriber, "consumer", None)
        return consumer is not None and bool(consumer.assignment())

    async def settle(self) -> None:
        """Commit what was applied, before the consumer is stopped."""
        consumer: AIOKafkaConsumer | None = getattr(self.subscriber, "consumer", None)
        if consumer is not None:
            await self.offsets.settle(consumer, at_once=True)

    async def take(self, records: Sequence[ConsumerRecord]) -> None:
        """Apply a batch. Raises (after a pause) only when all of it must come again."""
        self._busy_since = self._clock()
        try:
            with SECONDS.labels(self.topic, self.group).time():
                await self._apply_or_blame(await self._decoded(records))
            self._failures = 0
            self.last_ok_at = self._clock()
        except Exception as error:
            if isinstance(error, BurstError):
                self._logger.error("inlet.stopped", topic=self.topic, group=self.group, error=str(error))  # noqa: TRY400 (it says it all)
            elif not (isinstance(error, TransientError) or is_passing(error)):
                self._logger.exception("inlet.stopped", topic=self.topic, group=self.group)
            else:
                self._logger.warning("inlet.pausing", topic=self.topic, group=self.group, error=str(error)[:300])
            self._failures += 1
            self._busy_since = None
            await asyncio.sleep(min(0.2 * 2**self._failures, LONGEST_PAUSE) * random.uniform(0.5, 1.0))  # noqa: S311
            raise
        finally:
            self._busy_since = None

    async def _decoded(self, records: Sequence[ConsumerRecord]) -> list[tuple[ConsumerRecord, E]]:
        known: list[tuple[ConsumerRecord, E]] = []
        for record in records:
            if self._only and dict(record.headers).get("ce_type", b"") not in {b"", *self._only}:
                continue
            try:
                event = self._adapter.validate_json(record.value or b"")
            except (ValidationError, ValueError, RecursionError) as error:
                await self._dead_letters.put(record, error)
                continue
            if isinstance(event, UnknownEvent):
                SKIPPED.labels(self.topic, event.type[:60]).inc()
                continue
            known.append((record, event))
        return known

    async def _apply_or_blame(self, pairs: list[tuple[ConsumerRecord, E]]) -> None:
        if not pairs:
            return
        crash_point("inlet.before_apply")
        try:
            await self._apply([event for _, event in pairs])
        except Exception as error:
            if isinstance(error, TransientError) or is_passing(error):
                raise
            if len(pairs) == 1:
                await self._dead_letters.put(pairs[0][0], error)
                return
            for part in _halves(pairs):
                await self._apply_or_blame(part)
        else:
            crash_point("inlet.after_apply")
            APPLIED.labels(self.topic, self.group).inc(len(pairs))
            self._dead_letters.went_well(len(pairs))


def _halves(pairs: list[tuple[ConsumerRecord, E]]) -> list[list[tuple[ConsumerRecord, E]]]:
    """Split by ticket while there are several, else in order: one ticket's events never overtake each other."""
    tickets = list(Tally(event.ticket_id for _, event in pairs))
    if len(tickets) > 1:
        first = set(tickets[: len(tickets) // 2])
        return [[pair for pair in pairs if (pair[1].ticket_id in first) is wanted] for wanted in (True, False)]
    middle = len(pairs) // 2
    return [pairs[:middle], pairs[middle:]]


@dataclasses.dataclass(frozen=True)
class _Batch:
    """What FastStream takes for the consumer of one batch: it says how the batch ended."""

    consumer: AIOKafkaConsumer
    records: Sequence[ConsumerRecord]
    inlet: Inlet[Any]

    async def commit(self) -> None:
        self.inlet.offsets.applied(self.records)
        if not self.inlet.subscriber.running:  # it is the last one
            await self.inlet.settle()

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.inlet.offsets.rewind(self.consumer, partition, offset)


async def _undecoded(message: Any) -> Any:  # noqa: ANN401
    return message.raw_message


def subscribe(
    broker: KafkaBroker, inlet: Inlet[Any], *, batch: int = 150, session_timeout_ms: int = SESSION_TIMEOUT_MS, unhurried: bool = False
) -> None:
    """Attach an inlet to the broker with the options everything here relies on. `unhurried`: rather in larger batches than at once."""

    async def without_headers(records: tuple[ConsumerRecord, ...], original: Callable[..., Awaitable[Any]]) -> Any:  # noqa: ANN401
        """FastStream decodes headers as UTF-8 before any middleware runs; one bad byte there would lose the record silently."""
        message = await original(tuple(dataclasses.replace(record, headers=()) for record in records))
        message.raw_message, message.consumer = records, _Batch(message.consumer, records, inlet)
        return message

    subscriber = broker.subscriber(
        inlet.topic,
        group_id=inlet.group,
        batch=True,
        max_records=batch,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        session_timeout_ms=session_timeout_ms,
        rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
        listener=inlet.offsets,
        heartbeat_interval_ms=min(3_000, session_timeout_ms // 4),
        fetch_max_wait_ms=UNHURRIED_MS if unhurried else LOOK_MS,
        fetch_min_bytes=UNHURRIED_BYTES if unhurried else 1,
        max_partition_fetch_bytes=UNHURRIED_AHEAD_BYTES if unhurried else AHEAD_BYTES,
        parser=without_headers,
        decoder=_undecoded,
    )

    @subscriber
    async def take(records: Any) -> None:  # noqa: ANN401
        await inlet.take(records)

    async def get_msg(consumer: AIOKafkaConsumer) -> tuple[ConsumerRecord, ...]:
        """As FastStream's own, without its sleep after a look that found nothing, which the first record after a silence sat out."""
        await inlet.offsets.settle(consumer)
        found = await consumer.getmany(timeout_ms=LOOK_MS, max_records=batch)
        return await inlet.offsets.continuing(consumer, found)

    subscriber.get_msg = get_msg  # type: ignore[method-assign]
    inlet.subscriber = subscriber
