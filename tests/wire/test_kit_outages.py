"""Servers that go away and come back, or come back empty: what kit does on its own."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import structlog

from kit.consuming import add_inlet
from kit.errors import TransientError
from kit.journal import JOURNAL, OWED, RELAY_LEASES, RELAY_STATE, Journal
from kit.leases import LEASE, Slots
from kit.mongo import Mongo, Session
from kit.publishing import add_relay
from kit.service import Service
from kit.settings import ServiceSettings
from tests.component.kit.happened import Happened, happened, happenings
from tests.component.kit.waiting import eventually
from tests.support.servers import KafkaFactory, MongoFactory, MongoServer


async def test_while_the_database_is_away_work_is_refused_soon_and_slots_empty_by_themselves(own_mongo: MongoFactory) -> None:
    server = await own_mongo()
    mongo = Mongo(server.uri)
    rows = mongo.database("test")["rows"]
    slots = Slots(mongo, mongo.database("test")["leases"], "only")

    async def work(session: Session) -> None:
        await rows.insert_one({"at": time.time()}, session=session)

    await rows.insert_one({})
    await mongo.transaction(work)
    await slots.renew()
    assert len(slots.mine) == 64

    await server.kill()
    killed = time.monotonic()
    for refused in await asyncio.gather(mongo.transaction(work), slots.renew(), mongo.ping(), return_exceptions=True):
        assert isinstance(refused, TransientError)
    assert time.monotonic() - killed < 20  # and not the driver's two minutes
    await asyncio.sleep(max(0.0, LEASE.total_seconds() - (time.monotonic() - killed)))
    assert slots.mine == frozenset()

    await server.start()
    await mongo.transaction(work)
    await slots.renew()
    assert len(slots.mine) == 64
    assert await rows.count_documents({}) == 3
    await mongo.close()


class Line:
    """A service that journals, publishes and consumes what it published."""

    def __init__(self, settings: ServiceSettings, mongo: Mongo) -> None:
        self.mongo = mongo
        self.database = mongo.database(f"test_{secrets.token_hex(6)}")
        self.service = Service("tests", structlog.get_logger())
        self.journal: Journal = add_relay(self.service, settings, mongo, self.database, "test.happened.v1")
        self.applied: dict[str, list[int]] = {}
        add_inlet(self.service, settings, "test.happened.v1", "tests", happenings, self.apply)

    async def apply(self, events: Sequence[Happened]) -> None:
        for event in events:
            known = self.applied.setdefault(event.ticket_id, [])
            if event.sequence not in known:
                known.append(event.sequence)

    async def happen(self, number: int) -> None:
        async def work(session: Session) -> None:
            events = [happened(ticket, number, occurred_at=self.mongo.now()) for ticket in "abcdefgh"]
            await self.journal.append(events, session)

        await self.mongo.transaction(work)

    async def has_applied(self, count: int, *, in_order: bool = True) -> None:
        async def true() -> bool:
            found = {ticket: numbers if in_order else sorted(numbers) for ticket, numbers in self.applied.items()}
            return found == {ticket: list(range(1, count + 1)) for ticket in "abcdefgh"}

        await eventually(true, within=150)  # a member of a lost group comes back after a session or two

    async def nothing_is_owed(self) -> None:
        async def true() -> bool:
            return await self.journal.oldest_unpublished_at() is None

        await eventually(true, within=150)  # a member of a lost group comes back after a session or two


@asynccontextmanager
async def running(line: Line) -> AsyncIterator[None]:
    await line.mongo.ensure(line.database, [JOURNAL, OWED, RELAY_STATE, RELAY_LEASES])
    stop = asyncio.Event()
    task = asyncio.create_task(line.service.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task
        await line.database.client.drop_database(line.database.name)


@pytest.fixture
async def mongo(mongo_server: MongoServer) -> AsyncIterator[Mongo]:
    client = Mongo(mongo_server.uri)
    await client.measure_clock()
    yield client
    await client.close()


async def test_kafka_away_at_the_start_gone_in_the_middle_and_back_without_its_disk_loses_nothing(
    own_kafka: KafkaFactory, mongo: Mongo
) -> None:
    kafka = await own_kafka()
    await kafka.stop()
    line = Line(ServiceSettings(kafka_bootstrap_servers=kafka.bootstrap_servers, kafka_partitions=3), mongo)
    async with running(line):
        await line.happen(1)  # accepted all the same
        await asyncio.sleep(1)
        assert await line.service.missing() == ["Kafka: not consuming yet"]
        await kafka.start()
        await line.has_applied(1)
        assert await line.service.missing() == []

        await kafka.kill()
        for number in range(2, 6):
            await line.happen(number)
        await asyncio.sleep(1)
        assert await line.journal.oldest_unpublished_at() is not None
        assert line.service.stuck() == []
        await kafka.start()
        await line.has_applied(5)
        await line.nothing_is_owed()

        await kafka.kill()
        kafka.wipe()
        line.applied.clear()  # a reader that has never heard of anything
        await line.happen(6)
        await kafka.start()
        await line.has_applied(6, in_order=False)  # what was on its way arrives first
        await line.nothing_is_owed()
