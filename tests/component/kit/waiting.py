"""Waiting for what others do."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(true: Callable[[], Awaitable[bool]], *, within: float = 30.0, every: float = 0.05) -> None:
    """Until it is true; TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while True:
            if await true():
                return
            await asyncio.sleep(every)
