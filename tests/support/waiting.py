"""Waiting for what will be true soon, and saying what was seen instead when it is not."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds. Generous: a busy machine starts a process in ten and Kafka gives up on a killed consumer after six."""


async def wait_until(look: Callable[[], T | Awaitable[T]], what: str, timeout: float = PATIENCE, pause: float = 0.1) -> T:  # noqa: ASYNC109 (how long to look, not when to cancel)
    """The first truthy result of `look`. AssertionError, with the last result or error, when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        seen: object
        try:
            result = look()
            seen = found = await result if inspect.isawaitable(result) else result
            if found:
                return found  # type: ignore[return-value]
        except (OSError, AssertionError, LookupError) as error:
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:.0f} s: {what}; last seen: {seen!r}")
        await asyncio.sleep(pause)
