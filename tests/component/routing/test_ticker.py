"""Deadlines: each recorded once, with its true instant, by any number of tickers."""

import asyncio
from collections import Counter

from kit.leases import Slots
from schemas.tickets import DeadlineMissed, DeadlineWarned, TicketEscalated, ticket_events
from services.routing.storage import TICKER_LEASES
from tests.component.routing.conftest import Routing, organisation, organised
from tests.support.organisations import local, officer, with_officers


async def alarms(routing: Routing) -> list[DeadlineMissed | DeadlineWarned | TicketEscalated]:
    rows = (
        await routing.database["journal"]
        .find({"type": {"$regex": "^(deadline|ticket_escalated)"}})
        .sort([("stream", 1), ("seq", 1)])
        .to_list(None)
    )
    events = [ticket_events.validate_json(row["body"]) for row in rows]
    return [event for event in events if isinstance(event, DeadlineMissed | DeadlineWarned | TicketEscalated)]


async def until_quiet(routing: Routing) -> None:
    while await routing.ticker().step():
        pass


async def test_nothing_fires_before_its_time_and_everything_at_it(routing: Routing) -> None:
    ticket = await routing.open()  # first response due 14:00, three quarters of it used up at 12:00
    routing.clock.at = local("2025-03-03 11:59")
    assert not await routing.ticker().step()
    assert await routing.journal(ticket) == ["ticket_opened"]
    routing.clock.at = local("2025-03-03 12:00")
    await routing.ticker().step()
    assert await routing.journal(ticket) == ["ticket_opened", "deadline_warned"]
    routing.clock.at = local("2025-03-03 14:00")
    await routing.ticker().step()
    await routing.ticker().step()
    assert await routing.journal(ticket) == ["ticket_opened", "deadline_warned", "deadline_missed"]


async def test_two_tickers_on_one_database_fire_each_deadline_once(routing: Routing) -> None:
    await routing.handlers.on_requests([routing.opening() for _ in range(60)])
    routing.clock.at = local("2025-03-03 14:00")
    one, other = routing.ticker(batch=25), routing.ticker(batch=25)
    for _ in range(6):
        await asyncio.gather(one.step(), other.step(), one.step())
    fired = Counter((event.ticket_id, event.type) for event in await alarms(routing))
    assert set(fired.values()) == {1}
    assert Counter(kind for _, kind in fired) == {"deadline_warned": 60, "deadline_missed": 60}
    assert await routing.database["tickets"].count_documents({"next_at": {"$lte": routing.clock.at}}) == 0


async def test_after_an_outage_every_miss_is_recorded_with_its_true_instant(routing: Routing) -> None:
    tickets = [await routing.open() for _ in range(7)]
    routing.clock.at = local("2025-03-03 17:30")
    await routing.ticker(batch=3).step()
    await until_quiet(routing)
    missed = [event for event in await alarms(routing) if isinstance(event, DeadlineMissed)]
    assert sorted(event.ticket_id for event in missed) == sorted(tickets)
    assert {event.due_at for event in missed} == {local("2025-03-03 14:00")}
    assert {event.late_by.total_seconds() for event in missed} == {3.5 * 3600}
    warned = [event for event in await alarms(routing) if isinstance(event, DeadlineWarned)]
    assert len(warned) == 7
    assert all(event.recipients == () for event in warned)  # announcing what has come already tells nobody anything


async def test_the_ladder_brings_a_late_ticket_to_the_group_above_and_to_the_authority_once(routing: Routing) -> None:
    ticket = await routing.open()
    for wall in ("2025-03-10 17:00", "2025-03-11 12:00", "2025-03-11 17:00", "2025-03-20 17:00"):
        routing.clock.at = local(wall)
        await routing.ticker().step()
        await routing.ticker().step()
    steps = [event for event in await alarms(routing) if isinstance(event, TicketEscalated)]
    assert [(step.from_group.key, step.ticket.group.key, step.to_authority is not None) for step in steps] == [
        ("hon-gai", "quang-ninh", False),
        ("quang-ninh", "quang-ninh", True),
    ]
    assert [row["id"] for row in (await routing.get("/queue", "quang")).body["items"]] == [ticket]
    assert (await routing.get(f"/tickets/{ticket}", "hai")).status == 404
    (handed,) = await routing.outcomes(kind="hand_over")
    assert (handed["group"], handed["unit"], handed["verdict"]) == ("hon-gai", "hon-gai", "missed")


async def test_tickets_taken_over_together_are_shared_out_among_the_officers(routing: Routing) -> None:
    groups = [spec.model_copy(update={"assignment": "automatic"}) if spec.key == "quang-ninh" else spec for spec in organisation().groups]
    officers = (*organisation().officers, *with_officers(officer("qa", "quang-ninh"), officer("qb", "quang-ninh")).officers[-2:])
    async with organised(routing, organisation().model_copy(update={"groups": tuple(groups), "officers": officers})):
        await routing.handlers.on_requests([routing.opening() for _ in range(12)])
        routing.clock.at = local("2025-03-11 12:00")
        await routing.ticker().step()
        assert await routing.tickets.open_work(["quang", "qa", "qb"]) == {"quang": 4, "qa": 4, "qb": 4}


async def test_an_answered_or_resolved_ticket_is_left_alone(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.accepted(ticket, (await routing.act(ticket, "resolve", {"text": "Xong."})).body["messages"][-1]["id"])
    before = await routing.journal(ticket)
    routing.clock.at = local("2025-03-16 09:00")
    await routing.ticker().step()
    assert await routing.journal(ticket) == before
    routing.clock.at = local("2025-03-17 09:00")
    await routing.ticker().step()
    assert await routing.journal(ticket) == [*before, "ticket_closed"]
    assert await routing.database["tickets"].count_documents({"next_at": {"$exists": True}}) == 0


async def test_a_ticket_that_cannot_be_decided_holds_nobody_up(routing: Routing) -> None:
    broken, sound = await routing.open(), await routing.open()
    await routing.database["tickets"].update_one({"_id": broken}, {"$set": {"state.clocks.0.due_at": "9999-12-31T23:59:59Z"}})
    routing.clock.at = local("2025-03-03 14:00")
    await routing.ticker().step()
    assert "deadline_missed" in await routing.journal(sound)
    assert await routing.journal(broken) == ["ticket_opened"]
    (waiting,) = await routing.database["tickets"].find({"_id": broken}).to_list(None)
    assert waiting["next_at"] > routing.clock.at


async def test_a_ticker_without_slots_does_nothing_and_two_share_them_out(routing: Routing) -> None:
    leases = routing.database[TICKER_LEASES.name]
    one, other = Slots(routing.mongo, leases, "one"), Slots(routing.mongo, leases, "other")
    assert one.mine == frozenset()
    for _ in range(4):
        await one.renew()
        await other.renew()
    assert len(one.mine) == len(other.mine) == 32
    assert one.mine.isdisjoint(other.mine)
    await one.release()
    await other.release()
