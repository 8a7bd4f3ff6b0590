"""One real Kafka and one real MongoDB for the whole test run, started by the first test that asks.

Order: KAFKA_BOOTSTRAP_SERVERS / MONGODB_URI, then Docker, then the embedded servers. Tests share them, so each uses topics, groups
and databases of its own name. A test that kills or wipes a server takes `own_kafka` / `own_mongo` instead.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpdesk.embedded.group import ServerGroup
from helpdesk.embedded.kafka import KafkaCluster
from helpdesk.embedded.mongod import MongodSet
from helpdesk.embedded.servers import KAFKA_VARIABLE, MONGO_VARIABLE, kafka_of, mongo_of
from tests.support.docker import docker_answers, kafka_in_docker, mongo_in_docker
from tests.support.ports import free_port_row, free_ports

KafkaFactory = Callable[..., Awaitable[KafkaCluster]]
MongoFactory = Callable[..., Awaitable[MongodSet]]


@dataclass(frozen=True)
class KafkaServer:
    """A running Kafka."""

    bootstrap_servers: str


@dataclass(frozen=True)
class MongoServer:
    """A running replica set."""

    uri: str


def run_apart(coroutine: Coroutine[None, None, None]) -> None:
    """Run it in a thread with a loop of its own, so that a fixture serves tests with any event loop, or none."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()


def end(server: ServerGroup) -> None:
    """Kill it and give the disk space back."""
    run_apart(server.kill())
    server.wipe()


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """The run's Kafka."""
    with ExitStack() as stack:
        if address := os.environ.get(KAFKA_VARIABLE):
            yield KafkaServer(address)
        elif docker_answers():
            yield KafkaServer(stack.enter_context(kafka_in_docker()))
        else:
            kafka = kafka_of(tmp_path_factory.mktemp("kafka"), free_ports(1)[0], 1)
            stack.callback(end, kafka)
            run_apart(kafka.start())
            yield KafkaServer(kafka.bootstrap_servers)


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """The run's MongoDB."""
    with ExitStack() as stack:
        if uri := os.environ.get(MONGO_VARIABLE):
            yield MongoServer(uri)
        elif docker_answers():
            yield MongoServer(stack.enter_context(mongo_in_docker()))
        else:
            mongo = mongo_of(tmp_path_factory.mktemp("mongo"), free_ports(1)[0], 1)
            stack.callback(end, mongo)
            run_apart(mongo.start())
            yield MongoServer(mongo.uri)


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaFactory]:
    """Makes an embedded Kafka this test may kill, restart and wipe; gone after the test."""
    with ExitStack() as stack:

        async def start(nodes: int = 1, data: Path = tmp_path) -> KafkaCluster:
            kafka = kafka_of(data, free_port_row(nodes), nodes)
            stack.callback(end, kafka)
            await kafka.start()
            return kafka

        yield start


@pytest.fixture
def own_mongo(tmp_path: Path) -> Iterator[MongoFactory]:
    """Makes an embedded MongoDB this test may kill, restart and wipe; gone after the test."""
    with ExitStack() as stack:

        async def start(nodes: int = 1, data: Path = tmp_path) -> MongodSet:
            mongo = mongo_of(data, free_port_row(nodes), nodes)
            stack.callback(end, mongo)
            await mongo.start()
            return mongo

        yield start
