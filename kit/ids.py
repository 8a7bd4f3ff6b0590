"""Identifiers: sortable new ones, and derived ones that come out the same every time."""

import secrets
import time
import zlib
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

SLOTS: Final = 64
"""Parts that background work is divided into. Fixed for the life of an installation."""

_NAMESPACE: Final = uuid5(NAMESPACE_URL, "helpdesk")


def new_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): ids minted later sort later, to the millisecond."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(UUID(int=value))


def derived_id(*parts: str) -> str:
    """The same id for the same parts, so that work done twice writes the same thing once."""
    return str(uuid5(_NAMESPACE, ":".join(parts)))


def slot_of(ticket_id: str) -> int:
    """Which of the `SLOTS` parts of background work a ticket belongs to."""
    return zlib.crc32(ticket_id.encode()) % SLOTS
