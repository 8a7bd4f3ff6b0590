"""What is measured of a line, whoever it consists of: options, load, and the figures that come of it."""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks import load
from helpdesk.embedded.servers import Servers

DRAIN_SECONDS = 180.0
WARM_UP_RATE = 20.0
UNCOUNTED = 10**8
"""Number of the first request of the warm-up: none that counts has it, however late its mail comes."""
SETTLE_SECONDS = 2.0
"""From the end of the warm-up to the first request that counts."""


def options(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64, help="clients that post one after the other")
    parser.add_argument("--until-told", action="store_true", help="clients wait for the mail before they post again")
    parser.add_argument("--rate", type=float, default=0, help="requests per second at fixed instants, instead of clients")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--warm-up", type=float, default=3)
    return parser


async def under_load(port: int, record: load.Record, arguments: argparse.Namespace) -> dict[str, object]:
    """Warm up, post as the options say, wait for the mails; `record` is what the mail server notes into."""
    await load.steady(port, load.Record(), rate=WARM_UP_RATE, seconds=arguments.warm_up, first=UNCOUNTED)
    await asyncio.sleep(SETTLE_SECONDS)
    record.acknowledged.clear()
    began = time.monotonic()
    if arguments.rate:
        await load.steady(port, record, rate=arguments.rate, seconds=arguments.seconds)
    else:
        await load.flood(port, record, clients=arguments.clients, seconds=arguments.seconds, until_told=arguments.until_told)
    posted_for = time.monotonic() - began
    await drained(record)
    return report(record, began, posted_for)


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


def used(pids: Mapping[str, int], servers: Servers) -> dict[str, object]:
    """By the processes of the line, the servers started for it, and this one, which posts and takes the mails."""
    all_pids = {**pids, **{server.name: server.pids[0] for server in servers.ours}, "load and sink": os.getpid()}
    return {"processes": {name: usage(pid) for name, pid in all_pids.items()}}


def written(figures: dict[str, object]) -> None:
    """To standard output."""
    json.dump(figures, sys.stdout, indent=2)
    sys.stdout.write("\n")
