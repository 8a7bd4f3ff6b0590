"""What a business sends is kept and told as it came, part by part."""

from typing import Any

import pytest

from schemas.tickets import BusinessReplied, TicketOpened
from schemas.values import Attachment, Contact, LocalText, Message, RefusedFiles
from services.routing.domain.decide import business_message, open_ticket
from tests.support.happenings import OPENED, TICKET, Life, message, request
from tests.support.organisations import context

PAPER, PAGE = (Attachment(id=key, filename=key, content_type="text/html", size=7, sha256="0" * 64) for key in ("paper", "page"))
REFUSED = RefusedFiles(because=(LocalText(vi="Tệp rỗng.", en="An empty file."),), more=2)


def test_the_first_message_is_kept_and_told_with_all_its_parts() -> None:
    sent = request(
        channel="email", text="Chào.\n> Hôm qua", new_text="Chào.", html=PAGE, attachments=(PAPER,), trust="fail", refused=REFUSED
    )
    decision = open_ticket(sent, context(), {}, OPENED)
    (event,) = decision.events
    assert isinstance(event, TicketOpened)
    kept = Message(
        id=f"{TICKET}-first",
        kind="request",
        public=True,
        author_role="business",
        author_name="Lan",
        text="Chào.\n> Hôm qua",
        new_text="Chào.",
        html=PAGE,
        attachments=(PAPER,),
        channel="email",
        at=OPENED,
        trust="fail",
        refused=REFUSED,
    )
    assert (decision.messages, event.message) == ((kept,), kept)


def test_a_later_message_is_kept_and_told_with_all_its_parts() -> None:
    files: dict[str, Any] = {"html": PAGE, "attachments": (PAPER,), "refused": REFUSED}
    sent = message(OPENED, text="Chào.\n> Hôm qua", new_text="Chào.", trust="pass", verified=False, **files)
    life = Life()
    decision = business_message(life.ticket, sent, life.ctx, OPENED)
    (event,) = decision.events
    assert isinstance(event, BusinessReplied)
    kept = Message(
        id="said-2",
        kind="message",
        public=True,
        author_role="business",
        author_name="Lan",
        text="Chào.\n> Hôm qua",
        new_text="Chào.",
        html=PAGE,
        attachments=(PAPER,),
        channel="email",
        at=OPENED,
        trust="pass",
        verified=False,
        refused=REFUSED,
    )
    assert (decision.messages, event.message) == ((kept,), kept)


@pytest.mark.parametrize(
    ("author", "contact", "name"),
    [("Minh", "Lan", "Minh"), (None, "Lan", "Lan"), (None, None, "Công ty An Bình")],
)
def test_a_message_is_written_in_the_nearest_name_there_is(author: str | None, contact: str | None, name: str) -> None:
    life = Life(opening=request(contact=Contact(name=contact, email="lan@anbinh.example")))
    assert business_message(life.ticket, message(OPENED, author_name=author), life.ctx, OPENED).messages[0].author_name == name
