"""Which deliveries may be told with others, what becomes of a request while it waits, and what a digest says of many."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.tickets import Known, TicketAssigned, TicketOpened
from schemas.values import Deadline, Person
from services.notifier.domain.audience import plan
from services.notifier.domain.new_work import NewWork, is_new_work, new_work_digest, new_work_of, still_new
from tests.unit.notifier.examples import ANNA, AT, DUE, MINH, TOLD, event, group, ticket


def work(number: int = 1, **changed: Any) -> NewWork:
    fields: dict[str, Any] = {
        "ticket_id": f"t{number}",
        "sequence": 1,
        "reference": f"HQ-{number:04}",
        "subject": "Trị giá",
        "business": "Công ty An Bình",
        "due_at": DUE,
        "status": "new",
        "group": "hon-gai",
        "officer": None,
        "timezone": "Asia/Ho_Chi_Minh",
    }
    return NewWork(**(fields | changed))


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.__name__)
def test_only_what_gives_somebody_a_request_can_be_told_with_others(kind: type[Known]) -> None:
    told = {delivery.recipient for delivery in plan(event(kind)) if is_new_work(delivery)}
    assert told == {TicketOpened: {"minh", "anna"}, TicketAssigned: {"minh"}}.get(kind, set())


def test_a_digest_says_what_the_event_said_and_names_the_first_deadline_that_runs() -> None:
    opened = event(TicketOpened, sequence=1, recipients=(MINH, ANNA))
    _, own, others = plan(opened)
    told = new_work_of(own, opened)  # type: ignore[arg-type]
    assert (told.reference, told.business, told.group, told.officer) == (
        "HQ-7K3M-9P2X",
        "Công ty TNHH Thủy sản Hạ Long",
        "hon-gai",
        "minh",
    )
    assert told.due_at == DUE - timedelta(days=1)
    assert (told.optional, new_work_of(others, opened).optional) == (False, True)  # type: ignore[arg-type]
    met = Deadline(kind="first_response", cycle=1, state="met", due_at=AT, finished_at=AT)
    paused = Deadline(kind="resolution", cycle=1, state="paused")
    idle = event(TicketOpened, ticket=ticket(deadlines=(met, paused)))
    assert new_work_of(own, idle).due_at is None  # type: ignore[arg-type]


CLAIMED = {"officer": MINH, "status": "open"}
STILL: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("nothing but a note", {}, {"status": "new", "officer": None}, True),
    ("answered by somebody who did not take it", {}, {"status": "open", "officer": None}, True),
    ("claimed", {}, CLAIMED, False),
    ("referred to another authority", {}, {"status": "referred", "officer": None}, False),
    ("resolved", {}, {"status": "resolved", "officer": None}, False),
    ("closed", {}, {"status": "closed", "officer": None}, False),
    ("merged", {}, {"status": "merged", "officer": None}, False),
    ("in another group", {}, {"status": "new", "officer": None, "group": group("mong-cai")}, False),
    ("given to an officer who has not begun", {"officer": "minh", "status": "open"}, CLAIMED, True),
    ("given to an officer and then to another", {"officer": "anna", "status": "open"}, CLAIMED, False),
    ("taken back from its officer", {"officer": "minh", "status": "open"}, {"officer": None, "status": "open"}, False),
    ("waits for the business now", {"officer": "minh", "status": "open"}, {"officer": MINH, "status": "waiting"}, False),
    ("waited already when it was given", {"officer": "minh", "status": "waiting"}, {"officer": MINH, "status": "waiting"}, True),
]


@pytest.mark.parametrize(("told", "now", "expected"), [row[1:] for row in STILL], ids=[row[0] for row in STILL])
def test_what_the_ticket_became_meanwhile_decides_whether_it_is_still_told(
    told: dict[str, Any], now: dict[str, Any], expected: bool
) -> None:
    assert still_new(work(**told), ticket(**now)) is expected


def test_the_earliest_deadlines_come_first_and_what_has_none_last() -> None:
    due = [DUE + timedelta(hours=1), DUE, None, DUE - timedelta(days=3), DUE]
    told = new_work_digest([work(number, due_at=at) for number, at in enumerate(due)], AT)
    assert [row.reference for row in told.rows] == ["HQ-0003", "HQ-0001", "HQ-0004", "HQ-0000", "HQ-0002"]


def test_a_hundred_are_shown_and_all_are_counted_each_ticket_once_as_it_was_given_last() -> None:
    told = new_work_digest([work(number % 130, sequence=1 + number // 130, subject=str(number)) for number in range(260)], AT)
    assert (len(told.rows), told.more, told.total) == (100, 30, 130)
    assert {int(row.subject) // 130 for row in told.rows} == {1}


def test_it_can_be_turned_off_only_when_nothing_in_it_is_its_readers_own_work() -> None:
    assert new_work_digest([work(1, optional=True), work(2, optional=True)], AT).notice() == "new_requests"
    assert new_work_digest([work(1, optional=True), work(2)], AT).notice() is None
    hidden = [work(number, optional=True) for number in range(100)] + [work(999, due_at=None)]
    assert new_work_digest(hidden, AT).notice() is None


def test_a_mailbox_has_no_way_out() -> None:
    opened = event(TicketOpened, ticket=ticket(officer=None), recipients=())
    [to_mailbox] = [delivery for delivery in plan(opened) if delivery.audience == "staff"]
    assert to_mailbox.recipient == "group:hon-gai"
    assert not new_work_of(to_mailbox, opened).optional  # type: ignore[arg-type]
    lead = Person(key="lead", name="L", email="l@customs.example", language="vi")
    [_, to_lead] = plan(event(TicketOpened, ticket=ticket(officer=None), recipients=(lead,)))
    assert new_work_of(to_lead, opened).optional  # type: ignore[arg-type]
