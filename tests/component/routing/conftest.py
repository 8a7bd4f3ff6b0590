"""Routing on a real database, without Kafka: events go into the handlers, what follows is read from the journal."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import structlog

from kit.ids import SLOTS, new_id
from kit.journal import Journal
from kit.mongo import Database, Document, Mongo
from kit.organisation import OrganisationStore
from schemas import topics
from schemas.organisation import Organisation
from schemas.requests import RequestReceived
from services.intake.domain.reference import RANDOM_BYTES, mint
from services.routing.api.app import api
from services.routing.api.links import FileLinks
from services.routing.directory import Directory
from services.routing.handlers import Handlers
from services.routing.repository import TicketRepository, oldest_in_use
from services.routing.storage import INBOX, MESSAGES, OUTCOMES, ROLLUPS, ROUTING, TICKETS
from services.routing.ticker import Ticker
from services.routing.tokens import TokenRepository
from tests.support.happenings import MONDAY_NINE, delivered, failed, message, request
from tests.support.organisations import officer, with_officers
from tests.support.servers import MongoServer

PUBLIC_URL = "https://hotro.example"
SECRET = "s" * 32
WIPED = (TICKETS.name, MESSAGES.name, INBOX.name, OUTCOMES.name, ROLLUPS.name, "journal")


@dataclass
class Clock:
    """A clock that tests move; it begins on Monday 2025-03-03 at 09:00 in Vietnam."""

    at: datetime = MONDAY_NINE

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass(frozen=True)
class AllSlots:
    """A ticker that believes all work is its own."""

    turns: tuple[frozenset[int], ...] = (frozenset(range(SLOTS)),)


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    status: int
    body: Any
    headers: httpx.Headers

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    @property
    def fields(self) -> list[str]:
        return [error["field"] for error in self.body.get("errors", [])]


@dataclass(frozen=True)
class Routing:
    """One routing service with a database that is empty when a test begins."""

    mongo: Mongo
    database: Database
    store: OrganisationStore
    directory: Directory
    tickets: TicketRepository
    handlers: Handlers
    http: httpx.AsyncClient
    clock: Clock = field(default_factory=Clock)

    def ticker(self, batch: int = 200) -> Ticker:
        return Ticker(self.tickets, self.directory, AllSlots(), self.clock, logger=structlog.get_logger(), batch=batch)

    async def open(self, **changed: Any) -> str:
        """Open a ticket, by default at Hon Gai, and return its id."""
        event = self.opening(**changed)
        await self.handlers.on_requests([event])
        return event.ticket_id

    def opening(self, **changed: Any) -> RequestReceived:
        ticket_id = changed.pop("ticket_id", None) or new_id()
        received_at = changed.pop("received_at", self.clock.at)
        return request(received_at, ticket_id, **{"reference": mint(secrets.token_bytes(RANDOM_BYTES)), **changed})

    async def says(self, ticket_id: str, **changed: Any) -> None:
        """The business says more."""
        await self.handlers.on_requests(
            [message(self.clock.at, ticket_id=ticket_id, **{"id": new_id(), "message_id": new_id(), **changed})]
        )

    async def accepted(self, ticket_id: str, message_id: str, at: datetime | None = None) -> None:
        """A mail server took what the officer said."""
        await self.handlers.on_notifications([delivered(message_id, at or self.clock.at, ticket_id=ticket_id, id=new_id())])

    async def bounced(self, ticket_id: str, message_id: str | None, **changed: Any) -> None:
        await self.handlers.on_notifications([failed(message_id, self.clock.at, ticket_id=ticket_id, id=new_id(), **changed)])

    async def get(self, path: str, who: str = "hai", **query: Any) -> Answer:
        return _answer(await self.http.get(f"/api/v1{path}", params=query, headers=signed(who)))

    async def act(self, ticket: str, action: str, body: object = None, *, who: str = "hai", seen: str | None = None) -> Answer:
        """Do it on the version the officer sees now, or on the ETag in `seen`."""
        etag = seen if seen is not None else (await self.get(f"/tickets/{ticket}", "quan")).headers.get("etag", '"1"')
        headers = signed(who) | ({"If-Match": etag} if etag else {})
        return _answer(await self.http.post(f"/api/v1/tickets/{ticket}/{action}", json=body, headers=headers))

    async def journal(self, ticket_id: str) -> list[str]:
        """The types of the events of a ticket; their places are contiguous and the last is the ticket's version."""
        rows: list[Document] = await self.database["journal"].find({"stream": ticket_id}).sort("seq").to_list(None)
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        stored = await self.database[TICKETS.name].find_one({"_id": ticket_id})
        assert (stored["version"] if stored else 0) == len(rows)
        return [row["type"] for row in rows]

    async def everything(self) -> dict[str, list[Document]]:
        """All that is stored, to compare before and after."""
        return {name: await self.database[name].find({}).sort("_id").to_list(None) for name in WIPED}

    async def outcomes(self, **query: Any) -> list[Document]:
        return await self.database[OUTCOMES.name].find(query).sort("_id").to_list(None)


def signed(officer_key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {officer_key}"}


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.json(), response.headers)


def organisation() -> Organisation:
    """The small organisation with everybody the access rules tell apart."""
    return with_officers(
        officer("anna", "hon-gai", language="en"),
        officer("thanh", supervises=["ha-tinh"]),
        officer("kiem", roles=["auditor"]),
        officer("kiem2", "hon-gai", roles=["auditor"]),
    )


async def load(store: OrganisationStore, database: Database, written: Organisation) -> None:
    """Save the organisation and a token, equal to the key, for each of its officers."""
    await store.save(written)
    await store.refresh()
    tokens, far = TokenRepository(database), MONDAY_NINE + timedelta(days=5000)
    for spec in written.officers:
        await tokens.create(spec.key, now=MONDAY_NINE, expires_at=far, token=spec.key)


@asynccontextmanager
async def organised(routing: Routing, written: Organisation) -> AsyncIterator[None]:
    """The organisation is this one for a while, as after `helpdesk load` and the next look at the database."""
    await load(routing.store, routing.database, written)
    try:
        yield
    finally:
        await load(routing.store, routing.database, organisation())


@pytest.fixture(scope="session")
async def routing_database(mongo_server: MongoServer) -> AsyncIterator[tuple[Mongo, Database, OrganisationStore]]:
    """Collections are made once a run."""
    mongo = Mongo(mongo_server.uri)
    database = mongo.database(f"test{secrets.token_hex(4)}_routing")
    await mongo.ensure(database, ROUTING)
    store = OrganisationStore(database, partial(oldest_in_use, database))
    await load(store, database, organisation())
    yield mongo, database, store
    await database.client.drop_database(database.name)
    await mongo.close()


@pytest.fixture
async def routing(routing_database: tuple[Mongo, Database, OrganisationStore]) -> AsyncIterator[Routing]:
    mongo, database, store = routing_database
    for name in WIPED:
        await database[name].delete_many({})
    clock, directory = Clock(), Directory(store)
    tickets = TicketRepository(mongo, database, Journal(database, topics.TICKETS))
    app = api(database, tickets, directory, FileLinks(PUBLIC_URL, (SECRET,)), clock, structlog.get_logger())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://officers.example"
    ) as http:
        yield Routing(mongo, database, store, directory, tickets, Handlers(tickets, directory, clock), http, clock)
