"""Waiting for what will be true soon, and saying what was seen instead when it is not."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds. Generous: a busy machine starts a process in ten, and Kafka gives up on a killed consumer after six."""


@overload
async def wait_until(look: Callable[[], Awaitable[T | None]], what: str, seconds: float = ..., pause: float = ...) -> T: ...
@overload
async def wait_until(look: Callable[[], T | None], what: str, seconds: float = ..., pause: float = ...) -> T: ...
async def wait_until(look: Callable[[], Any], what: str, seconds: float = PATIENCE, pause: float = 0.1) -> Any:
    """The first truthy result of `look`. AssertionError, with the last result or error, when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        seen: object
        try:
            result = look()
            seen = found = await result if inspect.isawaitable(result) else result
            if found:
                return found
        except (OSError, AssertionError, LookupError) as error:
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last seen: {seen!r}")
        await asyncio.sleep(pause)
