"""What is left after the trouble: gathered from the databases, the topics and the mail server, and held against the promises."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas import topics
from tests.chaos.load import Businesses
from tests.support.installation import Accepted, Installation
from tests.support.waiting import wait_until

READERS = {topics.REQUESTS: ("routing",), topics.TICKETS: ("intake", "notifier"), topics.NOTIFICATIONS: ("routing",)}
RECORD_SECONDS = 3.0
"""Between the mail server's yes and its record; a notifier killed in it sends the same mail again."""


async def partitions(installation: Installation, *names: str) -> list[TopicPartition]:
    """Of an admin client: a consumer knows only the topics it reads."""
    admin = AIOKafkaAdminClient(bootstrap_servers=installation.kafka.bootstrap_servers)
    try:
        await admin.start()
        described = [topic for topic in await admin.describe_topics() if topic["topic"] in names]
    finally:
        await admin.close()
    return [TopicPartition(topic["topic"], part["partition"]) for topic in described for part in topic["partitions"]]


async def records(installation: Installation, *names: str) -> list[ConsumerRecord]:
    """Every record of the topics, in the order of their partitions."""
    async with AIOKafkaConsumer(bootstrap_servers=installation.kafka.bootstrap_servers, enable_auto_commit=False) as consumer:
        parts = await partitions(installation, *names)
        if not parts:
            return []
        consumer.assign(parts)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(parts)
        found: list[ConsumerRecord] = []
        while sum([await consumer.position(part) for part in parts]) < sum(ends.values()):
            batches = await consumer.getmany(timeout_ms=500)
            found += [record for part in sorted(batches) for record in batches[part]]
        return found


async def behind(installation: Installation) -> dict[str, int]:
    """How many records each group has still to read, by group and topic; only what is behind."""
    servers = installation.kafka.bootstrap_servers
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    lag: Counter[str] = Counter()
    try:
        await asyncio.gather(admin.start(), consumer.start())
        for name, groups in READERS.items():
            parts = await partitions(installation, name)
            assert parts, f"there is no topic {name}"
            ends = await consumer.end_offsets(parts)
            for group in groups:
                done = await admin.list_consumer_group_offsets(group, partitions=parts)
                for part, end in ends.items():
                    lag[f"{group} of {name}"] += end - max(done[part].offset if part in done else 0, 0)
    except KafkaError as error:
        raise AssertionError(f"Kafka: {error!r}") from error
    finally:
        await admin.close()
        await consumer.stop()
    return {name: count for name, count in lag.items() if count}


async def owed(installation: Installation) -> dict[str, int]:
    """Groups of journal entries not published, deliveries not ended; only what is not nought."""
    counts = {f"{service} journal": await installation.database(service)["owed"].count_documents({}) for service in topics.SERVICES}
    counts["deliveries"] = await installation.database("notifier")["deliveries"].count_documents(
        {"state": {"$in": ["pending", "gathering"]}}
    )
    return {name: count for name, count in counts.items() if count}


async def quiet(installation: Installation, seconds: float = 90) -> None:
    """Wait until nothing moves any more: all published, all read, all told."""

    async def still() -> bool:
        moving = await owed(installation) or await behind(installation)
        if moving:
            raise AssertionError(str(moving))
        return True

    await wait_until(still, "everything is published, read and told", seconds, pause=0.3)
    await wait_until(still, "and stays so", seconds, pause=0.3)


async def assert_promises_kept(installation: Installation, businesses: Businesses) -> None:
    """Every accepted request is one ticket, journalled once and told; nothing was lost, doubled or put out of order."""
    await businesses.read()
    asked = list(businesses.asked.values())
    await installation.tickets(asked)
    await quiet(installation)
    await assert_one_submission_each(installation, businesses)
    for service in topics.SERVICES:
        await assert_journal_whole(installation, service)
    await assert_tickets_equal_their_journal(installation, asked)
    assert_acknowledged(installation, businesses)
    await assert_order_on_the_wire(installation)


async def assert_one_submission_each(installation: Installation, businesses: Businesses) -> None:
    """Whatever was sent again with its key or its Message-ID is one request."""
    asked = list(businesses.asked.values())
    intake = installation.database("intake")
    by_api = {f"api:{one.key}": one.ticket_id for one in asked if one.key}
    rows = await intake["submissions"].find({"_id": {"$in": list(by_api)}}, {"ticket_id": 1}).to_list()
    assert {row["_id"]: row["ticket_id"] for row in rows} == by_api
    addresses = [email for email, one in businesses.asked.items() if not one.key]
    assert await intake["conversations"].count_documents({"email": {"$in": addresses}}) == len(addresses)
    assert len({one.ticket_id for one in asked}) == len(asked)


