"""Routing on real servers: records from Kafka become tickets, and what happened to them goes back to Kafka."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import SecretStr

from kit.ids import new_id
from kit.mongo import Mongo
from kit.organisation import OrganisationStore
from schemas import topics
from schemas.envelope import Event
from schemas.requests import RequestReceived
from schemas.tickets import ticket_events
from services.intake.domain.reference import RANDOM_BYTES, mint
from services.routing.app import ROLES, main
from services.routing.settings import RoutingSettings
from services.routing.tokens import TokenRepository
from tests.support.happenings import delivered, message, request
from tests.support.organisations import organisation
from tests.support.ports import free_ports
from tests.support.servers import KafkaServer, MongoServer


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (a running service lives in real time)


def settings_for(kafka: KafkaServer, mongo: MongoServer) -> RoutingSettings:
    return RoutingSettings(
        kafka_bootstrap_servers=kafka.bootstrap_servers,
        kafka_partitions=3,
        mongodb_uri=SecretStr(mongo.uri),
        mongodb_database_prefix=f"test{secrets.token_hex(4)}",
        secret=SecretStr("s" * 32),
        routing_port=free_ports(1)[0],
    )


@asynccontextmanager
async def running(settings: RoutingSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The service, ready; `hai` is signed in."""
    mongo = Mongo(settings.mongodb_uri.get_secret_value())
    database = mongo.database(f"{settings.mongodb_database_prefix}_routing")
    await OrganisationStore(database).save(organisation())
    await TokenRepository(database).create("hai", now=now(), expires_at=now() + timedelta(hours=1), token="hai")
    stop = asyncio.Event()
    service = asyncio.create_task(main(settings, ROLES, stop))
    address, headers = f"http://127.0.0.1:{settings.routing_port}", {"Authorization": "Bearer hai"}
    try:
        async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False) as http:
            await until_ready(http)
            yield http
    finally:
        stop.set()
        await service
        await database.client.drop_database(database.name)
        await mongo.close()


async def until_ready(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(httpx.TransportError):
                if (await http.get("/readyz")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.1)


async def publish(settings: RoutingSettings, topic: str, events: Sequence[Event]) -> None:
    """Each twice, as an at-least-once relay may."""
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers) as producer:
        for event in events:
            for _ in range(2):
                await producer.send_and_wait(topic, event.model_dump_json().encode(), key=event.ticket_id.encode())


@asynccontextmanager
async def told(settings: RoutingSettings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(topics.TICKETS, bootstrap_servers=settings.kafka_bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read_until(consumer: AIOKafkaConsumer, tickets: set[str], count: int) -> list[Any]:
    """Events about these tickets, until there are so many."""
    found: list[Any] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            record = await consumer.getone()
            if record.key.decode() in tickets:
                found.append(ticket_events.validate_json(record.value))
    return found


def openings(count: int) -> list[RequestReceived]:
    return [
        request(now(), ticket, id=new_id(), message_id=new_id(), reference=mint(secrets.token_bytes(RANDOM_BYTES)))
        for ticket in (new_id() for _ in range(count))
    ]


async def test_a_request_becomes_a_ticket_is_answered_and_measured_once_though_every_record_comes_twice(
    kafka_server: KafkaServer, mongo_server: MongoServer
) -> None:
    settings, asked = settings_for(kafka_server, mongo_server), openings(20)
    first, tickets = asked[0].ticket_id, {opening.ticket_id for opening in asked}
    async with running(settings) as http, told(settings) as consumer:
        later = [message(now(), ticket_id=ticket, id=new_id(), message_id=new_id()) for ticket in tickets]
        await publish(settings, topics.REQUESTS, [*asked, *later])
        opened = await read_until(consumer, tickets, 40)
        assert sorted((event.ticket_id, event.sequence, event.type) for event in opened) == sorted(
            [(ticket, 1, "ticket_opened") for ticket in tickets] + [(ticket, 2, "business_replied") for ticket in tickets]
        )

        answer = await http.post(f"/api/v1/tickets/{first}/reply", json={"text": "Đã rõ."}, headers={"If-Match": '"2"'})
        said = answer.json()["messages"][-1]["id"]
        await publish(settings, topics.NOTIFICATIONS, [delivered(said, now(), ticket_id=first, id=new_id())])
        answered = await read_until(consumer, tickets, 3)
        assert [(event.sequence, event.type) for event in answered] == [(3, "answer_given"), (4, "clock_finished"), (5, "clock_finished")]
        history = (await http.get(f"/api/v1/tickets/{first}/history")).json()["entries"]
        assert [entry["version"] for entry in history] == [1, 2, 3, 4, 5]
