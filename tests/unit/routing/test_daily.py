"""Lines cut at midnight and days that read the same in one row, over clock changes too: hand-made."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.routing.domain.daily import Day, daily
from services.routing.domain.explain import NOTHING, Line, Source, by_day, next_midnight
from services.routing.domain.reasons import Code

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
OFFICE, OTHER = Source("office", "p", 1), Source("office", "p", 2)


def wall(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


def line(start: str, end: str, counted: float = 0, reason: Code = "working", source: Source = OFFICE) -> Line:
    return Line(wall(start), wall(end), timedelta(hours=counted), reason, None, source, BERLIN)


@pytest.mark.parametrize(
    ("zone", "at", "fold", "end", "end_fold"),
    [
        ("Asia/Ho_Chi_Minh", "2025-03-03 10:00", 0, "2025-03-04 00:00", 0),
        ("Asia/Ho_Chi_Minh", "2025-03-03 00:00", 0, "2025-03-04 00:00", 0),
        ("Asia/Ho_Chi_Minh", "2025-12-31 23:59", 0, "2026-01-01 00:00", 0),
        ("America/New_York", "2025-03-08 23:30", 0, "2025-03-09 00:00", 0),
        ("Pacific/Apia", "2011-12-29 10:00", 0, "2011-12-31 00:00", 0),
        ("America/Sao_Paulo", "2018-11-03 22:00", 0, "2018-11-04 01:00", 0),
        ("America/St_Johns", "2005-10-29 12:00", 0, "2005-10-30 00:00", 0),
        ("America/St_Johns", "2005-10-29 23:30", 0, "2005-10-30 00:00", 0),
        ("America/St_Johns", "2005-10-29 23:30", 1, "2005-10-30 00:00", 1),
    ],
)
def test_a_local_date_ends_at_the_next_midnight_also_where_there_are_two_or_none(
    zone: str, at: str, fold: int, end: str, end_fold: int
) -> None:
    place = ZoneInfo(zone)
    found = next_midnight(wall(at, place, fold), place)
    assert found == wall(end, place, end_fold)
    assert found.tzinfo is UTC


def test_a_line_is_cut_at_each_midnight_of_its_zone_and_keeps_its_sum() -> None:
    parts = list(by_day([line("2025-03-28 22:00", "2025-03-31 00:00", 49)]))
    assert [(day, part.start, part.end, part.counted) for day, part in parts] == [
        (date(2025, 3, 28), wall("2025-03-28 22:00"), wall("2025-03-29 00:00"), 2 * HOUR),
        (date(2025, 3, 29), wall("2025-03-29 00:00"), wall("2025-03-30 00:00"), 24 * HOUR),
        (date(2025, 3, 30), wall("2025-03-30 00:00"), wall("2025-03-31 00:00"), 23 * HOUR),
    ]


def test_what_was_skipped_counts_nothing_on_any_day_and_what_was_carried_stays_whole_on_its_first() -> None:
    skipped = by_day([line("2025-03-28 22:00", "2025-03-29 03:00", 0, "closed")])
    assert [(day.day, part.counted) for day, part in skipped] == [(28, NOTHING), (29, NOTHING)]
    carried = line("2025-03-26 22:00", "2025-03-29 03:00", 11, "carried")
    assert list(by_day([carried])) == [(date(2025, 3, 26), carried)]


def test_a_row_says_how_many_days_it_holds_what_they_came_to_and_when_the_last_of_them_ended() -> None:
    lines = [line(f"2025-03-{day} 08:00", f"2025-03-{day} 12:00", 4) for day in (24, 25, 26)]
    last = line("2025-03-27 08:00", "2025-03-27 10:00", 2)
    assert list(daily([*lines, last])) == [
        Day(date(2025, 3, 24), date(2025, 3, 26), 3, (lines[0],), 4 * HOUR, 12 * HOUR, wall("2025-03-26 12:00")),
        Day(date(2025, 3, 27), date(2025, 3, 27), 1, (last,), 2 * HOUR, 14 * HOUR, wall("2025-03-27 10:00")),
    ]


@pytest.mark.parametrize(
    ("other", "rows"),
    [
        (line("2025-03-30 10:00", "2025-03-30 11:00", 1), 1),
        (line("2025-03-31 10:00", "2025-03-31 11:00", 1), 2),
        (line("2025-03-30 10:00", "2025-03-30 11:00", 1, source=OTHER), 2),
        (line("2025-03-30 10:00", "2025-03-30 11:00", 0), 2),
        (line("2025-03-30 10:00", "2025-03-30 11:00", 1, "makeup_day"), 2),
        (line("2025-03-30 11:00", "2025-03-30 12:00", 1), 2),
        (line("2025-03-30 10:00", "2025-03-30 12:00", 1), 2),
    ],
)
def test_neighbouring_days_that_read_the_same_on_the_wall_share_a_row_over_a_clock_change(other: Line, rows: int) -> None:
    assert len(list(daily([line("2025-03-29 10:00", "2025-03-29 11:00", 1), other]))) == rows
