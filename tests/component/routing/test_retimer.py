"""A newer revision on a real database: every ticket that is not over is brought up to it, once, whoever does it and whenever it dies."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import structlog

from kit.ids import SLOTS, new_id
from kit.journal import Journal
from kit.organisation import OrganisationStore
from schemas import topics
from schemas.organisation import Organisation
from schemas.tickets import DeadlinesMoved, ticket_events
from services.routing.directory import Directory, of_revision, proposed
from services.routing.handlers import Handlers
from services.routing.previewing import preview
from services.routing.repository import TicketRepository, oldest_in_use
from services.routing.retimer import Retimer
from services.routing.storage import TICKETS
from tests.component.routing.conftest import Routing, organisation, organised
from tests.support.organisations import local


def closing(*days: str, base: Organisation | None = None) -> Organisation:
    org = base or organisation()
    office, *others = org.calendars
    closed = office.model_validate({**office.model_dump(), "closed": list(days)})
    return org.model_copy(update={"calendars": (closed, *others)})


@dataclass(frozen=True)
class Everything:
    """A retimer that believes all work is its own."""

    mine: frozenset[int] = frozenset(range(SLOTS))


def retimer(routing: Routing, batch: int = 200, tickets: TicketRepository | None = None) -> Retimer:
    return Retimer(tickets or routing.tickets, routing.directory, Everything(), routing.clock, logger=structlog.get_logger(), batch=batch)


async def until_quiet(loop: Retimer) -> None:
    while await loop.step():
        pass


async def moves(routing: Routing) -> list[DeadlinesMoved]:
    rows = await routing.database["journal"].find({"type": "deadlines_moved"}).sort([("stream", 1), ("seq", 1)]).to_list(None)
    events = [ticket_events.validate_json(row["body"]) for row in rows]
    return [event for event in events if isinstance(event, DeadlinesMoved)]


async def due(routing: Routing, ticket: str, kind: str = "resolution") -> datetime | None:
    (row,) = await routing.database[TICKETS.name].find({"_id": ticket}).to_list(None)
    return next((clock["due_at"] for clock in row["running"] if clock["kind"] == kind), None)


async def test_a_holiday_loaded_today_moves_the_open_clocks_and_their_alarms(routing: Routing) -> None:
    ticket = await routing.open()
    before = await routing.database[TICKETS.name].find_one({"_id": ticket})
    routing.clock.at = local("2025-03-03 10:00")
    async with organised(routing, closing("2025-03-04")):
        assert await due(routing, ticket) == local("2025-03-10 17:00")
        await until_quiet(retimer(routing))
        assert await due(routing, ticket) == local("2025-03-11 17:00")
        assert await routing.journal(ticket) == ["ticket_opened", "deadlines_moved"]
        after = await routing.database[TICKETS.name].find_one({"_id": ticket})
        assert before is not None
        assert after is not None
        assert (after["measured"], after["version"]) == (routing.directory.context().revision, 2)
        shown = (await routing.get(f"/tickets/{ticket}/history")).body["entries"][-1]
        assert (shown["type"], shown["who"]) == ("deadlines_moved", "Hệ thống")
        assert "17:00 10/03/2025 (Asia/Ho_Chi_Minh) → 17:00 11/03/2025" in shown["what"]
        nothing = await routing.everything()
        await until_quiet(retimer(routing))
        assert await routing.everything() == nothing


async def test_a_shorter_policy_moves_the_next_look_and_the_ticker_keeps_to_it(routing: Routing) -> None:
    ticket = await routing.open()
    org = organisation()
    border, standard = org.policies
    hours = tuple(target.model_copy(update={"hours": 2.0}) if target.clock == "first_response" else target for target in standard.targets)
    routing.clock.at = local("2025-03-03 10:00")
    async with organised(routing, org.model_copy(update={"policies": (border, standard.model_copy(update={"targets": hours}))})):
        await until_quiet(retimer(routing))
        routing.clock.at = local("2025-03-03 11:00")
        await routing.ticker().step()
    assert await routing.journal(ticket) == ["ticket_opened", "deadlines_moved", "deadline_warned", "deadline_missed"]


async def test_a_revision_that_measures_alike_writes_nothing(routing: Routing) -> None:
    await routing.open()
    before = await routing.everything()
    renamed = organisation().model_copy(update={"name": organisation().name.model_copy(update={"en": "Renamed"})})
    async with organised(routing, renamed):
        await until_quiet(retimer(routing))
        assert await routing.everything() == before


async def test_batches_replicas_and_officers_at_once_move_every_clock_once(routing: Routing) -> None:
    opened = [await routing.open() for _ in range(40)]
    routing.clock.at = local("2025-03-03 10:00")
    async with organised(routing, closing("2025-03-04")):
        loops = [retimer(routing, batch=7) for _ in range(3)]
        for _ in range(8):
            await asyncio.gather(*(loop.step() for loop in loops), routing.act(opened[_], "note", {"text": "Đã gọi."}))
        await until_quiet(loops[0])
        counted = Counter((event.ticket_id, event.type) for event in await moves(routing))
        assert counted == {(ticket, "deadlines_moved"): 1 for ticket in opened}
        for ticket in opened:
            await routing.journal(ticket)
            assert await due(routing, ticket) == local("2025-03-11 17:00")


class Dying(TicketRepository):
    """A process killed before or after its transaction commits."""

    before: bool
    left: int

    async def save(self, *args: Any, **more: Any) -> None:
        self.left -= 1
        if self.left < 0 and self.before:
            raise KeyboardInterrupt
        await super().save(*args, **more)
        if self.left < 0:
            raise KeyboardInterrupt


def dying(routing: Routing, *, before: bool, after: int) -> TicketRepository:
    tickets = Dying(routing.mongo, routing.database, Journal(routing.database, topics.TICKETS))
    tickets.before, tickets.left = before, after
    return tickets


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("after", [0, 2])
async def test_killed_at_any_point_the_next_one_finishes_the_rest(routing: Routing, before: bool, after: int) -> None:
    opened = [await routing.open() for _ in range(12)]
    routing.clock.at = local("2025-03-03 10:00")
    async with organised(routing, closing("2025-03-04")):
        killed = retimer(routing, 3, dying(routing, before=before, after=after))
        with pytest.raises(KeyboardInterrupt):
            await until_quiet(killed)
        assert len(await moves(routing)) == 3 * (after + (not before))
        await until_quiet(retimer(routing, 3))
        assert sorted(event.ticket_id for event in await moves(routing)) == sorted(opened)


async def test_a_ticket_opened_by_a_replica_that_does_not_know_yet_is_brought_up_too(routing: Routing) -> None:
    elsewhere = OrganisationStore(routing.database)
    await elsewhere.refresh()
    behind = Handlers(routing.tickets, Directory(elsewhere), routing.clock)
    routing.clock.at = local("2025-03-03 10:00")
    async with organised(routing, closing("2025-03-04")):
        await until_quiet(retimer(routing))
        opening = routing.opening()
        await behind.on_requests([opening])
        ticket = opening.ticket_id
        assert await due(routing, ticket) == local("2025-03-10 17:00")
        await until_quiet(retimer(routing))
        assert await due(routing, ticket) == local("2025-03-11 17:00")


async def test_a_ticket_that_cannot_be_read_holds_nobody_up(routing: Routing) -> None:
    broken, sound = await routing.open(), await routing.open()
    await routing.database[TICKETS.name].update_one({"_id": broken}, {"$set": {"state.clocks.0.kind": "sundial"}})
    async with organised(routing, closing("2025-03-04")):
        await asyncio.wait_for(until_quiet(retimer(routing, batch=1)), 10)
        assert await due(routing, sound) == local("2025-03-11 17:00")


async def test_a_resolved_ticket_closes_when_the_new_policy_says(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.accepted(ticket, (await routing.act(ticket, "resolve", {"text": "Xong."})).body["messages"][-1]["id"])
    border, standard = organisation().policies
    async with organised(routing, organisation().model_copy(update={"policies": (border, standard.model_copy(update={"reopen_days": 1}))})):
        await until_quiet(retimer(routing))
        (row,) = await routing.database[TICKETS.name].find({"_id": ticket}).to_list(None)
        assert row["next_at"] == local("2025-03-04 09:00")
        assert await oldest_in_use(routing.database) == routing.directory.context().revision


async def test_a_preview_counts_what_would_move_and_writes_nothing(routing: Routing) -> None:
    for _ in range(3):
        await routing.open()
    waiting = await routing.open()
    await routing.act(waiting, "wait", {"text": "Hồ sơ nào?"})
    await routing.open(topic="proposal", unit=None)
    routing.clock.at = local("2025-03-03 13:30")
    before, told = await routing.everything(), list[int]()
    present = of_revision(routing.store.current)
    org = organisation()
    border, standard = org.policies
    cut = tuple(target.model_copy(update={"hours": 3.0}) if target.clock == "first_response" else target for target in standard.targets)
    harder = closing("2025-03-04", base=org.model_copy(update={"policies": (border, standard.model_copy(update={"targets": cut}))}))
    found = await preview(routing.database, proposed(harder, present, routing.clock.at), routing.clock.at, told.append)
    assert found.moved == {
        ("hon-gai", "first_response"): 4,
        ("hon-gai", "resolution"): 4,
        ("hon-gai", "hand_over"): 4,
        ("legal", "first_response"): 1,
        ("legal", "resolution"): 1,
        ("legal", "hand_over"): 1,
    }
    assert (found.tickets, found.overdue, len(found.largest)) == (5, 5, 10)
    assert {abs(move.by).days for move in found.largest} == {1}
    assert await routing.everything() == before


async def test_the_preview_says_what_the_load_then_does(routing: Routing) -> None:
    opened = [await routing.open(ticket_id=new_id()) for _ in range(5)]
    routing.clock.at = local("2025-03-03 10:00")
    changed = closing("2025-03-04", "2025-03-06")
    found = await preview(routing.database, proposed(changed, of_revision(routing.store.current), routing.clock.at), routing.clock.at)
    async with organised(routing, changed):
        await until_quiet(retimer(routing))
        done = {(event.ticket.reference, move.clock, move.new_due_at) for event in await moves(routing) for move in event.moves}
    assert len(done) == found.clocks == 2 * len(opened)
    assert {(move.reference, move.clock, move.new) for move in found.largest} <= done
