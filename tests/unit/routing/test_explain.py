"""Explanations: every stretch with its reason, summing to what was spent. The hand-made cases are in tests/data/explanations."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.organisation import Target
from services.routing.calendars import build
from services.routing.directory import context
from services.routing.domain import clocks
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock, Era
from services.routing.domain.context import Edition
from services.routing.domain.daily import daily
from services.routing.domain.explain import NOTHING, Explanation, by_day, explain
from services.routing.domain.naming import named
from services.routing.explaining import in_english
from services.routing.pages.when import span
from tests.support.accounts import CASES, calendars_of, lived, read
from tests.support.organisations import as_written, organisation
from tests.unit.routing.generated import CALENDARS, EXAMPLES, calendar, instants, written


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_hand_made_case_is_explained_as_a_person_reckoned_it(path: Path) -> None:
    case = read(path)
    calendars, expect = calendars_of(case), case["expect"]
    clock = lived(case, calendars)
    told = explain(clock, calendars.__getitem__, datetime.fromisoformat(case["at"]))
    width = len(expect["lines"][0])
    lines = [
        [
            f"{line.start.astimezone(line.zone):%Y-%m-%d %H:%M}",
            span(line.counted),
            line.words.in_language(expect.get("language", "en")),
            line.calendar,
        ][:width]
        for line in told.lines
    ]
    assert lines == expect["lines"]
    assert span(told.worked) == expect["worked"]
    assert (span(told.left) if told.left is not None else None) == expect.get("left")
    assert (told.left_days, [str(day) for day in told.days]) == (expect.get("left_days"), expect.get("days", []))
    assert told.permille == round(expect["percent"] * 10)
    due = clock.due_at.astimezone(told.lines[-1].zone) if clock.due_at else None
    assert (f"{due:%Y-%m-%d %H:%M}" if due else None) == expect["due"]


def test_there_are_hand_made_cases() -> None:
    assert len(CASES) >= 12


def test_an_era_is_told_in_full_where_its_calendar_is_still_known_as_it_was() -> None:
    case = read(next(path for path in CASES if path.stem == "calendar_edited_since"))
    calendars, then = calendars_of(case), build(written(**case["clock"]["as_it_was"]))
    told = explain(lived(case, calendars), calendars.__getitem__, datetime.fromisoformat(case["at"]), calendar_then=lambda _: then)
    assert [line.reason for line in told.lines] == ["working", "lunch", "working", "outside_hours", "weekend", "working"]
    assert told.worked == timedelta(hours=7)


def test_the_calendar_of_an_era_is_that_of_the_edition_it_was_measured_by() -> None:
    began = datetime(2025, 3, 3, tzinfo=UTC)
    old = context(organisation(), 3, Edition(3, began))
    new = context(organisation(), 9, Edition(7, began, (old,)))
    ages = {revision: new.calendar_then(Era("office", began, NOTHING, 0, False, None, "p", revision)) for revision in (0, 3, 6, 7, 9)}
    assert ages == dict.fromkeys((3, 6), old.calendar("office")) | dict.fromkeys((0, 7, 9), new.calendar("office"))


def test_a_finished_clock_is_explained_up_to_its_end_even_when_it_was_moved_after_that() -> None:
    office, gate = calendar(0), calendar(1)
    start = datetime(2025, 3, 3, 1, tzinfo=UTC)
    clock = clocks.start("resolution", 1, Target(clock="resolution", hours=500), "p", 1, "office", office, start)
    clock = clocks.retarget(clock, clock.target, "p", 2, "gate", gate, start + timedelta(days=5), before=office)
    clock = clocks.finish(clock, start + timedelta(days=2))
    told = explain(clock, {"office": office, "gate": gate}.__getitem__, start + timedelta(days=30))
    assert told.at == told.lines[-1].end == start + timedelta(days=2)
    assert told.worked == office.elapsed(start, start + timedelta(days=2))


def test_a_holiday_has_its_name_in_both_languages_and_a_name_of_our_own_is_kept() -> None:
    seeded = {"key": "office", "timezone": "Asia/Ho_Chi_Minh", "week": {"mon": [["08:00", "12:00"]]}, "holidays": "VN"}
    org = organisation(calendars=[seeded, as_written()["calendars"][1]])
    day = date(2025, 9, 2)
    assert in_english(org, "office", day, "Quốc khánh") == "National Day"
    assert in_english(org, "office", day, "Ngày hội của chi cục") == "Ngày hội của chi cục"
    assert in_english(org, "border", day, "Quốc khánh") == "Quốc khánh"


def test_names_count_the_clocks_of_a_kind_and_cycle_from_the_second_on() -> None:
    office = calendar(0)
    start = datetime(2025, 3, 3, 1, tzinfo=UTC)
    wanted = [("first_response", 1), ("hand_over", 1), ("hand_over", 1), ("hand_over", 2), ("hand_over", 1)]
    started = [
        clocks.start(kind, cycle, Target(clock=kind, hours=5), "p", 1, "office", office, start + timedelta(hours=hour))  # type: ignore[arg-type]
        for hour, (kind, cycle) in enumerate(wanted)
    ]
    assert list(named(started)) == ["first_response-1", "hand_over-1", "hand_over-1-2", "hand_over-2", "hand_over-1-3"]
    assert list(named(started).values()) == started


def test_days_that_went_alike_share_a_row_and_a_day_with_a_clock_change_does_not() -> None:
    night = build(written("Europe/Berlin", dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), (("22:00", "24:00"),))))
    start = datetime(2025, 3, 26, tzinfo=night.zone)
    clock = clocks.start("resolution", 1, Target(clock="resolution", hours=500), "p", 1, "night", night, start)
    rows = [
        (f"{day.first:%m-%d}", f"{day.last:%m-%d}", day.count, day.counted, day.total)
        for day in daily(explain(clock, lambda _: night, datetime(2025, 4, 2, tzinfo=night.zone)).lines)
    ]
    two = timedelta(hours=2)
    assert rows == [("03-26", "03-29", 4, two, 4 * two), ("03-30", "03-30", 1, two, 5 * two), ("03-31", "04-01", 2, two, 7 * two)]


Moves = list[tuple[str, int]]


def wandering(used: list[int], start: datetime, moves: Moves, target: Target) -> tuple[Clock, Calendar, datetime]:
    """A clock that was paused, resumed, moved from calendar to calendar and perhaps finished; the last calendar and instant."""
    when, on = start, 0
    clock = clocks.start("resolution", 1, target, "p", 1, str(used[0]), calendar(used[0]), start)
    for move, minutes in moves:
        when += timedelta(minutes=minutes, microseconds=minutes)
        now = calendar(used[on])
        if move == "move":
            on = (on + 1) % len(used)
            clock = clocks.retarget(clock, target, "p", 1, str(used[on]), calendar(used[on]), when, before=now)
        elif move == "finish":
            clock = clocks.finish(clock, when)
            return clock, now, when
        else:
            clock = clocks.pause(clock, when, "waiting", now) if move == "pause" else clocks.resume(clock, when, now)
    return clock, calendar(used[on]), when


wanderings: Callable[..., Any] = given(
    st.lists(st.integers(0, CALENDARS - 1), min_size=1, max_size=3),
    instants,
    st.lists(st.tuples(st.sampled_from(["pause", "resume", "move", "finish"]), st.integers(0, 3_000)), max_size=6),
    st.sampled_from([{"hours": 100}, {"days": 5}, {"days": 5, "count_first_day": True}]),
)


def explained(used: list[int], start: datetime, moves: Moves, target: dict[str, Any]) -> tuple[Clock, Calendar, Explanation]:
    clock, present, when = wandering(used, start, moves, Target(clock="resolution", **target))
    return clock, present, explain(clock, lambda key: calendar(int(key)), when + timedelta(days=2))


@settings(max_examples=EXAMPLES, deadline=None)
@wanderings
def test_the_lines_have_no_gap_and_sum_to_what_was_spent(used: list[int], start: datetime, moves: Moves, target: dict[str, Any]) -> None:
    clock, present, told = explained(used, start, moves, target)
    assert told.at == (clock.finished_at or told.at)
    if told.at > start:
        assert (told.lines[0].start, told.lines[-1].end) == (start, told.at)
    assert all(line.start < line.end and line.counted in (NOTHING, line.end - line.start) for line in told.lines)
    assert all(before.end == after.start for before, after in pairwise(told.lines))
    assert sum((line.counted for line in told.lines), NOTHING) == told.worked
    assert told.worked == clocks.spent(clock, present, told.at)
    if clock.target.days is not None:
        assert told.counted_days == clocks.spent_days(clock, present, told.at)
    if not clock.eras:
        assert told.worked == present.elapsed(start, told.at, clock.pauses)


@settings(max_examples=EXAMPLES, deadline=None)
@wanderings
def test_the_same_lines_day_by_day_sum_to_the_same(used: list[int], start: datetime, moves: Moves, target: dict[str, Any]) -> None:
    _, _, told = explained(used, start, moves, target)
    parts = list(by_day(told.lines))
    assert all(before.end == after.start for (_, before), (_, after) in pairwise(parts))
    assert all(part.start.astimezone(part.zone).date() == day for day, part in parts)
    rows = list(daily(told.lines))
    assert sum((row.counted * row.count for row in rows), NOTHING) == told.worked
    assert (rows[-1].total if rows else NOTHING) == told.worked


@given(st.lists(st.integers(0, 10**12), max_size=50))
def test_seconds_as_the_api_writes_them_sum_exactly(micros: list[int]) -> None:
    written_out = [json.dumps(timedelta(microseconds=each).total_seconds()) for each in micros]
    assert sum(Fraction(text) for text in written_out) == Fraction(sum(micros), 1_000_000)
