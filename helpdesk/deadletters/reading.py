"""Reading dead-letter topics, without a group: looking moves nothing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from helpdesk.deadletters.letter import DeadLetter, Place
from kit.errors import TransientError
from kit.kafka import client_options, end_offsets
from kit.settings import ServiceSettings
from schemas.topics import dead_letters

PATIENCE: Final = 15.0
"""Seconds without a record, though there is one, before Kafka is given up."""


class DeadLetterTopics:
    """The dead-letter topics of all services. Every method raises TransientError when Kafka is away."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings

    async def letters(self, service: str) -> AsyncIterator[DeadLetter]:
        """All that the topic holds now, from the oldest Kafka still has; none when there is no such topic."""
        ends = await self._ends(service)
        if not ends:
            return
        async with self._consumer() as consumer:
            starts = await consumer.beginning_offsets(list(ends))
            for partition, end in sorted(ends.items()):
                async for letter in self._between(consumer, service, partition, starts[partition], end):
                    yield letter

    async def letter(self, place: Place) -> DeadLetter | None:
        """The one at this place (`topic` is the service); None when it is not there, or not any more."""
        ends = await self._ends(place.topic)
        partition = TopicPartition(dead_letters(place.topic), place.partition)
        if place.offset >= ends.get(partition, 0):
            return None
        async with self._consumer() as consumer:
            starts = await consumer.beginning_offsets([partition])
            if place.offset < starts[partition]:
                return None
            async with aclosing(self._between(consumer, place.topic, partition, place.offset, place.offset + 1)) as found:
                return await anext(found, None)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(**client_options(self._settings), enable_auto_commit=False, request_timeout_ms=10_000)
        try:
            await consumer.start()
            yield consumer
        except (KafkaError, OSError) as error:
            raise TransientError(f"Kafka at {self._settings.kafka_bootstrap_servers} does not answer: {error!r}") from error
        finally:
            await consumer.stop()

    async def _ends(self, service: str) -> dict[TopicPartition, int]:
        topic = dead_letters(service)
        return {TopicPartition(topic, number): end for number, end in (await end_offsets(self._settings, topic)).items()}

    @staticmethod
    async def _between(
        consumer: AIOKafkaConsumer, service: str, partition: TopicPartition, start: int, end: int
    ) -> AsyncGenerator[DeadLetter, None]:
        consumer.assign([partition])
        consumer.seek(partition, start)
        while await consumer.position(partition) < end:
            batches = await _patiently(consumer)
            for record in batches.get(partition, ()):
                if record.offset >= end:
                    return
                yield DeadLetter.read(service, record)


async def _patiently(consumer: AIOKafkaConsumer) -> dict[TopicPartition, list[ConsumerRecord]]:
    """The next records; gaps in the offsets are no records, but move the position."""
    loop = asyncio.get_running_loop()
    given_up = loop.time() + PATIENCE
    before = {partition: await consumer.position(partition) for partition in consumer.assignment()}
    while loop.time() < given_up:
        batches: dict[TopicPartition, list[ConsumerRecord]] = await consumer.getmany(timeout_ms=500, max_records=100)
        if batches or any([await consumer.position(partition) != at for partition, at in before.items()]):
            return batches
    raise TransientError(f"Kafka did not hand out a dead letter within {PATIENCE:.0f} s")
