"""Tokens are written as the standard library would write them, only sooner."""

import base64
import hashlib
import hmac
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.tokens import MOST, base32, hmac_sha256, id_bytes

SPELT = {
    b"": "",
    b"\x00": "aa",
    b"\xff": "74",
    b"f": "my",
    b"foob": "mzxw6yq",
    b"fooba": "mzxw6ytb",
    b"foobar": "mzxw6ytboi",
    b"\x00" * MOST: "a" * 64,
    b"\xff" * MOST: "7" * 64,
}


@pytest.mark.parametrize("raw", SPELT)
def test_the_examples_of_rfc_4648_and_the_borders_are_spelt_right(raw: bytes) -> None:
    assert base32(raw) == SPELT[raw]


@given(st.binary(max_size=MOST))
def test_any_bytes_are_spelt_as_the_standard_library_does(raw: bytes) -> None:
    assert base32(raw) == base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def test_every_bit_has_its_place() -> None:
    for bit in range(8 * MOST):
        raw = (1 << bit).to_bytes(MOST)
        assert base32(raw) == base64.b32encode(raw).decode("ascii").lower()


def test_more_bytes_than_a_token_has_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 40 bytes"):
        base32(b"\x00" * (MOST + 1))


@given(st.uuids())
def test_an_id_is_read_as_the_standard_library_does(identifier: uuid.UUID) -> None:
    assert id_bytes(str(identifier)) == identifier.bytes
    assert id_bytes(str(identifier).upper()) == identifier.bytes


@pytest.mark.parametrize(
    "written", ["", "x", "01935b8e-7c00-7000-8000-00000000c0d", "01935b8e-7c00-7000-8000-00000000c0dg", "00" * 17, " " + "11" * 16]
)
def test_what_is_no_id_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        id_bytes(written)


@given(st.text(min_size=1, max_size=80), st.binary(max_size=200))
def test_a_signature_is_the_one_of_the_standard_library_however_often_it_is_made(secret: str, said: bytes) -> None:
    expected = hmac.new(secret.encode(), said, hashlib.sha256).digest()
    assert hmac_sha256(secret, said) == expected
    assert hmac_sha256(secret, said) == expected
