"""What stands in the head of our mails: signs that bring them back, and nothing that anybody else could have put there."""

import email
import email.policy
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.links import staff_thread_id, thread_id, ticket_of_staff_thread, ticket_of_thread
from kit.mail_tokens import SentDelivery, delivery_message_id, delivery_of, reply_address, ticket_of_recipients
from schemas.notifications import Audience
from schemas.tickets import AnswerGiven, BusinessReplied, Known, TicketOpened
from schemas.values import Business, Contact
from services.notifier.domain.audience import plan
from services.notifier.rendering import Letterhead, Renderer
from tests.unit.notifier.examples import TICKET_ID, event, group, message, ticket

SECRET = "a-secret-of-this-installation"
RENDERER = Renderer(
    Letterhead(
        "helpdesk@customs.example",
        "Hải quan",
        lambda reference, _ticket, _at: f"https://helpdesk.example/{reference}",
        thread_id=partial(thread_id, SECRET, domain="customs.example"),
        message_id=partial(delivery_message_id, SECRET, domain="customs.example"),
        staff_thread_id=partial(staff_thread_id, SECRET, domain="customs.example"),
        staff_message_id=partial(delivery_message_id, SECRET, domain="customs.example", staff=True),
        reply_to=partial(reply_address, SECRET),
        sign=lambda raw: b"X-Signed: yes\r\n" + raw,
    )
)
NAMES = {
    *("X-Signed", "Date", "From", "To", "Reply-To", "Subject", "Message-ID", "In-Reply-To", "References", "Content-Language"),
    *("X-Helpdesk-Loop", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version", "Content-Type"),
}
anything = st.text(max_size=80) | st.sampled_from(
    ["x\r\nBcc: eve@evil.example", "\n\nbody", "=?utf-8?q?hi=0D=0ABcc:_x?=", "a\x0bb\x85c\u2028d"]
)


def written(kind: type[Known], audience: Audience, **changes: Any) -> tuple[bytes, str]:
    """The first mail of an event to that audience, and its delivery's id."""
    its_event = event(kind, **changes)
    delivery = next(delivery for delivery in plan(its_event) if delivery.audience == audience)
    return RENDERER.render(delivery, its_event), delivery.id


def test_an_answer_goes_back_to_its_ticket_by_every_way_there_is() -> None:
    raw, delivery_id = written(AnswerGiven, "business")
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert ticket_of_recipients([SECRET], [mail["Reply-To"]]) == TICKET_ID
    assert mail["Reply-To"].startswith("hon-gai+r.")
    assert delivery_of([SECRET], [mail["Message-ID"]]) == SentDelivery(TICKET_ID, delivery_id.replace("-", "")[:12])
    assert mail["X-Signed"] == "yes"
    assert raw == written(AnswerGiven, "business")[0]


def test_a_recipient_whose_name_is_not_ascii_stands_in_the_head_as_it_is_and_nothing_else_does() -> None:
    raw, _ = written(AnswerGiven, "business", ticket=ticket(contact=Contact(name="Nguyễn Lan", email="Nguyễn@ví-dụ.vn")))
    mail = email.message_from_string(raw.decode(), policy=email.policy.SMTPUTF8)
    assert (mail["To"].addresses[0].addr_spec, mail["To"].addresses[0].display_name) == ("Nguyễn@xn--v-d-rma6749a.vn", "Nguyễn Lan")
    assert [line.partition(b":")[0] for line in raw.split(b"\r\n") if not line.isascii()] == [b"To"]


@pytest.mark.parametrize("address", ["lan@halong.example", "lan@ví-dụ.vn"])
def test_all_other_mail_is_seven_bit(address: str) -> None:
    raw, _ = written(AnswerGiven, "business", ticket=ticket(contact=Contact(name="Nguyễn Lan", email=address)))
    assert raw.isascii()


def test_staff_answer_to_the_mailbox_itself() -> None:
    raw, _ = written(BusinessReplied, "staff")
    assert email.message_from_bytes(raw)["Reply-To"] == "hon-gai@customs.example"


def test_no_sign_that_brings_mail_to_the_asker_s_ticket_stands_in_a_mail_to_staff() -> None:
    raw, delivery_id = written(BusinessReplied, "staff")
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["References"] == mail["In-Reply-To"]
    assert (ticket_of_thread(SECRET, [mail["References"]]), ticket_of_staff_thread(SECRET, [mail["References"]])) == (None, TICKET_ID)
    assert delivery_of([SECRET], [mail["Message-ID"]]) == SentDelivery(TICKET_ID, delivery_id.replace("-", "")[:12], staff=True)


def test_staff_mail_has_no_sign_at_all_where_there_is_only_the_asker_s() -> None:
    its_event = event(BusinessReplied)
    delivery = next(delivery for delivery in plan(its_event) if delivery.audience == "staff")
    letterhead = Letterhead(
        "helpdesk@customs.example", "Hải quan", lambda *_: "", thread_id=lambda _: "<t@x>", message_id=lambda *_: "<m@x>"
    )
    mail = email.message_from_bytes(Renderer(letterhead).render(delivery, its_event))
    assert (mail["References"], mail["In-Reply-To"], mail["Message-ID"]) == (None, None, f"<{delivery.id}@customs.example>")


@pytest.mark.parametrize("mailbox", ["x" * 22 + "@customs.example", "y" * 60 + "@customs.example"])
def test_a_mailbox_whose_name_leaves_no_room_for_a_token_is_written_without(mailbox: str) -> None:
    raw, _ = written(AnswerGiven, "business", ticket=ticket(group=group(mailbox=mailbox)))
    assert email.message_from_bytes(raw)["Reply-To"] == mailbox


@given(subject=anything, name=anything, business=anything, said=anything, reference=anything, author=anything)
@settings(max_examples=150, deadline=None)
def test_nothing_that_came_in_begins_a_header_or_ends_the_head(
    subject: str, name: str, business: str, said: str, reference: str, author: str
) -> None:
    changed = ticket(
        subject=subject, reference=reference, business=Business(name=business), contact=Contact(name=name, email="lan@halong.example")
    )
    for kind, audience in ((TicketOpened, "business"), (AnswerGiven, "business"), (BusinessReplied, "staff")):
        words = message(text=said, author_name=author, kind="request" if kind is TicketOpened else "answer")
        raw, _ = written(kind, audience, ticket=changed, message=words)  # type: ignore[arg-type]
        head = raw.partition(b"\r\n\r\n")[0]
        lines = [line for line in head.split(b"\r\n") if not line.startswith(b" ")]
        assert {line.partition(b":")[0].decode() for line in lines} <= NAMES
        assert len(lines) == len({line.partition(b":")[0] for line in lines})
        assert not set(head.replace(b"\r\n", b"")) & set(b"\r\n\x00\x0b\x85")
        assert all(byte < 128 for byte in head)
