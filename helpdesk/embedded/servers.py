"""The Kafka and the MongoDB to work with: those the environment names, else embedded ones."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from helpdesk.embedded.group import Progress, ServerGroup, silent
from helpdesk.embedded.kafka import Kafka, KafkaCluster
from helpdesk.embedded.mongod import Mongod, MongodSet

KAFKA_VARIABLE, MONGO_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI"
KAFKA_PORT, MONGO_PORT = 9092, 27017


@dataclass(frozen=True)
class Servers:
    """Addresses to hand to the services, and the servers that are ours to stop."""

    bootstrap_servers: str
    mongodb_uri: str
    ours: tuple[ServerGroup, ...] = ()

    async def until_dead(self) -> None:
        """Wait; raises ServerDiedError as soon as a server started here ends by itself."""
        await asyncio.gather(*(server.until_dead() for server in self.ours))

    async def stop(self) -> None:
        """Stop what was started here; servers named by the environment are left alone."""
        await asyncio.gather(*(server.stop() for server in self.ours))


def kafka_of(data: Path, port: int, nodes: int) -> KafkaCluster:
    """Kafka on `data`, not started."""
    return Kafka(data, port) if nodes == 1 else KafkaCluster(data, nodes, port)


def mongo_of(data: Path, port: int, nodes: int) -> MongodSet:
    """MongoDB on `data`, not started."""
    return Mongod(data, port) if nodes == 1 else MongodSet(data, nodes, port)


async def find_or_start(
    data: Path,
    environment: Mapping[str, str],
    *,
    kafka_port: int = KAFKA_PORT,
    mongo_port: int = MONGO_PORT,
    nodes: int = 1,
    progress: Progress = silent,
) -> Servers:
    """Take the addresses from `environment` (os.environ) where it has them, start the rest side by side.

    Raises EmbeddedError; then nothing that was started here still runs.
    """
    kafka = None if environment.get(KAFKA_VARIABLE) else kafka_of(data, kafka_port, nodes)
    mongo = None if environment.get(MONGO_VARIABLE) else mongo_of(data, mongo_port, nodes)
    ours = tuple(server for server in (kafka, mongo) if server is not None)
    await _start_all(ours, progress)
    return Servers(
        kafka.bootstrap_servers if kafka else environment[KAFKA_VARIABLE],
        mongo.uri if mongo else environment[MONGO_VARIABLE],
        ours,
    )


async def _start_all(servers: tuple[ServerGroup, ...], progress: Progress) -> None:
    starts = [asyncio.ensure_future(server.start(progress)) for server in servers]
    try:
        await asyncio.gather(*starts)
    except BaseException:
        for start in starts:
            start.cancel()
        await asyncio.gather(*starts, return_exceptions=True)
        await asyncio.gather(*(server.stop() for server in servers))
        raise
