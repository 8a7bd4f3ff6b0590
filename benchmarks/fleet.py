"""Ticker processes: started, killed, started again, and watched."""

import asyncio
import itertools
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.figures import usage
from helpdesk.embedded.ports import free_ports
from helpdesk.embedded.process import Child
from kit.ids import SLOTS
from kit.mongo import Database, Mongo
from services.routing.storage import TICKER_LEASES

GRACE_SECONDS: Final = 30
READY_SECONDS: Final = 60.0


class Fleet:
    """`helpdesk run routing --only ticker`, several times; no Kafka anywhere."""

    def __init__(self, count: int, uri: str, prefix: str, data: Path) -> None:
        self._environment = {"MONGODB_URI": uri, "HELPDESK_MONGODB_DATABASE_PREFIX": prefix, "HELPDESK_LOG_LEVEL": "WARNING"}
        self._data = data
        self._lives = itertools.count(1)
        self._places: list[Child] = []
        self._count = count
        self.kills = 0
        self.cpu_s: Counter[int] = Counter()
        """By place, of the processes that have ended."""
        self.mb: dict[int, float] = {}

    def start(self, environment: Mapping[str, str]) -> None:
        self._environment = {**environment, **self._environment}
        self._places = [self._child() for _ in range(self._count)]

    def _child(self) -> Child:
        command = [sys.executable, "-m", "helpdesk", "run", "routing", "--only", "ticker"]
        environment = {**self._environment, "HELPDESK_ROUTING_PORT": str(free_ports(1)[0])}
        child = Child(command, self._data / f"ticker-{next(self._lives)}.log", env=environment)
        child.start()
        return child

    async def until_sharing(self, mongo: Mongo, database: Database) -> None:
        """Wait until each has its share and no slot is left."""
        leases, until = database[TICKER_LEASES.name], time.monotonic() + READY_SECONDS
        while True:
            held = await leases.find({"kind": "slot", "until": {"$gte": mongo.now()}}).to_list(None)
            if len(held) == SLOTS and len({row["owner"] for row in held}) == len(self._places):
                return
            ended = [child for child in self._places if not child.alive]
            if ended or time.monotonic() > until:
                raise TimeoutError("the tickers do not share the slots; last lines:\n" + (ended or self._places)[0].last_lines())
            await asyncio.sleep(0.2)

    async def kill_one(self, place: int) -> None:
        """SIGKILL, and another in its place at once."""
        self.kills += 1
        self._note(place)
        await asyncio.to_thread(self._places[place].kill)
        self._places[place] = self._child()

    async def keep_killing(self, every: float) -> None:
        for place in itertools.cycle(range(self._count)):
            await asyncio.sleep(every)
            await self.kill_one(place)

    def _note(self, place: int) -> None:
        child = self._places[place]
        if child.alive:
            used = usage(child.pid)
            self.cpu_s[place] += used["cpu_s"]  # type: ignore[assignment]
            self.mb[place] = max(used["mb"], self.mb.get(place, 0))

    async def stop(self) -> None:
        for place in range(len(self._places)):
            self._note(place)
        await asyncio.gather(*(asyncio.to_thread(child.stop, GRACE_SECONDS) for child in self._places))
