"""One installation for all of it: each test finds everything running and leaves behind what it likes."""

import os
from collections.abc import AsyncIterator

import pytest

from helpdesk.demo import ORGANISATION
from helpdesk.organisation import read
from tests.support.installation import Installation

ROUNDS = int(os.environ.get("HELPDESK_CHAOS_ROUNDS", "0"))
"""Rounds of random kills; 0 in the ordinary test run, more with `make chaos`."""


@pytest.fixture(scope="package")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with Installation(tmp_path_factory.mktemp("chaos"), read(ORGANISATION)) as running:
        yield running


@pytest.fixture
async def installation(standing: Installation) -> Installation:
    await standing.calm()
    return standing
