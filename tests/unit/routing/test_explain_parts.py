"""Explanations of clocks that changed calendars, and the same lines day by day: hand-made, each with what a person reckoned."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from schemas.organisation import Target
from schemas.values import LocalText
from services.routing.calendars import build
from services.routing.domain import clocks
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock
from services.routing.domain.explain import NOTHING, Explanation, Source, explain
from tests.support.organisations import OFFICE_DAY, ROUND_THE_CLOCK, ZONE, local
from tests.unit.routing.generated import written

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE = build(written("Asia/Ho_Chi_Minh", dict.fromkeys(WEEKDAYS, OFFICE_DAY)))
GATE = build(written("Asia/Ho_Chi_Minh", dict.fromkeys((*WEEKDAYS, "sat", "sun"), ROUND_THE_CLOCK)))
AS_THEY_WERE = {"office": OFFICE, "gate": GATE}
MORNINGS = build(written("Asia/Ho_Chi_Minh", dict.fromkeys(WEEKDAYS, OFFICE_DAY[:1])))
EDITED = {"office": MORNINGS, "gate": MORNINGS}
START, TO_GATE, BACK, AT = (local(f"2025-03-{at}") for at in ("03 10:00", "05 12:30", "07 10:00", "10 10:00"))
"""Monday, Wednesday, Friday, and the Monday after."""


def moved(**target: Any) -> Clock:
    """From the office to the gate and back, under another policy and revision each time."""
    wanted = Target(clock="resolution", **target)
    clock = clocks.start("resolution", 1, wanted, "p", 1, "office", OFFICE, START)
    clock = clocks.retarget(clock, wanted, "q", 4, "gate", GATE, TO_GATE, before=OFFICE)
    return clocks.retarget(clock, wanted, "r", 6, "office", OFFICE, BACK, before=GATE)


def told(clock: Clock, present: dict[str, Calendar], *, as_it_was: bool, at: datetime = AT) -> Explanation:
    then = (lambda era: AS_THEY_WERE[era.calendar]) if as_it_was else None
    return explain(clock, present.__getitem__, at, calendar_then=then)


def hours(whole: float) -> timedelta:
    return timedelta(hours=whole)


def march(*days: int) -> tuple[date, ...]:
    return tuple(date(2025, 3, day) for day in days)


@pytest.mark.parametrize(("first_counts", "carried", "left"), [(False, 3, 16), (True, 4, 15)])
def test_days_of_eras_that_cannot_be_told_any_more_are_carried_as_they_were_counted(first_counts: bool, carried: int, left: int) -> None:
    clock = moved(days=20, count_first_day=first_counts)
    account = told(clock, EDITED, as_it_was=False)
    assert (account.days, account.carried_days, account.counted_days, account.left_days) == (march(7), carried, carried + 1, left)
    was = told(clock, AS_THEY_WERE, as_it_was=True)
    assert (was.days, was.carried_days) == (march(*([3] if first_counts else []), 4, 5, 6, 7), 0)


def test_an_era_that_cannot_be_told_any_more_is_one_line_under_its_policy_and_revision() -> None:
    first, second, *rest = told(moved(days=20), EDITED, as_it_was=False).lines
    assert (first.start, first.end, first.counted, first.source) == (START, TO_GATE, hours(18), Source("office", "p", 1))
    assert (second.start, second.end, second.counted, second.source) == (TO_GATE, BACK, hours(45.5), Source("gate", "q", 4))
    assert [(line.reason, line.words.en) for line in (first, second)] == [
        ("carried", "counted on the calendar before this one: policy p, revision 1"),
        ("carried", "counted on the calendar before this one: policy q, revision 4"),
    ]
    assert {line.source for line in rest} == {Source("office", "r", 6)}
    assert sum((line.counted for line in rest), NOTHING) == hours(4)


def test_each_line_of_an_era_told_in_full_has_its_source_and_a_clock_in_hours_has_no_days() -> None:
    account = told(moved(hours=100), AS_THEY_WERE, as_it_was=True)
    by_source: dict[Source, timedelta] = {}
    for line in account.lines:
        by_source[line.source] = by_source.get(line.source, NOTHING) + line.counted
    assert by_source == {Source("office", "p", 1): hours(18), Source("gate", "q", 4): hours(45.5), Source("office", "r", 6): hours(8)}
    assert (account.days, account.carried_days, account.worked, account.whole) == ((), 0, hours(71.5), hours(100))
    assert told(moved(hours=100), EDITED, as_it_was=False).carried_days == 0


def test_an_era_from_before_policies_were_kept_has_no_name() -> None:
    clock = moved(hours=100)
    older = replace(clock, eras=tuple(replace(each, policy="", revision=0) for each in clock.eras))
    assert [line.name for line in told(older, EDITED, as_it_was=False).lines[:2]] == [None, None]


def test_an_era_that_would_count_the_same_by_the_present_calendar_is_told_in_full() -> None:
    assert {line.reason for line in told(moved(hours=100), AS_THEY_WERE, as_it_was=False).lines}.isdisjoint({"carried"})


def test_a_date_that_closed_on_two_calendars_counts_once() -> None:
    target = Target(clock="resolution", days=20)
    clock = clocks.start("resolution", 1, target, "p", 1, "office", OFFICE, START)
    for key, at, present, before in (
        ("gate", "04 18:00", GATE, OFFICE),
        ("office", "06 00:30", OFFICE, GATE),
        ("gate", "06 18:00", GATE, OFFICE),
    ):
        clock = clocks.retarget(clock, target, "p", 1, key, present, local(f"2025-03-{at}"), before=before)
    assert told(clock, AS_THEY_WERE, as_it_was=False, at=local("2025-03-08 00:00")).days == march(4, 5, 6, 7)


def test_pauses_on_an_earlier_calendar_and_on_this_one_take_time_and_days() -> None:
    target = Target(clock="resolution", days=10)
    clock = clocks.start("resolution", 1, target, "p", 1, "office", OFFICE, START)
    clock = clocks.resume(clocks.pause(clock, local("2025-03-04 16:00"), "waiting", OFFICE), local("2025-03-05 09:00"), OFFICE)
    clock = clocks.retarget(clock, target, "q", 2, "gate", GATE, TO_GATE, before=OFFICE)
    clock = clocks.resume(clocks.pause(clock, local("2025-03-06 23:00"), "referred", GATE), local("2025-03-07 01:00"), GATE)
    account = told(clock, AS_THEY_WERE, as_it_was=False, at=local("2025-03-08 00:00"))
    assert [
        (f"{line.start.astimezone(ZONE):%d %H}", line.end - line.start, line.counted) for line in account.lines if line.reason == "paused"
    ] == [
        ("04 16", hours(1), NOTHING),
        ("05 08", hours(1), NOTHING),
        ("06 23", hours(2), NOTHING),
    ]
    assert (account.days, account.worked) == (march(5, 7), hours(6 + 7 + 3 + 11.5 + 23 + 23))


def test_the_whole_of_a_target_in_days_leaves_out_pauses_that_ended_and_the_present_one_moves_nothing() -> None:
    clock = clocks.start("resolution", 1, Target(clock="resolution", days=2), "p", 1, "office", OFFICE, START)
    assert told(clock, AS_THEY_WERE, as_it_was=False).whole == hours(6 + 8 + 8)
    clock = clocks.resume(clocks.pause(clock, local("2025-03-04 08:00"), "waiting", OFFICE), local("2025-03-04 10:00"), OFFICE)
    assert told(clock, AS_THEY_WERE, as_it_was=False).whole == hours(6 + 6 + 8)
    clock = clocks.pause(clock, local("2025-03-04 11:00"), "waiting", OFFICE)
    paused = told(clock, AS_THEY_WERE, as_it_was=False, at=local("2025-03-04 12:00"))
    assert (paused.whole, paused.worked, paused.permille) == (hours(6 + 6 + 8), hours(7), 350)


@pytest.mark.parametrize(("whole", "permille"), [(None, None), (NOTHING, None), (-hours(1), None), (hours(3), 333), (hours(1), 1000)])
def test_a_share_is_told_only_of_a_target_that_has_any_time(whole: timedelta | None, permille: int | None) -> None:
    account = Explanation(AT, (), hours(1), (), 0, whole, None, whole)
    assert account.permille == permille


def test_names_of_days_are_asked_for_by_calendar_and_date_also_for_an_earlier_calendar() -> None:
    def named(key: str, day: date, name: str) -> LocalText:
        return LocalText(vi=f"{key} {day}", en=name)

    off = [{"date": "2025-03-04", "name": "Founding"}, {"date": "2025-03-06", "name": "Flood"}]
    old, new = (build(written("Asia/Ho_Chi_Minh", dict.fromkeys(WEEKDAYS, OFFICE_DAY), closed=off)) for _ in range(2))
    target = Target(clock="resolution", hours=100)
    clock = clocks.start("resolution", 1, target, "p", 1, "old", old, START)
    clock = clocks.retarget(clock, target, "q", 2, "new", new, TO_GATE, before=old)
    account = explain(clock, {"old": old, "new": new}.__getitem__, local("2025-03-07 09:00"), named)
    assert [(line.name.vi, line.name.en) for line in account.lines if line.name] == [
        ("old 2025-03-04", "Founding"),
        ("new 2025-03-06", "Flood"),
    ]


def test_a_day_of_special_hours_without_any_is_a_day_off() -> None:
    office = build(written("Asia/Ho_Chi_Minh", dict.fromkeys(WEEKDAYS, OFFICE_DAY), extra={"2025-03-04": []}))
    clock = clocks.start("resolution", 1, Target(clock="resolution", hours=100), "p", 1, "office", office, local("2025-03-03 16:00"))
    account = explain(clock, lambda _: office, local("2025-03-05 09:00"))
    assert [line.reason for line in account.lines] == ["working", "outside_hours", "closed_day", "outside_hours", "working"]
