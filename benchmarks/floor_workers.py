"""The three processes of the bare floor. They know no rule, no duplicate and no second try, and are killed rather than stopped.

python -m benchmarks.floor_workers intake PORT      listens there
python -m benchmarks.floor_workers routing 0
python -m benchmarks.floor_workers notifier PORT    sends mail there
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

import orjson
import uvicorn
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiosmtplib import SMTP
from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kit.kafka import client_options, make_producer
from kit.settings import ServiceSettings

Document = dict[str, Any]
Posted = tuple[Document, asyncio.Future[None]]
REQUESTS, TICKETS = TOPICS = ("floor.requests", "floor.tickets")
DATABASE: Final = "floor"
COLLECTIONS: Final = ("requests", "request_events", "tickets", "clocks", "ticket_events", "deliveries")
BATCH: Final = 300
CONNECTIONS: Final = 8
SENDER: Final = "helpdesk@customs.example"
MAIL: Final = f"From: {SENDER}\r\nSubject: Your request\r\n\r\n{'We have got it and will answer in five days. ' * 20}\r\n".encode()
DEADLINES: Final = (timedelta(days=1), timedelta(days=5))


class Store:
    """The two servers."""

    def __init__(self, settings: ServiceSettings, producer: AIOKafkaProducer) -> None:
        self._mongo = AsyncMongoClient[Document](settings.mongodb_uri.get_secret_value(), w="majority", readConcernLevel="majority")
        self.database, self._producer = self._mongo[DATABASE], producer

    async def write(self, rows: Mapping[str, Sequence[Document]]) -> None:
        """All or nothing."""
        async with self._mongo.start_session() as session, await session.start_transaction():
            for name, documents in rows.items():
                await self.database[name].insert_many(documents, session=session)

    async def publish(self, topic: str, journal: str, events: Sequence[Document]) -> None:
        sent = [await self._producer.send(topic, orjson.dumps(event), key=event["_id"].encode()) for event in events]
        await asyncio.gather(*sent)
        await self.mark(journal, events)

    async def mark(self, name: str, documents: Sequence[Document]) -> None:
        await self.database[name].update_many({"_id": {"$in": [row["_id"] for row in documents]}}, {"$set": {"done": True}})


async def batches(settings: ServiceSettings, topic: str) -> AsyncIterator[list[Document]]:
    """Whoever asks for the next has done the last."""
    consumer = AIOKafkaConsumer(
        topic, **client_options(settings), group_id=topic, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=500
    )
    await consumer.start()
    while True:
        found = await consumer.getmany(timeout_ms=500, max_records=BATCH)
        if found:
            yield [orjson.loads(record.value) for records in found.values() for record in records]
            await consumer.commit()


async def intake(_settings: ServiceSettings, store: Store, port: int) -> None:
    posted: asyncio.Queue[Posted] = asyncio.Queue()
    app = Starlette(routes=[Route("/api/v1/requests", partial(receive, posted), methods=["POST"])])
    config = uvicorn.Config(app, port=port, http="httptools", access_log=False, log_level="warning", timeout_keep_alive=600)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(accept(posted, store))
        tasks.create_task(uvicorn.Server(config).serve())


async def receive(posted: asyncio.Queue[Posted], request: Request) -> Response:
    stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    document = orjson.loads(await request.body()) | {"_id": uuid4().hex, "at": datetime.now(UTC)}
    posted.put_nowait((document, stored))
    await stored
    return JSONResponse({"id": document["_id"]}, 202)


async def accept(posted: asyncio.Queue[Posted], store: Store) -> None:
    """What has come while the last batch was written is the next."""
    while True:
        batch = [await posted.get()]
        while len(batch) < BATCH and not posted.empty():
            batch.append(posted.get_nowait())
        requests = [document for document, _ in batch]
        events = [{"_id": uuid4().hex, "type": "request_received", "done": False, "request": request} for request in requests]
        await store.write({"requests": requests, "request_events": events})
        for _, stored in batch:
            stored.set_result(None)
        await store.publish(REQUESTS, "request_events", events)


async def routing(settings: ServiceSettings, store: Store, _port: int) -> None:
    async for batch in batches(settings, REQUESTS):
        now = datetime.now(UTC)
        tickets = [{"_id": uuid4().hex, "at": now, "state": "open", "request": event["request"]} for event in batch]
        clocks = [{"_id": uuid4().hex, "ticket": ticket["_id"], "due_at": now + days} for ticket in tickets for days in DEADLINES]
        events = [{"_id": uuid4().hex, "type": "ticket_opened", "done": False, "ticket": ticket} for ticket in tickets]
        await store.write({"tickets": tickets, "clocks": clocks, "ticket_events": events})
        await store.publish(TICKETS, "ticket_events", events)


async def notifier(settings: ServiceSettings, store: Store, port: int) -> None:
    clients = [SMTP(hostname="127.0.0.1", port=port, start_tls=False) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(client.connect() for client in clients))
    async for batch in batches(settings, TICKETS):
        contacts = [event["ticket"]["request"]["contact"] for event in batch]
        deliveries = [{"_id": uuid4().hex, "done": False, "to": contact["email"], "mail": MAIL} for contact in contacts]
        await store.database["deliveries"].insert_many(deliveries)
        unsent = iter(deliveries)
        await asyncio.gather(*(send(client, unsent) for client in clients))
        await store.mark("deliveries", deliveries)


async def send(client: SMTP, unsent: Iterator[Document]) -> None:
    """Each connection takes the next that no other has taken."""
    for delivery in unsent:
        await client.sendmail(SENDER, delivery["to"], delivery["mail"])


async def run(name: str, port: int) -> None:
    settings = ServiceSettings()
    producer = make_producer(settings, "floor")
    await producer.start()
    await {"intake": intake, "routing": routing, "notifier": notifier}[name](settings, Store(settings, producer), port)


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1], int(sys.argv[2])))
