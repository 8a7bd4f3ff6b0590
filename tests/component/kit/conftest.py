"""Databases and topics of one test alone, on the run's servers."""

import secrets
from collections.abc import AsyncIterator, Callable

import pytest
import structlog
from structlog.typing import FilteringBoundLogger

from kit.journal import JOURNAL, OWED, RELAY_LEASES, RELAY_STATE
from kit.mongo import Database, Mongo
from kit.settings import ServiceSettings
from tests.support.servers import KafkaServer, MongoServer


@pytest.fixture
def logger() -> FilteringBoundLogger:
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


@pytest.fixture
async def mongo(mongo_server: MongoServer) -> AsyncIterator[Mongo]:
    client = Mongo(mongo_server.uri)
    await client.measure_clock()
    yield client
    await client.close()


@pytest.fixture
async def database(mongo: Mongo) -> AsyncIterator[Database]:
    """Empty, with the journal's collections."""
    fresh = mongo.database(f"test_{secrets.token_hex(6)}")
    await mongo.ensure(fresh, [JOURNAL, OWED, RELAY_STATE, RELAY_LEASES])
    yield fresh
    await fresh.client.drop_database(fresh.name)


@pytest.fixture
def settings(kafka_server: KafkaServer) -> ServiceSettings:
    return ServiceSettings(kafka_bootstrap_servers=kafka_server.bootstrap_servers, kafka_partitions=3)


@pytest.fixture
def fresh_name() -> Callable[[str], str]:
    """Names of topics and groups that no other test has."""
    return lambda kind: f"test.{kind}.{secrets.token_hex(6)}"
