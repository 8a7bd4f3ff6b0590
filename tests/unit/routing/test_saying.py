"""What officers say goes out as they wrote it, with what they attached."""

from datetime import timedelta

import pytest

from schemas.values import Attachment
from services.routing.domain.commands import Command, Note, Reply, Wait
from services.routing.domain.moves import Refused
from tests.support.happenings import OPENED, life_in

AT = OPENED + timedelta(hours=2)
PAPER = Attachment(id="f1", filename="trả lời.pdf", content_type="application/pdf", size=7, sha256="0" * 64)


@pytest.mark.parametrize(
    ("command", "public"),
    [(Reply("m", "Vâng.", (PAPER,)), True), (Note("m", "Vâng.", (PAPER,)), False), (Wait("m", "Vâng.", (PAPER,)), True)],
)
def test_a_message_of_an_officer_is_kept_as_it_was_written(command: Command, public: bool) -> None:
    (message,) = life_in("open").officer(command, AT).messages
    assert (message.id, message.text, message.attachments) == ("m", "Vâng.", (PAPER,))
    assert (message.public, message.author_role, message.author_name, message.at) == (public, "officer", "Hai", AT)


def test_an_answer_to_what_is_over_is_refused_because_of_its_status() -> None:
    with pytest.raises(Refused) as refused:
        life_in("rejected").officer(Reply("m", "Vâng."), AT)
    assert (refused.value.field, refused.value.conflict) == ("status", True)


@pytest.mark.parametrize("status", ["waiting", "referred"])
def test_an_answer_leaves_a_ticket_that_waits_waiting(status: str) -> None:
    life = life_in(status)  # type: ignore[arg-type]
    life.officer(Reply("m", "Vâng."), AT)
    assert life.ticket.status == status
