"""A connection for the length of one command."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from helpdesk import provision
from helpdesk.failing import FORESEEN, described
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

    try:
        return asyncio.run(connected())
    except FORESEEN as error:
        sentence, code = described(error)
        typer.echo(sentence, err=True)
        raise typer.Exit(code) from error
