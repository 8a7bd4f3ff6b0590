"""A running service: its parts are started in order, watched, and stopped in reverse."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from faststream.kafka import KafkaBroker
from structlog.typing import FilteringBoundLogger

from kit.inlet import Inlet
from kit.loops import Loop

RESTART_PAUSE = 2.0

CLOSING_PATIENCE = 25.0
"""Seconds for one part or closer: more than any of them allows itself, so that none is cut off in the middle of its work."""


class Part(Protocol):
    """Something with a beginning and an end: a web server, a mail receiver."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


@dataclass
class Service:
    """What one process runs. `checks` name what is missing before it is ready."""

    name: str
    logger: FilteringBoundLogger
    parts: list[Part] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    inlets: list[Inlet] = field(default_factory=list)  # type: ignore[type-arg]
    broker: KafkaBroker | None = None
    checks: list[Callable[[], Awaitable[str | None]]] = field(default_factory=list)
    preparations: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What must have worked before it is ready and before consuming begins; tried again until it has."""

    closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """Run in reverse when everything else has stopped."""

    prepared: bool = False
    consuming: bool = False

    def stuck(self) -> list[str]:
        """What has stopped moving; a process with anything in it should be restarted."""
        return [f"loop {loop.name}" for loop in self.loops if loop.stuck()] + [
            f"consumer of {inlet.topic}" for inlet in self.inlets if inlet.stuck()
        ]

    async def missing(self) -> list[str]:
        """What has to answer before this process is ready."""
        found = [problem for problem in await asyncio.gather(*(check() for check in self.checks)) if problem]
        found += [f"{inlet.topic}: stopped by a burst of dead letters" for inlet in self.inlets if inlet.stopped]
        if self.inlets and not self.consuming:
            found.append("Kafka: not consuming yet")
        elif self.preparations and not self.prepared:
            found.append("what it needs in its database is not there yet")
        return found

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set: web first (so that health answers), then loops, then consumers, which wait for Kafka."""
        tasks: list[asyncio.Task[None]] = []
        try:
            for part in self.parts:
                await part.start()
            tasks = [asyncio.create_task(loop.run(stop), name=loop.name) for loop in self.loops]
            tasks.append(asyncio.create_task(self._consume(stop)))
            spare_the_collector()
            self.logger.info("service.started", loops=[loop.name for loop in self.loops], inlets=[inlet.topic for inlet in self.inlets])
            await stop.wait()
        finally:
            stop.set()
            await self._stop(tasks)

    async def _stop(self, tasks: list["asyncio.Task[None]"]) -> None:
        for part in reversed(self.parts):
            await self._end(part.stop)
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=30)
            for task in pending:
                task.cancel()
        for close in reversed(self.closers):
            await self._end(close)
        self.logger.info("service.stopped")

    async def _end(self, stop: Callable[[], Awaitable[None]]) -> None:
        """Stop one thing; whatever happens, the others are stopped too."""
        try:
            await asyncio.wait_for(stop(), timeout=CLOSING_PATIENCE)
        except Exception as error:  # noqa: BLE001 (stopping goes on)
            self.logger.warning("service.close_failed", error=repr(error))

    async def _consume(self, stop: asyncio.Event) -> None:
        """Prepare (also where nothing is consumed) and start the broker; again while Kafka is away: intake must accept without it."""
        while not stop.is_set():
            try:
                for prepare in self.preparations:
                    await prepare()
                self.prepared = True
                if self.broker is not None:
                    await self.broker.start()
            except Exception as error:  # noqa: BLE001 (whatever keeps Kafka away, we wait for it)
                self.logger.warning("service.kafka_away", error=repr(error)[:300])
                await self._stop_broker()
                await _sleep(stop, RESTART_PAUSE)
                continue
            self.consuming = bool(self.inlets)
            await stop.wait()
        await self._stop_broker()

    async def _stop_broker(self) -> None:
        self.consuming = False
        for inlet in self.inlets:
            await self._end(inlet.settle)
        try:
            if self.broker is not None:
                await asyncio.wait_for(self.broker.stop(), timeout=30)
        except Exception as error:  # noqa: BLE001 (a broker that half started)
            self.logger.warning("service.broker_not_stopped", error=repr(error)[:300])


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), timeout=seconds)
    except TimeoutError:
        return


def spare_the_collector() -> None:
    """What was made while starting lives as long as the process: the garbage collector need not look at it again and again.

    Little of what comes later is part of a cycle; with Python's own thresholds a tenth of the time under load went into looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run until SIGTERM or SIGINT. On asyncio's own event loop: with uvloop a Kafka client may die with its broker (decision 009)."""

    async def until_signalled() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    asyncio.run(until_signalled())
