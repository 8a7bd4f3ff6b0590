"""After an outage: how many mails tell how many people of how many missed deadlines, by a notifier with servers of its own.

    python -m benchmarks.digests --missed 5000 --people 40

Each deadline was missed up to an hour ago and concerns two people. Ends with 1 when somebody got no mail or more than one, or when
a miss is told in none. Takes the two minutes for which late alarms are gathered.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks import sink
from benchmarks.figures import usage
from benchmarks.line import provide
from helpdesk.embedded.ports import free_ports
from helpdesk.embedded.servers import Servers, find_or_start
from helpdesk.starting.layout import Ports, environment
from helpdesk.starting.processes import Processes
from kit.ids import new_id
from kit.kafka import make_producer
from kit.mongo import Mongo
from kit.settings import ServiceSettings
from schemas import topics
from schemas.tickets import DeadlineMissed
from schemas.values import Person
from services.notifier.storage import DELIVERIES

EVENT: Final = Path(__file__).parents[1] / "tests" / "data" / "events" / "deadline_missed.json"
PATIENCE: Final = 300.0


def people(count: int) -> list[Person]:
    return [Person(key=f"officer{number}", name=f"Officer {number}", email=f"officer{number}@bench.example") for number in range(count)]


def misses(count: int, among: list[Person], now: datetime) -> Iterator[DeadlineMissed]:
    """Spread evenly over the last hour, and over everybody."""
    like = DeadlineMissed.model_validate_json(EVENT.read_bytes())
    for number in range(count):
        due = now - timedelta(hours=1) * (count - number) / count - timedelta(minutes=6)
        clock = like.ticket.deadlines[-1].model_copy(update={"due_at": due, "missed_at": due})
        ticket = like.ticket.model_copy(update={"reference": f"HQ-{number:08}", "deadlines": (clock,), "officer": None})
        told = (among[number % len(among)], among[(number + 7) % len(among)])
        fields = {"id": new_id(), "ticket_id": new_id(), "occurred_at": now, "ticket": ticket, "due_at": due, "recipients": told}
        yield like.model_copy(update=fields)


async def publish(settings: ServiceSettings, events: Iterator[DeadlineMissed]) -> None:
    producer = make_producer(settings, "bench")
    await producer.start()
    try:
        for event in events:
            await producer.send(topics.TICKETS, event.model_dump_json(exclude_none=True).encode(), key=event.ticket_id.encode())
        await producer.flush()
    finally:
        await producer.stop()


async def told(mongo: Mongo, database: str) -> tuple[int, Counter[int]]:
    """How many alarms a mail told, and how many there are in each mail."""
    rows = await mongo.database(database)[DELIVERIES.name].find({}, {"template": 1, "state": 1, "parts": 1}).to_list(None)
    digests = Counter(len(row["parts"]) for row in rows if row["template"] == "digest" and row["state"] == "delivered")
    return sum(row["template"] != "digest" and row["state"] == "delivered" for row in rows), digests


async def started(stack: AsyncExitStack, received: Counter[str]) -> tuple[Servers, Processes]:
    data = Path(tempfile.mkdtemp(prefix="helpdesk-bench-"))
    intake, routing, notifier, mail, catcher, smtp, kafka, mongo = free_ports(8)
    servers = await find_or_start(data, os.environ, kafka_port=kafka, mongo_port=mongo)
    stack.push_async_callback(servers.stop)
    await sink.serve(smtp, lambda recipient, _: received.update([recipient]))
    ports = Ports(intake, routing, notifier, mail, catcher, smtp)
    variables = environment(os.environ, ports, servers, data, catching=True) | {"HELPDESK_LOG_LEVEL": "WARNING"}
    await provide(servers)
    processes = Processes(("notifier",), ports.health, variables, data)
    stack.push_async_callback(processes.stop)
    processes.start()
    await processes.until_ready()
    return servers, processes


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    received: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        servers, processes = await started(stack, received)
        settings = ServiceSettings.model_validate(
            {"kafka_bootstrap_servers": servers.bootstrap_servers, "mongodb_uri": servers.mongodb_uri}
        )
        mongo = Mongo(servers.mongodb_uri)
        stack.push_async_callback(mongo.close)
        began = time.monotonic()
        await publish(settings, misses(arguments.missed, people(arguments.people), datetime.now(UTC)))
        alarms, digests = 0, Counter[int]()
        while alarms < 2 * arguments.missed and time.monotonic() - began < PATIENCE:
            await asyncio.sleep(1)
            alarms, digests = await told(mongo, f"{settings.mongodb_database_prefix}_notifier")
        return {
            "missed": arguments.missed,
            "alarms_told": alarms,
            "people": len(received),
            "mails": received.total(),
            "most_mails_of_one": max(received.values(), default=0),
            "alarms_in_a_mail": [min(digests, default=0), max(digests, default=0)],
            "all_told_after_s": round(time.monotonic() - began, 1),
            "notifier": usage(processes.pids["notifier"]),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missed", type=int, default=5_000)
    parser.add_argument("--people", type=int, default=40)
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments))
    json.dump(figures, sys.stdout, indent=2)
    sys.stdout.write("\n")
    right = figures["mails"] == figures["people"] == arguments.people and figures["alarms_told"] == 2 * arguments.missed
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
