"""A ticket as it is opened: nothing of what the business gave is lost on the way into the record and the event."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.tickets import TicketOpened
from schemas.values import Attachment, Business, Contact, Message, Person
from services.routing.domain.decide import open_ticket
from tests.support.happenings import TICKET, Life, request
from tests.support.organisations import as_written, context, local, organisation

PAPER = Attachment(id="f1", filename="tờ khai.pdf", content_type="application/pdf", size=7, sha256="0" * 64)
SENT = request(
    local("2025-03-03 22:00"),
    unit="cau-treo",
    language="en",
    channel="email",
    attachments=(PAPER,),
    trust="pass",
    linked_to="HQ-1111-1",
)
READ_AT = SENT.received_at + timedelta(minutes=2)


def test_the_first_message_is_kept_and_told_as_it_was_sent() -> None:
    decision = open_ticket(SENT, context(), {}, READ_AT)
    (event,) = decision.events
    assert isinstance(event, TicketOpened)
    kept = Message(
        id=f"{TICKET}-first",
        kind="request",
        public=True,
        author_role="business",
        author_name="Lan",
        text="Chúng tôi không rõ cách tính trị giá.",
        attachments=(PAPER,),
        channel="email",
        at=SENT.received_at,
        trust="pass",
    )
    assert (decision.messages, event.message) == ((kept,), kept)
    assert (event.caused_by, event.occurred_at) == (SENT.id, READ_AT)


def test_whoever_gives_no_name_writes_in_the_name_of_the_business() -> None:
    nameless = request(contact=Contact(email="lan@anbinh.example"))
    assert open_ticket(nameless, context(), {}, nameless.received_at).messages[0].author_name == "Công ty An Bình"


def test_others_see_all_of_the_ticket_and_whose_it_is() -> None:
    decision = open_ticket(SENT, context(), {"cam": 1, "cuc": 1}, READ_AT)
    seen, kept = decision.events[0].ticket, decision.ticket
    assert (seen.reference, seen.status, seen.subject, seen.language, seen.channel) == (
        "HQ-7K3M-9",
        "open",
        "Trị giá lô hàng",
        "en",
        "email",
    )
    assert seen.topic is not None
    assert seen.unit is not None
    assert (seen.topic.key, seen.topic.name.en, seen.unit.key, seen.group.key) == ("valuation", "Customs valuation", "cau-treo", "cau-treo")
    assert seen.business == Business(name="Công ty An Bình", tax_code="0100109106")
    assert seen.contact == Contact(name="Lan", email="lan@anbinh.example")
    assert seen.officer == Person(key="chi", name="Chi", email="chi@customs.example")
    assert (seen.priority, seen.member_tier, seen.opened_at, seen.resolved_at) == ("normal", None, SENT.received_at, None)
    assert (seen.linked_to, seen.version, kept.version) == ("HQ-1111-1", 1, 1)
    assert (kept.claimed_until, kept.unanswered_since) == (READ_AT + timedelta(hours=8), SENT.received_at)


def test_a_ticket_nobody_has_yet_is_nobodys() -> None:
    assert Life().events[0].ticket.officer is None


def test_its_clocks_run_in_the_first_cycle_from_the_instant_it_was_received_however_late_it_is_read() -> None:
    ticket = open_ticket(SENT, context(revision=7), {}, READ_AT).ticket
    begun = [(clock.kind, clock.cycle, clock.policy, clock.revision, clock.calendar, clock.started_at) for clock in ticket.clocks]
    assert begun == [(kind, 1, "border", 7, "border", SENT.received_at) for kind in ("first_response", "resolution")]
    assert [clock.due_at for clock in ticket.clocks] == [SENT.received_at + timedelta(hours=hours) for hours in (1, 24)]
    assert (ticket.policy, ticket.revision, ticket.cycle) == ("border", 7, 1)


@pytest.mark.parametrize(
    ("condition", "measured_by"),
    [
        ({"units": ["quang-ninh"]}, "picked"),  # of the group that has it
        ({"units": ["hon-gai"]}, "standard"),  # that the business named
        ({"channels": ["email"]}, "picked"),
        ({"channels": ["form"]}, "standard"),
        ({"topics": ["unsorted"]}, "picked"),
        ({"topics": ["origin"]}, "standard"),
        ({"priorities": ["urgent"]}, "picked"),
        ({"priorities": ["normal"]}, "standard"),
        ({"member_tiers": ["gold"]}, "picked"),
        ({"member_tiers": ["silver"]}, "standard"),
    ],
)
def test_its_policy_is_chosen_by_what_was_decided_of_it(condition: dict[str, Any], measured_by: str) -> None:
    targets = [{"clock": "hand_over", "hours": 2}]
    years = {"signed_on": "2020-01-01", "valid_until": "2030-01-01"}
    org = organisation(
        policies=[{"key": "picked", "targets": targets, **condition}, *as_written()["policies"]],
        priority_rules=[{"name": "All", "priority": "urgent"}],
        members=[{"name": "An Bình", "tax_code": "0100109106", "tier": "gold", **years}],
    )
    sent = request(unit="hon-gai", topic=None, channel="email")
    ticket = open_ticket(sent, context(org), {}, sent.received_at).ticket
    assert (ticket.group, ticket.policy, {clock.policy for clock in ticket.clocks}) == ("quang-ninh", measured_by, {measured_by})
