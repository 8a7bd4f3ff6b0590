"""Texts made comparable: without case, tone marks and punctuation, as people write Vietnamese in a hurry."""

import unicodedata
from typing import Final

LETTERS_WITHOUT_MARK: Final = str.maketrans({"đ": "d", "Đ": "d"})
"""Their stroke is part of the letter, so that Unicode decomposes neither."""


def folded(text: str) -> str:
    """The words of the text, lower case and without marks, each with one space before and after it."""
    bare = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    plain = bare.translate(LETTERS_WITHOUT_MARK).casefold()
    return f" {' '.join(''.join(char if char.isalnum() else ' ' for char in plain).split())} "


def mentions(folded_text: str, words: str) -> bool:
    """Whether the words stand in the text, next to each other and whole: `CO` is not in `company`."""
    wanted = folded(words)
    return bool(wanted.strip()) and wanted in folded_text
