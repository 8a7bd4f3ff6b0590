"""What people typed, made safe to keep and to compare."""

import re
import unicodedata
from typing import Final

MOST_MARKS: Final = 30
"""Combining marks in a row that are kept, as in the Stream-Safe Text Format (Unicode UAX #15, section 13).

No language needs more than a handful. Putting marks in order takes time with the square of their number: a text of 200,000 alternating
ones would hold a process up for a minute.
"""

_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES: Final = re.compile(r"\s+")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Categories Cc and Cs but for tab and line end. One pass in C: this runs over every character that comes in."""

_BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Direction controls: they can make a line read differently from what it is (Unicode TR 36)."""


def composed(text: str) -> str:
    """In Unicode's form C, in time that grows with its length alone."""
    return unicodedata.normalize("NFC", with_few_marks(text))


def decomposed(text: str) -> str:
    """In Unicode's form D: letters without their marks, each mark a character of its own."""
    return unicodedata.normalize("NFD", with_few_marks(text))


def with_few_marks(text: str) -> str:
    """Without what is over `MOST_MARKS` in a row."""
    # A longer run has a mark at one of these places at least: nearly every text is done after looking at a few of its characters.
    if text.isascii() or not any(map(_is_mark, text[MOST_MARKS :: MOST_MARKS + 1])):
        return text
    kept: list[str] = []
    run = 0
    for char in text:
        run = run + 1 if _is_mark(char) else 0
        if run <= MOST_MARKS:
            kept.append(char)
    return "".join(kept)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def clean_text(raw: str) -> str:
    """Several lines: tabs and line ends stay, other control characters and lone surrogates go, the ends are stripped."""
    if not raw.isprintable():  # what is has none of them: no line end and no control character but the space is printable
        raw = _CONTROLS.sub("", _LINE_ENDS.sub("\n", raw))
    return composed(raw).strip()


def clean_line(raw: str) -> str:
    """One line: every run of white space becomes a space, direction controls go too."""
    text = clean_text(raw)
    if text.isprintable() and "  " not in text:  # nearly every line: the one printable white space is the space, and no format character is
        return text
    return _BIDI.sub("", _SPACES.sub(" ", text)).strip()


def says_nothing(text: str) -> bool:
    """Whether nobody would see anything in it: white space, direction controls and other format characters alone (category Cf)."""
    return all(char.isspace() or unicodedata.category(char) == "Cf" for char in text)
