"""What each local day is and why its time counts or not; the zone is Vietnam's unless said otherwise."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.routing.calendars import build
from services.routing.domain.calendar import Calendar, Pause
from tests.unit.routing.generated import written
from tests.unit.routing.test_calendar import HANOI, OFFICE, SPLIT, hanoi, office


def test_segments_name_every_reason() -> None:
    calendar = office(
        closed=[{"date": "2025-09-02", "name": "Quốc khánh"}, "2025-09-03"],
        closures={"2025-09-01": [["15:00", "16:00"]]},
    )
    held = (
        Pause(hanoi("2025-09-01T10:00"), hanoi("2025-09-01T11:00"), "waiting"),
        Pause(hanoi("2025-09-01T10:30"), hanoi("2025-09-01T13:30"), "referred"),
    )
    found = calendar.segments(hanoi("2025-09-01T09:00"), hanoi("2025-09-04T08:30"), held)
    assert [(f"{s.start.astimezone(HANOI):%d %H:%M}", s.reason, s.name) for s in found] == [
        ("01 09:00", "working", ""),
        ("01 10:00", "paused", "waiting"),
        ("01 11:00", "paused", "referred"),
        ("01 12:00", "lunch", ""),
        ("01 13:00", "paused", "referred"),
        ("01 13:30", "working", ""),
        ("01 15:00", "closure", ""),
        ("01 16:00", "working", ""),
        ("01 17:00", "outside_hours", ""),
        ("02 00:00", "holiday", "Quốc khánh"),
        ("03 00:00", "closed", ""),
        ("04 00:00", "outside_hours", ""),
        ("04 08:00", "working", ""),
    ]


def test_days_off_for_one_reason_are_one_segment_with_its_name() -> None:
    calendar = office(closed=[{"date": "2025-09-01", "name": "Quốc khánh"}, {"date": "2025-09-02", "name": "Quốc khánh"}])
    found = calendar.segments(hanoi("2025-08-29T17:00"), hanoi("2025-09-03T08:00"))
    assert [(f"{s.start.astimezone(HANOI):%d %H:%M}", s.reason, s.name) for s in found] == [
        ("29 17:00", "outside_hours", ""),
        ("30 00:00", "closed", ""),
        ("01 00:00", "holiday", "Quốc khánh"),
        ("03 00:00", "outside_hours", ""),
    ]


def test_two_pauses_that_end_together_are_told_by_the_first_alone() -> None:
    held = (
        Pause(hanoi("2025-08-25T09:00"), hanoi("2025-08-25T11:00"), "waiting"),
        Pause(hanoi("2025-08-25T10:00"), hanoi("2025-08-25T11:00"), "referred"),
    )
    found = office().segments(hanoi("2025-08-25T08:00"), hanoi("2025-08-25T12:00"), held)
    assert [(segment.reason, segment.name, segment.length) for segment in found] == [
        ("working", "", timedelta(hours=1)),
        ("paused", "waiting", timedelta(hours=2)),
        ("working", "", timedelta(hours=1)),
    ]


def test_a_closure_is_told_by_its_name_and_the_rest_of_the_day_is_not() -> None:
    calendar = office(closures={"2025-09-01": [["15:00", "17:00"]]}, names={"2025-09-01": "Họp toàn cơ quan"})
    found = calendar.segments(hanoi("2025-09-01T13:00"), hanoi("2025-09-01T17:00"))
    assert [(segment.reason, segment.name) for segment in found] == [("working", ""), ("closure", "Họp toàn cơ quan")]


@pytest.mark.parametrize(
    ("closes", "opens", "reason"),
    [
        ("10:00", "10:15", "break"),
        ("11:30", "12:00", "break"),
        ("11:30", "12:01", "lunch"),
        ("12:59", "14:00", "lunch"),
        ("13:00", "14:00", "break"),
    ],
)
def test_a_gap_is_lunch_when_it_touches_the_hour_after_noon_and_else_a_break(closes: str, opens: str, reason: str) -> None:
    calendar = Calendar.from_spec(written("UTC", {"mon": (("08:00", closes), (opens, "17:00"))}))
    found = calendar.segments(datetime(2025, 8, 25, 8, tzinfo=UTC), datetime(2025, 8, 25, 17, tzinfo=UTC))
    assert [segment.reason for segment in found] == ["working", reason, "working"]


def test_closures_of_one_day_are_cut_from_the_windows_they_lie_in() -> None:
    calendar = office(closures={"2025-08-25": [["06:00", "08:00"], ["09:00", "10:00"], ["12:00", "13:00"], ["15:00", "16:00"]]})
    found = calendar.segments(hanoi("2025-08-25T00:00"), hanoi("2025-08-26T00:00"))
    assert [(f"{s.start.astimezone(HANOI):%H:%M}", s.reason) for s in found] == [
        ("00:00", "outside_hours"),
        ("08:00", "working"),
        ("09:00", "closure"),
        ("10:00", "working"),
        ("12:00", "lunch"),
        ("13:00", "working"),
        ("15:00", "closure"),
        ("16:00", "working"),
        ("17:00", "outside_hours"),
    ]


def test_the_seed_closes_holidays_by_name_and_opens_make_up_days_with_mondays_windows() -> None:
    calendar = build(written("Asia/Ho_Chi_Minh", {**OFFICE, "mon": (("07:00", "11:00"),)}, holidays="VN"))
    found = calendar.segments(hanoi("2025-04-26T00:00"), hanoi("2025-04-27T00:00"))
    assert [(segment.reason, segment.length) for segment in found] == [
        ("outside_hours", timedelta(hours=7)),
        ("working", timedelta(hours=4)),
        ("outside_hours", timedelta(hours=13)),
    ]
    (holiday,) = calendar.segments(hanoi("2025-05-01T00:00"), hanoi("2025-05-02T00:00"))
    assert (holiday.reason, holiday.name) == ("holiday", "Ngày Quốc tế Lao động")


def test_holidays_have_english_names_too() -> None:
    calendar = build(written("Asia/Ho_Chi_Minh", OFFICE, holidays="VN"), "en")
    (holiday,) = calendar.segments(hanoi("2025-09-02T00:00"), hanoi("2025-09-03T00:00"))
    assert holiday.name == "National Day"


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2025, 9, 1), "holiday"),  # of the seed
        (date(2025, 9, 2), "closed"),  # a holiday of the seed closed by its own name
        (date(2025, 9, 3), "week"),
        (date(2025, 9, 4), "closed"),
        (date(2025, 9, 5), "extra"),  # other hours on an ordinary day
        (date(2025, 9, 6), "makeup"),  # hours of its own on a Saturday
        (date(2025, 9, 7), "week"),  # an ordinary Sunday
        (date(2025, 4, 26), "makeup"),  # a Saturday of the seed
        (date(2025, 4, 30), "makeup"),  # hours of its own on a holiday
        (date(2025, 9, 8), "makeup"),  # hours of its own on a day closed otherwise
        (date(2026, 2, 28), "week"),
    ],
)
def test_each_day_is_what_the_first_of_its_rules_makes_it(day: date, kind: str) -> None:
    own = {own_day: [["09:00", "11:00"]] for own_day in ("2025-09-05", "2025-09-06", "2025-04-30", "2025-09-08")}
    closed = [{"date": "2025-09-02", "name": "Lễ"}, "2025-09-04", "2025-09-08"]
    assert office(holidays="VN", closed=closed, extra=own).day_kind(day) == kind


def test_hours_of_its_own_on_a_make_up_day_leave_it_one() -> None:
    calendar = Calendar.from_spec(
        written("Asia/Ho_Chi_Minh", {**OFFICE, "sat": SPLIT}, extra={"2025-04-26": [["09:00", "11:00"]]}), workdays=[date(2025, 4, 26)]
    )
    assert calendar.day_kind(date(2025, 4, 26)) == "makeup"


def test_a_closure_shortens_a_make_up_day_as_it_does_any_other() -> None:
    calendar = office(holidays="VN", closures={"2025-04-26": [["08:00", "12:00"]]})
    assert calendar.next_open(hanoi("2025-04-26T00:00")) == hanoi("2025-04-26T13:00")


def test_a_desk_closed_on_mondays_does_not_open_for_a_make_up_day() -> None:
    calendar = build(written("Asia/Ho_Chi_Minh", {"tue": SPLIT}, holidays="VN"))
    assert calendar.next_open(hanoi("2025-04-26T00:00")) == hanoi("2025-04-29T08:00")


def test_a_day_closed_locally_keeps_the_name_of_its_holiday() -> None:
    (holiday,) = office(holidays="VN", closed=["2025-09-02"]).segments(hanoi("2025-09-02T00:00"), hanoi("2025-09-03T00:00"))
    assert (holiday.reason, holiday.name) == ("holiday", "Quốc khánh")
