"""Two replicas, one of which has not read the newest revision yet: it never measures by the old one what the other brought up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import structlog
from structlog.testing import capture_logs

from kit.journal import Journal
from kit.organisation import OrganisationStore
from schemas import topics
from services.routing.api.app import api
from services.routing.api.links import FileLinks
from services.routing.directory import Directory
from services.routing.handlers import Handlers
from services.routing.repository import TicketRepository, note_revisions, oldest_in_use
from services.routing.storage import TICKETS
from services.routing.ticker import Ticker
from tests.component.routing.conftest import PUBLIC_URL, SECRET, AllSlots, Routing, organised
from tests.component.routing.test_retimer import closing, due, retimer, until_quiet
from tests.support.happenings import message
from tests.support.organisations import local

NOON, ONE = local("2025-03-03 12:00"), local("2025-03-03 13:00")
BY_HAND = local("2025-03-06 11:00")
"""Of sixteen hours of the hand-over one is spent when it waits; the Tuesday is closed: Monday 13-17, Wednesday 8, Thursday 3 to come."""


@dataclass(frozen=True)
class Other:
    """The other replica, with its own view of the organisation."""

    directory: Directory
    handlers: Handlers
    http: httpx.AsyncClient
    ticker: Ticker


@asynccontextmanager
async def other(routing: Routing) -> AsyncIterator[Other]:
    """It reads the organisation now and not again by itself."""
    store = OrganisationStore(routing.database, partial(oldest_in_use, routing.database))
    await store.refresh()
    directory = Directory(store)
    tickets = TicketRepository(routing.mongo, routing.database, Journal(routing.database, topics.TICKETS))
    app = api(routing.database, tickets, directory, FileLinks(PUBLIC_URL, (SECRET,)), routing.clock, structlog.get_logger())
    ticker = Ticker(tickets, directory, AllSlots(), routing.clock, logger=structlog.get_logger())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://officers.example"
    ) as http:
        yield Other(directory, Handlers(tickets, directory, routing.clock), http, ticker)


async def waiting(routing: Routing) -> str:
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 10:00")
    await routing.act(ticket, "wait", {"text": "Hồ sơ nào?"})
    routing.clock.at = NOON
    return ticket


async def resumed_at(routing: Routing, ticket: str) -> datetime | None:
    """When the hand-over is due after a last look of the retimer."""
    await until_quiet(retimer(routing))
    return await due(routing, ticket, "hand_over")


async def test_a_replica_that_is_behind_reads_the_revision_before_it_applies_what_the_business_said(routing: Routing) -> None:
    ticket = await waiting(routing)
    async with other(routing) as behind, organised(routing, closing("2025-03-04")):
        await until_quiet(retimer(routing))
        routing.clock.at = ONE
        await behind.handlers.on_requests([message(ONE, ticket_id=ticket)])
        assert await due(routing, ticket, "hand_over") == BY_HAND
        assert await resumed_at(routing, ticket) == BY_HAND


async def test_a_replica_that_is_behind_reads_the_revision_before_it_does_what_an_officer_asks(routing: Routing) -> None:
    ticket = await waiting(routing)
    async with other(routing) as behind, organised(routing, closing("2025-03-04")):
        await until_quiet(retimer(routing))
        routing.clock.at = ONE
        answer = await acted(behind, ticket, await version(routing, ticket))
        assert answer.status_code == 200
        assert await due(routing, ticket, "hand_over") == BY_HAND
        assert await resumed_at(routing, ticket) == BY_HAND


async def test_a_ticker_that_is_behind_reads_the_revision_and_fires_in_the_next_round_without_a_word(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 10:00")
    async with other(routing) as behind, organised(routing, closing("2025-03-04")):
        await until_quiet(retimer(routing))
        known = behind.directory.context().revision
        routing.clock.at = local("2025-03-03 12:00")
        with capture_logs() as logs:
            await behind.ticker.step()
        assert await routing.journal(ticket) == ["ticket_opened", "deadlines_moved"]
        assert logs == []
        assert behind.directory.context().revision == known + 1
        routing.clock.advance(seconds=1)
        await behind.ticker.step()
        assert await routing.journal(ticket) == ["ticket_opened", "deadlines_moved", "deadline_warned"]


async def test_while_the_revision_is_nowhere_to_be_read_nothing_is_decided_and_the_caller_comes_again(routing: Routing) -> None:
    """As with a database restored without the organisation's last revision."""
    ticket = await routing.open()
    await routing.database[TICKETS.name].update_one({"_id": ticket}, {"$set": {"state.revision": 10**6, "measured": 10**6}})
    routing.clock.at = local("2025-03-03 12:00")
    before = await routing.everything()
    async with other(routing) as behind:
        answer = await acted(behind, ticket, 1, "claim", {})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        with capture_logs() as logs:
            await behind.ticker.step()
        assert [(line["event"], line["tickets"], line["log_level"]) for line in logs] == [("routing.revision_unknown", 1, "warning")]
    assert await routing.everything() == before


async def acted(replica: Other, ticket: str, version: int, action: str = "reopen", body: Any = None) -> httpx.Response:
    headers = {"Authorization": "Bearer hai", "If-Match": f'"{version}"'}
    return await replica.http.post(f"/api/v1/tickets/{ticket}/{action}", json=body or {"reason": "Tiếp tục."}, headers=headers)


async def version(routing: Routing, ticket: str) -> int:
    (row,) = await routing.database[TICKETS.name].find({"_id": ticket}).to_list(None)
    return int(row["version"])


async def test_tickets_from_before_their_revision_was_noted_are_found_by_the_retimer(routing: Routing) -> None:
    ticket, over = await routing.open(), await routing.open()
    await routing.act(over, "reject", {"reason": "Không thuộc phạm vi", "legal_basis": "Điều 5"})
    await routing.database[TICKETS.name].update_many({}, {"$unset": {"measured": ""}})
    routing.clock.at = local("2025-03-03 10:00")
    known = routing.directory.context().revision
    await note_revisions(routing.database)
    rows = {row["_id"]: row for row in await routing.database[TICKETS.name].find({}).to_list(None)}
    assert rows[ticket]["measured"] == known
    assert "measured" not in rows[over]
    async with organised(routing, closing("2025-03-04")):
        await until_quiet(retimer(routing))
        assert await due(routing, ticket) == local("2025-03-11 17:00")
