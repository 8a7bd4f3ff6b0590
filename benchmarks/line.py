"""The whole line, on this machine: from `POST` to the acknowledgement accepted by a mail server.

    python -m benchmarks.line --clients 64 --seconds 30      how much it carries
    python -m benchmarks.line --rate 50 --seconds 30         how long one takes

Every server, the load and the mail server share this machine's cores. All requests are given to one group, so its mailbox gets a
few mails and a digest a minute; with HELPDESK_NEW_WORK_PER_MINUTE=0 it gets one for each.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from benchmarks import load, sink
from helpdesk import provision
from helpdesk.demo import ORGANISATION
from helpdesk.embedded.ports import free_ports
from helpdesk.embedded.servers import Servers, find_or_start
from helpdesk.organisation import read
from helpdesk.starting.layout import SERVICES, Ports, environment
from helpdesk.starting.processes import Processes
from kit.settings import ServiceSettings

DRAIN_SECONDS = 180.0


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def summary(values: list[float]) -> dict[str, float]:
    """Milliseconds."""
    if not values:
        return {}
    figures = {"p50": statistics.median(values), "p95": percentile(values, 0.95), "p99": percentile(values, 0.99), "max": max(values)}
    return {name: round(value * 1000, 1) for name, value in figures.items()}


def usage(pid: int) -> dict[str, float]:
    """CPU seconds so far and resident MB of a process (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {"cpu_s": round((int(fields[11]) + int(fields[12])) / ticks, 1), "mb": round(resident / 1e6, 1)}


async def provide(servers: Servers) -> None:
    settings = ServiceSettings(kafka_bootstrap_servers=servers.bootstrap_servers, mongodb_uri=servers.mongodb_uri)  # type: ignore[arg-type]
    mongo = provision.connected(settings)
    await provision.init(settings, mongo)
    await provision.load(settings, mongo, read(ORGANISATION))
    await mongo.close()


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    data = Path(tempfile.mkdtemp(prefix="helpdesk-bench-"))
    async with AsyncExitStack() as stack:
        intake, routing, notifier, mail, catcher, smtp, kafka, mongo = free_ports(8)
        servers = await find_or_start(data, os.environ, kafka_port=kafka, mongo_port=mongo)
        stack.push_async_callback(servers.stop)
        record = load.Record()
        (await sink.serve(smtp, record.noted)).get_loop()
        ports = Ports(intake, routing, notifier, mail, catcher, smtp)
        variables = environment(os.environ, ports, servers, data, catching=True) | {"HELPDESK_LOG_LEVEL": "WARNING"}
        await provide(servers)
        processes = Processes(SERVICES, ports.health, variables, data)
        stack.push_async_callback(processes.stop)
        processes.start()
        await processes.until_ready()
        await load.steady(intake, load.Record(), rate=20, seconds=arguments.warm_up)
        await asyncio.sleep(2)
        record.acknowledged.clear()
        began = time.monotonic()
        if arguments.rate:
            await load.steady(intake, record, rate=arguments.rate, seconds=arguments.seconds)
        else:
            await load.flood(intake, record, clients=arguments.clients, seconds=arguments.seconds)
        posted_for = time.monotonic() - began
        await drained(record)
        return report(record, began, posted_for) | {
            "processes": {name: usage(pid) for name, pid in processes.pids.items()}
            | {server.name: usage(server.pids[0]) for server in servers.ours}
            | {"load and sink": usage(os.getpid())}
        }


async def drained(record: load.Record) -> None:
    until = time.monotonic() + DRAIN_SECONDS
    while len(record.acknowledged.keys() & record.answered.keys()) < len(record.answered) and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.1)  # looking ten times a second costs nothing; an event per mail would be part of what is measured


def report(record: load.Record, began: float, posted_for: float) -> dict[str, object]:
    numbers = record.answered.keys() & record.acknowledged.keys()
    whole = [record.acknowledged[number] - record.posted[number] for number in numbers]
    post = [record.answered[number] - record.posted[number] for number in record.answered]
    last = max((record.acknowledged[number] for number in numbers), default=began)
    return {
        "accepted": len(record.answered),
        "refused": record.refused,
        "acknowledged": len(numbers),
        "accepted_per_s": round(len(record.answered) / posted_for, 1),
        "line_per_s": round(len(numbers) / (last - began), 1) if numbers else 0,
        "backlog_s": round(last - began - posted_for, 1),
        "post_ms": summary(post),
        "post_to_mail_ms": summary(whole),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64, help="clients that post one after the other")
    parser.add_argument("--rate", type=float, default=0, help="requests per second at fixed instants, instead of clients")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--warm-up", type=float, default=3)
    figures = uvloop.run(measure(parser.parse_args()))
    json.dump(figures, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
