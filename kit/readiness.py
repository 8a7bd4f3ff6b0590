"""What a process needs before it is ready, asked one by one."""

import asyncio
from collections.abc import Awaitable, Callable

from kit.errors import TransientError
from kit.mongo import Mongo
from kit.organisation import OrganisationStore

PATIENCE = 2.0
"""Seconds a server has to answer before it counts as missing."""

Check = Callable[[], Awaitable[str | None]]


def mongo_answers(mongo: Mongo) -> Check:
    async def check() -> str | None:
        try:
            await asyncio.wait_for(mongo.ping(), PATIENCE)
        except (TransientError, TimeoutError):
            return "MongoDB does not answer"
        return None

    return check


def organisation_loaded(store: OrganisationStore) -> Check:
    async def check() -> str | None:
        return None if store.loaded else "no organisation is loaded: run `helpdesk load FILE.yaml`"

    return check
