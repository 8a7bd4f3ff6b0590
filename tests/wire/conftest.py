"""What several wire tests of mail share."""

from collections.abc import AsyncIterator

import pytest

from tests.support.mailroom import Mailroom, open_mailroom
from tests.support.servers import MongoServer


@pytest.fixture(name="room")
async def _room(mongo_server: MongoServer) -> AsyncIterator[Mailroom]:
    """The mail side of an intake of its own."""
    async with open_mailroom(mongo_server.uri) as room:
        yield room
