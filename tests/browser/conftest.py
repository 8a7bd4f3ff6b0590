"""Debian's Chromium at a real intake on a real MongoDB. Nothing is downloaded; without a browser these tests fail and say so."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright

from kit.mongo import Mongo
from tests.support.intake_running import RunningIntake, intake_settings, load_organisation, running_intake
from tests.support.servers import MongoServer
from tests.support.waiting import wait_until

CHROMIUM = Path(os.environ.get("CHROMIUM") or "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",  # it may run as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NOWHERE = "127.0.0.1:9"
"""The discard port: intake accepts without Kafka, and these tests ask for nothing that needs it."""

MakeVisitor = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="package")
async def chromium() -> AsyncIterator[Browser]:
    if not CHROMIUM.is_file():
        pytest.fail(f"There is no browser at {CHROMIUM}: install it with `apt install chromium`, or name another with CHROMIUM=/path/to/it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="package")
async def intake(mongo_server: MongoServer) -> AsyncIterator[RunningIntake]:
    """Its web part, with the demo organisation."""
    settings = intake_settings(NOWHERE, mongo_server.uri)
    await load_organisation(settings)
    with running_intake(settings, roles=("web",)) as running:
        await wait_until(lambda: is_ready(running.url), "intake is ready")
        yield running
    mongo = Mongo(mongo_server.uri)
    database = mongo.database(f"{settings.mongodb_database_prefix}_intake")
    await database.client.drop_database(database.name)
    await mongo.close()


async def is_ready(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            return (await http.get(f"{url}/readyz")).is_success
        except httpx.TransportError:
            return False


@pytest.fixture
async def visitor(chromium: Browser, intake: RunningIntake) -> AsyncIterator[MakeVisitor]:
    """Brings people in, each with a browser of their own: language, width in pixels, and what else Playwright takes."""
    contexts = []

    async def come(language: str = "vi", width: int = 1100, **more: Any) -> Page:
        locale = {"vi": "vi-VN", "en": "en-GB"}[language]
        settings = {"base_url": intake.url, "locale": locale, "viewport": {"width": width, "height": 900}} | more
        context = await chromium.new_context(**settings)
        context.set_default_timeout(30_000)  # two busy cores
        contexts.append(context)
        return await context.new_page()

    yield come
    await asyncio.gather(*(context.close() for context in contexts))
