"""Who is told what, from the event alone."""

from typing import Any, get_args

import pytest

from kit.ids import derived_id
from schemas.envelope import UnknownEvent
from schemas.organisation import Key
from schemas.tickets import (
    AnswerGiven,
    BusinessReplied,
    DeadlineMissed,
    DeadlineWarned,
    DeliveryTroubled,
    Known,
    NoteAdded,
    QuestionAsked,
    TicketAssigned,
    TicketEscalated,
    TicketOpened,
    TicketReopened,
    TicketResolved,
)
from schemas.values import ChatAddress, Contact, LocalText, RefusedFiles
from services.notifier.domain.audience import BUSINESS, SILENT, TO_BUSINESS, TO_STAFF, Delivery, chat_address, plan
from tests.unit.notifier import examples
from tests.unit.notifier.examples import ANNA, AT, MINH, TICKET_ID, event, group, message, ticket


def told(planned: tuple[Delivery, ...]) -> list[tuple[str, str, str]]:
    return [(delivery.template, delivery.recipient, delivery.channel) for delivery in planned]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (TicketOpened, [("acknowledgement", "@business", "email"), ("assignment", "minh", "email"), ("assignment", "anna", "email")]),
        (TicketAssigned, [("assignment", "minh", "email")]),
        (BusinessReplied, [("new_message", "minh", "email")]),
        (AnswerGiven, [("answer", "@business", "email")]),
        (QuestionAsked, [("question", "@business", "email")]),
        (TicketResolved, [("resolution", "@business", "email")]),
        (DeadlineWarned, [("deadline_warned", "minh", "email")]),
        (DeadlineMissed, [("deadline_missed", "minh", "email")]),
        (TicketEscalated, [("escalation", "minh", "email")]),
        (DeliveryTroubled, [("delivery_trouble", "minh", "email")]),
    ],
)
def test_each_event_tells_those_it_concerns(kind: type[Known], expected: list[tuple[str, str, str]]) -> None:
    assert told(plan(event(kind))) == expected


def test_every_kind_of_event_is_either_told_or_silent_on_purpose() -> None:
    assert set(TO_BUSINESS) | set(TO_STAFF) | SILENT == {*get_args(Known), UnknownEvent}
    assert not (set(TO_BUSINESS) | set(TO_STAFF)) & SILENT
    assert set(examples.TOLD) == set(TO_BUSINESS) | set(TO_STAFF)


def test_a_note_a_reopening_and_an_event_from_the_future_tell_nobody() -> None:
    common: dict[str, Any] = {"id": "e", "source": "helpdesk/routing", "occurred_at": AT, "ticket_id": TICKET_ID}
    note = NoteAdded(**common, ticket=ticket(), message=message(kind="note", public=False), by="minh")
    reopened = TicketReopened(**common, ticket=ticket(), reason="chưa xong", by="minh")
    future = UnknownEvent(**common, type="ticket_teleported")
    assert plan(note) == plan(reopened) == plan(future) == ()


def test_a_delivery_carries_all_its_channel_needs() -> None:
    answer = event(AnswerGiven)
    (delivery,) = plan(answer)
    assert delivery == Delivery(
        id=derived_id(answer.id, BUSINESS, "email"),
        event_id=answer.id,
        ticket_id=TICKET_ID,
        lane=f"{TICKET_ID}:{BUSINESS}",
        template="answer",
        audience="business",
        recipient=BUSINESS,
        channel="email",
        address="lan@halong.example",
        language="vi",
        message_id="m-1",
        name="Nguyễn Thị Lan",
    )


def test_planning_twice_gives_the_same_ids_and_no_two_deliveries_share_one() -> None:
    ids = [delivery.id for kind in examples.TOLD for delivery in plan(event(kind))]
    assert ids == [delivery.id for kind in examples.TOLD for delivery in plan(event(kind))]
    assert len(ids) == len(set(ids))


def test_an_officer_whose_key_is_business_shares_no_lane_with_the_asker() -> None:
    officer = MINH.model_copy(update={"key": "business"})
    acknowledgement, assignment = plan(event(TicketOpened, recipients=(officer,)))
    assert acknowledgement.id != assignment.id
    assert acknowledgement.lane != assignment.lane
    assert "@" not in str(get_args(Key)[1].pattern)


def test_answers_go_back_by_chat_where_the_question_came_by_chat() -> None:
    contact = Contact(email="lan@halong.example", chat=ChatAddress(account="demo", conversation="room:7"))
    (delivery,) = plan(event(AnswerGiven, ticket=ticket(contact=contact)))
    assert (delivery.channel, delivery.address) == ("chat", "demo:room:7")
    assert chat_address(delivery) == contact.chat


