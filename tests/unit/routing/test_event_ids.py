"""What the id of an event is made of: whoever decides the same twice gives it the same id, and two things never share one."""

from dataclasses import replace
from datetime import timedelta

from schemas.tickets import ClockFinished, ClockRepaired, DeadlinesMoved, TicketClosed
from services.routing.domain.commands import Actor, Reopen, RepairClock, Reply, Resolve, Wait
from services.routing.domain.decide import Decision, brought_up
from services.routing.domain.identity import derived_id
from tests.support.happenings import OPENED, TICKET, Life
from tests.support.organisations import local
from tests.unit.routing.test_retiming import ORIGINAL, TUESDAY, editions, office, opened, revised

TEN, ELEVEN, TWELVE = (local(f"2025-03-03 {hour}:00") for hour in (10, 11, 12))
STARTED = OPENED.isoformat()


def moved(decision: Decision) -> str:
    (event,) = [event for event in decision.events if isinstance(event, DeadlinesMoved)]
    return event.id


def test_the_move_of_deadlines_is_named_by_ticket_edition_and_version() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 10:00", revised(office(closed=[TUESDAY]))))
    ticket = opened(first)
    at_first = moved(brought_up(ticket, second, ELEVEN))
    assert at_first == derived_id(derived_id(ticket.id, "edition", "2", str(ticket.version)), "deadlines_moved")
    assert moved(brought_up(replace(ticket, version=ticket.version + 1), second, ELEVEN)) != at_first


def test_the_end_of_a_ticket_is_named_by_ticket_and_cycle() -> None:
    life = Life()
    life.officer(Resolve("r", "Xong."), TEN)
    (event,) = [event for event in life.time(OPENED + timedelta(days=20)).events if isinstance(event, TicketClosed)]
    assert event.id == derived_id(derived_id(TICKET, "closing", "1"), "ticket_closed")


def test_the_end_of_a_clock_is_named_by_what_ended_it_and_kind_cycle_and_start() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), TEN)
    events = life.accepted("a", ELEVEN).events
    ended = {event.clock: event.id for event in events if isinstance(event, ClockFinished)}
    assert ended == {kind: derived_id("delivery-of-a", "clock_finished", kind, "1", STARTED) for kind in ("first_response", "hand_over")}


def test_a_repair_is_named_by_the_ticket_as_it_was_and_the_clock() -> None:
    life = Life()
    version = life.ticket.version
    events = life.officer(RepairClock("resolution-1", "Sai", "cancelled"), TEN, Actor("quan", "Quan")).events
    (event,) = [event for event in events if isinstance(event, ClockRepaired)]
    assert event.id == derived_id(f"{TICKET}:{version}", "clock_repaired", "resolution", "1", STARTED)


def test_the_note_of_a_ticket_taken_up_again_is_named_by_the_ticket_as_it_was() -> None:
    life = Life()
    life.officer(Wait("q", "Hồ sơ nào?"), TEN)
    version = life.ticket.version
    (note,) = life.officer(Reopen("Đã có hồ sơ"), ELEVEN).messages
    assert note.id == derived_id(f"{TICKET}:{version}", "note")
