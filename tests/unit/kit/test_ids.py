"""Identifiers: sortable, derivable, spread."""

import time
from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kit.ids import SLOTS, derived_id, new_id, slot_of


def test_a_new_id_is_a_uuid7_of_this_moment() -> None:
    before = time.time_ns() // 1_000_000
    value = UUID(new_id())
    assert (value.version, value.variant) == (7, "specified in RFC 4122")
    assert before <= value.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_minted_later_sort_later() -> None:
    ids = []
    for _ in range(20):
        ids.append(new_id())
        time.sleep(0.0011)
    assert ids == sorted(ids)


def test_no_two_new_ids_are_equal() -> None:
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_the_same_parts_give_the_same_id_today_and_in_ten_years() -> None:
    assert derived_id("0195f3a0-0000-7000-8000-000000000001", "end") == "3e6409a9-4295-5bba-94ea-b36428a4d984"


@given(st.text(), st.text())
def test_other_parts_give_another_id(one: str, other: str) -> None:
    assert (derived_id("x", one) == derived_id("x", other)) == (one == other)


def test_slots_are_what_they_have_always_been() -> None:
    """Fixed for the life of an installation: what is stored under a slot must be found under it."""
    assert [slot_of(ticket) for ticket in ("a", "b", "0195f3a0-0000-7000-8000-000000000001")] == [3, 57, 51]


def test_tickets_are_spread_evenly_over_the_slots() -> None:
    counts = Counter(slot_of(new_id()) for _ in range(SLOTS * 200))
    assert set(counts) == set(range(SLOTS))
    assert min(counts.values()) > 100
    assert max(counts.values()) < 300
