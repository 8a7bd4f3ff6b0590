"""Tickers beside others: wrong clocks, tickets somebody else is writing, replicas that die, and when to look again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog

from kit.ids import SLOTS
from kit.journal import Journal
from kit.mongo import Mongo, Session
from schemas import topics
from services.routing.documents import ticket_of
from services.routing.domain.decide import time_passing
from services.routing.repository import Due, TicketRepository, due_query
from services.routing.storage import TICKETS
from services.routing.ticker import LONGEST_REST, SHORTEST_REST, STAND_IN_AFTER, STAND_IN_APART, Aside, Ticker
from tests.component.routing.conftest import Routing
from tests.support.organisations import local
from tests.support.servers import MongoServer
from tests.support.waiting import wait_until

ALL = frozenset(range(SLOTS))
NONE: frozenset[int] = frozenset()
DUE = local("2025-03-03 12:00")
"""Of the warning of a ticket opened at Hon Gai on Monday at nine."""


@dataclass(frozen=True)
class Turns:
    """The share of one process."""

    turns: Sequence[Collection[int]] = field(default_factory=lambda: [ALL])


def ticker(
    routing: Routing, now: Callable[[], datetime] | None = None, *, tickets: TicketRepository | None = None, turns: Turns | None = None
) -> Ticker:
    return Ticker(tickets or routing.tickets, routing.directory, turns or Turns(), now or routing.clock, logger=structlog.get_logger())


async def warned(routing: Routing, *tickets: str) -> list[bool]:
    """Which of the tickets have their warning; none has it twice."""
    journals = [await routing.journal(ticket) for ticket in tickets]
    assert all(journal.count("deadline_warned") <= 1 for journal in journals)
    return ["deadline_warned" in journal for journal in journals]


async def stored(routing: Routing, ticket: str) -> dict[str, Any]:
    row: dict[str, Any]
    (row,) = await routing.database[TICKETS.name].find({"_id": ticket}).to_list(None)
    return row


# Clocks


@pytest.mark.parametrize("seconds", [2, -2])
async def test_a_process_whose_clock_is_wrong_fires_nothing_early_and_all_in_time(
    routing: Routing, mongo_server: MongoServer, seconds: int
) -> None:
    """It asks the database for the time; here that passes for real."""
    await routing.mongo.measure_clock()
    due_at = routing.mongo.now() + timedelta(seconds=1.2)
    routing.clock.at = due_at - timedelta(minutes=45)  # three quarters of the hour that Cau Treo, never closed, has
    ticket = await routing.open(unit="cau-treo")
    wrong = Mongo(mongo_server.uri, clock=lambda: routing.mongo.now() + timedelta(seconds=seconds))
    database = wrong.database(routing.database.name)
    tickets = TicketRepository(wrong, database, Journal(database, topics.TICKETS))
    wrongly_set = ticker(routing, wrong.now, tickets=tickets)
    await wrong.measure_clock()

    async def fired() -> bool:
        await wrongly_set.step()
        return (await warned(routing, ticket))[0]

    await wait_until(fired, "the warning is recorded", 5, pause=0.02)
    assert timedelta(0) <= routing.mongo.now() - due_at < timedelta(seconds=0.5)
    row = await routing.database["journal"].find_one({"stream": ticket, "type": "deadline_warned"})
    assert row is not None
    assert row["at"] >= due_at - timedelta(milliseconds=50)  # half of what asking takes, at most
    await wrong.close()


async def test_a_process_that_never_asked_for_the_time_does_nothing(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = DUE + timedelta(days=9)
    assert not await ticker(routing, turns=Turns([])).step()
    assert await warned(routing, ticket) == [False]


# Waking up


@pytest.mark.parametrize(
    ("before", "rest"),
    [(3600.0, LONGEST_REST), (0.45, 0.45), (0.3, 0.3), (0.05, SHORTEST_REST)],
)
async def test_it_rests_until_the_next_deadline_and_never_long_or_hardly_at_all(routing: Routing, before: float, rest: float) -> None:
    await routing.open()
    routing.clock.at = DUE - timedelta(seconds=before)
    one = ticker(routing)
    assert not await one.step()
    assert one.rest() == pytest.approx(rest, abs=0.001)


async def test_with_nothing_ahead_it_looks_again_after_its_longest_rest(routing: Routing) -> None:
    one = ticker(routing)
    assert one.rest() == LONGEST_REST
    await one.step()
    assert one.rest() == LONGEST_REST


async def test_the_deadlines_of_others_do_not_wake_it(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = DUE - timedelta(seconds=0.3)
    others = frozenset({(await stored(routing, ticket))["slot"]})
    one = ticker(routing, turns=Turns([ALL - others, others]))
    await one.step()
    assert one.rest() == LONGEST_REST


# Standing in


@pytest.mark.parametrize("turn", [1, 2])
async def test_what_is_overdue_in_the_slot_of_another_is_done_by_turns(routing: Routing, turn: int) -> None:
    ticket = await routing.open()
    one = ticker(routing, turns=Turns([NONE] * turn + [ALL]))
    patience = STAND_IN_AFTER + (turn - 1) * STAND_IN_APART
    routing.clock.at = DUE + patience - timedelta(milliseconds=1)
    await one.step()
    assert await warned(routing, ticket) == [False]
    routing.clock.at = DUE + patience
    await one.step()
    assert await warned(routing, ticket) == [True]


async def test_whoever_has_enough_of_its_own_stands_in_for_nobody(routing: Routing) -> None:
    tickets = [await routing.open() for _ in range(12)]
    slots = [(await stored(routing, ticket))["slot"] for ticket in tickets]
    mine = frozenset(slots[:6])
    own = sum(slot in mine for slot in slots)
    routing.clock.at = DUE + timedelta(minutes=1)
    busy = Ticker(routing.tickets, routing.directory, Turns([mine, ALL - mine]), routing.clock, logger=structlog.get_logger(), batch=own)
    assert await busy.step()
    assert await warned(routing, *tickets) == [slot in mine for slot in slots]
    await busy.step()
    assert all(await warned(routing, *tickets))


# Company in the database


@asynccontextmanager
async def being_written(routing: Routing, ticket: str) -> AsyncIterator[None]:
    """Somebody's transaction has written the ticket and does not end; at last it is given up, as a killed process's is."""
    written, over = asyncio.Event(), asyncio.Event()

    async def hold(session: Session) -> None:
        await routing.database[TICKETS.name].update_one({"_id": ticket}, {"$set": {"subject": "x"}}, session=session)
        written.set()
        await over.wait()
        raise LookupError

    holder = asyncio.create_task(routing.mongo.transaction(hold))
    await written.wait()
    try:
        yield
    finally:
        over.set()
        with pytest.raises(LookupError):
            await holder


async def test_a_ticket_in_somebody_elses_hand_costs_the_others_of_its_batch_nothing(routing: Routing) -> None:
    tickets = [await routing.open() for _ in range(9)]
    held = tickets[4]
    routing.clock.at, one = DUE, ticker(routing)
    async with being_written(routing, held):
        for _ in range(2):  # once more all together, for whoever writes it may be done; then without it
            await asyncio.wait_for(one.step(), 5)
        assert await warned(routing, *tickets) == [ticket != held for ticket in tickets]
        before = await stored(routing, held)
        await one.step()  # left alone for a while
        assert await stored(routing, held) == before
    routing.clock.advance(seconds=1)
    await one.step()
    assert all(await warned(routing, *tickets))


class Overtaken(TicketRepository):
    """Between the reading and the saving of due tickets somebody else is faster on some of them."""

    async def due(self, overdue: Sequence[tuple[Collection[int], datetime]], limit: int) -> list[Due]:
        found = await super().due(overdue, limit)
        await self.meanwhile()
        return found

    async def meanwhile(self) -> None: ...


async def test_when_a_ticket_moved_on_meanwhile_all_are_looked_at_again_at_once(routing: Routing) -> None:
    tickets = [await routing.open() for _ in range(7)]
    routing.clock.at = DUE

    class Claimed(Overtaken):
        async def meanwhile(self) -> None:
            if (await stored(routing, tickets[2]))["officer"] is None:
                assert (await routing.act(tickets[2], "claim")).status == 200

    one = ticker(routing, tickets=Claimed(routing.mongo, routing.database, Journal(routing.database, topics.TICKETS)))
    assert not await one.step()
    assert one.rest() <= SHORTEST_REST
    await one.step()
    assert all(await warned(routing, *tickets))
    assert (await stored(routing, tickets[2]))["officer"] == "hai"


async def test_a_ticket_that_cannot_be_saved_is_put_off_and_the_others_are_saved(routing: Routing) -> None:
    """Its event is in the journal already, under another ticket: that must not be, and must not stop the rest."""
    tickets = [await routing.open() for _ in range(5)]
    bad = ticket_of(await stored(routing, tickets[3]))
    (event,) = time_passing(bad, routing.directory.context(), DUE).events
    await routing.database["journal"].insert_one({"_id": event.id, "stream": "another", "seq": 1, "type": "x"})
    routing.clock.at = DUE
    await ticker(routing).step()
    assert await warned(routing, *tickets) == [ticket != tickets[3] for ticket in tickets]
    assert (await stored(routing, tickets[3]))["next_at"] == DUE + timedelta(minutes=1)


async def test_a_ticket_that_cannot_be_read_is_put_off_and_the_others_are_saved(routing: Routing) -> None:
    tickets = [await routing.open() for _ in range(4)]
    await routing.database[TICKETS.name].update_one({"_id": tickets[0]}, {"$set": {"state": {"id": "?"}}})
    routing.clock.at = DUE
    await ticker(routing).step()
    assert await warned(routing, *tickets[1:]) == [True] * 3
    assert (await stored(routing, tickets[0]))["next_at"] == DUE + timedelta(minutes=1)


async def test_a_ticket_that_changed_is_not_put_off(routing: Routing) -> None:
    ticket = await routing.open()
    before = await stored(routing, ticket)
    await routing.tickets.postpone(ticket, before["version"] + 1, DUE + timedelta(days=1))
    assert await stored(routing, ticket) == before
    await routing.tickets.postpone(ticket, before["version"], DUE + timedelta(days=1))
    assert (await stored(routing, ticket))["next_at"] == DUE + timedelta(days=1)


async def test_two_tickers_that_see_the_same_give_its_events_the_same_ids(routing: Routing) -> None:
    ticket = await routing.open()
    read = ticket_of(await stored(routing, ticket))
    ctx, late = routing.directory.context(), local("2025-03-03 14:00")
    one, other = time_passing(read, ctx, late), time_passing(read, ctx, late + timedelta(seconds=7))
    assert [event.id for event in one.events] == [event.id for event in other.events]
    assert [event.type for event in one.events] == ["deadline_warned", "deadline_missed"]


def test_what_somebody_else_keeps_writing_is_left_alone_twice_as_long_each_time_and_forgotten_in_the_end() -> None:
    aside, start = Aside(), DUE
    now, spans = start, []
    for _ in range(6):
        aside.put("t", now)
        assert set(aside.at(now)) == {"t"}
        began = now
        while aside.at(now):
            now += timedelta(seconds=0.25)
        spans.append((now - began).total_seconds())
    assert spans == [0.25, 0.5, 1, 2, 4, 4]
    assert not aside.at(now + timedelta(minutes=1))
    aside.put("t", now + timedelta(minutes=1))
    assert not aside.at(now + timedelta(minutes=1, seconds=0.25))


# What it asks of the database


def stages(plan: Any) -> list[str]:
    below = [plan[name] for name in ("inputStage", "queryPlan") if name in plan] + plan.get("inputStages", [])
    return [plan["stage"], *(stage for part in below for stage in stages(part))]


async def test_looking_reads_only_what_is_due_and_sorts_nothing(routing: Routing) -> None:
    """Two thirds of the tickets are due; a third of the slots is this process's own."""
    await routing.handlers.on_requests([routing.opening() for _ in range(160)])
    routing.clock.at = DUE
    await routing.handlers.on_requests([routing.opening() for _ in range(80)])
    thirds = [frozenset(range(first, SLOTS, 3)) for first in range(3)]
    for overdue in ([(thirds[0], DUE)], [(thirds[1], DUE), (thirds[2], DUE)]):
        query = due_query(overdue)
        asked = {"find": TICKETS.name, "filter": query, "sort": {"next_at": 1}, "limit": 200, "projection": {"state": 1}}
        said = await routing.database.command("explain", asked, verbosity="executionStats")
        did, plan = said["executionStats"], said["queryPlanner"]["winningPlan"]
        assert "SORT" not in stages(plan)
        assert stages(plan).count("IXSCAN") == len(overdue)  # not one for each slot
        assert did["totalDocsExamined"] == did["nReturned"] > 0
        assert did["totalKeysExamined"] <= 2 * 160 * len(overdue)
