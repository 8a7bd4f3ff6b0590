"""How many mails about new work go to one address in a minute, and until when the rest waits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.floods import A_MINUTE, AFTERWARDS, Floods

BOX = "hon-gai@customs.example"
BEGIN = datetime(2026, 11, 20, 3, 15, 26, tzinfo=UTC)
"""Its minutes begin at second 26, which is what CRC-32 makes of the address."""

END = BEGIN + A_MINUTE + AFTERWARDS


def at(second: float, address: str = BOX) -> tuple[str, datetime]:
    return address, BEGIN + timedelta(seconds=second)


TABLE: list[tuple[str, int, list[tuple[str, datetime]], list[datetime | None]]] = [
    ("the first few go at once, the rest waits for the minute's end", 2, [at(0), at(1), at(2), at(59.9)], [None, None, END, END]),
    ("one only", 1, [at(0), at(30)], [None, END]),
    ("no limit", 0, [at(0)] * 4, [None] * 4),
    ("the next minute begins anew", 1, [at(0), at(59.9), at(60), at(61)], [None, END, None, END + A_MINUTE]),
    ("few and far between", 1, [at(0), at(60), at(300)], [None, None, None]),
    ("a clock set back to the minute before", 1, [at(60), at(59), at(58)], [None, None, END]),
    ("however the address is written", 1, [at(0), at(1, BOX.upper())], [None, END]),
    ("another address has its own", 1, [at(0), at(1, "other@customs.example"), at(2)], [None, None, END]),
]


@pytest.mark.parametrize(("few", "asked", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_first_few_of_a_minute_go_at_once(few: int, asked: list[tuple[str, datetime]], expected: list[datetime | None]) -> None:
    floods = Floods(few)
    assert [floods.until(address, now) for address, now in asked] == expected


def test_every_process_cuts_minutes_alike_so_that_all_of_it_is_told_together() -> None:
    one, other = Floods(1), Floods(1)
    assert one.until(*at(3)) is other.until(*at(40)) is None
    assert one.until(*at(4)) == other.until(*at(41)) == END


def test_minutes_of_many_addresses_do_not_end_all_at_once() -> None:
    floods = Floods(1)
    addresses = [f"group{number}@customs.example" for number in range(100)]
    ends = {floods.until(address, BEGIN) or floods.until(address, BEGIN) for address in addresses}
    assert len(ends) > 30


def test_what_is_kept_in_mind_is_bounded_and_forgetting_makes_a_few_mails_more() -> None:
    floods = Floods(1, most=3)
    told = [(name, floods.until(name, BEGIN) is None) for name in "abcaadaa"]
    assert told == [("a", True), ("b", True), ("c", True), ("a", False), ("a", False), ("d", True), ("a", True), ("a", False)]


@given(st.integers(1, 6), st.lists(st.floats(0, 600), max_size=60))
def test_in_no_minute_more_go_at_once_and_none_waits_longer_than_one(few: int, seconds: list[float]) -> None:
    floods = Floods(few)
    instants = sorted(at(second)[1] for second in seconds)
    waits = [(now, floods.until(BOX, now)) for now in instants]
    for number in range(11):
        begins = BEGIN + number * A_MINUTE
        inside = [until for now, until in waits if begins <= now < begins + A_MINUTE]
        assert inside[:few] == [None] * min(few, len(inside))
        assert set(inside[few:]) <= {begins + A_MINUTE + AFTERWARDS}