def test_a_chat_account_without_a_way_back_falls_back_to_mail_and_then_to_the_page() -> None:
    chat = ChatAddress(account="demo", conversation="7")
    with_mail = event(AnswerGiven, ticket=ticket(contact=Contact(email="lan@halong.example", chat=chat)))
    without = event(AnswerGiven, ticket=ticket(contact=Contact(phone="+8490", chat=chat)))
    assert plan(with_mail, chat_accounts=["demo"])[0].channel == "chat"
    assert plan(with_mail, chat_accounts=[])[0].channel == "email"
    assert plan(without, chat_accounts=[])[0].channel == "page"


def test_a_business_with_a_telephone_alone_reads_the_page() -> None:
    (delivery,) = plan(event(AnswerGiven, ticket=ticket(contact=Contact(phone="+84203555010"))))
    assert (delivery.channel, delivery.address, delivery.message_id) == ("page", "", "m-1")
    with pytest.raises(ValueError, match="not a chat delivery"):
        chat_address(delivery)


@pytest.mark.parametrize(("kind", "recipients"), [(TicketAssigned, ()), (DeadlineMissed, (examples.SILENT,))])
def test_the_groups_mailbox_is_told_where_no_person_can_be(kind: Any, recipients: tuple[Any, ...]) -> None:
    (delivery,) = plan(event(kind, recipients=recipients))
    assert (delivery.recipient, delivery.address, delivery.audience) == ("group:hon-gai", "hon-gai@customs.example", "staff")


def test_a_group_without_mailbox_and_people_leaves_it_to_the_queue() -> None:
    assert plan(event(DeadlineMissed, recipients=(examples.SILENT,), ticket=ticket(group=group(mailbox=None)))) == ()


@pytest.mark.parametrize("kind", [DeadlineWarned, DeadlineMissed, TicketEscalated])
def test_an_alarm_that_names_nobody_is_told_nobody_and_no_mailbox_either(kind: Any) -> None:
    assert plan(event(kind, recipients=())) == ()


def test_nobody_is_told_what_they_did_themselves_and_no_mailbox_instead() -> None:
    assert plan(event(TicketAssigned, by="minh", recipients=(MINH,))) == ()
    assert told(plan(event(TicketAssigned, by="minh", recipients=(MINH, ANNA)))) == [("assignment", "anna", "email")]


def test_each_person_and_each_address_is_told_once() -> None:
    same_address = ANNA.model_copy(update={"key": "lead", "email": "MINH@customs.example"})
    assert told(plan(event(DeadlineMissed, recipients=(MINH, MINH, same_address, ANNA)))) == [
        ("deadline_missed", "minh", "email"),
        ("deadline_missed", "anna", "email"),
    ]


def test_automatic_mail_is_never_answered_but_still_assigned() -> None:
    opened = event(TicketOpened, message=message(automatic="Auto-Submitted"))
    assert {delivery.template for delivery in plan(opened)} == {"assignment"}
    assert plan(event(BusinessReplied, message=message(automatic="out of office"))) == ()


REFUSED = RefusedFiles(because=(LocalText(vi="Tệp “a.pdf” không có nội dung.", en="The file “a.pdf” is empty."),))


@pytest.mark.parametrize(
    ("said", "contact", "expected"),
    [
        ({"verified": True}, {}, ["acknowledgement", "new_message"]),
        ({"verified": None}, {}, ["acknowledgement", "new_message"]),
        ({"verified": False}, {}, ["new_message"]),
        ({"refused": None}, {}, ["new_message"]),
        ({"channel": "form"}, {}, ["new_message"]),
        ({"automatic": "auto_submitted"}, {}, []),
        ({}, {"email": None}, ["new_message"]),
        ({}, {"chat": ChatAddress(account="demo", conversation="7")}, ["new_message"]),
    ],
)
def test_a_later_mail_is_acknowledged_where_files_of_it_were_not_kept(
    said: dict[str, Any], contact: dict[str, Any], expected: list[str]
) -> None:
    mail = message(**{"author_role": "business", "channel": "email", "refused": REFUSED, **said})
    asker = Contact.model_validate({"email": "lan@halong.example", "phone": "+84203555010", **contact})
    planned = plan(event(BusinessReplied, message=mail, ticket=ticket(contact=asker)))
    assert [delivery.template for delivery in planned] == expected
    assert {(each.recipient, each.channel, each.message_id) for each in planned if each.audience == "business"} <= {
        (BUSINESS, "email", None)
    }


def test_an_internal_message_never_reaches_the_business_whatever_event_carries_it() -> None:
    for kind in (AnswerGiven, QuestionAsked, TicketResolved):
        assert plan(event(kind, message=message(public=False))) == ()


def test_a_resolution_without_words_is_told_and_carries_no_message() -> None:
    (delivery,) = plan(event(TicketResolved, message=None))
    assert (delivery.template, delivery.message_id) == ("resolution", None)


def test_an_acknowledgement_carries_no_message_so_that_it_stops_no_clock() -> None:
    assert plan(event(TicketOpened))[0].message_id is None


def test_staff_read_their_own_language_and_the_business_the_tickets() -> None:
    planned = plan(event(TicketOpened, ticket=ticket(language="en")))
    assert [delivery.language for delivery in planned] == ["en", "vi", "en"]
