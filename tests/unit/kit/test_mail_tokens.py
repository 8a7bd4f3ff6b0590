"""Tokens in mail addresses and message ids: whatever mail servers do to their case, only ours lead anywhere."""

import string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.mail_tokens import (
    SentDelivery,
    bounce_address,
    delivery_message_id,
    delivery_of,
    loop_mark,
    marked_by_us,
    reply_address,
    returned_delivery,
    ticket_of_recipients,
)

SECRET, OLDER = "a-secret-of-this-installation", "the-secret-before"
TICKET = "019aa0c2-7b1e-7c3a-9b52-2f6c1d0e8a44"
DELIVERY = "54db9868-479f-52ea-9847-eea6ea0eee8e"
SENT = SentDelivery(TICKET, "54db9868479f")

ids = st.uuids().map(str)


def recased(text: str, upper: list[bool]) -> str:
    return "".join(character.upper() if up else character for character, up in zip(text, upper * len(text), strict=False))


def reply(ticket_id: str = TICKET, secret: str = SECRET) -> str:
    address = reply_address(secret, "hon-gai@customs.example", ticket_id)
    assert address is not None
    return address


def bounce(secret: str = SECRET) -> str:
    address = bounce_address(secret, "bounces@customs.example", TICKET, DELIVERY)
    assert address is not None
    return address


@given(ids, st.lists(st.booleans(), min_size=1))
def test_a_reply_token_survives_every_change_of_case(ticket_id: str, upper: list[bool]) -> None:
    assert ticket_of_recipients([SECRET], [recased(reply(ticket_id), upper)]) == ticket_id


@given(ids, ids, st.lists(st.booleans(), min_size=1))
def test_a_return_path_and_a_message_id_survive_every_change_of_case(ticket_id: str, delivery_id: str, upper: list[bool]) -> None:
    named = SentDelivery(ticket_id, UUID(delivery_id).hex[:12])
    path = bounce_address(SECRET, "bounces@customs.example", ticket_id, delivery_id)
    assert path is not None
    assert returned_delivery([SECRET], [recased(path, upper)]) == named
    assert delivery_of([SECRET], [recased(delivery_message_id(SECRET, ticket_id, delivery_id, "customs.example"), upper)]) == named


@pytest.mark.parametrize(
    "written",
    [
        reply(),
        reply().replace("hon-gai+", '"hon-gai+').replace("@", '"@'),  # quoted, as some programs do with every local part
        f"<{reply()}>",
        f"SRS0=abcd=xy=customs.example={reply()}",  # rewritten by a forwarder
        f"prvs=1234567890={reply()}",  # BATV
        reply().replace("+r.", "-r."),  # a server whose delimiter is another
        reply().replace("customs.example", "elsewhere.example"),
    ],
)
def test_a_token_is_found_in_what_servers_make_of_the_address(written: str) -> None:
    assert ticket_of_recipients([SECRET], ["mai@other.example", written]) == TICKET


@given(st.integers(0, 39), st.sampled_from(string.ascii_lowercase + "234567"))
def test_a_token_with_another_character_anywhere_is_nobodys(position: int, character: str) -> None:
    local, _, domain = reply().partition("@")
    start = local.index("r.") + 2 + position
    changed = f"{local[:start]}{character}{local[start + 1 :]}@{domain}"
    assert (ticket_of_recipients([SECRET], [changed]) == TICKET) is (changed == reply())


def test_tokens_of_an_older_secret_are_still_read_and_those_of_others_never() -> None:
    assert ticket_of_recipients([SECRET, OLDER], [reply(secret=OLDER)]) == TICKET
    assert returned_delivery([SECRET, OLDER], [bounce(OLDER)]) == SENT
    assert ticket_of_recipients([SECRET], [reply(secret=OLDER)]) is None
    assert returned_delivery([SECRET], [bounce(OLDER)]) is None


def test_one_kind_of_token_is_not_taken_for_another() -> None:
    assert delivery_of([SECRET], [reply()]) is None
    assert ticket_of_recipients([SECRET], [bounce(), bounce().replace("+", "+r.")]) is None


def test_a_text_that_stands_in_the_domain_is_no_token() -> None:
    assert ticket_of_recipients([SECRET], [f"mai@{reply().partition('+')[2].replace('@', '.')}"]) is None


