"""Loops: their pulse, their pauses, their end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from kit.errors import TransientError
from kit.loops import STUCK_AFTER, Loop

LONG = 60.0


@asynccontextmanager
async def running(
    step: Callable[[], Awaitable[bool]],
    *,
    every: float | Callable[[], float] = LONG,
    wake: asyncio.Event | None = None,
    clock: Callable[[], float] | None = None,
) -> AsyncIterator[Loop]:
    loop = Loop("test", step, every=every, logger=structlog.get_logger(), wake=wake, **({"clock": clock} if clock else {}))
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    try:
        yield loop
    finally:
        stop.set()
        async with asyncio.timeout(1):
            await task


class Step:
    """Counts its runs and does what it was told for each, then nothing."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.runs = 0
        self.times: list[float] = []

    async def __call__(self) -> bool:
        self.runs += 1
        self.times.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def until(self, runs: int) -> None:
        async with asyncio.timeout(5):
            while self.runs < runs:  # noqa: ASYNC110 (an event a run would be as long)
                await asyncio.sleep(0.005)


async def test_a_step_runs_at_once_and_then_rests() -> None:
    step = Step()
    async with running(step) as loop:
        await step.until(1)
        await asyncio.sleep(0.05)
        assert step.runs == 1
        assert loop.last_ok_at is not None


async def test_it_runs_again_and_again() -> None:
    step = Step()
    async with running(step, every=0.02):
        await step.until(4)


async def test_a_step_that_has_more_runs_again_without_a_rest() -> None:
    step = Step(True, True, True)
    async with running(step):
        await step.until(4)
        await asyncio.sleep(0.05)
    assert step.runs == 4


async def test_a_ring_ends_the_rest() -> None:
    step, bell = Step(), asyncio.Event()
    async with running(step, wake=bell):
        await step.until(1)
        bell.set()
        await step.until(2)


async def test_a_ring_during_a_step_is_not_missed() -> None:
    bell, runs = asyncio.Event(), 0

    async def step() -> bool:
        nonlocal runs
        runs += 1
        if runs == 1:
            bell.set()
        return False

    async with running(step, wake=bell):
        await asyncio.sleep(0.05)
    assert runs == 2


async def test_failures_are_outlived_with_growing_pauses_and_a_ring_does_not_shorten_them() -> None:
    bell = asyncio.Event()
    step = Step(TransientError("away"), ZeroDivisionError("a bug"), TransientError("away"))
    async with running(step, wake=bell) as loop:
        await step.until(1)
        bell.set()
        await step.until(3)
        assert loop.failures >= 2
        await step.until(4)
        await asyncio.sleep(0.01)
        assert loop.failures == 0
    pauses = [later - earlier for earlier, later in zip(step.times, step.times[1:], strict=False)]
    for pause, usual in zip(pauses, (0.2, 0.4, 0.8), strict=False):
        assert 0.5 * usual <= pause < 1.5 * usual + 1.0


async def test_a_loop_stops_in_the_middle_of_its_rest() -> None:
    step = Step(TransientError("away"))
    async with running(step):  # leaving it within a second is the test
        await step.until(1)
        await asyncio.sleep(0.02)


async def test_a_step_that_does_not_return_counts_as_stuck_after_two_minutes() -> None:
    now, gate = [1_000.0], asyncio.Event()

    async def step() -> bool:
        await gate.wait()
        return False

    async with running(step, clock=lambda: now[0]) as loop:
        await asyncio.sleep(0.01)
        now[0] += STUCK_AFTER
        assert not loop.stuck()
        now[0] += 0.1
        assert loop.stuck()
        gate.set()
        await asyncio.sleep(0.01)
        assert not loop.stuck()


async def test_a_loop_that_is_told_how_long_to_rest_asks_after_every_step() -> None:
    step, rests = Step(), [0.01, 0.08, LONG]
    async with running(step, every=lambda: rests.pop(0)):
        await step.until(3)
        await asyncio.sleep(0.05)
    assert step.runs == 3
    assert step.times[2] - step.times[1] >= 0.075
    assert rests == []
