"""The bare floor of the line: what the same servers carry today when nothing is decided, checked or repeated.

    python -m benchmarks.floor --until-told --clients 1000
    python -m benchmarks.floor --clients 256
    python -m benchmarks.floor --rate 50

The same load, mail server and figures as `benchmarks.line`: run both, for machines, and moments on one machine, differ by a factor of two.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import uvloop
from pymongo import AsyncMongoClient

from benchmarks import load, sink
from benchmarks.figures import options, under_load, used, written
from benchmarks.floor_workers import COLLECTIONS, DATABASE, TOPICS
from helpdesk.embedded.errors import ServerDiedError
from helpdesk.embedded.ports import free_ports, is_answering
from helpdesk.embedded.process import Child
from helpdesk.embedded.servers import Servers, find_or_start
from kit.kafka import ensure_topics
from kit.settings import ServiceSettings

READY_SECONDS = 60.0
FIRST = -1  # the request that shows that the line is there


async def provide(servers: Servers) -> None:
    """Topics like those of the line, and collections with no index but their ids."""
    await ensure_topics(ServiceSettings(kafka_bootstrap_servers=servers.bootstrap_servers), TOPICS)
    async with AsyncMongoClient[dict[str, object]](servers.mongodb_uri) as mongo:
        for name in COLLECTIONS:
            await mongo[DATABASE].create_collection(name)


def workers(servers: Servers, ports: Mapping[str, int], data: Path) -> dict[str, Child]:
    """They die with this process, however it ends."""
    variables = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": servers.bootstrap_servers, "MONGODB_URI": servers.mongodb_uri}
    command = [sys.executable, "-m", "benchmarks.floor_workers"]
    return {name: Child([*command, name, str(port)], data / f"{name}.log", env=variables) for name, port in ports.items()}


@asynccontextmanager
async def watched(children: Mapping[str, Child]) -> AsyncIterator[None]:
    """Whoever waits for a mail must not wait for a worker that is gone."""

    async def watch() -> None:
        while all(child.alive for child in children.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.5)  # a process, not a task of ours
        raise ServerDiedError("\n".join(child.last_lines() for child in children.values() if not child.alive))

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        try:
            yield
        except Exception as error:
            error.add_note("\n".join(f"{name}: {child.last_lines()}" for name, child in children.items()))
            await asyncio.sleep(1)  # in which the watcher says that a worker ended, if that is why
            raise
        watching.cancel()


async def until_carried(port: int, record: load.Record) -> None:
    """One request through all of it."""
    first, carried = load.Client(port, load.Record()), record.told.setdefault(FIRST, asyncio.Event())
    async with asyncio.timeout(READY_SECONDS):
        while not is_answering(port):  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # another process
        await first.post(FIRST)
        await carried.wait()
    first.close()


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="helpdesk-bench-")))
        intake, smtp, kafka, mongo = free_ports(4)
        servers = await find_or_start(data, os.environ, kafka_port=kafka, mongo_port=mongo)
        stack.push_async_callback(servers.stop)
        record = load.Record()
        await sink.serve(smtp, record.noted)
        await provide(servers)
        children = workers(servers, {"intake": intake, "routing": 0, "notifier": smtp}, data)
        for child in children.values():
            stack.push_async_callback(asyncio.to_thread, child.kill)
            child.start()
        async with watched(children):
            await until_carried(intake, record)
            figures = await under_load(intake, record, arguments)
        return figures | used({name: child.pid for name, child in children.items()}, servers)


def main() -> None:
    written(uvloop.run(measure(options(__doc__).parse_args())))


if __name__ == "__main__":
    main()
