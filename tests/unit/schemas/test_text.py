"""What people typed, made safe to keep."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.text import MOST_MARKS, clean_line, clean_text, decomposed, says_nothing, with_few_marks


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  a \n", "a"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\tb", "a\tb"),
        ("a\x00b\x07c\x1b[31m", "abc[31m"),
        ("vu\u031bo\u031b\u0301ng", "vướng"),
        ("bad \ud800 half", "bad  half"),
        ("\x00\x01", ""),
    ],
)
def test_several_lines_keep_their_lines_and_nothing_that_cannot_be_seen(typed: str, kept: str) -> None:
    assert clean_text(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Công ty\n TNHH\tX", "Công ty TNHH X"),
        ("x\r\nBcc: a@b.vn", "x Bcc: a@b.vn"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("Công ty  TNHH", "Công ty TNHH"),
        ("\u200e  \u2066", ""),
    ],
)
def test_one_line_stays_one_line(typed: str, kept: str) -> None:
    assert clean_line(typed) == kept


def test_what_can_be_seen_comes_out_the_same_alone_and_beside_what_has_to_be_cleaned_away() -> None:
    """Nearly every text is nothing but printable characters, and is then not looked through for others."""
    for char in filter(str.isprintable, map(chr, range(sys.maxunicode + 1))):
        seen = f"a{char}b"
        assert (clean_text(seen), clean_line(seen)) == (clean_text(f"{seen}\x00"), clean_line(f"{seen}\u200e")), hex(ord(char))


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_and_the_result_can_be_stored(typed: str) -> None:
    for clean in (clean_text, clean_line):
        kept = clean(typed)
        assert clean(kept) == kept
        assert unicodedata.is_normalized("NFC", kept)
        kept.encode()


MARKS = "\u0301\u0327"
"""Put in order at a cost that grows with the square of their number."""


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("vướng mắc", "vướng mắc"),
        ("a" + MARKS * 15 + "b", "a" + MARKS * 15 + "b"),
        ("a" + MARKS * 15 + "\u0301b", "a" + MARKS * 15 + "b"),
        ("a" + MARKS * 20_000 + "b" + MARKS, "a" + MARKS * 15 + "b" + MARKS),
        ("\u0f73" * 1_000, "\u0f73" * 30),
        ("\u0301" * 31, "\u0301" * 30),
    ],
)
def test_no_more_than_thirty_marks_in_a_row_are_kept(typed: str, kept: str) -> None:
    assert with_few_marks(typed) == kept


@given(st.text(alphabet="ae\u0301\u0327\u0f73", min_size=MOST_MARKS, max_size=200))
def test_whatever_is_sent_no_long_run_of_marks_reaches_what_puts_them_in_order(typed: str) -> None:
    kept = with_few_marks(typed)
    assert not re.search("[\u0301\u0327\u0f73]{31}", kept)
    assert with_few_marks(kept) == kept
    assert kept == re.sub("([\u0301\u0327\u0f73]{30})[\u0301\u0327\u0f73]*", r"\1", typed)
    assert unicodedata.is_normalized("NFC", clean_text(typed))
    assert unicodedata.is_normalized("NFD", decomposed(typed))


@pytest.mark.parametrize(
    ("text", "nothing"),
    [("", True), (" \n\t", True), ("\u202e\u2066\u200f", True), ("\u200b\ufeff\u00ad", True), ("\u202e.", False), ("👩\u200d🌾", False)],
)
def test_a_text_in_which_nobody_sees_anything_says_nothing(text: str, nothing: bool) -> None:
    assert says_nothing(text) is nothing
