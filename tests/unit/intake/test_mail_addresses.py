"""Whose mailbox an address is, which language a text is in, and which ticket a signed message id names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.links import staff_thread_id, thread_id, ticket_of_staff_thread, ticket_of_thread
from schemas.values import Language
from services.intake.domain.mailboxes import Mailboxes
from services.intake.domain.spoken import guess_language
from tests.support.organisations import as_written, organisation

OURS = organisation(
    groups=[
        {**group, "mailbox": {"legal": "phap-che@Customs.example", "hon-gai": "hon-gai+vip@thư.example"}.get(group["key"])}
        for group in as_written()["groups"]
    ]
)
BOXES = Mailboxes.of(OURS, sender="Helpdesk@customs.example")
TICKET = "019aa0c2-7b1e-7c3a-9b52-2f6c1d0e8a44"
SECRETS = ("the-newest-secret", "the-one-before")


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("phap-che@customs.example", "legal"),
        ("PHAP-CHE@CUSTOMS.EXAMPLE", "legal"),
        ("phap-che+hd-abc@customs.example", "legal"),
        ("hon-gai+vip@thư.example", "hon-gai"),
        ("hon-gai+vip@xn--th-gra8b.example", None),
        ("hon-gai@thư.example", None),
        ("helpdesk@customs.example", "focal"),
        ("postmaster@customs.example", "focal"),
        ("Postmaster", "focal"),
        ("postmaster@elsewhere.example", None),
        ("legal@customs.example", None),
        ("phap-che@elsewhere.example", None),
        ("+x@customs.example", None),
        ("@customs.example", None),
        ("", None),
    ],
)
def test_each_address_belongs_to_one_group_or_to_nobody(address: str, group: str | None) -> None:
    found = BOXES.find(address)
    assert (found.group if found else None) == group


def test_an_address_in_its_ascii_form_is_the_same_address() -> None:
    assert BOXES.find("hon-gai+vip@" + "thư.example".encode("idna").decode()) == BOXES.find("hon-gai+vip@thư.example")


@pytest.mark.parametrize(
    ("address", "staff"),
    [
        ("hong@customs.example", True),
        ("HONG@Customs.example", True),
        ("mof@gov.example", True),
        ("hong+viec@customs.example", True),
        ("Hong+x+y@CUSTOMS.example", True),
        ("hong@customs.example.", True),
        ("hong @ customs.example", True),
        ("<'hong@customs.example'>", True),
        ('"Hong"@customs.example', True),
        ('"hong x"@customs.example', False),
        ("hong@elsewhere.example", False),
        ("+hong@customs.example", False),
        ("phap-che@customs.example", False),
        ("lan@anbinh.example", False),
        ("", False),
    ],
)
def test_officers_and_the_authority_are_staff(address: str, staff: bool) -> None:
    assert BOXES.is_staff(address) is staff


@pytest.mark.parametrize(
    ("return_path", "staff"),
    [
        ("Hong@customs.example", True),
        ("hong+viec@customs.example", True),
        ("prvs=4217f3a9c0=hong@customs.example", True),
        ("btv1==421==hong@customs.example", True),
        ("hong+caf_=focal=customs.example@customs.example", False),
        ("hong+SRS=a1b2c=IX=anbinh.example=lan@customs.example", False),
        ("SRS0=a1b2=IX=customs.example=hong@relay.example", False),
        ("prvs=4217f3a9c0=lan@customs.example", False),
        ("", False),
    ],
)
def test_what_an_officers_mailbox_passes_on_by_itself_was_not_handed_in_by_the_officer(return_path: str, staff: bool) -> None:
    assert BOXES.handed_in_by_staff(return_path) is staff


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Chúng tôi không rõ cách tính trị giá.", "vi"),
        ("Chung toi khong ro cach tinh tri gia.", "vi"),
        ("We do not understand how the value is computed. Please help.", "en"),
        ("Hello, we are Công ty An Bình and our shipment is waiting for you at the port of Hải Phòng since Monday, please help us.", "en"),
        ("Lô hàng bị giữ, please help the shipment", "vi"),
        ("", "vi"),
        ("12345", "vi"),
    ],
)
def test_a_text_is_vietnamese_unless_it_is_clearly_english(text: str, language: Language) -> None:
    assert guess_language(text) == language


def test_a_thread_id_names_its_ticket_under_every_accepted_secret_and_in_any_case() -> None:
    for secret in SECRETS:
        made = thread_id(secret, TICKET, "customs.example")
        assert len(made) <= 77
        for written in (made, made.upper(), made.strip("<>"), made.replace("customs", "moved")):
            assert ticket_of_thread(SECRETS, ["<other@x.example>", written]) == TICKET


def test_a_thread_of_staff_is_never_the_asker_s_nor_the_other_way_round_under_whichever_name() -> None:
    asker, staff = (make(SECRETS[0], TICKET, "customs.example") for make in (thread_id, staff_thread_id))
    assert len(staff) <= 77
    assert ticket_of_staff_thread(SECRETS, [asker, staff.upper()]) == TICKET
    assert ticket_of_thread(SECRETS, [staff, staff.replace("staff.", "ticket.")]) is None
    assert ticket_of_staff_thread(SECRETS, [asker, asker.replace("ticket.", "staff.")]) is None


def test_the_first_id_that_is_ours_decides() -> None:
    other = "019aa0c2-7b1e-7c3a-9b52-2f6c1d0e8a45"
    ids = [
        thread_id("somebody-else", TICKET, "x.example"),
        thread_id(SECRETS[1], other, "x.example"),
        thread_id(SECRETS[0], TICKET, "x.example"),
    ]
    assert ticket_of_thread(SECRETS, ids) == other
    assert ticket_of_thread(SECRETS[0], ids) == TICKET


@given(st.integers(8, 48), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_changed_thread_id_is_ours(position: int, character: str) -> None:
    made = thread_id(SECRETS[0], TICKET, "x.example")
    changed = made[:position] + character + made[position + 1 :]
    assert ticket_of_thread(SECRETS, [changed]) == (TICKET if changed == made else None)


@pytest.mark.parametrize(
    "written", ["", "<ticket.@x>", f"<ticket.{TICKET}@x.example>", "<ticket." + "a" * 42 + "@x.example>", "<ticket." + "é" * 42 + "@x>"]
)
def test_what_we_never_signed_names_nothing(written: str) -> None:
    assert ticket_of_thread(SECRETS, [written]) is None
