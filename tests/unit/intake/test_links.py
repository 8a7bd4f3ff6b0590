"""Links to a status page: only ours open, until they expire, through a change of secrets."""

import base64
import string
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.links import LIFETIME, BadLink, ExpiredLink, read_token, status_token, status_url

NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
TICKET = "019aa0c2-7b1e-7c3a-9b52-2f6c1d0e8a44"
SECRET = "a-secret-of-this-installation"
OLDER = "the-secret-before"


def test_a_token_gives_back_its_ticket() -> None:
    assert read_token(SECRET, status_token(SECRET, TICKET, NOW + LIFETIME), NOW) == TICKET


def test_equal_inputs_give_equal_links() -> None:
    assert status_url("https://x.example", SECRET, "HD-DMA-RMN-4FK", TICKET, NOW) == status_url(
        "https://x.example/", SECRET, "HD-DMA-RMN-4FK", TICKET, NOW
    )


def test_a_link_names_the_request_and_carries_the_token() -> None:
    address = urlsplit(status_url("https://x.example/hotro/", SECRET, "HD-DMA-RMN-4FK", TICKET, NOW))
    assert address.path == "/hotro/requests/HD-DMA-RMN-4FK"
    (token,) = parse_qs(address.query)["k"]
    assert set(token) <= set(string.ascii_lowercase + "234567")
    assert len(token) == 61
    assert read_token(SECRET, token, NOW + timedelta(days=90) - timedelta(seconds=1)) == TICKET


@pytest.mark.parametrize(("after", "open_still"), [(timedelta(days=89), True), (timedelta(days=90), False), (timedelta(days=9000), False)])
def test_a_link_expires_after_its_lifetime(after: timedelta, open_still: bool) -> None:
    token = status_token(SECRET, TICKET, NOW + LIFETIME)
    if open_still:
        assert read_token(SECRET, token, NOW + after) == TICKET
    else:
        with pytest.raises(ExpiredLink, match="expired"):
            read_token(SECRET, token, NOW + after)


def test_links_of_the_secret_before_still_open_while_it_is_accepted() -> None:
    token = status_token(OLDER, TICKET, NOW + LIFETIME)
    assert read_token([SECRET, OLDER], token, NOW) == TICKET
    with pytest.raises(BadLink):
        read_token([SECRET], token, NOW)


def test_a_token_survives_a_change_of_case() -> None:
    assert read_token(SECRET, status_token(SECRET, TICKET, NOW + LIFETIME).upper(), NOW) == TICKET


def test_changing_any_character_breaks_the_link() -> None:
    token = status_token(SECRET, TICKET, NOW + LIFETIME)
    for position, old in enumerate(token):
        for new in "a2z":
            if new != old:
                with pytest.raises(BadLink):
                    read_token(SECRET, token[:position] + new + token[position + 1 :], NOW)


def test_a_forged_token_that_is_expired_is_bad_rather_than_expired() -> None:
    with pytest.raises(BadLink):
        read_token(SECRET, status_token("somebody-else", TICKET, NOW - timedelta(days=1)), NOW)


def test_a_token_of_another_version_is_bad() -> None:
    token = status_token(SECRET, TICKET, NOW + LIFETIME)
    raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    other = base64.b32encode(b"\x02" + raw[1:]).decode().rstrip("=").lower()
    with pytest.raises(BadLink):
        read_token(SECRET, other, NOW)


@pytest.mark.parametrize("token", ["", " ", "k", "đường", "a" * 61, "=" * 61, "a" * 100_000, "\ud800", "aaaa\n"])
def test_nonsense_is_a_bad_link(token: str) -> None:
    with pytest.raises(BadLink, match="exactly as it was sent"):
        read_token(SECRET, token, NOW)


@given(st.text(max_size=80))
def test_no_text_makes_reading_fail_otherwise(token: str) -> None:
    with pytest.raises(BadLink):
        read_token(SECRET, token, NOW)


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        status_token("", TICKET, NOW)


def test_the_token_says_nothing_about_a_person() -> None:
    token = status_token(SECRET, TICKET, NOW + LIFETIME)
    raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    assert len(raw) == 1 + 16 + 5 + 16  # version, id, expiry, 128 bits of HMAC