async def assert_journal_whole(installation: Installation, service: str) -> None:
    """Every stream counts from 1 without a gap; ids are unique by the database's own key."""
    streams: dict[str, list[int]] = defaultdict(list)
    async for row in installation.database(service)["journal"].find({}, {"stream": 1, "seq": 1}):
        streams[row["stream"]].append(row["seq"])
    gaps = {stream: found for stream, numbers in streams.items() if (found := sorted(numbers)) != list(range(1, len(numbers) + 1))}
    assert gaps == {}, service


async def assert_tickets_equal_their_journal(installation: Installation, asked: Sequence[Accepted]) -> None:
    """Its version is its number of events; it was opened once, by its one request; each event was told once."""
    ids = [one.ticket_id for one in asked]
    routing, notifier = installation.database("routing"), installation.database("notifier")
    versions = {row["_id"]: row["version"] async for row in routing["tickets"].find({"_id": {"$in": ids}}, {"version": 1})}
    events, opened = Counter[str](), Counter[str]()
    async for row in routing["journal"].find({"stream": {"$in": ids}}, {"stream": 1, "type": 1}):
        events[row["stream"]] += 1
        opened[row["stream"]] += row["type"] == "ticket_opened"
    assert versions == dict(events)
    assert opened == dict.fromkeys(ids, 1)
    told: Counter[str] = Counter()
    async for row in notifier["deliveries"].find({"ticket_id": {"$in": ids}, "template": "acknowledgement"}, {"ticket_id": 1, "state": 1}):
        told[row["ticket_id"]] += row["state"] == "delivered"
    assert told == dict.fromkeys(ids, 1)


def assert_acknowledged(installation: Installation, businesses: Businesses) -> None:
    """At least once; a second time only where the notifier was killed before it could write the first one down, and then the same bytes."""
    deaths = [at for service, at in installation.ended if service == "notifier"]
    for email, accepted in businesses.asked.items():
        mails = installation.sink.to(email)
        assert mails, f"{accepted.reference} was never acknowledged"
        assert {mail.content for mail in mails} == {mails[0].content}
        for earlier, later in pairwise(mails):
            assert any(earlier.at <= death <= earlier.at + RECORD_SECONDS for death in deaths), (
                f"{accepted.reference} was acknowledged twice, {later.at - earlier.at:.1f} s apart, with no death of the notifier between"
            )


async def assert_order_on_the_wire(installation: Installation) -> None:
    """In each ticket's records, repeats aside, the writer's sequence counts from 1: nothing overtook anything."""
    for name in (topics.REQUESTS, topics.TICKETS):
        for ticket, numbers in sequences(await records(installation, name)).items():
            assert numbers == list(range(1, len(numbers) + 1)), f"{name} {ticket!r}"


def sequences(found: Iterable[ConsumerRecord]) -> dict[bytes, list[int]]:
    """Sequence numbers by ticket, each when it first came."""
    firsts: dict[bytes, dict[int, None]] = defaultdict(dict)
    for record in found:
        if is_ours(record):
            firsts[record.key].setdefault(sequence_of(record))
    return {key: list(numbers) for key, numbers in firsts.items()}


def is_ours(record: ConsumerRecord) -> bool:
    """Whether the relay wrote it, and not a test that poisons the topic."""
    return any(name == "ce_id" for name, _ in record.headers) and not any(name == "poison" for name, _ in record.headers)


def sequence_of(record: ConsumerRecord) -> int:
    return int(json.loads(record.value)["sequence"])


async def picture(installation: Installation, ids: Collection[str] | None = None) -> dict[str, Any]:
    """What must not change when everything is said again: tickets with versions, journals, deliveries, mails."""
    which = {} if ids is None else {"_id": {"$in": list(ids)}}
    tickets = {row["_id"]: row["version"] async for row in installation.database("routing")["tickets"].find(which, {"version": 1})}
    journals = {service: await installation.database(service)["journal"].count_documents({}) for service in topics.SERVICES}
    deliveries = await installation.database("notifier")["deliveries"].count_documents({})
    return {"tickets": tickets, "journals": journals, "deliveries": deliveries, "mails": len(installation.sink.mails)}
