"""What people typed, made safe to keep."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.text import clean_line, clean_text, first_line


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
        ("\u200e  \u2066", ""),
    ],
)
def test_one_line_stays_one_line(typed: str, kept: str) -> None:
    assert clean_line(typed) == kept


@pytest.mark.parametrize(
    ("text", "longest", "line"),
    [
        ("Tờ khai bị phân luồng đỏ\nChi tiết…", 200, "Tờ khai bị phân luồng đỏ"),
        ("một hai ba bốn", 10, "một hai…"),
        ("khôngcókhoảngtrắng", 10, "khôngcókh…"),
    ],
)
def test_the_first_line_is_cut_at_a_word(text: str, longest: int, line: str) -> None:
    assert first_line(text, longest) == line


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_and_the_result_can_be_stored(typed: str) -> None:
    for clean in (clean_text, clean_line):
        kept = clean(typed)
        assert clean(kept) == kept
        assert unicodedata.is_normalized("NFC", kept)
        kept.encode()
