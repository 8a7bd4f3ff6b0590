"""What the pages say exists in both languages."""

import re
import string
from typing import get_args

import pytest

from kit.problems import worded
from schemas.values import MessageKind, TicketStatus
from services.intake.domain.kinds import BLOCKED_EXTENSIONS, KIND_NAMES, KIND_OF_EXTENSION
from services.intake.domain.problems import WORDING as PROBLEMS
from services.intake.pages.rendering import PROBLEM_STATUS, ProblemKind
from services.intake.pages.texts import TEXTS, text
from services.intake.pages.view import SHOWN_CLOCKS
from services.intake.refusals import WORDING as REFUSALS


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_something_with_the_same_braces(key: str) -> None:
    vi, en = TEXTS[key]
    assert vi.strip()
    assert en.strip()
    assert vi != en
    assert braces(vi) == braces(en)


SHOWN_IN_VIETNAMESE = [
    *(vi for vi, _ in TEXTS.values()),
    *(vi for vi, _ in PROBLEMS.values()),
    *(words for _, vi, _ in REFUSALS.values() for words in vi),
    *(bytes(worded(status, "vi").body).decode() for status in (400, 404, 405, 413, 500, 503)),
]


@pytest.mark.parametrize("words", SHOWN_IN_VIETNAMESE)
def test_businesses_are_addressed_politely_and_always_in_the_same_way(words: str) -> None:
    assert not re.search(r"\b(hãy|bạn|các bạn|quý vị|quý khách|quý công ty)\b", words, re.IGNORECASE)
    assert "quý doanh nghiệp" not in words


def braces(words: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(words) if name)


def test_everything_that_can_happen_has_words() -> None:
    statuses = [f"{prefix}_{status}" for status in get_args(TicketStatus) for prefix in ("status", "says")]
    kinds = [f"kind_{kind}" for kind in get_args(MessageKind) if kind != "note"]
    clocks = [f"clock_{clock}" for clock in SHOWN_CLOCKS]
    problems = [f"{kind}_{part}" for kind in get_args(ProblemKind) for part in ("title", "says")]
    assert not set(statuses + kinds + clocks + problems) - TEXTS.keys()
    assert set(get_args(ProblemKind)) == PROBLEM_STATUS.keys()


def test_every_kind_of_file_has_a_name_and_no_kind_of_it_is_blocked() -> None:
    assert set(KIND_OF_EXTENSION.values()) <= KIND_NAMES.keys()
    assert not KIND_OF_EXTENSION.keys() & BLOCKED_EXTENSIONS


def test_an_unknown_text_is_a_mistake_that_is_noticed() -> None:
    with pytest.raises(KeyError):
        text("vi", "no_such_text")
