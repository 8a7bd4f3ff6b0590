"""W3C Trace Context, carried from the first request to the last mail."""

import re
import secrets
from contextvars import ContextVar

_FORMAT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def accepted(header: str | None) -> str:
    """The caller's `traceparent` when it is well formed, else a new one."""
    if header and _FORMAT.fullmatch(header):
        return header
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
