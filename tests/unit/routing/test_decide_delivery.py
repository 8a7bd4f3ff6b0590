"""Only a public message by staff that was accepted for delivery is an answer."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from schemas.tickets import ClockFinished, DeadlineMissed, DeliveryTroubled
from services.routing.domain.commands import Assign, Claim, Note, Refer, Reject, Reply, Resolve, Wait
from tests.support.happenings import HONG, OPENED, Life, keys, types
from tests.support.organisations import local

AT = OPENED + timedelta(hours=1)
LATER = AT + timedelta(minutes=1)

NO_ANSWER: dict[str, Callable[[Life], object]] = {
    "another message of the business": lambda life: life.business(AT),
    "automatic mail": lambda life: life.business(AT, automatic="vacation"),
    "the acknowledgement delivered": lambda life: life.accepted(None, AT, template="acknowledgement"),
    "the business's own message echoed": lambda life: life.accepted(f"{life.ticket.id}-first", AT, template="acknowledgement"),
    "a claim": lambda life: life.officer(Claim(), AT),
    "an internal note": lambda life: life.officer(Note("n", "Xem lại."), AT),
    "an internal note reported as delivered": lambda life: (life.officer(Note("n", "Xem lại."), AT), life.accepted("n", LATER)),
    "a referral": lambda life: life.officer(Refer("Bộ", "Lý do"), AT),
    "an answer not yet accepted": lambda life: life.officer(Reply("a", "Vâng."), AT),
    "an answer that failed": lambda life: (life.officer(Reply("a", "Vâng."), AT), life.bounced("a", LATER)),
    "an answer mailed to staff": lambda life: (life.officer(Reply("a", "Vâng."), AT), life.accepted("a", LATER, audience="staff")),
}

ANSWER: dict[str, Callable[[Life], object]] = {
    "an answer": lambda life: life.officer(Reply("a", "Vâng."), AT),
    "a question": lambda life: life.officer(Wait("a", "Hồ sơ nào?"), AT),
    "a resolution": lambda life: life.officer(Resolve("a", "Xong."), AT),
    "a rejection": lambda life: life.officer(Reject("a", "Không thuộc phạm vi", "Điều 5"), AT),
}


@pytest.mark.parametrize("happens", NO_ANSWER.values(), ids=NO_ANSWER.keys())
def test_nothing_else_stops_the_first_response_clock(happens: Callable[[Life], object]) -> None:
    life = Life()
    happens(life)
    assert life.clock("first_response").verdict is None


@pytest.mark.parametrize("happens", ANSWER.values(), ids=ANSWER.keys())
def test_a_public_message_by_staff_stops_it_when_it_is_accepted(happens: Callable[[Life], object]) -> None:
    life = Life()
    happens(life)
    assert life.clock("first_response").verdict is None
    life.accepted("a", LATER)
    clock = life.clock("first_response")
    assert (clock.verdict, clock.finished_at, life.ticket.awaiting, life.ticket.unanswered_since) == ("met", LATER, (), None)


def test_an_accepted_answer_is_told_as_the_end_of_the_clocks_it_stopped() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    decision = life.accepted("a", LATER)
    finished = [event for event in decision.events if isinstance(event, ClockFinished)]
    assert [(event.clock, event.verdict, event.finished_at) for event in finished] == [
        ("first_response", "met", LATER),
        ("hand_over", "met", LATER),
    ]
    assert decision.events[0].caused_by == "delivery-of-a"


def test_accepted_at_the_deadline_is_in_time_and_a_second_later_is_not() -> None:
    due = local("2025-03-03 14:00")
    for at, verdict in ((due, "met"), (due + timedelta(seconds=1), "missed")):
        life = Life()
        life.officer(Reply("a", "Vâng."), AT)
        life.accepted("a", at)
        assert life.clock("first_response").verdict == verdict


def test_a_miss_no_ticker_has_seen_is_recorded_before_the_late_answer() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    decision = life.accepted("a", local("2025-03-03 15:00"))
    assert types(decision) == ["deadline_missed", "clock_finished", "clock_finished"]
    missed = decision.events[0]
    assert isinstance(missed, DeadlineMissed)
    assert (missed.due_at, missed.clock) == (local("2025-03-03 14:00"), "first_response")


def test_an_answer_in_time_reported_after_the_ticker_recorded_a_miss_was_in_time() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    life.time(local("2025-03-03 14:00"))
    life.accepted("a", local("2025-03-03 13:59"))
    assert life.clock("first_response").verdict == "met"


def test_the_second_report_of_the_same_message_says_nothing_more() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    life.accepted("a", LATER)
    assert life.accepted("a", LATER, id="by-chat", channel="chat").events == ()


def test_a_message_the_answer_had_not_seen_stays_unanswered_and_gets_its_own_clock() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    life.business(AT + timedelta(seconds=30))
    life.accepted("a", LATER)
    assert life.clock("first_response").verdict == "met"
    assert life.ticket.unanswered_since == AT + timedelta(seconds=30)
    assert life.clock("next_response").started_at == AT + timedelta(seconds=30)


def test_a_message_written_before_the_answer_but_read_after_it_was_not_answered() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    life.business(AT - timedelta(seconds=5), read_at=AT + timedelta(seconds=5))
    life.accepted("a", LATER)
    assert life.ticket.unanswered_since == AT - timedelta(seconds=5)


def test_many_messages_behind_an_answer_on_its_way_are_remembered_as_one() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    for number in range(2, 30):
        life.business(AT + timedelta(minutes=number), number)
    assert len(life.ticket.heard) == 2


def test_an_answer_of_the_group_that_gave_the_ticket_away_does_not_stop_the_hand_over_of_the_next() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    life.officer(Assign("Đúng thẩm quyền", group="quang-ninh"), AT + timedelta(minutes=1), HONG)
    life.accepted("a", AT + timedelta(minutes=2))
    assert [clock.verdict for clock in life.ticket.clocks if clock.kind == "hand_over"] == ["met", None]
    assert life.clock("first_response").verdict == "met"


def test_a_failure_goes_to_the_officer_and_changes_nothing_else() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    before = life.ticket
    decision = life.bounced("a", LATER)
    (event,) = decision.events
    assert isinstance(event, DeliveryTroubled)
    assert (event.message_id, event.reason, keys(event.recipients)) == ("a", "mailbox unknown", ["hai"])
    assert (life.ticket.status, life.ticket.clocks, life.ticket.awaiting) == (before.status, before.clocks, before.awaiting)


def test_a_message_that_failed_and_is_delivered_after_all_counts() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    life.bounced("a", LATER)
    life.accepted("a", LATER + timedelta(minutes=5), id="again")
    assert life.clock("first_response").verdict == "met"


def test_the_officer_is_told_which_address_failed_how_and_when_and_whether_it_is_written_to_again() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    (event,) = life.bounced("a", LATER, address="lan@halong.example", bounced="hard", suppressed=True).events
    assert isinstance(event, DeliveryTroubled)
    assert (event.address, event.bounced, event.suppressed, event.failed_at) == ("lan@halong.example", "hard", True, LATER)


@pytest.mark.parametrize("message_id", ["a", None])
def test_a_failure_to_tell_staff_is_not_the_tickets_concern(message_id: str | None) -> None:
    life = Life()
    assert life.bounced(message_id, AT, audience="staff").events == ()


def test_a_failed_acknowledgement_goes_to_the_lead_of_the_group_while_nobody_has_the_ticket() -> None:
    life = Life()
    (event,) = life.bounced(None, AT, template="acknowledgement").events
    assert isinstance(event, DeliveryTroubled)
    assert (event.message_id, event.template, keys(event.recipients)) == ("", "acknowledgement", ["hong"])
    assert life.clock("first_response").verdict is None
