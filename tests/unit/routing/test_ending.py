"""How work on a ticket ends, and begins again; opened at Hon Gai on Monday 2025-03-03 at 09:00."""

from datetime import timedelta

import pytest

from schemas.values import Attachment
from services.routing.domain.commands import Reject, Reopen, Resolve, Wait
from services.routing.domain.cycles import closes_at
from services.routing.domain.moves import Refused
from tests.support.happenings import OPENED, Life, life_in, request
from tests.support.organisations import context, local, organisation

AT = OPENED + timedelta(hours=2)
PAPER = Attachment(id="f1", filename="kết luận.pdf", content_type="application/pdf", size=7, sha256="0" * 64)


def test_what_is_attached_to_a_resolution_goes_with_it() -> None:
    decision = Life().officer(Resolve("m", "Xong.", attachments=(PAPER,)), AT)
    assert [message.attachments for message in decision.messages] == [(PAPER,)]


def test_a_rejection_names_its_legal_basis_in_the_language_of_the_business_and_is_the_end() -> None:
    life = Life(opening=request(language="en"))
    decision = life.officer(Reject("r", "It is not ours to decide.", "Article 5"), AT)
    assert "Legal basis: Article 5" in decision.messages[0].text
    assert (life.ticket.status, life.ticket.closed_at) == ("rejected", AT)


@pytest.mark.parametrize(
    ("command", "field", "conflict", "says"),
    [(Reopen("Chưa xong"), "status", True, "open"), (Reopen("  "), "reason", False, "Give the reason")],
)
def test_a_reopening_is_refused_with_the_field_at_fault(command: Reopen, field: str, conflict: bool, says: str) -> None:
    with pytest.raises(Refused) as refused:
        life_in("open" if conflict else "resolved").officer(command, AT)
    assert (refused.value.field, refused.value.conflict) == (field, conflict)
    assert says in refused.value.sentence.en


def test_the_notes_of_two_tickets_taken_up_again_while_they_waited_are_two_messages() -> None:
    lives = [Life(), Life(opening=request(ticket_id="0195f3a0-0000-7000-8000-000000000002"))]
    for life in lives:
        life.officer(Wait("q", "Hồ sơ nào?"), AT)
    notes = [note for life in lives for note in life.officer(Reopen("Đã có hồ sơ"), AT + timedelta(hours=1)).messages]
    assert len({note.id for note in notes}) == len(notes) == 2


def test_a_ticket_closes_when_the_reopen_window_of_its_own_policy_has_passed() -> None:
    policies = [
        {"key": "branch", "units": ["hon-gai"], "reopen_days": 3, "targets": [{"clock": "resolution", "hours": 8}]},
        {"key": "others", "reopen_days": 30, "targets": [{"clock": "resolution", "hours": 8}]},
    ]
    life = Life(context(organisation(policies=policies)))
    life.officer(Resolve("m", "Xong."), AT)
    assert closes_at(life.ticket, life.ctx) == AT + timedelta(days=3)


def test_a_new_cycle_is_not_with_the_authority_that_had_the_last() -> None:
    life = Life()
    life.time(local("2025-03-11 17:00"))
    before = (life.ticket.cycle, life.ticket.authority_at is None)
    life.officer(Resolve("m", "Xong."), local("2025-03-12 09:00"))
    life.officer(Reopen("Chưa xong"), local("2025-03-12 10:00"))
    after = (life.ticket.cycle, life.ticket.authority_at is None)
    assert (before, after) == ((1, False), (2, True))
