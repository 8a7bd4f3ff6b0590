"""A ticket as it is opened: nothing of what the business gave is lost on the way into the record and the event."""

from datetime import timedelta

from schemas.tickets import TicketOpened
from schemas.values import Attachment, Business, Contact, Message, Person
from services.routing.domain.decide import open_ticket
from tests.support.happenings import TICKET, Life, request
from tests.support.organisations import context, local

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
