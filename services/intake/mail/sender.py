"""The first address of a From field. Display names are never taken for addresses: `"a@x.vn" <b@y.vn>` is b@y.vn."""

import re
from typing import Final

from services.intake.mail.headers import readable

LONGEST: Final = 2_000
"""Bytes of the field that are looked at; one address with its name is shorter."""

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_ANGLE: Final = re.compile(r"<([^<>]*)>")
_COMMENT: Final = re.compile(r"\(([^()]*)\)")
_BARE: Final = re.compile(r"[^\s<>()\[\]\",:;@]+@[^\s<>()\[\]\",:;@]+")


def first_sender(raw: bytes) -> tuple[str, str]:
    """(address, name); either may be empty."""
    text = raw[:LONGEST].decode("latin-1")
    hidden = _QUOTED.sub(lambda match: "\x00" * len(match[0]), text)
    angle = _ANGLE.search(hidden)
    if angle is not None:
        name = text[: angle.start()].rpartition(",")[2] if "," in hidden[: angle.start()] else text[: angle.start()]
        bare = _BARE.search(angle[1])
        return (bare[0] if bare else "", _name(name))
    bare = _BARE.search(_COMMENT.sub(" ", hidden))
    comment = _COMMENT.search(hidden)
    return (bare[0] if bare else "", _name(comment[1] if comment else ""))


def _name(phrase: str) -> str:
    stripped = phrase.strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] == '"':
        stripped = re.sub(r"\\(.)", r"\1", stripped[1:-1])
    return readable(stripped.encode("latin-1")).strip("\"' ")
