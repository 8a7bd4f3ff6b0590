"""Intake on real servers: durable before it says yes, published when Kafka can be reached, refused when MongoDB cannot."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from kit.ids import new_id
from schemas import topics
from schemas.requests import RequestReceived
from schemas.tickets import ticket_events
from tests.support.intake_running import RunningIntake, intake_settings, load_organisation, running_intake
from tests.support.servers import KafkaFactory, KafkaServer, MongoFactory, MongoServer
from tests.support.waiting import wait_until

EVENTS = Path(__file__).parents[1] / "data" / "events"
BODY = {"topic": "tax", "text": "Xin hỏi về thuế", "business": {"name": "Công ty Thử"}, "contact": {"email": "lan@company.example"}}


async def until(url: str, status: int, seconds: float = 60) -> httpx.Response:
    """The first answer with that status."""

    async def look() -> httpx.Response:
        async with httpx.AsyncClient() as http:
            try:
                response = await http.get(url)
            except httpx.TransportError as error:
                raise LookupError(str(error)) from error
            assert response.status_code == status
            return response

    return await wait_until(look, f"{url} answers {status}", seconds)


async def post(intake: RunningIntake, **changes: Any) -> httpx.Response:
    async with httpx.AsyncClient(timeout=40) as http:
        return await http.post(f"{intake.url}/api/v1/requests", json=BODY | changes, headers={"Idempotency-Key": new_id()})


@asynccontextmanager
async def requests_published(bootstrap_servers: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(topics.REQUESTS, bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def published(consumer: AIOKafkaConsumer, wanted: set[str], seconds: float = 60) -> list[Any]:
    """The records of these tickets, read until each has one."""
    records: list[Any] = []
    async with asyncio.timeout(seconds):
        while not wanted <= {record.key.decode() for record in records}:
            records.append(await consumer.getone())
    return [record for record in records if record.key.decode() in wanted]


async def test_what_is_accepted_comes_out_on_kafka_and_what_becomes_of_it_is_shown(
    kafka_server: KafkaServer, mongo_server: MongoServer
) -> None:
    settings = intake_settings(kafka_server.bootstrap_servers, mongo_server.uri)
    await load_organisation(settings)
    with running_intake(settings) as intake:
        await until(f"{intake.url}/readyz", 200)
        response = await post(intake)
        assert response.status_code == 202
        ticket_id = response.json()["ticket_id"]
        async with requests_published(kafka_server.bootstrap_servers) as consumer:
            (record,) = await published(consumer, {ticket_id})
        event = RequestReceived.model_validate_json(record.value)
        assert (event.ticket_id, event.reference) == (ticket_id, response.json()["reference"])
        assert dict(record.headers)["ce_type"] == b"request_received"
        await say_opened(kafka_server.bootstrap_servers, ticket_id)
        await until_shown(response.json()["status_url"].replace("/requests/", "/api/v1/requests/"))


async def say_opened(bootstrap_servers: str, ticket_id: str) -> None:
    """As routing would."""
    example = json.loads((EVENTS / "ticket_opened.json").read_bytes()) | {"ticket_id": ticket_id, "sequence": 1, "id": new_id()}
    ticket_events.validate_python(example)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers)
    await producer.start()
    await producer.send_and_wait(topics.TICKETS, json.dumps(example).encode(), key=ticket_id.encode())
    await producer.stop()


async def until_shown(address: str) -> None:
    async with httpx.AsyncClient() as http:

        async def look() -> httpx.Response:
            response = await http.get(address)
            assert response.json()["group"] is not None
            return response

        shown: httpx.Response = await wait_until(look, "the status names the group", 30)
        assert shown.status_code == 200


async def test_with_kafka_stopped_requests_are_accepted_and_published_when_it_is_back(
    own_kafka: KafkaFactory, mongo_server: MongoServer
) -> None:
    kafka = await own_kafka()
    settings = intake_settings(kafka.bootstrap_servers, mongo_server.uri)
    await load_organisation(settings)
    with running_intake(settings) as intake:
        await until(f"{intake.url}/readyz", 200)
        before = await post(intake)
        await kafka.stop()
        during = [await post(intake) for _ in range(20)]
        assert {response.status_code for response in [before, *during]} == {202}
        assert (await until(f"{intake.url}/livez", 200)).json() == {"status": "alive"}
        await kafka.start()
        async with requests_published(kafka.bootstrap_servers) as consumer:
            wanted = {response.json()["ticket_id"] for response in [before, *during]}
            records = await published(consumer, wanted)
        assert {record.key.decode() for record in records} == wanted


async def test_with_mongodb_away_it_lives_refuses_and_accepts_again(kafka_server: KafkaServer, own_mongo: MongoFactory) -> None:
    mongo = await own_mongo()
    settings = intake_settings(kafka_server.bootstrap_servers, mongo.uri)
    await load_organisation(settings)
    await mongo.stop()
    with running_intake(settings) as intake:
        await until(f"{intake.url}/livez", 200, seconds=5)
        assert "MongoDB does not answer" in (await until(f"{intake.url}/readyz", 503)).json()["missing"]
        refused = await post(intake)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert refused.headers["content-type"] == "application/problem+json"
        await mongo.start()
        await until(f"{intake.url}/readyz", 200)
        assert (await post(intake)).status_code == 202
        await mongo.stop()
        refused = await post(intake)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        async with httpx.AsyncClient(timeout=20) as http:
            page = await http.get(f"{intake.url}/", headers={"Accept": "text/html"})
        assert page.status_code == 200  # the form needs no database once the organisation is known
        await mongo.start()
        await until(f"{intake.url}/readyz", 200)
        assert (await post(intake)).status_code == 202
