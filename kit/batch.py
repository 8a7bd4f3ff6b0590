"""Group commit: many callers, one transaction."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Collects what callers submit while a commit is under way and commits it together next.

    `commit` gets up to `limit` items and returns one result or exception per item, in order. It raises when nothing
    was committed; every caller of that group then sees the same error. A caller that goes away does not take
    its item back: what it submitted may still be committed.
    """

    def __init__(
        self, commit: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]], *, limit: int = 300, pace: float = 0.0
    ) -> None:
        """`pace`: seconds from the beginning of one commit to that of the next, unless that is full when its turn comes.

        The first after a silence goes at once. A commit costs little more for three items than for one, and so does all that follows from
        it: at fifty items a second it is waiting for two more that keeps the machine, and with it the wait, in bounds.
        """
        self._commit = commit
        self._limit = limit
        self._pace = pace
        self._began_at = float("-inf")
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            rest = self._began_at + self._pace - time.monotonic()
            if rest > 0 and len(self._waiting) < self._limit:
                await asyncio.sleep(rest)
            self._began_at = time.monotonic()
            group, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
            try:
                results: Sequence[Result | Exception] = await self._commit([item for item, _ in group])
            except Exception as error:  # noqa: BLE001 (handed to the callers)
                results = [error] * len(group)
            if len(results) != len(group):  # or some callers would wait for ever
                results = [RuntimeError(f"{len(group)} items committed with {len(results)} results")] * len(group)
            for (_, future), result in zip(group, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
