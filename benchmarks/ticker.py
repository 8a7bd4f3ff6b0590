"""Deadlines coming due while tickers are killed, on a MongoDB of its own.

    python -m benchmarks.ticker --open 200000 --due 20000 --within 120 --tickers 3 --kill-every 5
    python -m benchmarks.ticker --open 200000 --outage 5000       nobody was there for an hour: how long until all is recorded

Ends with 1 when a single one was missed, recorded twice or early, or with another instant than its own. The lag is the database's
commit of the entry minus the true instant; everything shares this machine's cores.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.audit import Verdict, expected, journalled
from benchmarks.figures import usage
from benchmarks.fleet import Fleet
from benchmarks.population import PLAIN, STEP_AFTER, Population, organisation
from helpdesk.embedded.mongod import Mongod
from helpdesk.embedded.ports import free_ports
from kit.mongo import Database, Mongo
from kit.organisation import OrganisationStore
from services.routing.storage import ROUTING, TICKETS

PREFIX: Final = "bench"
LEAD: Final = timedelta(seconds=30)
"""From the end of the loading to the first deadline: the tickers start and share the slots, and the first warning comes 6 s before it."""

IDLE_SECONDS: Final = 5.0
PATIENCE: Final = 60.0
"""Seconds after the last deadline in which everything must be recorded."""

LOADED_PER_SECOND: Final = 5_000
"""Clocks; slower than any machine this is meant for."""


class Bench:
    def __init__(self, mongod: Mongod, mongo: Mongo, database: Database, fleet: Fleet) -> None:
        self.mongod, self.mongo, self.database, self.fleet = mongod, mongo, database, fleet

    async def prepare(self) -> None:
        await self.mongo.measure_clock()
        await self.mongo.ensure(self.database, ROUTING)
        await OrganisationStore(self.database).save(organisation())

    async def load(self, population: Population) -> dict[tuple[str, str], datetime]:
        """What has to be journalled, and when."""
        await population.load(self.database)
        found = self.database[TICKETS.name].find({"topic": {"$ne": PLAIN}}, {"topic": 1, "state.clocks": 1})
        return expected(await found.to_list(None))

    async def start(self) -> None:
        self.fleet.start(os.environ)
        await self.fleet.until_sharing(self.mongo, self.database)

    async def until(self, at: datetime) -> None:
        await asyncio.sleep((at - self.mongo.now()).total_seconds())

    @asynccontextmanager
    async def killing(self, every: float) -> AsyncIterator[None]:
        """Meanwhile, each ticker in its turn."""
        killing = asyncio.create_task(self.fleet.keep_killing(every))
        try:
            yield
        finally:
            killing.cancel()
            with suppress(asyncio.CancelledError):
                await killing

    async def until_recorded(self, count: int) -> None:
        """Or until nobody can hope any more."""
        until = time.monotonic() + PATIENCE
        while await self.database["journal"].count_documents({}) < count and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.2)  # whoever waits is in another process

    async def commands(self) -> int:
        counted = (await self.mongo.database("admin").command("serverStatus"))["opcounters"]
        return sum(counted[name] for name in ("query", "insert", "update", "delete", "command", "getmore"))

    async def load_on_the_database(self, seconds: float) -> dict[str, float]:
        """What the tickers cost it meanwhile."""
        before, used = await self.commands(), usage(self.mongod.pid)["cpu_s"]
        await asyncio.sleep(seconds)
        per_second = (await self.commands() - before) / seconds
        return {"operations_per_s": round(per_second), "cores": round((usage(self.mongod.pid)["cpu_s"] - used) / seconds, 2)}


async def kills(bench: Bench, arguments: argparse.Namespace) -> tuple[Verdict, dict[str, Any]]:
    first_at = bench.mongo.now() + LEAD + timedelta(seconds=arguments.open / LOADED_PER_SECOND)
    began = time.monotonic()
    loaded = await bench.load(Population(arguments.open, arguments.due, first_at, first_at + timedelta(seconds=arguments.within)))
    loading = time.monotonic() - began
    await bench.start()
    idle = await bench.load_on_the_database(IDLE_SECONDS)
    await bench.until(min(loaded.values()))
    async with bench.killing(arguments.kill_every):
        busy = await bench.load_on_the_database((max(loaded.values()) - bench.mongo.now()).total_seconds())
    machine = os.getloadavg()[0]
    await bench.until_recorded(len(loaded))
    return await journalled(bench.database, loaded), {
        "loading_s": round(loading, 1),
        "kills": bench.fleet.kills,
        "mongod_idle": idle,
        "mongod_busy": busy,
        "machine_load": round(machine, 1),
    }


async def outage(bench: Bench, arguments: argparse.Namespace) -> tuple[Verdict, dict[str, Any]]:
    """The last deadline passed long enough ago for its whole ladder to be due."""
    last_at = bench.mongo.now() - 2 * STEP_AFTER
    loaded = await bench.load(Population(arguments.open, arguments.outage, last_at - timedelta(hours=1), last_at))
    began = time.monotonic()
    bench.fleet.start(os.environ)
    await bench.until_recorded(1)
    first = time.monotonic()
    await bench.until_recorded(len(loaded))
    seconds = time.monotonic() - began
    return await journalled(bench.database, loaded), {
        "recorded_within_s": round(seconds, 1),
        "of_which_starting_s": round(first - began, 1),
        "machine_load": round(os.getloadavg()[0], 1),
    }


async def measure(arguments: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
    data = Path(tempfile.mkdtemp(prefix="helpdesk-bench-", dir=arguments.data))
    async with AsyncExitStack() as stack:
        mongod = Mongod(data, free_ports(1)[0])
        stack.callback(mongod.wipe)
        stack.push_async_callback(mongod.kill)
        await mongod.start()
        mongo = Mongo(mongod.uri)
        stack.push_async_callback(mongo.close)
        fleet = Fleet(arguments.tickers, mongod.uri, PREFIX, data)
        bench = Bench(mongod, mongo, mongo.database(f"{PREFIX}_routing"), fleet)
        try:
            await bench.prepare()
            verdict, about = await (outage if arguments.outage else kills)(bench, arguments)
        finally:
            await fleet.stop()
        figures = {"open_clocks": arguments.open, "alarms": len(verdict.lags)} | verdict.figures() | about
        tickers = [{"cpu_s": round(fleet.cpu_s[place], 1), "mb": fleet.mb[place]} for place in sorted(fleet.mb)]
        return verdict.kept, figures | {"tickers": tickers, "mongod": usage(mongod.pid)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", type=int, default=200_000, help="open clocks, two on each ticket")
    parser.add_argument("--due", type=int, default=20_000, help="of them pass their deadline")
    parser.add_argument("--within", type=float, default=120, help="seconds in which they do")
    parser.add_argument("--tickers", type=int, default=3)
    parser.add_argument("--kill-every", type=float, default=5, help="seconds between two kill -9, each ticker in its turn")
    parser.add_argument("--data", type=Path, default=None, help="folder for the database, on the disk to be measured")
    parser.add_argument("--outage", type=int, default=0, help="so many deadlines passed within an hour in which nobody ran")
    kept, figures = uvloop.run(measure(parser.parse_args()))
    json.dump(figures, sys.stdout, indent=2)
    sys.stdout.write("\n")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
