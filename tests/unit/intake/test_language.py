"""Which language a page is in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.pages.language import negotiate


@pytest.mark.parametrize(
    ("query", "cookie", "header", "language"),
    [
        (None, None, None, "vi"),
        ("en", "vi", "vi", "en"),
        (None, "en", "vi", "en"),
        (None, None, "en", "en"),
        (None, None, "en-GB,en;q=0.9,vi;q=0.8", "en"),
        (None, None, "fr,vi;q=0.3,en;q=0.7", "en"),
        (None, None, "en;q=0.5, vi;q=0.5", "en"),
        (None, None, "en;q=0, vi;q=0.1", "vi"),
        (None, None, "en;q=0", "vi"),
        (None, None, "de,*", "vi"),
        (None, None, "en;q=abc", "vi"),
        ("fr", "xx", "EN_us", "en"),
        ("", "", "", "vi"),
        ("<script>", None, None, "vi"),
    ],
)
def test_what_was_chosen_comes_before_what_the_browser_asks_for(
    query: str | None, cookie: str | None, header: str | None, language: str
) -> None:
    assert negotiate(query, cookie, header) == language


@given(st.none() | st.text(), st.none() | st.text(), st.none() | st.text())
def test_there_is_always_a_language(query: str | None, cookie: str | None, header: str | None) -> None:
    assert negotiate(query, cookie, header) in {"vi", "en"}
