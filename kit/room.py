"""Room for what has to be held in memory whole: taken before it comes in, so that many large things at once wait instead of adding up."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit.errors import TransientError


class Room:
    """`size` bytes, given out in the order in which they are asked for; one event loop."""

    def __init__(self, size: int, *, patience: float = 20.0) -> None:
        self._size = self._free = size
        self._patience = patience
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def held(self, size: int) -> AsyncIterator[None]:
        """Hold `size` bytes of it (all of it, when that is more). TransientError when there was no room for `patience` seconds."""
        size = min(size, self._size)
        await self._take(size)
        try:
            yield
        finally:
            self._give(size)

    async def _take(self, size: int) -> None:
        if not self._waiting and size <= self._free:
            self._free -= size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as error:
            if not turn.cancelled() and turn.done():  # given in the very moment of giving up
                self._give(size)
            else:
                self._waiting.remove((size, turn))
                self._give(0)
            if isinstance(error, TimeoutError):
                raise TransientError("too much is coming in at once") from error
            raise

    def _give(self, size: int) -> None:
        self._free += size
        while self._waiting and self._waiting[0][0] <= self._free:
            wanted, turn = self._waiting.popleft()
            self._free -= wanted
            turn.set_result(None)
