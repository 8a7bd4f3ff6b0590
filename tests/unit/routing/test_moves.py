"""The table of moves."""

from typing import get_args

import pytest

from schemas.values import TicketStatus
from services.routing.domain.moves import MOVES, Refused, allowed, guard

STATUSES: tuple[TicketStatus, ...] = get_args(TicketStatus)

BY_HAND = """
           new  open  waiting  referred  resolved  closed  merged  rejected
new         -    x     x        x         x         -       x       x
open        -    -     x        x         x         -       x       x
waiting     -    x     x        x         x         -       x       x
referred    -    x     x        x         x         -       x       x
resolved    -    x     -        -         -         x       x       -
closed      -    -     -        -         -         -       -       -
merged      -    -     -        -         -         -       -       -
rejected    -    x     -        -         -         -       -       -
"""


def pairs() -> list[tuple[TicketStatus, TicketStatus, bool]]:
    header, *rows = BY_HAND.strip("\n").splitlines()
    found: list[tuple[TicketStatus, TicketStatus, bool]] = []
    for row in rows:
        name, *marks = row.split()
        current = next(status for status in STATUSES if status == name)
        for column, mark in zip(header.split(), marks, strict=True):
            found.append((current, next(status for status in STATUSES if status == column), mark == "x"))
    return found


def test_the_table_speaks_of_every_pair_of_statuses() -> None:
    assert len(pairs()) == len(STATUSES) ** 2
    assert set(MOVES) == set(STATUSES)


@pytest.mark.parametrize(("current", "wanted", "possible"), pairs())
def test_a_move_is_possible_exactly_where_the_table_says_so(current: TicketStatus, wanted: TicketStatus, possible: bool) -> None:
    assert allowed(current, wanted) is possible
    if possible:
        guard(current, wanted)
        return
    with pytest.raises(Refused) as refusal:
        guard(current, wanted)
    assert refusal.value.conflict
    assert refusal.value.field == "status"


def test_a_refused_move_names_the_moves_there_are_in_both_languages() -> None:
    with pytest.raises(Refused) as refusal:
        guard("resolved", "waiting")
    assert refusal.value.detail == "A ticket that is resolved cannot become waiting for the business; from here it can become: open."
    assert "đã giải quyết" in refusal.value.sentence.vi


def test_a_final_status_says_to_open_a_new_request() -> None:
    with pytest.raises(Refused, match="open a new request"):
        guard("closed", "open")
