"""The three services as child processes: started, asked whether they are ready, started again when they end or get stuck."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from helpdesk.embedded.process import Child

GRACE_SECONDS: Final = 30
"""Longer than any service takes to finish what it has begun."""

READY_SECONDS: Final = 60
WATCH_SECONDS: Final = 1.0
DEAF_AFTER: Final = 10
"""Looks in a row at which a service neither answered nor said it was alive, before it is started anew."""


class NotReadyError(Exception):
    """A service did not get ready; the message holds what it lacks and its last lines."""


class Processes:
    """One process per service; its output goes to `<data>/<service>.log`."""

    def __init__(self, names: Sequence[str], address: Callable[[str], str], environment: Mapping[str, str], data: Path) -> None:
        self._address = address
        self._environment = environment
        self._data = data
        self._children: dict[str, Child] = {name: self._child(name) for name in names}
        self._deaf: dict[str, int] = dict.fromkeys(names, 0)

    def _child(self, name: str) -> Child:
        command = [sys.executable, "-m", "helpdesk", "run", name]
        return Child(command, self._data / f"{name}.log", env=self._environment)

    def start(self) -> None:
        for child in self._children.values():
            child.start()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the services that run."""
        return {name: child.pid for name, child in self._children.items() if child.alive}

    async def until_ready(self) -> None:
        """NotReadyError after a minute, or as soon as one has ended."""
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as client:
            for name, child in self._children.items():
                lacking = ["no answer"]
                while lacking := await self._lacking(client, name):
                    if not child.alive:
                        raise NotReadyError(f"{name} ended while starting. Its last lines:\n{child.last_lines()}")
                    if asyncio.get_running_loop().time() > deadline:
                        raise NotReadyError(f"{name} is not ready: {'; '.join(lacking)}. Its last lines:\n{child.last_lines()}")
                    await asyncio.sleep(0.1)

    async def _lacking(self, client: httpx.AsyncClient, name: str) -> list[str]:
        try:
            answer = await client.get(f"{self._address(name)}/readyz")
            return [] if answer.is_success else [str(item) for item in answer.json().get("missing", ["not ready"])]
        except (httpx.HTTPError, ValueError):
            return ["no answer"]

    async def watch(self, say: Callable[[str], None]) -> None:
        """Start again what ended or got stuck, for ever."""
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as client:
            while True:
                await asyncio.sleep(WATCH_SECONDS)
                for name in self._children:
                    await self._look_at(client, name, say)

    async def _look_at(self, client: httpx.AsyncClient, name: str, say: Callable[[str], None]) -> None:
        child = self._children[name]
        if not child.alive:
            say(f"{name} ended and is started again; see {self._data / name}.log")
        elif await self._alive(client, name):
            self._deaf[name] = 0
            return
        else:
            self._deaf[name] += 1
            if self._deaf[name] < DEAF_AFTER:
                return
            say(f"{name} is stuck and is started again; see {self._data / name}.log")
            await asyncio.to_thread(child.stop, GRACE_SECONDS)
        self._deaf[name] = 0
        self._children[name] = self._child(name)
        self._children[name].start()

    async def _alive(self, client: httpx.AsyncClient, name: str) -> bool:
        try:
            return (await client.get(f"{self._address(name)}/livez")).is_success
        except httpx.HTTPError:
            return False

    async def stop(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(child.stop, GRACE_SECONDS) for child in self._children.values()))
