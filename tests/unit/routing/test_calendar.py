"""Working time: what the table of due dates does not reach, an oracle that walks minutes, and the properties."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.organisation import CalendarSpec
from services.routing.calendars import build
from services.routing.domain.calendar import BadCalendar, Calendar, NeverOpens, Pause, StillPaused
from tests.unit.routing.generated import CALENDARS, EXAMPLES, calendar, calendars, instants, pauses_near, spans, spec, written

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
SPLIT = (("08:00", "12:00"), ("13:00", "17:00"))
OFFICE = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), SPLIT)
MINUTE = timedelta(minutes=1)


def office(**rules: object) -> Calendar:
    return build(CalendarSpec.model_validate({"timezone": "Asia/Ho_Chi_Minh", "week": OFFICE, **rules}))


def hanoi(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HANOI)


def test_elapsed_counts_only_what_is_inside_the_windows() -> None:
    assert office().elapsed(hanoi("2025-08-22T11:30"), hanoi("2025-08-25T09:15")) == timedelta(hours=5, minutes=45)


def test_elapsed_is_nothing_backwards() -> None:
    assert office().elapsed(hanoi("2025-08-25T10:00"), hanoi("2025-08-25T09:00")) == timedelta(0)


def test_elapsed_counts_an_open_pause_up_to_the_end() -> None:
    held = (Pause(hanoi("2025-08-25T09:00"), None, "waiting"),)
    assert office().elapsed(hanoi("2025-08-25T08:00"), hanoi("2025-08-27T08:00"), held) == timedelta(hours=1)


def test_an_earlier_year_asked_for_later_counts_the_same() -> None:
    calendar = office()
    calendar.next_open(hanoi("2026-06-01T00:00"))
    assert calendar.elapsed(hanoi("2024-08-26T08:00"), hanoi("2026-06-02T08:00")) == timedelta(hours=8 * 461)


def test_nothing_to_add_is_the_start_itself() -> None:
    assert office().add(hanoi("2025-08-23T10:00"), timedelta(0)) == hanoi("2025-08-23T10:00")


def test_answers_are_in_utc() -> None:
    assert office().add(hanoi("2025-08-25T08:00"), timedelta(hours=1)).tzinfo is UTC


@pytest.mark.parametrize(
    ("at", "is_open", "next_open"),
    [
        ("2025-08-25T07:59", False, "2025-08-25T08:00"),
        ("2025-08-25T08:00", True, "2025-08-25T08:00"),
        ("2025-08-25T11:59", True, "2025-08-25T11:59"),
        ("2025-08-25T12:00", False, "2025-08-25T13:00"),
        ("2025-08-22T17:00", False, "2025-08-25T08:00"),
        ("2025-12-31T17:00", False, "2026-01-02T08:00"),
    ],
)
def test_a_window_contains_its_opening_and_not_its_closing(at: str, is_open: bool, next_open: str) -> None:
    calendar = office(closed=["2026-01-01"])
    assert calendar.is_open(hanoi(at)) == is_open
    assert calendar.next_open(hanoi(at)) == hanoi(next_open)


def test_days_are_those_that_closed_while_the_clock_ran() -> None:
    held = (Pause(hanoi("2025-08-21T16:00"), hanoi("2025-08-22T08:00"), "waiting"),)
    passed = office().days(hanoi("2025-08-20T09:00"), hanoi("2025-08-25T17:00"), held)
    assert passed == (date(2025, 8, 20), date(2025, 8, 22), date(2025, 8, 25))


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


def test_the_day_of_receipt_is_the_local_one_though_it_is_yesterday_in_utc() -> None:
    due = office().add_days(hanoi("2025-08-25T06:00"), 1, count_first_day=False)
    assert due == hanoi("2025-08-26T17:00")


def test_a_gap_that_misses_noon_is_a_break() -> None:
    calendar = Calendar.from_spec(written("UTC", {"mon": (("08:00", "10:00"), ("10:15", "11:00"))}))
    found = calendar.segments(datetime(2025, 8, 25, 9, tzinfo=UTC), datetime(2025, 8, 25, 11, tzinfo=UTC))
    assert [segment.reason for segment in found] == ["working", "break", "working"]


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
    own: dict[str, object] = dict.fromkeys(("2025-09-05", "2025-09-06", "2025-04-30", "2025-09-08"), [["09:00", "11:00"]])
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


def test_a_day_closed_locally_keeps_the_name_of_its_holiday() -> None:
    (holiday,) = office(holidays="VN", closed=["2025-09-02"]).segments(hanoi("2025-09-02T00:00"), hanoi("2025-09-03T00:00"))
    assert (holiday.reason, holiday.name) == ("holiday", "Quốc khánh")


def test_a_desk_closed_on_mondays_does_not_open_for_a_make_up_day() -> None:
    calendar = build(written("Asia/Ho_Chi_Minh", {"tue": SPLIT}, holidays="VN"))
    assert calendar.next_open(hanoi("2025-04-26T00:00")) == hanoi("2025-04-29T08:00")


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"week": {"mon": [["17:00", "08:00"]]}}, "mon: 17:00-08:00 must end after it starts; split a window over midnight at 24:00"),
        ({"week": {"mon": [["08:00", "08:00"]]}}, "mon: 08:00-08:00 must end after it starts"),
        ({"week": OFFICE, "extra": {"2025-01-04": [["12:00", "08:00"]]}}, "extra 2025-01-04: 12:00-08:00"),
        ({"week": OFFICE, "closures": {"2025-01-04": [["12:00", "08:00"]]}}, "closures 2025-01-04: 12:00-08:00"),
        ({"week": OFFICE, "timezone": "Saigon"}, "'Saigon' is not an IANA zone"),
        ({"week": OFFICE, "holidays": "Vietnam"}, "'Vietnam' is not a country code"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_with_the_place_and_the_reason(rules: dict[str, object], says: str) -> None:
    with pytest.raises(BadCalendar) as refused:
        office(**rules)
    assert says in str(refused.value)


def never_by_rule() -> Calendar:
    return office(week={}, key="office")


def never_by_empty_extra() -> Calendar:
    return office(week={}, extra={"2025-08-25": []})


def never_again() -> Calendar:
    spec = CalendarSpec(timezone="UTC", extra={date(2020, 1, 1): (("08:00", "09:00"),)})
    return build(spec, since=datetime(2025, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (never_by_rule, "^calendar office never opens: give `week` or `extra` a window$"),
        (never_by_empty_extra, "never opens"),
        (never_again, "^the calendar does not open for 10 years$"),
    ],
)
def test_a_calendar_that_never_opens_is_refused(make: Callable[[], Calendar], says: str) -> None:
    with pytest.raises(NeverOpens, match=says):
        make()


def test_a_calendar_that_opened_for_the_last_time_has_no_more_due_dates_but_past_ones_stay() -> None:
    calendar = build(CalendarSpec(timezone="UTC", extra={date(2020, 1, 1): (("08:00", "09:00"),)}))
    start = datetime(2020, 1, 1, 8, tzinfo=UTC)
    assert calendar.add(start, timedelta(hours=1)) == start + timedelta(hours=1)
    assert not calendar.is_open(start + timedelta(hours=1))
    with pytest.raises(NeverOpens):
        calendar.add(start, timedelta(hours=1) + timedelta.resolution)
    with pytest.raises(NeverOpens):
        calendar.add_days(start, 2, count_first_day=True)


def test_an_open_pause_before_the_deadline_leaves_no_deadline() -> None:
    held = (Pause(hanoi("2025-08-25T09:00"), None, "waiting"),)
    says = "^paused and not resumed: there is no due date yet$"
    with pytest.raises(StillPaused, match=says):
        office().add(hanoi("2025-08-25T08:00"), timedelta(hours=2), held)
    with pytest.raises(StillPaused, match=says):
        office().add_days(hanoi("2025-08-25T08:00"), 1, count_first_day=True, pauses=held)


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ValueError, match="^working time is added forward only$"):
        office().add(hanoi("2025-08-25T08:00"), timedelta(hours=-1))
    with pytest.raises(ValueError, match="^a target has at least one working day$"):
        office().add_days(hanoi("2025-08-25T08:00"), 0, count_first_day=True)
    with pytest.raises(ValueError, match="no UTC offset"):
        office().add(datetime(2025, 8, 25, 8), timedelta(hours=1))  # noqa: DTZ001 (naive on purpose)
    with pytest.raises(BadCalendar, match="years 1900 to 2399"):
        office().elapsed(hanoi("2025-08-25T08:00"), datetime.max.replace(tzinfo=UTC))


def reads_open(number: int, at: datetime) -> bool:
    """The definition itself, minute by minute: whether the wall clock reads within a window of its date."""
    rules = spec(number)
    local = at.astimezone(ZoneInfo(rules.timezone))
    day, reading = local.date(), f"{local:%H:%M}"

    def within(windows: tuple[tuple[str, str], ...]) -> bool:
        return any(opens <= reading < closes for opens, closes in windows)

    if day in rules.extra:
        return within(rules.extra[day])
    if day in {closed.date for closed in rules.closed} or within(rules.closures.get(day, ())):
        return False
    return within(rules.week.get(f"{local:%a}".lower(), ()))  # type: ignore[call-overload]


CHANGES = (
    datetime(2024, 3, 31, tzinfo=UTC),
    datetime(2024, 10, 27, tzinfo=UTC),
    datetime(2024, 11, 3, tzinfo=UTC),
    datetime(2025, 4, 5, tzinfo=UTC),
)


@settings(max_examples=max(40, EXAMPLES // 10), deadline=None)
@given(st.integers(0, CALENDARS - 1), st.one_of(instants, st.sampled_from(CHANGES)), st.integers(60, 1_800))
def test_elapsed_is_the_number_of_minutes_in_which_the_wall_clock_reads_within_a_window(number: int, at: datetime, minutes: int) -> None:
    start = at.replace(second=0)
    open_minutes = sum(reads_open(number, start + MINUTE * n) for n in range(minutes))
    assert calendar(number).elapsed(start, start + MINUTE * minutes) == MINUTE * open_minutes


@settings(max_examples=EXAMPLES, deadline=None)
@given(calendars, instants, spans, st.data())
def test_the_time_up_to_the_due_instant_is_the_time_asked_for_and_not_a_microsecond_less(
    calendar: Calendar, start: datetime, span: timedelta, data: st.DataObject
) -> None:
    held = data.draw(pauses_near(start))
    due = calendar.add(start, span, held)
    assert calendar.elapsed(start, due, held) == span
    assert calendar.elapsed(start, due - timedelta.resolution, held) == span - timedelta.resolution


@settings(max_examples=EXAMPLES, deadline=None)
@given(calendars, instants, spans, spans, st.data())
def test_more_time_is_due_later_and_a_later_start_never_earlier(
    calendar: Calendar, start: datetime, span: timedelta, more: timedelta, data: st.DataObject
) -> None:
    held = data.draw(pauses_near(start))
    assert calendar.add(start, span, held) < calendar.add(start, span + more, held)
    assert calendar.add(start, span, held) <= calendar.add(start + more, span, held)


@settings(max_examples=EXAMPLES, deadline=None)
@given(calendars, instants, spans, spans, st.data())
def test_adding_in_two_parts_is_adding_at_once(
    calendar: Calendar, start: datetime, span: timedelta, more: timedelta, data: st.DataObject
) -> None:
    held = data.draw(pauses_near(start))
    assert calendar.add(calendar.add(start, span, held), more, held) == calendar.add(start, span + more, held)


@settings(max_examples=EXAMPLES, deadline=None)
@given(calendars, instants, spans, st.data())
def test_a_pause_moves_the_due_instant_by_the_working_time_it_covers(
    calendar: Calendar, start: datetime, span: timedelta, data: st.DataObject
) -> None:
    held = data.draw(pauses_near(start, most=1))
    due = calendar.add(start, span, held)
    lost = sum((calendar.elapsed(max(start, p.began_at), min(due, max(p.ended_at or due, start))) for p in held), timedelta(0))
    assert calendar.elapsed(calendar.add(start, span), due) == lost


@settings(max_examples=EXAMPLES, deadline=None)
@given(calendars, instants, st.integers(1, 20), st.booleans(), st.data())
def test_as_many_working_days_pass_as_were_asked_for(
    calendar: Calendar, start: datetime, days: int, count_first: bool, data: st.DataObject
) -> None:
    held = data.draw(pauses_near(start))
    due = calendar.add_days(start, days, count_first, held)
    first = calendar.local_date(start) if count_first else calendar.local_date(start) + timedelta(days=1)
    assert sum(day >= first for day in calendar.days(start, due, held)) == days
    assert sum(day >= first for day in calendar.days(start, due - timedelta.resolution, held)) == days - 1
    assert not any(p.began_at < due <= (p.ended_at or due) for p in held)


@settings(max_examples=EXAMPLES, deadline=None)
@given(calendars, instants, st.integers(0, 40_000), st.data())
def test_segments_fill_the_time_without_a_gap_and_the_counted_ones_sum_to_elapsed(
    calendar: Calendar, start: datetime, minutes: int, data: st.DataObject
) -> None:
    held, end = data.draw(pauses_near(start)), start + MINUTE * minutes
    found = calendar.segments(start, end, held)
    assert sum((segment.length for segment in found), timedelta(0)) == end - start
    assert all(before.end == after.start for before, after in pairwise(found))
    assert sum((segment.length for segment in found if segment.counted), timedelta(0)) == calendar.elapsed(start, end, held)
