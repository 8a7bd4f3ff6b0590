"""Days off from iCalendar files: what they close, what local entries override, and what cannot be understood."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from helpdesk.calendar import described
from helpdesk.organisation import OrganisationErrors, read
from helpdesk.organisation.ics import Wrong, days_off

DATA = Path(__file__).parents[2] / "data"
HOLIDAYS = (DATA / "calendars" / "holidays.ics").read_text(encoding="utf-8")
SOUND = (DATA / "organisations" / "sound.yaml").read_text(encoding="utf-8")
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def found(text: str = HOLIDAYS, zone: ZoneInfo = HANOI) -> tuple[dict[str, str], dict[str, list[tuple[str, str]]], list[Wrong]]:
    off = days_off(text, zone, NOW)
    return {f"{day}": name for day, name in off.closed.items()}, {f"{day}": windows for day, windows in off.closures.items()}, off.wrong


def event(*lines: str) -> str:
    return "\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"))


def test_an_all_day_event_closes_its_days_and_not_the_day_it_ends_on() -> None:
    closed, _, wrong = found()
    assert wrong == []
    assert [day for day, name in closed.items() if name == "Tết Nguyên đán"] == [f"2027-02-{day:02}" for day in range(5, 12)]


def test_a_yearly_rule_repeats_from_last_year_to_ten_years_ahead_without_what_it_leaves_out() -> None:
    closed, _, _ = found()
    years = [day[:4] for day, name in closed.items() if name == "Quốc khánh, ngày nghỉ"]
    assert years == ["2020", *(str(year) for year in range(2025, 2037) if year != 2029)]


@pytest.mark.parametrize(
    ("day", "windows"),
    [
        ("2027-03-05", [("10:00", "11:45")]),  # 10:00-11:30 in Hanoi and 04:00-04:45 UTC
        ("2027-06-10", [("14:00", "24:00")]),  # two days and a night, in a zone the file itself defines
        ("2027-06-12", [("00:00", "09:00")]),
        ("2029-12-24", [("12:00", "17:00")]),  # the last of its rule
    ],
)
def test_an_event_with_times_closes_those_hours(day: str, windows: list[tuple[str, str]]) -> None:
    closed, closures, _ = found()
    assert closures[day] == windows
    assert "2027-06-11" in closed
    assert "2030-12-24" not in closures


def test_times_of_another_zone_are_those_of_the_calendars_wall() -> None:
    _, closures, _ = found(zone=ZoneInfo("Europe/Paris"))
    assert closures["2027-03-05"] == [("04:00", "05:45")]


def test_a_weekly_event_keeps_its_hour_over_a_change_of_the_clocks() -> None:
    rule = event("DTSTART;TZID=Europe/Paris:20270326T080000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2")
    _, closures, _ = found(rule, ZoneInfo("Europe/Paris"))
    assert closures == {"2027-03-26": [("08:00", "09:00")], "2027-04-02": [("08:00", "09:00")]}


def test_a_moved_occurrence_stands_in_the_place_of_the_one_it_was_and_a_cancelled_event_closes_nothing() -> None:
    closed, _, _ = found()
    assert [day for day, name in closed.items() if name.startswith("Đào tạo")] == ["2027-01-06", "2027-01-20", "2027-01-14"]
    assert "2027-07-01" not in closed


def test_seconds_close_the_minutes_they_touch() -> None:
    _, closures, _ = found(event("DTSTART:20270105T080030", "DTEND:20270105T083001"))
    assert closures == {"2027-01-05": [("08:00", "08:31")]}


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (["SUMMARY:x"], 2, "the event has no start"),
        (["SUMMARY:x", "DTSTART;VALUE=DATE:20271345"], 4, "DTSTART cannot be understood"),
        (["DTSTART;TZID=Mars/Base:20270101T080000", "DURATION:PT1H"], 3, 'there is no time zone "Mars/Base"'),
        (["DTSTART:20270101T080000", "DURATION:PT1H", "RRULE:FREQ=HOURLY"], 5, "a rule that repeats hourly is no rule for days off"),
        (["DTSTART;VALUE=DATE:20270101", "RRULE:nonsense"], 4, "a rule that repeats none is no rule for days off"),
        (["DTSTART;VALUE=DATE:20270102", "DTEND;VALUE=DATE:20270101"], 4, "the event ends before it has begun, or at the same time"),
        (["DTSTART:20270102T080000"], 3, "the event ends before it has begun, or at the same time"),
        (
            ["DTSTART;VALUE=DATE:20270102", "DTEND:20270103T080000"],
            4,
            "the event begins on a day and ends at a time, or the other way round",
        ),
        (["DTSTART:20270102T080000Z", "DTEND:20270102T090000"], 4, "one of the two times names a zone and the other does not"),
        (["DTSTART:20270102T080000", "DTSTART:20270103T080000"], 3, "the event has DTSTART twice"),
        (["DTSTART;VALUE=DATE:20270102", "DTEND;VALUE=DATE:20370102"], 4, "the event lasts 3653 days"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_line(lines: list[str], line: int, message: str) -> None:
    closed, closures, wrong = found(event(*lines))
    assert ([(one.line, one.message) for one in wrong], closed, closures) == ([(line, message)], {}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no event in it"),
        ("hello", "this is not an iCalendar file"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR", "there is no event in it"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270102T080000Z\nEND:VCALENDAR", "this event does not end"),
    ],
)
def test_a_file_without_events_is_refused(text: str, message: str) -> None:
    assert found(text)[2][0].message == message


def written(folder: Path, calendar: str, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.ics").write_text(text, encoding="utf-8")
    path = folder / "org.yaml"
    path.write_text(SOUND.replace("    holidays: VN\n", f"    holidays: VN\n{calendar}"), encoding="utf-8")
    return path


def test_what_is_loaded_holds_the_days_themselves_with_their_file(tmp_path: Path) -> None:
    path = written(
        tmp_path, "    ics: holidays.ics\n    closures:\n      2027-03-05: [[08:00, 09:00]]\n    closed: [2027-02-08]\n", holidays=HOLIDAYS
    )
    spec = read(path, NOW).calendars[0]
    days = {entry.date: (entry.name, entry.source) for entry in spec.closed}
    assert days[date(2027, 2, 5)] == ("Tết Nguyên đán", "holidays.ics")
    assert days[date(2027, 2, 8)] == ("", "")  # written here, so the file does not count for that day
    assert spec.closures[date(2027, 3, 5)] == (("08:00", "09:00"),)
    assert spec.closures[date(2027, 6, 10)] == (("14:00", "24:00"),)
    assert spec.names[date(2027, 6, 10)] == "Chuyển trụ sở"
    assert read(path, NOW) == read(path, NOW.replace(month=11))  # the same all year, so that loading it again changes nothing


def test_every_problem_of_every_file_is_told_where_the_file_is_named(tmp_path: Path) -> None:
    bad = event("DTSTART;VALUE=DATE:20271345")
    path = written(tmp_path, "    ics:\n      - gone.ics\n      - bad.ics\n", bad=bad)
    with pytest.raises(OrganisationErrors) as refusal:
        read(path, NOW)
    lines = path.read_text(encoding="utf-8").splitlines()
    first = lines.index("      - gone.ics") + 1
    assert [(problem.line, problem.path) for problem in refusal.value.problems] == [
        (first, "calendars[0].ics[0]"),
        (first + 1, "calendars[0].ics[1]"),
    ]
    assert "bad.ics:3: DTSTART cannot be understood" in str(refusal.value)


def test_a_calendar_that_never_opens_because_of_a_file_is_refused(tmp_path: Path) -> None:
    always = event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY", "SUMMARY:Giải thể")
    path = written(tmp_path, "    ics: always.ics\n", always=always)
    with pytest.raises(OrganisationErrors, match="never opens"):
        read(path, NOW)


def test_a_year_is_shown_with_every_day_off_its_name_and_where_it_comes_from(tmp_path: Path) -> None:
    rules = '    ics: holidays.ics\n    extra:\n      2027-02-13: [["08:00", "12:00"]]\n    names: {2027-02-13: Làm bù}\n'
    path = written(tmp_path, rules, holidays=HOLIDAYS)
    shown = list(described(read(path, NOW).calendars[0], 2027))
    assert shown[0].startswith("office (Asia/Ho_Chi_Minh), 2027: ")
    assert "  mon  08:00-12:00 13:00-17:00" in shown
    assert "  Mon 2027-02-08  Tết Nguyên đán  [holidays.ics]" in shown
    assert "  Fri 2027-01-01  Tết Dương lịch  [holidays VN]" in shown
    assert "  Sat 2027-02-13  08:00-12:00  [extra]  Làm bù" in shown
    assert "  Fri 2027-03-05  closed  [closed 10:00-11:45]  Họp toàn thể; Diễn tập phòng cháy" in shown


def test_the_hours_and_days_of_a_year_are_those_that_are_counted() -> None:
    lines = list(described(read(SOUND, NOW).calendars[0], 2027))
    # 52 Mondays; 8 February is in Tết, 3 May the day after a holiday on a Saturday.
    assert lines[0] == "office (Asia/Ho_Chi_Minh), 2027: 50 working days, 400 hours"
