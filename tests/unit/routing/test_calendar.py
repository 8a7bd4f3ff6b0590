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


@pytest.mark.parametrize("at", ["2024-12-30T08:00", "2024-12-31T16:59", "2025-12-31T08:00", "2026-01-01T08:00", "2026-01-02T16:59"])
def test_a_year_next_to_the_one_asked_for_before_is_open_as_that_is(at: str) -> None:
    calendar = office()
    assert calendar.is_open(hanoi("2025-06-02T08:00"))
    assert calendar.is_open(hanoi(at))
    assert calendar.elapsed(hanoi("2025-06-02T08:00"), hanoi("2025-06-02T09:00")) == timedelta(hours=1)


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


@pytest.mark.parametrize(
    ("zone", "day", "opens", "closes", "minutes"),
    [
        ("Europe/Paris", "2025-03-30", "03:00", "04:00", 60),  # 02:00 was 03:00
        ("America/St_Johns", "2011-03-13", "01:01", "02:00", 59),  # 00:01 was 01:01
        ("America/St_Johns", "2011-11-06", "00:01", "02:00", 179),  # 00:01 was 23:01 of the day before
    ],
)
def test_opened_in_the_second_in_which_the_clocks_change_no_second_is_lost(
    zone: str, day: str, opens: str, closes: str, minutes: int
) -> None:
    calendar = Calendar.from_spec(written(zone, {}, extra={day: [[opens, closes]]}))
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC)
    first = calendar.next_open(noon - timedelta(days=1))
    assert calendar.elapsed(first, noon + timedelta(days=1)) == timedelta(minutes=minutes)
    assert calendar.add(first, timedelta(minutes=minutes)) == first + timedelta(minutes=minutes)


def test_a_day_that_the_zone_skipped_is_no_working_day() -> None:
    calendar = Calendar.from_spec(written("Pacific/Apia", dict.fromkeys(OFFICE, (("00:00", "24:00"),))))
    passed = calendar.days(datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2012, 1, 3, 0, tzinfo=UTC))
    assert passed == (date(2011, 12, 29), date(2012, 1, 2))


def test_the_day_of_receipt_is_the_local_one_though_it_is_yesterday_in_utc() -> None:
    due = office().add_days(hanoi("2025-08-25T06:00"), 1, count_first_day=False)
    assert due == hanoi("2025-08-26T17:00")


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


def test_a_calendar_with_one_opening_in_all_its_years_counts_it_whenever_it_is_asked() -> None:
    start = datetime(2020, 1, 1, 8, tzinfo=UTC)
    calendar = build(CalendarSpec(timezone="UTC", extra={date(2020, 1, 1): (("08:00", "09:00"),)}))
    assert calendar.next_open(start - timedelta(days=1)) == calendar.next_open(start) == start
    assert calendar.elapsed(start, start + timedelta(days=365)) == timedelta(hours=1)
    with pytest.raises(NeverOpens):
        calendar.next_open(start + timedelta(hours=1))


def test_a_calendar_that_opens_every_eight_years_has_due_dates_after_sixteen() -> None:
    days = [date(2025, 1, 6), date(2033, 1, 6), date(2041, 1, 7)]
    calendar = Calendar.from_spec(CalendarSpec(timezone="UTC", extra=dict.fromkeys(days, (("08:00", "16:00"),))))
    assert calendar.add(datetime(2025, 1, 6, tzinfo=UTC), timedelta(hours=24)) == datetime(2041, 1, 7, 16, tzinfo=UTC)


def test_the_instant_all_numbers_count_from_is_one_like_any_other() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert Calendar.from_spec(written("UTC", dict.fromkeys(("thu",), (("00:00", "24:00"),)))).is_open(epoch)


def test_an_open_pause_before_the_deadline_leaves_no_deadline() -> None:
    held = (Pause(hanoi("2025-08-25T09:00"), None, "waiting"),)
    says = r"^paused and not resumed: there is no due date yet$"
    with pytest.raises(StillPaused, match=says):
        office().add(hanoi("2025-08-25T08:00"), timedelta(hours=2), held)
    with pytest.raises(StillPaused, match=says):
        office().add_days(hanoi("2025-08-25T08:00"), 1, count_first_day=True, pauses=held)


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^working time is added forward only$"):
        office().add(hanoi("2025-08-25T08:00"), timedelta(hours=-1))
    with pytest.raises(ValueError, match=r"^a target has at least one working day$"):
        office().add_days(hanoi("2025-08-25T08:00"), 0, count_first_day=True)
    with pytest.raises(ValueError, match="no UTC offset"):
        office().add(datetime(2025, 8, 25, 8), timedelta(hours=1))  # noqa: DTZ001 (naive on purpose)
    with pytest.raises(BadCalendar, match="years 1900 to 2399"):
        office().elapsed(hanoi("2025-08-25T08:00"), datetime.max.replace(tzinfo=UTC))
    with pytest.raises(BadCalendar, match="years 1900 to 2399"):
        office().is_open(datetime(2399, 12, 31, tzinfo=UTC))


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
