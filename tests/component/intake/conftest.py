"""Intake's doors on a real database, without Kafka: what is accepted stays in the journal, where tests read it."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import structlog

from helpdesk.organisation import read
from kit.journal import Journal
from kit.mongo import Database, Document, Mongo
from kit.organisation import OrganisationStore
from kit.service import Service
from schemas import topics
from schemas.organisation import Organisation
from services.intake.acceptance import Acceptance
from services.intake.app import build_web
from services.intake.desk import Desk
from services.intake.projection import Projection
from services.intake.status import Conversations, Links
from services.intake.storage import CONVERSATIONS, INTAKE
from services.intake.storing import FileStore
from tests.support.servers import MongoServer

PUBLIC_URL = "https://hotro.example"
CHAT_SECRET = "a-secret-of-this-chat-account"
OLD_CHAT_SECRET = "the-secret-it-had-before-this"

ORGANISATION = f"""
name: {{vi: Hải quan thử nghiệm, en: Test Customs}}
units:
  - {{key: general, level: general_department, name: {{vi: Tổng cục, en: General Department}}}}
topics:
  - {{key: tax, name: {{vi: Thuế, en: Tax}}}}
  - {{key: origin, name: {{vi: Xuất xứ, en: Origin}}}}
calendars:
  - {{key: office, timezone: Asia/Ho_Chi_Minh, week: {{mon: [["08:00", "17:00"]]}}}}
policies:
  - {{key: usual, targets: [{{clock: first_response, hours: 8}}, {{clock: resolution, days: 5}}]}}
groups:
  - {{key: focal, name: {{vi: Đầu mối, en: Focal point}}, unit: general, calendar: office, lead: lan}}
officers:
  - {{key: lan, name: Lan, groups: [focal]}}
focal_point: focal
competent_authority: {{name: {{vi: Bộ, en: Ministry}}}}
chat_accounts:
  - {{key: zalo, group: focal, secret: {CHAT_SECRET}, previous_secrets: [{OLD_CHAT_SECRET}]}}
"""


@dataclass
class Clock:
    """A clock that tests move."""

    at: datetime = field(default_factory=lambda: datetime(2026, 11, 20, 2, 15, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at

    def advance(self, span: timedelta) -> None:
        self.at += span


@dataclass(frozen=True)
class Intake:
    """One intake with a database of its own."""

    desk: Desk
    mongo: Mongo
    database: Database
    clock: Clock
    http: httpx.AsyncClient
    projection: Projection

    async def journalled(self, ticket_id: str) -> list[Document]:
        return await self.database["journal"].find({"stream": ticket_id}).sort("seq").to_list(None)

    async def count(self, collection: str, query: dict[str, Any] | None = None) -> int:
        return int(await self.database[collection].count_documents(query or {}))


@pytest.fixture(scope="session")
def organisation() -> Organisation:
    return read(ORGANISATION)


def build_desk(mongo: Mongo, database: Database, clock: Clock, store: OrganisationStore) -> Desk:
    return Desk(
        acceptance=Acceptance(mongo, database, Journal(database, topics.REQUESTS)),
        files=FileStore(database),
        organisation=store,
        conversations=Conversations(database),
        links=Links(PUBLIC_URL, ("s" * 32,)),
        now=clock,
    )


@pytest.fixture(scope="session")
async def intake_database(mongo_server: MongoServer, organisation: Organisation) -> AsyncIterator[tuple[Mongo, Database]]:
    """Collections are made once a run; tests keep apart by their own keys."""
    mongo = Mongo(mongo_server.uri)
    database = mongo.database(f"test{secrets.token_hex(4)}_intake")
    await mongo.ensure(database, INTAKE)
    await OrganisationStore(database).save(organisation)
    yield mongo, database
    await database.client.drop_database(database.name)
    await mongo.close()


@pytest.fixture
async def intake(intake_database: tuple[Mongo, Database]) -> AsyncIterator[Intake]:
    mongo, database = intake_database
    clock, store = Clock(), OrganisationStore(database)
    await store.refresh()
    desk = build_desk(mongo, database, clock, store)
    app = build_web(Service("intake", structlog.get_logger()), desk)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=PUBLIC_URL) as http:
        yield Intake(desk, mongo, database, clock, http, Projection(mongo, database[CONVERSATIONS.name]))
