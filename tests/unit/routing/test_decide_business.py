"""What a message of the business does to a ticket in each status."""

from datetime import timedelta

import pytest

from schemas.tickets import BusinessReplied
from schemas.values import Attachment, Message, TicketStatus
from services.routing.domain.commands import Reopen, Reply
from services.routing.domain.decide import Decision, business_message
from tests.support.happenings import OPENED, keys, life_in, message, types
from tests.support.organisations import local

AT = local("2025-03-04 10:00")


def replied(decision: Decision) -> BusinessReplied:
    event = decision.events[0]
    assert isinstance(event, BusinessReplied)
    return event


@pytest.mark.parametrize(
    ("before", "after", "reopened", "cycle"),
    [
        ("new", "new", False, 1),
        ("open", "open", False, 1),
        ("waiting", "open", True, 1),
        ("referred", "referred", False, 1),
        ("resolved", "open", True, 2),
        ("rejected", "rejected", False, 1),
    ],
)
def test_a_message_ends_waiting_and_a_resolution_and_nothing_else(
    before: TicketStatus, after: TicketStatus, reopened: bool, cycle: int
) -> None:
    life = life_in(before)
    event = replied(life.business(AT))
    assert (life.ticket.status, event.ticket.status, event.reopened, life.ticket.cycle) == (after, after, reopened, cycle)
    assert event.recipients


@pytest.mark.parametrize("status", ["new", "open", "waiting", "referred", "resolved", "closed", "rejected"])
def test_automatic_mail_is_kept_and_starts_and_stops_nothing(status: TicketStatus) -> None:
    life = life_in(status)
    before = life.ticket
    at = max(AT, before.last_event_at)
    event = replied(life.business(at, automatic="Auto-Submitted: auto-replied"))
    assert (life.ticket.status, life.ticket.cycle, life.ticket.clocks, life.ticket.heard) == (
        before.status,
        before.cycle,
        before.clocks,
        before.heard,
    )
    assert (event.reopened, event.recipients, event.message.automatic) == (False, (), "Auto-Submitted: auto-replied")


def test_the_officer_is_told_or_the_lead_when_nobody_has_the_ticket() -> None:
    assert keys(replied(life_in("open").business(AT)).recipients) == ["hai"]
    assert keys(replied(life_in("new").business(AT)).recipients) == ["hong"]


def test_waiting_costs_the_working_days_it_covers_whole() -> None:
    """Asked on Monday at 10:00, answered on Thursday at 10:00: Thursday to Wednesday are the five days."""
    life = life_in("waiting")
    assert life.clock("resolution").due_at is None
    life.business(local("2025-03-06 10:00"))
    assert life.clock("resolution").due_at == local("2025-03-12 17:00")


def test_an_answer_that_crossed_the_question_ends_the_pause_where_it_began() -> None:
    life = life_in("waiting")
    life.business(OPENED + timedelta(minutes=59), read_at=OPENED + timedelta(hours=2))
    assert life.ticket.status == "open"
    assert life.clock("resolution").due_at == local("2025-03-10 17:00")


def test_a_reopened_ticket_gets_a_new_cycle_and_keeps_the_first_verdict() -> None:
    life = life_in("resolved")
    life.accepted("r", OPENED + timedelta(hours=1, minutes=1))
    life.business(AT)
    assert (life.clock("resolution", 1).verdict, life.clock("resolution", 2).verdict) == ("met", None)
    assert life.clock("resolution", 2).due_at == local("2025-03-11 17:00")
    assert life.clock("next_response").started_at == AT
    assert life.ticket.resolved_at is None
    assert [clock.cycle for clock in life.ticket.clocks if clock.kind == "first_response"] == [1]


@pytest.mark.parametrize(("after", "status"), [(timedelta(days=14) - timedelta(seconds=1), "open"), (timedelta(days=14), "resolved")])
def test_the_business_reopens_until_the_window_ends_by_when_it_wrote(after: timedelta, status: TicketStatus) -> None:
    life = life_in("resolved")
    resolved_at = OPENED + timedelta(hours=1)
    life.business(resolved_at + after, read_at=resolved_at + timedelta(days=15))
    assert life.ticket.status == status


def test_a_message_on_a_closed_ticket_is_kept_and_the_officer_told() -> None:
    life = life_in("closed")
    clocks = life.ticket.clocks
    event = replied(life.business(OPENED + timedelta(days=20)))
    assert (event.reopened, life.ticket.status, life.ticket.clocks, keys(event.recipients)) == (False, "closed", clocks, ["hai"])


def test_while_the_request_itself_is_unanswered_the_first_response_clock_is_the_only_one() -> None:
    life = life_in("open")
    life.business(AT)
    assert [clock.kind for clock in life.ticket.unfinished("first_response", "next_response")] == ["first_response"]


def test_what_the_business_said_is_kept_and_told_as_it_was_said() -> None:
    life, paper = life_in("open"), Attachment(id="f1", filename="hồ sơ.pdf", content_type="application/pdf", size=7, sha256="0" * 64)
    said = message(AT, author_name="Chị Mai", attachments=(paper,), channel="chat", trust="pass", verified=True)
    decision = business_message(life.ticket, said, life.ctx, AT + timedelta(minutes=3))
    kept = Message(
        id="said-2",
        kind="message",
        public=True,
        author_role="business",
        author_name="Chị Mai",
        text="Xin bổ sung hồ sơ.",
        attachments=(paper,),
        channel="chat",
        at=AT,
        trust="pass",
        verified=True,
    )
    assert (decision.messages, replied(decision).message, replied(decision).caused_by) == ((kept,), kept, said.id)


def test_whoever_of_the_business_gives_no_name_writes_in_the_name_of_whom_it_named_first() -> None:
    assert replied(life_in("open").business(AT)).message.author_name == "Lan"


def test_next_response_is_measured_from_the_oldest_unanswered_message() -> None:
    life = life_in("open")
    life.officer(Reply("a", "Vâng."), local("2025-03-03 10:30"))
    life.accepted("a", local("2025-03-03 10:31"))
    assert life.ticket.unanswered_since is None
    life.business(local("2025-03-03 15:00"), 2)
    life.business(local("2025-03-04 09:00"), 3)
    assert life.ticket.unanswered_since == local("2025-03-03 15:00")
    assert life.clock("next_response").due_at == local("2025-03-04 15:00")
    life.officer(Reply("b", "Đây."), local("2025-03-04 10:00"))
    life.accepted("b", local("2025-03-04 10:01"))
    life.business(local("2025-03-04 11:00"), 4)
    assert [clock.verdict for clock in life.ticket.clocks if clock.kind == "next_response"] == ["met", None]
    assert life.clock("next_response").started_at == local("2025-03-04 11:00")


def test_the_events_stay_in_order_when_the_clock_of_the_machine_goes_back() -> None:
    life = life_in("open")
    decision = life.business(AT, read_at=OPENED - timedelta(minutes=5))
    assert decision.events[0].occurred_at == OPENED + timedelta(hours=1)


def test_a_rejected_ticket_taken_up_again_is_measured_anew() -> None:
    life = life_in("rejected")
    life.accepted("r", OPENED + timedelta(hours=2))
    decision = life.officer(Reopen("Từ chối nhầm"), AT)
    assert types(decision) == ["ticket_reopened"]
    assert (life.ticket.status, life.ticket.cycle, life.ticket.closed_at) == ("open", 2, None)
