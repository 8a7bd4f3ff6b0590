"""Time passing: a step that is run again and again, with a clean stop and a pulse that others can feel."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

from kit.errors import TransientError
from kit.mongo import is_passing

STUCK_AFTER = 120.0
"""Seconds after which a step that has not returned counts as stuck: four times the longest timeout inside any step."""

LONGEST_PAUSE = 10.0


class Loop:
    """Runs `step` every `every` seconds, or at once when it says there is more, or when `wake` is set.

    Where `every` is a function it is asked after each step how long to rest.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        *,
        every: float | Callable[[], float],
        logger: FilteringBoundLogger,
        wake: asyncio.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.failures = 0
        self._step = step
        self._every = every if callable(every) else lambda: every
        self._logger = logger
        self._wake = wake or asyncio.Event()
        self._clock = clock
        self._started_at: float | None = None
        self.last_ok_at: float | None = None

    def stuck(self) -> bool:
        return self._started_at is not None and self._clock() - self._started_at > STUCK_AFTER

    async def run(self, stop: asyncio.Event) -> None:
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._wake.clear()
                pause = await self._once()
                if pause:
                    await self._rest(pause, stopped)
        finally:
            stopped.cancel()

    async def _once(self) -> float:
        """Run the step; return how long to rest."""
        self._started_at = self._clock()
        try:
            more = await self._step()
        except Exception as error:  # noqa: BLE001 (a loop outlives every failure of its step)
            self.failures += 1
            passing = isinstance(error, TransientError) or is_passing(error)
            log = self._logger.warning if passing else self._logger.exception
            log("loop.step_failed", loop=self.name, failures=self.failures, error=str(error)[:500])
            return min(0.1 * 2.0 ** min(self.failures, 10), LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311 (jitter)
        finally:
            self._started_at = None
        self.failures = 0
        self.last_ok_at = self._clock()
        return 0.0 if more else self._every()

    async def _rest(self, pause: float, stopped: "asyncio.Task[bool]") -> None:
        if self.failures:
            await asyncio.wait({stopped}, timeout=pause)
            return
        woken = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait({stopped, woken}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
