"""What people typed, made safe to keep: NFC, without control characters, with one kind of line end."""

import re
import unicodedata
from typing import Final

_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES: Final = re.compile(r"\s+")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Categories Cc and Cs but for tab and line end. One pass in C: this runs over every character that comes in."""

_BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Direction controls: they can make a line read differently from what it is (Unicode TR 36)."""


def clean_text(raw: str) -> str:
    """Several lines: tabs and line ends stay, other control characters and lone surrogates go, the ends are stripped."""
    lines = _LINE_ENDS.sub("\n", raw)
    return unicodedata.normalize("NFC", _CONTROLS.sub("", lines)).strip()


def clean_line(raw: str) -> str:
    """One line: every run of white space becomes a space, direction controls go too."""
    line = _SPACES.sub(" ", clean_text(raw))
    return _BIDI.sub("", line).strip()


def first_line(text: str, longest: int) -> str:
    """The first line of a cleaned text, cut at a word with `…` where it is longer than `longest`."""
    line = clean_line(text.split("\n", 1)[0])
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    at_word = cut.rsplit(" ", 1)[0]
    return (at_word if len(at_word) > longest // 2 else cut).rstrip() + "…"
