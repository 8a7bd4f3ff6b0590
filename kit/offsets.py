"""Where each partition is read: what was applied is committed now and then, and a place is one in one log."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from structlog.typing import FilteringBoundLogger

from kit.errors import TransientError
from kit.kafka import LOG_HEADER

LOOK_AGAIN = 0.5
"""Seconds after a question that Kafka did not answer."""

COMMIT_EVERY = 0.5
"""Seconds between two commits of offsets; what was applied since the last one comes again after a crash."""

COMMIT_PATIENCE = 5.0
"""Seconds; what is not committed comes again."""

ASK_PATIENCE = 10.0
"""Seconds for asking which log places belong to; it is asked again."""

LONGEST_NUMBER = 20
"""Digits of a log's number; what is longer is none."""

CommittedLogs = Callable[[], Awaitable[Mapping[TopicPartition, int]]]
"""Asks which log each place belongs to that the group has committed."""


class Offsets(ConsumerRebalanceListener):  # type: ignore[misc]
    """Remembers what was applied and commits it twice a second instead of after every batch.

    A crash in between has those records come again, which every `apply` knows. At fifty batches a second the commits cost as much as what
    they were for.

    An offset is a place in one log. When Kafka has lost that and the relay has filled another, the number is another record's place. So
    the log is committed with it, as metadata, and a reader that meets a later log begins at its beginning (docs/decisions/006).
    """

    def __init__(self, committed_logs: CommittedLogs, logger: FilteringBoundLogger, clock: Callable[[], float] = time.monotonic) -> None:
        self._committed_logs = committed_logs
        self._logs: dict[TopicPartition, int] = {}
        """Of this assignment: after a rebalance everything is read from where Kafka says, in whichever log that is."""
        self._logger = logger
        self._clock = clock
        self._applied: dict[TopicPartition, int] = {}
        self._committed_at = float("-inf")

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002 (aiokafka's)
        self._logs, self._applied = {}, {}

    on_partitions_assigned = on_partitions_revoked

    def applied(self, records: Sequence[ConsumerRecord]) -> None:
        """Not what was fetched before a rebalance: it may be in another log than what is read now."""
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            if partition in self._logs:
                self._applied[partition] = record.offset + 1

    def rewind(self, consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> None:
        """As far as it has been this process's to read since that was fetched."""
        if partition in self._logs:
            consumer.seek(partition, offset)

    async def continuing(
        self, consumer: AIOKafkaConsumer, found: Mapping[TopicPartition, Sequence[ConsumerRecord]]
    ) -> tuple[ConsumerRecord, ...]:
        """Without what is in a later log than the place it was read from: that comes again, from the log's beginning."""
        logs = self._logs
        if found.keys() - logs.keys():
            try:
                async with asyncio.timeout(ASK_PATIENCE):
                    logs |= await self._ask(consumer, (consumer.assignment() | found.keys()) - logs.keys())
            except Exception as error:  # noqa: BLE001 (whatever it is, what was fetched must come again)
                self._logger.warning("inlet.pausing", topic=next(iter(found)).topic, error=repr(error)[:300])
                if logs is self._logs:
                    for partition, records in found.items():
                        consumer.seek(partition, records[0].offset)
                await asyncio.sleep(LOOK_AGAIN)
                return ()
            if logs is not self._logs:  # there was a rebalance
                return ()
        return tuple(record for partition, records in found.items() if self._goes_on(consumer, partition, records) for record in records)

    async def _ask(self, consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        committed = await self._committed_logs()
        for partition in partitions - committed.keys():
            # aiokafka takes an answer that is an error for one without places. One that is still an error now has a partition read again.
            if await consumer.committed(partition) is not None:
                raise TransientError(f"Kafka did not say which log the place in {partition.topic} {partition.partition} belongs to")
        return {partition: committed.get(partition, 0) for partition in partitions}

    def _goes_on(self, consumer: AIOKafkaConsumer, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> bool:
        log = max(map(log_of, records))
        if log <= self._logs[partition]:
            return True
        self._logs[partition] = log
        self._applied.pop(partition, None)
        if records[0].offset == 0:
            return True
        self._logger.warning("inlet.begins_anew", topic=partition.topic, partition=partition.partition, log=log)
        consumer.seek(partition, 0)
        return False

    async def settle(self, consumer: AIOKafkaConsumer, *, at_once: bool = False) -> None:
        """Commit what was applied, if it is time. What Kafka does not take is tried again; after a rebalance it is read again."""
        now = self._clock()
        if not self._applied or (now - self._committed_at < COMMIT_EVERY and not at_once):
            return
        logs, applied = self._logs, self._applied
        self._applied, self._committed_at = {}, now
        offsets = {partition: (offset, str(logs[partition])) for partition, offset in applied.items()}
        try:  # without a limit it would wait for ever for a Kafka that is away, and nothing would be asked for meanwhile
            await asyncio.wait_for(consumer.commit(offsets), COMMIT_PATIENCE)
        except (KafkaError, TimeoutError) as error:
            self._logger.warning("inlet.not_committed", error=repr(error)[:300])
            if logs is self._logs:
                self._applied = applied | self._applied


def log_of(record: ConsumerRecord) -> int:
    value = dict(record.headers).get(LOG_HEADER) or b""
    return int(value) if value.isdigit() and len(value) < LONGEST_NUMBER else 0
