"""A day's rules as pieces, pauses as stretches, and where the years that are computed with end: hand-made."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.routing.domain.calendar import Calendar
from services.routing.domain.pauses import Pause, merged
from services.routing.domain.timeline import NeverOpens
from services.routing.domain.windows import DayRules, parsed
from tests.support.organisations import ROUND_THE_CLOCK, local
from tests.unit.routing.generated import written

MONDAY = date(2025, 3, 3)
HOUR = 3600
ALL_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ((("08:00", "12:00"), ("12:00", "17:00")), ((8, 17),)),
        ((("13:00", "17:00"), ("08:00", "13:30")), ((8, 17),)),
        ((("08:00", "12:00"), ("13:00", "17:00")), ((8, 12), (13, 17))),
    ],
)
def test_windows_that_touch_or_overlap_are_one(windows: tuple[tuple[str, str], ...], expected: tuple[tuple[int, int], ...]) -> None:
    assert parsed(windows, "mon") == tuple((start * HOUR, end * HOUR) for start, end in expected)


@pytest.mark.parametrize(
    ("week", "closures", "expected"),
    [
        ([["00:00", "24:00"]], [], [(0, 24, "working")]),
        ([["00:00", "12:00"], ["13:00", "24:00"]], [], [(0, 12, "working"), (12, 13, "lunch"), (13, 24, "working")]),
        (
            [["08:00", "12:00"]],
            [["08:00", "09:00"]],
            [(0, 8, "outside_hours"), (8, 9, "closure"), (9, 12, "working"), (12, 24, "outside_hours")],
        ),
        (
            [["08:00", "12:00"]],
            [["11:00", "12:00"]],
            [(0, 8, "outside_hours"), (8, 11, "working"), (11, 12, "closure"), (12, 24, "outside_hours")],
        ),
        ([["08:00", "12:00"]], [["12:00", "13:00"]], [(0, 8, "outside_hours"), (8, 12, "working"), (12, 24, "outside_hours")]),
        ([["08:00", "12:00"]], [["07:00", "08:00"]], [(0, 8, "outside_hours"), (8, 12, "working"), (12, 24, "outside_hours")]),
    ],
)
def test_a_day_is_cut_into_pieces_of_which_none_is_empty(
    week: list[Any], closures: list[Any], expected: list[tuple[int, int, str]]
) -> None:
    rules = DayRules(written("UTC", {"mon": week}, closures={MONDAY: closures} if closures else {}), {}, ())
    assert [(piece.start / HOUR, piece.end / HOUR, piece.reason) for piece in rules.plan(MONDAY)] == expected


def test_pauses_that_touch_are_one_stretch_and_empty_ones_none() -> None:
    start = datetime(2025, 3, 3, tzinfo=UTC)
    hours = [start + timedelta(hours=hour) for hour in range(5)]
    touching = [Pause(hours[2], hours[3], "waiting"), Pause(hours[1], hours[2], "referred"), Pause(hours[4], hours[4], "waiting")]
    zero = int(start.timestamp()) * 1_000_000
    assert [((began - zero) / 3.6e9, (ended - zero) / 3.6e9) for began, ended in merged(touching, zero)] == [(1, 3)]


def test_the_years_computed_with_end_with_2399() -> None:
    gate = Calendar.from_spec(written("Asia/Ho_Chi_Minh", dict.fromkeys(ALL_DAYS, ROUND_THE_CLOCK)))
    summer = local("2398-07-01 00:00")
    assert gate.add(summer, timedelta(days=500)) == summer + timedelta(days=500)
    with pytest.raises(NeverOpens, match="not that much working time before the year 2400"):
        gate.add(local("2399-07-01 00:00"), timedelta(days=200))


def test_a_calendar_that_was_used_for_a_late_year_answers_for_an_early_one_and_back() -> None:
    gate = Calendar.from_spec(written("Asia/Ho_Chi_Minh", {"mon": ROUND_THE_CLOCK}))
    for year in (2030, 2020, 2035, 2019, 2030):
        began = local(f"{year}-01-01 00:00")
        mondays = sum((date(year, 1, 1) + timedelta(days=day)).weekday() == 0 for day in range(365))
        assert gate.elapsed(began, began + timedelta(days=365)) == timedelta(days=mondays)
