"""A running service: what starts when, what stops when, and what it says about itself."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from kit.errors import TransientError
from kit.loops import Loop
from kit.service import Service


@dataclass
class Diary:
    """What happened, in order."""

    lines: list[str] = field(default_factory=list)

    def writes(self, line: str, error: Exception | None = None) -> Callable[[], Awaitable[None]]:
        async def write() -> None:
            self.lines.append(line)
            if error:
                raise error

        return write

    def step(self, name: str) -> Callable[[], Awaitable[bool]]:
        async def step() -> bool:
            self.lines.append(name)
            return False

        return step


@dataclass
class Recorded:
    """A part that writes when it starts and stops."""

    name: str
    diary: Diary
    start_error: Exception | None = None
    stop_error: Exception | None = None

    async def start(self) -> None:
        await self.diary.writes(f"{self.name} starts", self.start_error)()

    async def stop(self) -> None:
        await self.diary.writes(f"{self.name} stops", self.stop_error)()


def service(diary: Diary) -> Service:
    logger = structlog.get_logger()
    made = Service("test", logger)
    made.loops.append(Loop("loop", diary.step("loop runs"), every=60, logger=logger))
    made.parts += [Recorded("web", diary), Recorded("mail", diary)]
    made.closers += [diary.writes("mongo closed"), diary.writes("slots released")]
    return made


async def ran(made: Service) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(made.run(stop))
    await asyncio.sleep(0.05)
    stop.set()
    async with asyncio.timeout(5):
        await running


async def test_parts_start_first_and_stop_first_and_closers_run_in_reverse() -> None:
    diary = Diary()
    await ran(service(diary))
    assert diary.lines == ["web starts", "mail starts", "loop runs", "mail stops", "web stops", "slots released", "mongo closed"]


async def test_whatever_fails_to_stop_the_rest_is_stopped_too() -> None:
    diary = Diary()
    made = service(diary)
    made.parts.append(Recorded("bad", diary, stop_error=OSError("no")))
    made.closers.append(diary.writes("bad closed", ZeroDivisionError()))
    await ran(made)
    assert diary.lines[-6:] == ["bad stops", "mail stops", "web stops", "bad closed", "slots released", "mongo closed"]


@dataclass
class Consuming:
    """A broker, and an inlet of it whose last offsets cannot be committed."""

    diary: Diary
    topic: str = "requests"

    async def start(self) -> None:
        await self.diary.writes("broker starts")()

    async def settle(self) -> None:
        await self.diary.writes("settles", TimeoutError())()

    async def stop(self) -> None:
        await self.diary.writes("broker stops")()


async def test_consumers_are_stopped_though_their_last_offsets_cannot_be_committed() -> None:
    diary = Diary()
    made = service(diary)
    consuming: Any = Consuming(diary)
    made.inlets, made.broker = [consuming], consuming
    await ran(made)
    assert [line for line in diary.lines if line in {"broker starts", "settles", "broker stops"}] == [
        "broker starts",
        "settles",
        "broker stops",
    ]


async def test_a_part_that_cannot_start_ends_the_service_with_its_error_and_everything_is_closed() -> None:
    diary = Diary()
    made = service(diary)
    made.parts.append(Recorded("bad", diary, start_error=OSError("port 80 is taken")))
    with pytest.raises(OSError, match="port 80 is taken"):
        await made.run(asyncio.Event())
    assert diary.lines[-5:] == ["bad stops", "mail stops", "web stops", "slots released", "mongo closed"]


async def test_preparations_run_also_where_nothing_is_consumed_and_again_until_they_have_worked() -> None:
    diary = Diary()
    made = service(diary)
    errors: list[Exception | None] = [TransientError("away"), None]

    async def ensure() -> None:
        await diary.writes("ensure", errors.pop(0))()

    made.preparations.append(ensure)
    stop = asyncio.Event()
    running = asyncio.create_task(made.run(stop))
    await asyncio.sleep(0.1)
    assert await made.missing() == ["what it needs in its database is not there yet"]
    async with asyncio.timeout(5):
        while errors:  # noqa: ASYNC110 (two seconds)
            await asyncio.sleep(0.05)
    assert await made.missing() == []
    stop.set()
    await running
    assert diary.lines.count("ensure") == 2


async def test_what_is_missing_is_what_the_checks_say() -> None:
    made = service(Diary())

    async def fine() -> None:
        return None

    async def lacking() -> str:
        return "MongoDB does not answer"

    made.checks += [fine, lacking]
    assert await made.missing() == ["MongoDB does not answer"]


async def test_a_loop_that_does_not_return_is_named_and_does_not_keep_the_service_from_stopping() -> None:
    now = [0.0]
    started = asyncio.Event()

    async def hangs() -> bool:
        started.set()
        await asyncio.sleep(0.2)
        return False

    made = Service("test", structlog.get_logger())
    made.loops.append(Loop("relay", hangs, every=60, logger=made.logger, clock=lambda: now[0]))
    stop = asyncio.Event()
    running = asyncio.create_task(made.run(stop))
    await started.wait()
    assert made.stuck() == []
    now[0] = 121.0
    assert made.stuck() == ["loop relay"]
    stop.set()
    await running
