"""What signed tokens are written in: base32 in lower case without padding (RFC 4648), and ids as their bytes.

A mail carries five of them. `base64.b32encode` and `uuid.UUID` are written in Python, and took twice the time.
"""

import hashlib
import hmac
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

MOST: Final = 40
"""Bytes of the longest token: more than any of ours."""

_ID: Final = 16
_DIGIT: Final = 5
_DIGITS: Final = 64
_ALPHABET: Final = b"abcdefghijklmnopqrstuvwxyz234567" * 8


def _moves() -> Iterator[tuple[int, int]]:
    """Which digits go up, and by what they are multiplied: every second half of what is still close together, until each has a byte."""
    half = _DIGITS // 2
    while half:
        upper = ((1 << _DIGIT * half) - 1) << _DIGIT * half
        every = range(0, 8 * _DIGITS, 8 * 2 * half)
        yield sum(upper << start for start in every), (1 << (8 - _DIGIT) * half) - 1
        half //= 2


_MOVES: Final = tuple(_moves())


def base32(raw: bytes) -> str:
    """Of at most 40 bytes, all of their digits at once. Raises `ValueError` for more."""
    if len(raw) > MOST:
        raise ValueError(f"a token has at most {MOST} bytes")
    number = int.from_bytes(raw.ljust(MOST, b"\0"))
    for moved, factor in _MOVES:
        number += (number & moved) * factor
    return number.to_bytes(_DIGITS).translate(_ALPHABET)[: -(-8 * len(raw) // _DIGIT)].decode("ascii")


def id_bytes(written: str) -> bytes:
    """The sixteen bytes of a UUID. Raises `ValueError` for anything else."""
    digits = written.replace("-", "")
    try:
        raw = bytes.fromhex(digits)  # which passes over blanks
    except ValueError:
        raw = b""
    if len(raw) != _ID or len(digits) != 2 * _ID:
        raise ValueError("this is no UUID: it has 32 hexadecimal digits")
    return raw


def hmac_sha256(secret: str, said: bytes) -> bytes:
    """HMAC-SHA256."""
    made = _keyed(secret).copy()
    made.update(said)
    return made.digest()


@lru_cache(maxsize=32)
def _keyed(secret: str) -> hmac.HMAC:
    """Begun once: that is half the time of signing something as short as a token, and there are few secrets."""
    return hmac.new(secret.encode(), digestmod=hashlib.sha256)
