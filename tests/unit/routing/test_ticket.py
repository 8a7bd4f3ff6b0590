"""The ticket as others see it, and its opening."""

from datetime import timedelta

import pytest

from schemas.tickets import DeadlineMissed, TicketOpened
from schemas.values import ClockKind, LocalText
from services.routing.domain.decide import next_at, open_ticket
from services.routing.domain.identity import derived_id
from services.routing.domain.ticket import UNSORTED, snapshot
from tests.support.happenings import OPENED, TICKET, Life, keys, request
from tests.support.organisations import context, local, officer, organisation, with_officers


def test_a_request_becomes_one_event_with_the_group_the_reason_and_the_clocks() -> None:
    decision = open_ticket(request(), context(), {}, OPENED + timedelta(seconds=2))
    (event,) = decision.events
    assert isinstance(event, TicketOpened)
    assert (event.sequence, event.ticket.version, event.caused_by) == (1, 1, f"request-of-{TICKET}")
    assert event.id == derived_id(f"request-of-{TICKET}", "ticket_opened")
    assert (event.ticket.status, event.ticket.group.key, event.ticket.officer) == ("new", "hon-gai", None)
    assert event.because == "Hòn Gai phụ trách lĩnh vực này tại Chi cục Hòn Gai"
    assert keys(event.recipients) == ["hong"]
    assert (event.message.id, event.message.kind, event.message.author_role) == (f"{TICKET}-first", "request", "business")
    assert decision.messages == (event.message,)


@pytest.mark.parametrize(
    ("kind", "due"),
    [("first_response", "2025-03-03 14:00"), ("resolution", "2025-03-10 17:00"), ("hand_over", "2025-03-05 09:00")],
)
def test_clocks_start_when_the_request_was_received_however_late_it_is_read(kind: ClockKind, due: str) -> None:
    decision = open_ticket(request(), context(), {}, OPENED + timedelta(hours=6))
    assert decision.ticket.opened_at == OPENED
    assert {deadline.kind: deadline.due_at for deadline in snapshot(decision.ticket, organisation()).deadlines}[kind] == local(due)


def test_a_policy_without_a_target_starts_no_such_clock() -> None:
    decision = open_ticket(request(unit="cau-treo"), context(), {}, OPENED)
    assert [clock.kind for clock in decision.ticket.clocks] == ["first_response", "resolution"]


def test_an_automatic_group_gives_the_ticket_to_the_officer_with_the_least_work_and_tells_only_them() -> None:
    decision = open_ticket(request(unit="cau-treo"), context(), {"cam": 1, "chi": 0, "cuc": 1}, OPENED)
    event = decision.events[0]
    assert isinstance(event, TicketOpened)
    assert (decision.ticket.status, decision.ticket.officer, decision.ticket.claimed_until) == ("open", "chi", OPENED + timedelta(hours=8))
    assert keys(event.recipients) == ["chi"]


def test_an_automatic_group_with_nobody_on_duty_keeps_it_in_the_queue_and_tells_the_lead() -> None:
    away = with_officers(*(officer(key, "cau-treo", on_duty=False) for key in ("cam", "chi", "cuc")))
    decision = open_ticket(request(unit="cau-treo"), context(away), {}, OPENED)
    event = decision.events[0]
    assert isinstance(event, TicketOpened)
    assert (decision.ticket.status, decision.ticket.officer) == ("new", None)
    assert keys(event.recipients) == ["cam"]


def test_the_same_request_decided_twice_gives_the_same_events() -> None:
    first, second = (open_ticket(request(), context(), {}, OPENED) for _ in range(2))
    assert first == second


def test_the_reason_is_said_in_the_language_of_the_lead_who_reads_it() -> None:
    event = open_ticket(request(topic="origin"), context(), {}, OPENED).events[0]
    assert isinstance(event, TicketOpened)
    assert event.because == "Quang Ninh owns this topic at Quang Ninh"


def test_a_request_without_a_topic_is_shown_as_not_yet_sorted() -> None:
    ticket = open_ticket(request(topic=None), context(), {}, OPENED).ticket
    assert ticket.topic == UNSORTED
    assert snapshot(ticket, organisation()).topic.name == LocalText(vi="Chưa phân loại", en="Not yet sorted")


def test_a_ticket_outlives_the_parts_of_the_organisation_it_names() -> None:
    life = Life()
    smaller = organisation(
        units=[unit for unit in organisation().model_dump()["units"] if unit["key"] != "hon-gai"],
        groups=[group for group in organisation().model_dump()["groups"] if group["key"] != "hon-gai"],
        topics=[{"key": "origin", "name": {"vi": "Xuất xứ", "en": "Origin"}}],
        policies=[policy for policy in organisation().model_dump()["policies"] if policy["key"] == "border"],
        officers=[{**spec, "groups": ()} for spec in organisation().model_dump()["officers"]],
    )
    seen = snapshot(life.ticket, smaller)
    assert (seen.topic.key, seen.unit and seen.unit.key, seen.group.key) == ("valuation", "hon-gai", "hon-gai")
    life.ctx = context(smaller, revision=2)
    assert next_at(life.ticket, life.ctx) is not None
    missed = life.time(local("2025-03-03 14:00")).events[-1]
    assert isinstance(missed, DeadlineMissed)
    assert keys(missed.recipients) == ["phuc", "tong"]
