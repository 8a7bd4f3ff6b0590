"""What a topic holds, read from its beginning to its end; and topics taken away."""

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from kit.kafka import LARGEST_RECORD, client_options, end_offsets
from kit.settings import ServiceSettings


async def records_of(settings: ServiceSettings, topic: str) -> list[ConsumerRecord]:
    """Every record; those of one partition, and so of one key, in order."""
    ends = {TopicPartition(topic, number): end for number, end in (await end_offsets(settings, topic)).items() if end}
    found: list[ConsumerRecord] = []
    if not ends:
        return found
    async with AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest") as consumer:
        consumer.assign(list(ends))
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            batches = await consumer.getmany(timeout_ms=1_000)
            found += [record for records in batches.values() for record in records]
    return found


async def ids_of(settings: ServiceSettings, topic: str) -> dict[str, list[str]]:
    """The ids of the events by key, in the order of the topic."""
    found: dict[str, list[str]] = {}
    for record in await records_of(settings, topic):
        found.setdefault(record.key.decode(), []).append(dict(record.headers)["ce_id"].decode())
    return found


async def write(settings: ServiceSettings, topic: str, *records: dict[str, Any]) -> None:
    """Raw records; keyword arguments of the producer each."""
    async with AIOKafkaProducer(**client_options(settings), linger_ms=5, max_request_size=LARGEST_RECORD) as producer:
        futures = [await producer.send(topic, **record) for record in records]
        for future in futures:
            await future


async def delete(settings: ServiceSettings, topic: str) -> None:
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()


async def committed(settings: ServiceSettings, group: str) -> dict[int, int]:
    """The offset the group has committed, by partition, where it is past the beginning."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return {partition.partition: found.offset for partition, found in offsets.items() if found.offset > 0}
