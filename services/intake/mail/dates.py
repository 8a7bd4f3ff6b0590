"""The Date field: RFC 5322, and whatever else the standard library's forgiving reader understands."""

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = 100
"""Bytes of the field that are looked at."""


def written_at(raw: bytes) -> datetime | None:
    """Aware, in the sender's zone; UTC where none is given (`-0000`). None for what is no date."""
    text = raw[:LONGEST].decode("latin-1")
    with suppress(ValueError, TypeError, IndexError, OverflowError):
        found = parsedate_to_datetime(text)
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        aware.astimezone(UTC)  # a date at the end of time has no instant
        return aware
    return None
