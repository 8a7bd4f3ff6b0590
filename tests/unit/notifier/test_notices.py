"""Which mail can be turned off, and the link that does it."""

import pytest

from schemas.tickets import (
    AnswerGiven,
    BusinessReplied,
    DeadlineMissed,
    DeadlineWarned,
    DeliveryTroubled,
    Known,
    QuestionAsked,
    TicketAssigned,
    TicketEscalated,
    TicketOpened,
    TicketResolved,
)
from services.notifier.domain.audience import plan
from services.notifier.domain.notices import notice_of
from services.notifier.notice_links import notice_signed, notice_url, unsubscribe_headers
from tests.unit.notifier.examples import ANNA, MINH, event, ticket

SECRET, OLDER = "a-secret-of-this-installation", "the-secret-before"
BASE = "https://helpdesk.customs.example"


def notices(kind: type[Known], **changes: object) -> dict[str, str | None]:
    """By recipient."""
    its_event = event(kind, **changes)
    return {delivery.recipient: notice_of(delivery, its_event) for delivery in plan(its_event)}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (TicketOpened, {"@business": None, MINH.key: None, ANNA.key: "new_requests"}),
        (TicketAssigned, {MINH.key: None, ANNA.key: "new_requests"}),
        (DeadlineWarned, {MINH.key: "warnings", ANNA.key: "warnings"}),
        (DeadlineMissed, {MINH.key: None, ANNA.key: None}),
        (TicketEscalated, {MINH.key: None, ANNA.key: None}),
        (BusinessReplied, {MINH.key: None, ANNA.key: None}),
        (DeliveryTroubled, {MINH.key: None, ANNA.key: None}),
    ],
)
def test_only_news_of_others_requests_and_warnings_can_be_turned_off(kind: type[Known], expected: dict[str, str | None]) -> None:
    changes = {"by": "system"} if kind is TicketAssigned else {}
    assert notices(kind, ticket=ticket(officer=MINH), recipients=(MINH, ANNA), **changes) == expected


@pytest.mark.parametrize("kind", [AnswerGiven, QuestionAsked, TicketResolved, TicketOpened])
def test_nothing_that_the_asker_is_told_can_be_turned_off(kind: type[Known]) -> None:
    assert notices(kind)["@business"] is None


def test_the_mailbox_of_a_group_is_nobodys_to_turn_off() -> None:
    assert notices(DeadlineMissed, recipients=()) == {}
    assert notices(TicketOpened, ticket=ticket(officer=None), recipients=()) == {"@business": None, "group:hon-gai": None}


def test_a_link_is_good_for_its_reader_and_its_notice_alone() -> None:
    url = notice_url(f"{BASE}/", SECRET, "minh", "warnings")
    base, _, notice, officer, token = url.rsplit("/", 4)
    assert (base, notice, officer) == (BASE, "warnings", "minh")
    assert notice_signed([SECRET], officer, notice, token) == "warnings"
    assert notice_signed([SECRET], officer, notice, token.upper()) == "warnings"
    assert notice_signed(["a-newer-one", SECRET], officer, notice, token) == "warnings"
    for refused in (
        notice_signed([OLDER], officer, notice, token),
        notice_signed([SECRET], "anna", notice, token),
        notice_signed([SECRET], officer, "new_requests", token),
        notice_signed([SECRET], officer, "everything", token),
        notice_signed([SECRET], officer, notice, token[:-1]),
        notice_signed([SECRET], officer, notice, "ễ"),
    ):
        assert refused is None


def test_one_click_is_offered_by_https_alone() -> None:
    assert unsubscribe_headers(f"{BASE}/x") == [f"List-Unsubscribe: <{BASE}/x>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    assert unsubscribe_headers("http://127.0.0.1:8002/x") == ["List-Unsubscribe: <http://127.0.0.1:8002/x>"]
