"""Events in: each once in effect, however often and in whatever company it comes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from kit.errors import PermanentError, TransientError
from kit.ids import new_id
from schemas.requests import MessageReceived, RequestReceived
from services.routing.handlers import Handlers, Incoming
from services.routing.repository import Stale, TicketRepository
from tests.component.routing.conftest import Routing
from tests.support.happenings import delivered, failed, message


def follow_up(opening: RequestReceived, **changed: Any) -> MessageReceived:
    return message(
        opening.received_at + timedelta(minutes=1), ticket_id=opening.ticket_id, **{"id": new_id(), "message_id": new_id(), **changed}
    )


async def test_a_batch_of_three_hundred_opens_every_ticket_and_adds_every_message(routing: Routing) -> None:
    units = ("hon-gai", "cau-treo", None, "quang-ninh")
    openings = [routing.opening(unit=units[number % 4]) for number in range(150)]
    mixed: list[Incoming] = [event for opening in openings for event in (opening, follow_up(opening))]
    await routing.handlers.on_requests(mixed)
    for opening in openings[:8]:
        assert await routing.journal(opening.ticket_id) == ["ticket_opened", "business_replied"]
    counts = {name: len(rows) for name, rows in (await routing.everything()).items()}
    assert counts == {"tickets": 150, "messages": 300, "inbox": 150, "outcomes": 0, "rollups": 0, "journal": 300}
    work = await routing.tickets.open_work(["cam", "chi", "cuc"])
    assert sorted(work.values()) == [12, 13, 13]


async def test_a_batch_again_changes_nothing(routing: Routing) -> None:
    openings = [routing.opening() for _ in range(10)]
    requests: list[Incoming] = [*openings, *(follow_up(opening) for opening in openings)]
    await routing.handlers.on_requests(requests)
    routing.clock.advance(minutes=5)
    said = [(await routing.act(opening.ticket_id, "reply", {"text": "Đã rõ."})).body["messages"][-1]["id"] for opening in openings]
    notifications = [
        delivered(message_id, routing.clock.at, ticket_id=opening.ticket_id, id=new_id())
        for opening, message_id in zip(openings, said, strict=True)
    ] + [failed(None, routing.clock.at, ticket_id=openings[0].ticket_id, id=new_id())]
    await routing.handlers.on_notifications(notifications)
    before = await routing.everything()
    routing.clock.advance(minutes=5)
    for _ in range(2):
        await routing.handlers.on_requests(requests)
        await routing.handlers.on_requests(list(reversed(requests)))
        await routing.handlers.on_notifications(notifications)
    assert await routing.everything() == before


async def test_duplicates_within_a_batch_count_once(routing: Routing) -> None:
    opening = routing.opening()
    said = follow_up(opening)
    await routing.handlers.on_requests([opening, opening, said, opening, said])
    assert await routing.journal(opening.ticket_id) == ["ticket_opened", "business_replied"]
    routing.clock.advance(minutes=5)
    answer = (await routing.act(opening.ticket_id, "reply", {"text": "Đã rõ."})).body["messages"][-1]["id"]
    report = delivered(answer, routing.clock.at, ticket_id=opening.ticket_id)
    trouble = failed(None, routing.clock.at, ticket_id=opening.ticket_id)
    await routing.handlers.on_notifications([report, trouble, report, trouble])
    finished = ["clock_finished", "clock_finished", "delivery_troubled"]
    assert await routing.journal(opening.ticket_id) == ["ticket_opened", "business_replied", "answer_given", *finished]


async def test_two_consumers_with_the_same_batch_apply_it_once(routing: Routing) -> None:
    openings = [routing.opening() for _ in range(20)]
    batch: list[Incoming] = [*openings, *(follow_up(opening) for opening in openings)]
    await asyncio.gather(*(routing.handlers.on_requests(batch) for _ in range(3)))
    for opening in openings:
        assert await routing.journal(opening.ticket_id) == ["ticket_opened", "business_replied"]


async def test_a_message_without_its_opening_is_dead_and_says_where_to_look(routing: Routing) -> None:
    orphan = follow_up(routing.opening())
    with pytest.raises(PermanentError, match="look for its opening among the dead letters"):
        await routing.handlers.on_requests([orphan])
    with pytest.raises(PermanentError, match="there is no ticket"):
        await routing.handlers.on_notifications([delivered("m", routing.clock.at, ticket_id=new_id())])
    assert all(not rows for rows in (await routing.everything()).values())


async def test_an_orphan_leaves_nothing_of_its_batch_half_done(routing: Routing) -> None:
    opening = routing.opening()
    with pytest.raises(PermanentError):
        await routing.handlers.on_requests([opening, follow_up(routing.opening())])
    assert all(not rows for rows in (await routing.everything()).values())
    await routing.handlers.on_requests([opening])
    assert await routing.journal(opening.ticket_id) == ["ticket_opened"]


async def test_a_reference_that_is_taken_is_dead_instead_of_coming_back_for_ever(routing: Routing) -> None:
    await routing.open(reference="HD-234-567-89A")
    with pytest.raises(PermanentError, match="belongs to something else"):
        await routing.handlers.on_requests([routing.opening(reference="HD-234-567-89A")])


async def test_what_moves_no_ticket_is_passed_over(routing: Routing) -> None:
    ticket = await routing.open()
    before = await routing.everything()
    await routing.handlers.on_notifications(
        [
            delivered(None, routing.clock.at, ticket_id=ticket, template="acknowledgement"),
            delivered(None, routing.clock.at, ticket_id=new_id(), audience="staff"),
            failed(None, routing.clock.at, ticket_id=new_id(), audience="staff"),
        ]
    )
    await routing.handlers.on_notifications([])
    await routing.handlers.on_requests([])
    assert await routing.everything() == before


async def test_an_answer_is_on_time_by_the_instant_it_was_accepted_however_late_we_hear_of_it(routing: Routing) -> None:
    ticket = await routing.open()
    answer = (await routing.act(ticket, "reply", {"text": "Đã rõ."})).body["messages"][-1]["id"]
    accepted_at = routing.clock.at + timedelta(minutes=1)
    routing.clock.advance(hours=7)
    await routing.ticker().step()
    await routing.accepted(ticket, answer, accepted_at)
    (outcome,) = await routing.outcomes(kind="first_response")
    assert (outcome["verdict"], outcome["finished_at"]) == ("met", accepted_at)


async def test_the_next_response_is_measured_from_the_oldest_unanswered_message(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.accepted(ticket, (await routing.act(ticket, "reply", {"text": "Một."})).body["messages"][-1]["id"])
    routing.clock.advance(minutes=10)
    heard_at = routing.clock.at
    await routing.says(ticket)
    routing.clock.advance(minutes=10)
    await routing.says(ticket)
    await routing.accepted(ticket, (await routing.act(ticket, "reply", {"text": "Hai."})).body["messages"][-1]["id"])
    (outcome,) = await routing.outcomes(kind="next_response")
    assert (outcome["started_at"], outcome["finished_at"], outcome["verdict"]) == (heard_at, routing.clock.at, "met")


class Contended:
    """A repository on which somebody else is faster a number of times."""

    def __init__(self, tickets: TicketRepository, times: int) -> None:
        self._tickets = tickets
        self.times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tickets, name)

    async def save(self, *args: Any, **kwargs: Any) -> None:
        if self.times:
            self.times -= 1
            raise Stale
        await self._tickets.save(*args, **kwargs)


def contended(routing: Routing, times: int) -> Handlers:
    return Handlers(Contended(routing.tickets, times), routing.directory, routing.clock)  # type: ignore[arg-type]


async def test_a_batch_is_decided_again_when_somebody_was_faster(routing: Routing) -> None:
    opening = routing.opening()
    await contended(routing, times=3).on_requests([opening, follow_up(opening)])
    assert await routing.journal(opening.ticket_id) == ["ticket_opened", "business_replied"]


async def test_a_batch_that_never_gets_through_comes_back_later(routing: Routing) -> None:
    with pytest.raises(TransientError, match="keep changing"):
        await contended(routing, times=99).on_requests([routing.opening()])
    assert all(not rows for rows in (await routing.everything()).values())


async def test_officers_ticker_and_events_at_one_ticket_lose_nothing(routing: Routing) -> None:
    opening = routing.opening()
    await routing.handlers.on_requests([opening])
    routing.clock.advance(hours=6)
    said = [follow_up(opening, text=f"Tin {number}") for number in range(8)]

    async def writes(batch: Sequence[MessageReceived]) -> None:
        await routing.handlers.on_requests(batch)

    await asyncio.gather(
        writes(said[:4]),
        writes(said[4:]),
        routing.ticker().step(),
        *(routing.act(opening.ticket_id, "note", {"text": "n"}) for _ in range(3)),
    )
    await routing.ticker().step()  # whoever lost the race for the ticket leaves it to the next round
    journal = await routing.journal(opening.ticket_id)
    assert journal.count("business_replied") == 8
    assert journal.count("deadline_missed") == 1
    texts = [row["text"] for row in (await routing.get(f"/tickets/{opening.ticket_id}")).body["messages"]]
    assert sorted(text for text in texts if text.startswith("Tin")) == [f"Tin {number}" for number in range(8)]
