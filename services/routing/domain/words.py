"""Texts made comparable: without case, tone marks and punctuation, as people write Vietnamese in a hurry."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from schemas.text import decomposed

LETTERS_WITHOUT_MARK: Final = str.maketrans({"đ": "d", "Đ": "d"})
"""Their stroke is part of the letter, so that Unicode decomposes neither."""

NO_WORD: Final = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """The words of the text, lower case and without marks, each with one space before and after it."""
    if not text.isascii():
        bare = "".join([char for char in decomposed(text) if not unicodedata.combining(char)])
        text = bare.translate(LETTERS_WITHOUT_MARK)
    return f" {' '.join(NO_WORD.sub(' ', text.casefold()).split())} "


@lru_cache(maxsize=4096)
def _folded_words(words: str) -> str:
    """Of a rule: the same few for every request."""
    return folded(words)


def mentions(folded_text: str, words: str) -> bool:
    """Whether the words stand in the text, next to each other and whole: `CO` is not in `company`."""
    wanted = _folded_words(words)
    return bool(wanted.strip()) and wanted in folded_text
