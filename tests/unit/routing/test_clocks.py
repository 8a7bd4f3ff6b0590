"""Clocks: pause, resume, retarget, finish; the day is Wednesday 20 August 2025 in Hanoi unless said otherwise."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.organisation import Target
from services.routing.calendars import build
from services.routing.domain import clocks
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import PAUSES, Clock
from tests.unit.routing.generated import EXAMPLES, calendars, instants, written

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
OFFICE = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("08:00", "12:00"), ("13:00", "17:00")))
ALWAYS = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), (("00:00", "24:00"),))
WEEK: Final = build(written("Asia/Ho_Chi_Minh", OFFICE))
GATE: Final = build(written("Asia/Ho_Chi_Minh", ALWAYS))
EIGHT, FOUR = Target(clock="resolution", hours=8), Target(clock="resolution", hours=4)
FIVE_DAYS = Target(clock="resolution", days=5)


def at(text: str) -> datetime:
    """`20 09:00`: day of August 2025 and time in Hanoi."""
    return datetime.strptime(f"2025-08-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=HANOI)


def started(target: Target = EIGHT, when: str = "20 09:00") -> Clock:
    return clocks.start("resolution", 1, target, "standard", 1, "office", WEEK, at(when))


def paused(clock: Clock, when: str) -> Clock:
    return clocks.pause(clock, at(when), "waiting", WEEK)


def resumed(clock: Clock, when: str) -> Clock:
    return clocks.resume(clock, at(when), WEEK)


def retargeted(clock: Clock, target: Target, when: str) -> Clock:
    return clocks.retarget(clock, target, "standard", 2, "office", WEEK, at(when))


def test_a_clock_is_due_when_its_target_of_working_time_is_spent() -> None:
    assert started().due_at == at("21 09:00")


def test_a_clock_in_days_is_due_at_the_close_of_the_last_one() -> None:
    assert started(FIVE_DAYS).due_at == at("27 17:00")


def test_a_paused_clock_shows_what_is_left_and_no_date() -> None:
    shown = clocks.snapshot(paused(started(), "20 10:00"))
    assert (shown.state, shown.due_at, shown.left, shown.left_days) == ("paused", None, timedelta(hours=7), None)


def test_a_paused_clock_in_days_shows_the_days_left() -> None:
    shown = clocks.snapshot(paused(started(FIVE_DAYS), "22 10:00"))
    assert (shown.state, shown.due_at, shown.left, shown.left_days) == ("paused", None, None, 4)


def test_a_resumed_clock_is_due_later_by_the_working_time_it_stood() -> None:
    clock = resumed(paused(started(), "20 10:00"), "21 15:00")
    assert clock.due_at == at("22 14:00")
    assert clocks.snapshot(clock).left is None


def test_a_pause_outside_opening_hours_changes_nothing() -> None:
    clock = started(Target(clock="resolution", hours=2), "22 16:00")
    assert resumed(paused(clock, "22 18:00"), "24 09:00").due_at == clock.due_at == at("25 09:00")


def test_paused_again_it_goes_on_being_paused_for_the_new_reason() -> None:
    clock = clocks.pause(paused(started(), "20 10:00"), at("20 14:00"), "referred", WEEK)
    assert [(pause.because, pause.ended_at) for pause in clock.pauses] == [("waiting", at("20 14:00")), ("referred", None)]
    assert resumed(clock, "21 15:00").due_at == at("22 14:00")


def test_resuming_what_is_not_paused_changes_nothing() -> None:
    assert resumed(started(), "20 10:00") == started()


def test_a_resume_from_before_the_pause_ends_it_where_it_began() -> None:
    clock = resumed(paused(started(), "20 10:00"), "20 09:30")
    assert (clock.due_at, clock.pauses[0].ended_at) == (started().due_at, at("20 10:00"))


@pytest.mark.parametrize(
    ("finished", "verdict", "missed_at"),
    [("20 15:00", "met", None), ("21 09:00", "met", None), ("21 09:01", "missed", "21 09:00"), ("25 09:00", "missed", "21 09:00")],
)
def test_finishing_at_the_deadline_is_in_time_and_later_is_not(finished: str, verdict: str, missed_at: str | None) -> None:
    clock = clocks.finish(started(), at(finished))
    assert (clock.verdict, clock.finished_at, clock.due_at) == (verdict, at(finished), at("21 09:00"))
    assert clocks.snapshot(clock).missed_at == (missed_at and at(missed_at))


@pytest.mark.parametrize(
    ("began", "verdict"),
    [("20 10:00", "met"), ("21 09:00", "met"), ("21 09:01", "missed")],
)
def test_finished_out_of_a_pause_it_counts_whether_the_pause_began_in_time(began: str, verdict: str) -> None:
    clock = clocks.finish(paused(started(), began), at("29 09:00"))
    assert clock.verdict == verdict
    assert clock.pauses[0].ended_at == at("29 09:00")
    assert clock.missed_at == (at("21 09:00") if verdict == "missed" else None)


def test_after_closing_a_used_up_clock_is_missed_even_if_paused_before_the_next_opening() -> None:
    clock = started(EIGHT, "20 08:00")
    assert clock.due_at == at("20 17:00")
    assert clocks.finish(paused(clock, "20 18:00"), at("21 09:00")).verdict == "missed"


def test_an_answer_accepted_in_time_is_in_time_though_the_miss_was_recorded_meanwhile() -> None:
    late = replace(started(), missed_at=at("21 09:00"))
    clock = clocks.finish(late, at("21 08:59"))
    assert (clock.verdict, clock.missed_at) == ("met", None)


@pytest.mark.parametrize("end", [lambda clock: clocks.finish(clock, at("20 10:00")), lambda clock: clocks.cancel(clock, at("20 10:00"))])
def test_a_verdict_never_changes(end: Callable[[Clock], Clock]) -> None:
    done = end(started())
    assert clocks.finish(done, at("29 09:00")) == done
    assert clocks.cancel(done, at("29 09:00")) == done
    assert paused(done, "20 11:00") == done
    assert resumed(done, "20 11:00") == done
    assert retargeted(done, FOUR, "20 11:00") == done


def test_a_cancelled_clock_has_neither_deadline_nor_miss() -> None:
    shown = clocks.snapshot(clocks.cancel(started(), at("29 09:00")))
    assert (shown.state, shown.due_at, shown.missed_at, shown.finished_at) == ("cancelled", None, None, at("29 09:00"))


def test_what_was_held_for_a_pause_is_gone_when_it_ends() -> None:
    hours, days = paused(started(), "20 10:00"), paused(started(FIVE_DAYS), "22 10:00")
    assert (hours.held_due_at, hours.left, days.held_due_at, days.left_days) == (at("21 09:00"), timedelta(hours=7), at("27 17:00"), 4)
    ends: list[Callable[[Clock], Clock]] = [
        lambda clock: resumed(clock, "22 11:00"),
        lambda clock: clocks.finish(clock, at("22 11:00")),
        lambda clock: clocks.cancel(clock, at("22 11:00")),
    ]
    ended = [end(clock) for end in ends for clock in (hours, days)]
    assert [(clock.held_due_at, clock.left, clock.left_days) for clock in ended] == [(None, None, None)] * 6


def test_paused_at_the_very_close_of_the_last_day_and_finished_there_it_is_in_time() -> None:
    clock = started(Target(clock="resolution", days=1))
    assert clocks.finish(paused(clock, "21 17:00"), at("22 09:00")).verdict == "met"
    assert clocks.finish(paused(clock, "21 17:01"), at("22 09:00")).verdict == "missed"


def test_nothing_is_spent_after_the_end() -> None:
    hours, days = clocks.finish(started(), at("20 15:00")), clocks.finish(started(FIVE_DAYS), at("22 18:00"))
    assert [clocks.spent(hours, WEEK, at(when)) for when in ("20 10:00", "25 09:00")] == [timedelta(hours=1), timedelta(hours=5)]
    assert [clocks.spent_days(days, WEEK, at(when)) for when in ("21 18:00", "29 18:00")] == [1, 2]


def test_a_day_that_closed_in_a_pause_is_not_spent() -> None:
    clock = resumed(paused(started(FIVE_DAYS), "21 10:00"), "22 10:00")
    assert clocks.spent_days(clock, WEEK, at("25 18:00")) == 2


def test_the_day_of_receipt_counts_where_the_target_says_so() -> None:
    counted = Target(clock="resolution", days=2, count_first_day=True)
    assert started(counted).due_at == at("21 17:00")
    assert clocks.spent_days(started(counted), WEEK, at("20 18:00")) == 1
    assert started(counted, "20 17:30").due_at == at("22 17:00")


# New targets


def test_a_new_target_is_that_of_its_policy_and_revision() -> None:
    clock = clocks.retarget(started(), FOUR, "urgent", 2, "gate", GATE, at("20 10:00"), before=WEEK)
    assert (clock.policy, clock.revision, clock.calendar, clock.target) == ("urgent", 2, "gate", FOUR)
    assert [(era.calendar, era.policy, era.revision) for era in clock.eras] == [("office", "standard", 1)]


def test_a_miss_keeps_its_recorded_instant_though_a_later_target_would_have_been_due_before() -> None:
    clock = retargeted(replace(started(), missed_at=at("21 09:00")), FOUR, "21 10:00")
    assert (clock.due_at, clock.is_missed) == (at("20 14:00"), True)
    assert clocks.finish(clock, at("21 11:00")).missed_at == at("21 09:00")


def test_a_target_raised_inside_a_pause_lifts_a_recorded_miss() -> None:
    late = paused(replace(started(), missed_at=at("21 09:00")), "21 10:00")
    assert late.is_missed
    assert not retargeted(late, Target(clock="resolution", hours=16), "21 11:00").is_missed


def test_the_day_of_receipt_stays_counted_when_the_calendar_changes() -> None:
    counted = Target(clock="resolution", days=3, count_first_day=True)
    clock = clocks.retarget(started(counted), counted, "standard", 2, "gate", GATE, at("21 10:00"), before=WEEK)
    assert (clock.carried_days, clock.due_at) == (1, at("23 00:00"))


def test_a_day_that_closed_in_a_pause_stays_uncounted_when_the_calendar_changes() -> None:
    clock = resumed(paused(started(FIVE_DAYS), "21 10:00"), "22 10:00")
    clock = clocks.retarget(clock, FIVE_DAYS, "standard", 2, "gate", GATE, at("22 18:00"), before=WEEK)
    assert (clock.carried_days, clock.due_at) == (1, at("27 00:00"))


def test_a_target_cut_in_half_keeps_the_pause() -> None:
    clock = resumed(paused(started(), "20 10:00"), "21 15:00")
    assert retargeted(clock, FOUR, "21 16:00").due_at == at("22 09:00")


def test_a_target_cut_below_what_was_spent_is_due_at_the_change() -> None:
    clock = retargeted(started(), FOUR, "20 16:00")
    assert clock.due_at == at("20 16:00")
    assert clocks.finish(clock, at("20 15:00")).verdict == "met", "done before anybody could know"
    assert retargeted(clock, EIGHT, "20 16:00").due_at == started().due_at, "and it counts no more than before"


def test_cut_below_what_was_spent_while_paused_it_is_not_overdue_but_missed_when_it_ends() -> None:
    clock = retargeted(paused(started(), "20 16:00"), FOUR, "20 16:30")
    shown = clocks.snapshot(clock)
    assert (shown.state, shown.due_at, shown.left) == ("paused", None, timedelta(0))
    assert clocks.finish(clock, at("20 16:40")).verdict == "missed"
    assert clock.held_due_at == at("20 16:30")
    assert resumed(clock, "20 16:40").due_at == at("20 16:40")


def test_hours_become_days_by_counting_the_days_that_passed() -> None:
    assert retargeted(started(EIGHT), FIVE_DAYS, "21 10:00").due_at == at("27 17:00")


def test_days_become_hours_by_counting_the_hours_that_passed() -> None:
    hours = Target(clock="resolution", hours=20)
    assert retargeted(started(FIVE_DAYS), hours, "21 10:00").due_at == at("22 14:00")


def test_hours_become_days_with_a_pause_kept() -> None:
    clock = resumed(paused(started(), "20 10:00"), "21 15:00")
    counted = Target(clock="resolution", days=2, count_first_day=True)
    assert retargeted(clock, counted, "21 16:00").due_at == at("22 17:00")


def test_a_change_of_calendar_keeps_what_was_spent_on_the_old_one() -> None:
    clock = clocks.retarget(started(), EIGHT, "standard", 2, "gate", GATE, at("20 17:30"), before=WEEK)
    assert clock.due_at == at("20 18:30")
    assert clocks.spent(clock, GATE, at("20 18:00")) == timedelta(hours=7, minutes=30)


def test_a_change_of_calendar_without_the_old_one_measures_all_on_the_new_one() -> None:
    assert clocks.retarget(started(), EIGHT, "standard", 2, "gate", GATE, at("20 11:00")).due_at == at("20 17:00")


def test_a_change_of_calendar_counts_no_day_twice() -> None:
    late = build(written("Asia/Ho_Chi_Minh", dict.fromkeys(OFFICE, (("08:00", "20:00"),))))
    clock = clocks.retarget(started(FIVE_DAYS), FIVE_DAYS, "standard", 2, "late", late, at("21 18:00"), before=WEEK)
    assert clock.due_at == at("27 20:00")
    assert clocks.spent_days(clock, late, at("22 20:00")) == 2


def test_a_change_of_calendar_and_of_whether_the_day_of_receipt_counts() -> None:
    counted = Target(clock="resolution", days=5, count_first_day=True)
    clock = clocks.retarget(started(FIVE_DAYS), counted, "standard", 2, "gate", GATE, at("20 17:30"), before=WEEK)
    assert clock.due_at == at("25 00:00")


def test_a_change_of_calendar_that_uses_up_the_target_makes_it_due_at_once() -> None:
    clock = clocks.retarget(started(), FOUR, "standard", 2, "gate", GATE, at("20 16:00"), before=WEEK)
    assert clock.due_at == at("20 16:00")
    days = clocks.retarget(started(FIVE_DAYS), Target(clock="resolution", days=1), "standard", 2, "gate", GATE, at("25 09:00"), before=WEEK)
    assert days.due_at == at("25 09:00")


def test_cut_below_what_was_spent_by_a_change_of_calendar_inside_a_pause_it_is_missed_when_it_ends_there() -> None:
    clock = clocks.retarget(paused(started(), "20 16:00"), FOUR, "standard", 2, "gate", GATE, at("20 16:30"), before=WEEK)
    assert clocks.snapshot(clock).left == timedelta(0)
    assert clocks.finish(clock, at("20 16:40")).verdict == "missed"
    one = Target(clock="resolution", days=1)
    days = clocks.retarget(paused(started(FIVE_DAYS), "25 09:00"), one, "standard", 2, "gate", GATE, at("25 10:00"), before=WEEK)
    assert clocks.snapshot(days).left_days == 0
    assert clocks.finish(days, at("25 11:00")).verdict == "missed"


def test_a_target_spent_to_the_last_minute_before_the_calendar_changes_keeps_its_true_miss() -> None:
    hours = replace(started(EIGHT, "20 08:00"), missed_at=at("20 17:00"))
    assert clocks.retarget(hours, EIGHT, "standard", 2, "gate", GATE, at("21 07:00"), before=WEEK).due_at == at("20 17:00")
    one = Target(clock="resolution", days=1)
    days = replace(started(one), missed_at=at("21 17:00"))
    assert clocks.retarget(days, one, "standard", 2, "gate", GATE, at("22 07:00"), before=WEEK).due_at == at("21 17:00")


def test_a_date_that_closed_on_three_calendars_in_turn_counts_once() -> None:
    later, latest = (build(written("Asia/Ho_Chi_Minh", dict.fromkeys(OFFICE, (("08:00", close),)))) for close in ("18:00", "20:00"))
    clock = clocks.retarget(started(FIVE_DAYS), FIVE_DAYS, "standard", 2, "later", later, at("21 17:30"), before=WEEK)
    clock = clocks.retarget(clock, FIVE_DAYS, "standard", 3, "latest", latest, at("21 18:30"), before=later)
    assert clock.due_at == at("27 20:00")


def test_a_change_dated_before_the_last_one_moves_nothing_back() -> None:
    clock = clocks.retarget(started(), EIGHT, "standard", 2, "gate", GATE, at("20 16:00"), before=WEEK)
    clock = clocks.retarget(clock, EIGHT, "standard", 3, "office", WEEK, at("20 15:00"), before=GATE)
    assert (clock.since, clock.due_at) == (at("20 16:00"), at("21 09:00"))


def test_an_end_heard_of_after_the_calendar_changed_was_spent_on_the_calendar_of_that_time() -> None:
    clock = resumed(paused(started(), "20 10:00"), "20 11:00")
    clock = clocks.retarget(clock, EIGHT, "standard", 2, "gate", GATE, at("20 16:00"), before=WEEK)
    done = clocks.finish(clock, at("20 15:00"))
    assert clocks.spent(done, GATE, at("22 09:00"), lambda _: WEEK) == timedelta(hours=4)
    assert clocks.spent(done, GATE, at("22 09:00")) == timedelta(hours=5)


def test_a_missed_clock_stays_missed_at_its_true_instant_when_its_calendar_changes() -> None:
    late = replace(started(), missed_at=at("21 09:00"))
    clock = clocks.retarget(late, EIGHT, "standard", 2, "gate", GATE, at("21 13:00"), before=WEEK)
    assert (clock.due_at, clock.is_missed) == (at("21 09:00"), True)


def test_a_later_target_lifts_a_recorded_miss() -> None:
    late = replace(started(), missed_at=at("21 09:00"))
    clock = retargeted(late, Target(clock="resolution", hours=16), "21 13:00")
    assert (clock.is_missed, clock.due_at) == (False, at("22 09:00"))
    assert clocks.snapshot(clock).missed_at is None
    assert clocks.finish(clock, at("21 14:00")).verdict == "met"


# Priority, group, policy and calendar change in every order

LONGER = build(written("Asia/Ho_Chi_Minh", {**OFFICE, "sat": (("08:00", "12:00"),)}))
BOTH = build(written("Asia/Ho_Chi_Minh", ALWAYS, closed=["2025-08-22"]))
ORDERS = tuple(permutations(("priority", "group", "policy", "calendar")))


def changed(clock: Clock, done: frozenset[str], change: str, when: datetime) -> Clock:
    """The clock after one change: priority halves the target, policy adds six hours, group and calendar change the hours."""
    now = done | {change}
    hours = (4 if "priority" in now else 8) + (6 if "policy" in now else 0)
    target = Target(clock="resolution", hours=hours)
    before, after = calendar_after(done), calendar_after(now)
    key = "gate" if "group" in now else "office"
    return clocks.retarget(clock, target, "fast" if "policy" in now else "standard", len(now), key, after, when, before=before)


def calendar_after(done: frozenset[str]) -> Calendar:
    if "group" in done:
        return BOTH if "calendar" in done else GATE
    return LONGER if "calendar" in done else WEEK


def all_changed(clock: Clock, order: tuple[str, ...], times: list[datetime]) -> Clock:
    done: frozenset[str] = frozenset()
    for change, when in zip(order, times, strict=True):
        clock = changed(clock, done, change, when)
        done |= {change}
    return clock


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_in_every_order_of_changes_inside_a_pause_the_time_spent_and_the_pause_survive(order: tuple[str, ...]) -> None:
    clock = all_changed(paused(started(), "20 10:00"), order, [at(f"21 {hour}:00") for hour in (8, 9, 14, 18)])
    assert (clock.due_at, clock.left) == (None, timedelta(hours=9))
    clock = clocks.resume(clock, at("21 20:00"), BOTH)
    assert clock.due_at == at("23 05:00")
    assert [(pause.began_at, pause.ended_at) for pause in clock.pauses] == [(at("20 10:00"), at("21 20:00"))]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_in_every_order_of_changes_after_a_pause_the_time_spent_and_the_pause_survive(order: tuple[str, ...]) -> None:
    clock = all_changed(resumed(paused(started(), "20 10:00"), "21 14:00"), order, [at("21 16:00")] * 4)
    assert clock.due_at == at("21 23:00")
    assert clocks.spent(clock, BOTH, at("21 17:00")) == timedelta(hours=4)
    assert [(pause.began_at, pause.ended_at) for pause in clock.pauses] == [(at("20 10:00"), at("21 14:00"))]


def test_only_the_resolution_and_the_hand_over_ever_pause() -> None:
    assert {kind: sorted(statuses) for kind, statuses in PAUSES.items()} == {
        "first_response": [],
        "next_response": [],
        "resolution": ["referred", "waiting"],
        "hand_over": ["waiting"],
    }


def test_a_clock_survives_being_written_as_json_and_read_again() -> None:
    adapter = TypeAdapter(Clock)
    clock = paused(clocks.retarget(started(), FIVE_DAYS, "standard", 2, "gate", GATE, at("20 17:30"), before=WEEK), "20 18:00")
    assert adapter.validate_json(adapter.dump_json(clock)) == clock


wholes = st.one_of(
    st.builds(Target, clock=st.just("resolution"), hours=st.floats(1e-12, 200)),
    st.builds(Target, clock=st.just("resolution"), days=st.integers(1, 30), count_first_day=st.booleans()),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(calendars, instants, wholes)
def test_a_fresh_clock_measured_anew_by_what_it_was_started_with_stays_as_it_is(calendar: Calendar, start: datetime, whole: Target) -> None:
    clock = clocks.start("resolution", 1, whole, "p", 1, "c", calendar, start)
    assert clocks.retarget(clock, whole, "p", 1, "c", calendar, start) == clock


@settings(max_examples=EXAMPLES, deadline=None)
@given(calendars, instants, st.integers(1, 4_000), st.lists(st.tuples(st.integers(0, 500), st.integers(0, 5_000)), max_size=4))
def test_a_pause_takes_nothing_and_gives_nothing(calendar: Calendar, start: datetime, minutes: int, stops: list[tuple[int, int]]) -> None:
    target = Target(clock="resolution", hours=minutes / 60)
    clock, when = clocks.start("resolution", 1, target, "p", 1, "c", calendar, start), start
    for run, stand in stops:
        when += timedelta(minutes=run)
        before = clock.due_at
        held = clocks.pause(clock, when, "waiting", calendar)
        when += timedelta(minutes=stand)
        clock = clocks.resume(held, when, calendar)
        assert clock.due_at is not None
        assert before is not None
        began = when - timedelta(minutes=stand)
        if before <= began:
            assert clock.due_at == before
        else:
            assert calendar.elapsed(when, clock.due_at) == calendar.elapsed(began, before) == held.left
    assert clock.due_at is not None
    assert clocks.spent(clock, calendar, clock.due_at.astimezone(UTC)) == timedelta(hours=minutes / 60)