@pytest.mark.parametrize(("length", "fits"), [(1, True), (21, True), (22, False)])
def test_an_address_with_a_reply_token_is_no_longer_than_a_local_part_may_be(length: int, fits: bool) -> None:
    address = reply_address(SECRET, f"{'x' * length}@customs.example", TICKET)
    assert (address is not None) is fits
    assert address is None or len(address.partition("@")[0]) <= 64


@pytest.mark.parametrize(("length", "fits"), [(7, True), (15, True), (16, False)])
def test_a_return_path_is_no_longer_than_a_local_part_may_be(length: int, fits: bool) -> None:
    address = bounce_address(SECRET, f"{'x' * length}@customs.example", TICKET, DELIVERY)
    assert (address is not None) is fits
    assert address is None or len(address.partition("@")[0]) <= 64


def test_equal_inputs_give_equal_tokens() -> None:
    assert (reply(), bounce()) == (reply(), bounce())


def test_what_is_about_no_ticket_gets_no_token() -> None:
    with pytest.raises(ValueError, match="UUID"):
        bounce_address(SECRET, "bounces@customs.example", "digest:lan", DELIVERY)


def test_the_signs_of_a_mail_about_many_tickets_say_so_and_are_no_others() -> None:
    path = bounce_address(SECRET, "bounces@customs.example", TICKET, DELIVERY, alone=False)
    message_id = delivery_message_id(SECRET, TICKET, DELIVERY, "customs.example", alone=False)
    of_many = SentDelivery(TICKET, "54db9868479f", alone=False)
    assert path is not None
    assert path != bounce()
    assert (returned_delivery([SECRET], [path]), delivery_of([SECRET], [message_id])) == (of_many, of_many)
    assert (returned_delivery([SECRET], [message_id]), delivery_of([SECRET], [path])) == (None, None)
    assert returned_delivery([OLDER], [path]) is None


def test_the_signs_of_a_mail_to_staff_say_so_and_are_no_others() -> None:
    path = bounce_address(SECRET, "bounces@customs.example", TICKET, DELIVERY, staff=True)
    message_id = delivery_message_id(SECRET, TICKET, DELIVERY, "customs.example", staff=True)
    to_staff = SentDelivery(TICKET, "54db9868479f", staff=True)
    assert path is not None
    assert (returned_delivery([SECRET], [path]), delivery_of([SECRET], [message_id])) == (to_staff, to_staff)
    assert (returned_delivery([SECRET], [message_id]), delivery_of([SECRET], [path])) == (None, None)
    assert [sent.to_asker for sent in (SENT, to_staff, SentDelivery(TICKET, "54db9868479f", alone=False))] == [True, False, False]


@given(ids, st.lists(st.booleans(), min_size=1))
def test_our_own_mark_is_known_in_any_case(delivery_id: str, upper: list[bool]) -> None:
    mark = recased(loop_mark(SECRET, delivery_id, "customs.example"), upper)
    assert marked_by_us([SECRET], ["elsewhere.example", mark])
    assert marked_by_us([OLDER, SECRET], [f" {mark} "])
    assert not marked_by_us([OLDER], [mark])


@pytest.mark.parametrize(
    "mark",
    [
        "customs.example",
        "customs.example;",
        f"customs.example; {'a' * 40}",
        loop_mark(OLDER, DELIVERY, "customs.example"),
        loop_mark(SECRET, DELIVERY, "customs.example")[:-1],
        loop_mark(SECRET, DELIVERY, "customs.example") + "a",
        f"customs.example; {reply().partition('r.')[2].partition('@')[0]}",  # another sign of ours, of the same length
        "x; " + "ễ" * 40,
        "",
    ],
)
def test_nobody_else_makes_a_mark_of_ours(mark: str) -> None:
    assert not marked_by_us([SECRET], [mark])


def test_nothing_is_signed_without_a_secret() -> None:
    with pytest.raises(ValueError, match="empty"):
        reply_address("", "a@b.example", TICKET)


@given(st.lists(st.text(), max_size=5))
def test_any_text_at_all_is_read_without_an_error(written: list[str]) -> None:
    assert ticket_of_recipients([SECRET], written) is None
    assert delivery_of([SECRET], written) is None
