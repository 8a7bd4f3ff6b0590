"""The envelope of a mail that was delivered before we got it, from what its last mail server wrote into the header."""

import re
from typing import Final

LONGEST: Final = 64 * 1024
"""Bytes of the header that are looked at: what the last server adds stands at its top."""

MOST: Final = 20

_END: Final = re.compile(rb"\r?\n\r?\n")
_RETURN_PATH: Final = re.compile(rb"^Return-Path:[ \t]*<?([^<>\r\n]{0,500})>?[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_DELIVERED: Final = re.compile(
    rb"^(?:Delivered-To|X-Original-To|Envelope-To):[ \t]*<?([^<>\s]{1,500})>?[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)


def header_of(raw: bytes, most: int = LONGEST) -> bytes:
    """What stands before the first empty line, or the beginning of it."""
    beginning = raw[:most]
    end = _END.search(beginning)
    return beginning[: end.start() + 1] if end else beginning


def envelope_of(raw: bytes) -> tuple[str | None, tuple[str, ...]]:
    """The return path (None when none was written down, empty for the null one), and whom it was delivered to."""
    header = header_of(raw)
    path = _RETURN_PATH.search(header)
    recipients = dict.fromkeys(_text(match[1]) for match in _DELIVERED.finditer(header))
    return (_text(path[1]) if path else None, tuple(recipients)[:MOST])


def _text(written: bytes) -> str:
    return written.decode("utf-8", "replace").strip()
