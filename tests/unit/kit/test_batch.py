"""Group commit: many callers, few commits."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from kit.batch import Batcher


class Committing:
    """A commit that takes until the gate opens, doubles what it gets and refuses odd numbers."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.error = error

    async def __call__(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.groups.append(list(items))
        await self.gate.wait()
        if self.error:
            raise self.error
        return [ValueError(f"{item} is odd") if item % 2 else item * 2 for item in items]


async def submitted(batcher: Batcher[int, int], *items: int) -> list["asyncio.Task[int]"]:
    tasks = [asyncio.create_task(batcher.submit(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def test_what_comes_while_a_commit_is_under_way_is_committed_together_next() -> None:
    commit = Committing()
    batcher = Batcher(commit)
    first = await submitted(batcher, 0)
    await asyncio.sleep(0)
    rest = await submitted(batcher, 2, 4, 6)
    commit.gate.set()
    assert await asyncio.gather(*first, *rest) == [0, 4, 8, 12]
    assert commit.groups == [[0], [2, 4, 6]]


async def test_a_group_is_no_larger_than_the_limit_and_order_is_kept() -> None:
    commit = Committing()
    commit.gate.set()
    batcher = Batcher(commit, limit=2)
    assert await asyncio.gather(*await submitted(batcher, 0, 2, 4, 6, 8)) == [0, 4, 8, 12, 16]
    assert commit.groups == [[0, 2], [4, 6], [8]]


async def test_with_a_pace_the_first_after_a_silence_goes_at_once_and_those_after_it_share_the_next_commit() -> None:
    commit = Committing()
    commit.gate.set()
    batcher = Batcher(commit, pace=0.2)
    began = time.monotonic()
    assert await batcher.submit(0) == 0
    first_after = time.monotonic() - began
    assert await asyncio.gather(*await submitted(batcher, 2, 4)) == [4, 8]
    assert first_after < 0.1
    assert time.monotonic() - began >= 0.2
    assert commit.groups == [[0], [2, 4]]


async def test_a_full_group_does_not_wait_for_its_pace() -> None:
    commit = Committing()
    commit.gate.set()
    batcher = Batcher(commit, limit=2, pace=60.0)
    async with asyncio.timeout(1):
        assert await batcher.submit(0) == 0
        assert await asyncio.gather(*await submitted(batcher, 2, 4)) == [4, 8]
    assert commit.groups == [[0], [2, 4]]


async def test_when_the_commit_fails_every_caller_of_the_group_hears_it_and_the_next_group_goes_on() -> None:
    commit = Committing(error=OSError("away"))
    commit.gate.set()
    batcher = Batcher(commit)
    for task in await submitted(batcher, 0, 2):
        with pytest.raises(OSError, match="away"):
            await task
    commit.error = None
    assert await batcher.submit(4) == 8


async def test_one_item_refused_leaves_the_others_alone() -> None:
    commit = Committing()
    commit.gate.set()
    good, bad, also_good = await submitted(Batcher(commit), 0, 1, 2)
    assert (await good, await also_good) == (0, 4)
    with pytest.raises(ValueError, match="1 is odd"):
        await bad


async def test_a_caller_that_goes_away_harms_nobody_and_what_it_submitted_is_committed() -> None:
    commit = Committing()
    batcher = Batcher(commit)
    gone, stays = await submitted(batcher, 0, 2)
    await asyncio.sleep(0)
    gone.cancel()
    commit.gate.set()
    assert await stays == 4
    assert gone.cancelled()
    assert commit.groups == [[0, 2]]


async def test_a_commit_that_answers_for_too_few_leaves_nobody_waiting() -> None:
    async def forgetful(items: Sequence[int]) -> Sequence[int | Exception]:
        return list(items)[1:]

    async with asyncio.timeout(1):
        for task in await submitted(Batcher(forgetful), 0, 2):
            with pytest.raises(RuntimeError, match="2 items committed with 1 results"):
                await task
