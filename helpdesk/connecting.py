"""A connection for the length of one command."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from helpdesk import provision
from helpdesk.failing import told
from kit.mongo import Mongo
from kit.settings import ServiceSettings

T = TypeVar("T")


def with_mongo(work: Callable[[ServiceSettings, Mongo], Awaitable[T]]) -> T:
    """Run `work` with settings and a connection; what can be foreseen to go wrong becomes one sentence and an exit code."""

    async def connected() -> T:
        settings = ServiceSettings()
        mongo = provision.connected(settings)
        try:
            await mongo.measure_clock()
            return await work(settings, mongo)
        finally:
            await mongo.close()

    with told():
        return asyncio.run(connected())
