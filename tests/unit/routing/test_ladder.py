"""Warnings, the miss and the steps after it; the day is Wednesday 20 August 2025 in Hanoi."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schemas.organisation import PolicySpec, Step, Target
from services.routing.calendars import build
from services.routing.domain import clocks, ladder
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock
from services.routing.domain.ladder import Alarm
from tests.unit.routing.generated import written

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
OFFICE = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("08:00", "12:00"), ("13:00", "17:00")))
WEEK = build(written("Asia/Ho_Chi_Minh", OFFICE, closed=["2025-09-01", "2025-09-02"]))
GATE = build(written("Asia/Ho_Chi_Minh", dict.fromkeys((*OFFICE, "sat", "sun"), (("00:00", "24:00"),))))
EIGHT = Target(clock="resolution", hours=8, warn_percent=(75, 50))
POLICY = PolicySpec(key="standard", targets=(EIGHT,))
QUIET = PolicySpec(key="quiet", targets=(EIGHT,), ladder=())


def at(text: str, month: int = 8) -> datetime:
    return datetime.strptime(f"2025-{month:02}-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=HANOI)


def started(target: Target = EIGHT, when: datetime | None = None) -> Clock:
    return clocks.start(target.clock, 1, target, "standard", 1, "office", WEEK, when or at("20 09:00"))


def calendar_of(key: str) -> Calendar:
    return {"office": WEEK, "gate": GATE}[key]


def policy_of(key: str) -> PolicySpec:
    return {"standard": POLICY, "quiet": QUIET}[key]


def listed(alarms: tuple[Alarm, ...]) -> list[tuple[str, str, int | None]]:
    return [
        (f"{alarm.at.astimezone(HANOI):%m-%d %H:%M}", alarm.what, alarm.step if alarm.what == "step" else alarm.percent) for alarm in alarms
    ]


def all_fired(clock: Clock, policy: PolicySpec, now: datetime) -> tuple[Clock, tuple[Alarm, ...]]:
    found = ladder.due_alarms(clock, policy, WEEK, now)
    for alarm in found:
        clock = ladder.fired(clock, alarm)
    return clock, found


def test_warnings_the_miss_and_the_steps_come_in_the_order_of_their_instants() -> None:
    assert listed(ladder.alarms(started(), POLICY, WEEK)) == [
        ("08-20 14:00", "warning", 50),
        ("08-20 16:00", "warning", 75),
        ("08-20 16:00", "step", 0),
        ("08-21 09:00", "miss", None),
        ("08-21 09:00", "step", 1),
        ("08-21 14:00", "step", 2),
        ("08-22 17:00", "step", 3),
    ]


def test_steps_count_working_time_over_a_weekend_and_two_holidays() -> None:
    clock = started(when=at("29 15:00"))
    assert listed(ladder.alarms(clock, POLICY, WEEK))[1:6] == [
        ("09-03 12:00", "warning", 75),
        ("09-03 12:00", "step", 0),
        ("09-03 15:00", "miss", None),
        ("09-03 15:00", "step", 1),
        ("09-04 10:00", "step", 2),
    ]


def test_a_target_in_days_warns_by_the_working_time_up_to_its_deadline() -> None:
    clock = started(Target(clock="resolution", days=1, warn_percent=(50, 75)), at("25 08:00"))
    assert listed(ladder.alarms(clock, QUIET, WEEK)) == [
        ("08-25 17:00", "warning", 50),
        ("08-26 12:00", "warning", 75),
        ("08-26 17:00", "miss", None),
    ]


def test_a_step_of_no_working_days_comes_with_the_miss() -> None:
    policy = POLICY.model_copy(update={"ladder": (Step(after_days=0), Step(after_hours=0))})
    assert listed(ladder.alarms(started(), policy, WEEK))[-3:] == [
        ("08-21 09:00", "miss", None),
        ("08-21 09:00", "step", 0),
        ("08-21 09:00", "step", 1),
    ]


def test_steps_of_another_clock_are_not_its_own() -> None:
    clock = started(Target(clock="first_response", hours=8))
    assert [alarm.what for alarm in ladder.alarms(clock, POLICY, WEEK)] == ["warning", "miss"]


@pytest.mark.parametrize("end", ["finish", "cancel", "pause"])
def test_an_end_or_a_pause_takes_all_that_was_still_to_come(end: str) -> None:
    clock = {
        "finish": clocks.finish(started(), at("20 10:00")),
        "cancel": clocks.cancel(started(), at("20 10:00")),
        "pause": clocks.pause(started(), at("20 10:00"), "waiting", WEEK),
    }[end]
    assert ladder.alarms(clock, POLICY, WEEK) == ()
    assert ladder.due_alarms(clock, POLICY, WEEK, at("29 10:00")) == ()
    assert ladder.next_alarm_at([clock], policy_of, calendar_of) is None


def test_after_a_pause_everything_comes_later_by_it() -> None:
    clock = clocks.resume(clocks.pause(started(), at("20 10:00"), "waiting", WEEK), at("21 15:00"), WEEK)
    assert [when for when, _, _ in listed(ladder.alarms(clock, QUIET, WEEK))] == ["08-22 09:00", "08-22 11:00", "08-22 14:00"]


def test_a_pause_after_the_miss_holds_up_the_later_steps_only() -> None:
    clock, _ = all_fired(started(), POLICY, at("21 09:00"))
    clock = clocks.resume(clocks.pause(clock, at("21 10:00"), "waiting", WEEK), at("21 15:00"), WEEK)
    assert clock.due_at == at("21 09:00")
    assert listed(ladder.alarms(clock, POLICY, WEEK)) == [("08-22 09:00", "step", 2), ("08-22 17:00", "step", 3)]


def test_a_miss_that_nobody_recorded_before_the_pause_is_recorded_after_it_at_its_true_instant() -> None:
    clock = clocks.resume(clocks.pause(started(), at("21 11:00"), "waiting", WEEK), at("25 09:00"), WEEK)
    assert ("08-21 09:00", "miss", None) in listed(ladder.due_alarms(clock, POLICY, WEEK, at("25 09:00")))


def test_nothing_comes_twice() -> None:
    clock, first = all_fired(started(), POLICY, at("21 09:00"))
    again, second = all_fired(clock, POLICY, at("29 09:00"))
    assert len(first) == 5
    assert [alarm.step for alarm in second] == [2, 3]
    assert ladder.alarms(again, POLICY, WEEK) == ()


def test_what_was_told_is_not_told_again_under_a_new_target_but_a_new_miss_is() -> None:
    clock, _ = all_fired(started(), POLICY, at("21 09:00"))
    longer = Target(clock="resolution", hours=16, warn_percent=(75, 50, 90))
    clock = clocks.retarget(clock, longer, "standard", 2, "office", WEEK, at("21 10:00"))
    assert [(alarm.what, alarm.percent, alarm.step) for alarm in ladder.alarms(clock, POLICY, WEEK)] == [
        ("warning", 90, None),
        ("miss", None, None),
        ("step", None, 2),
        ("step", None, 3),
    ]


def test_after_an_outage_all_keep_their_instants_and_announcements_of_a_past_miss_are_stale() -> None:
    found = ladder.due_alarms(started(), POLICY, WEEK, at("21 10:00"))
    assert [(when, what, alarm.stale) for (when, what, _), alarm in zip(listed(found), found, strict=True)] == [
        ("08-20 14:00", "warning", True),
        ("08-20 16:00", "warning", True),
        ("08-20 16:00", "step", True),
        ("08-21 09:00", "miss", False),
        ("08-21 09:00", "step", False),
    ]


def test_late_warnings_of_a_deadline_still_to_come_are_told() -> None:
    assert [alarm.stale for alarm in ladder.due_alarms(started(), POLICY, WEEK, at("20 16:30"))] == [False, False, False]


def test_noticed_at_the_very_instant_of_the_miss_a_warning_is_stale() -> None:
    found = ladder.due_alarms(started(), QUIET, WEEK, at("21 09:00"))
    assert [(alarm.what, alarm.stale) for alarm in found] == [("warning", True), ("warning", True), ("miss", False)]


def test_an_alarm_is_due_at_its_instant_and_not_before() -> None:
    assert ladder.due_alarms(started(), QUIET, WEEK, at("20 14:00") - timedelta.resolution) == ()
    assert len(ladder.due_alarms(started(), QUIET, WEEK, at("20 14:00"))) == 1


def test_a_ticket_has_to_be_looked_at_when_the_first_of_its_clocks_has_something() -> None:
    first = started(Target(clock="first_response", hours=2, warn_percent=(50,)))
    done = clocks.finish(started(Target(clock="next_response", hours=1)), at("20 09:10"))
    assert ladder.next_alarm_at([started(), first, done], policy_of, calendar_of) == at("20 10:00")


def test_a_warning_reached_on_an_earlier_calendar_is_due_where_the_present_one_began() -> None:
    clock = clocks.retarget(started(), EIGHT, "standard", 2, "gate", GATE, at("20 15:00"), before=WEEK)
    assert listed(ladder.alarms(clock, QUIET, GATE)) == [
        ("08-20 15:00", "warning", 50),
        ("08-20 16:00", "warning", 75),
        ("08-20 18:00", "miss", None),
    ]


def test_a_missed_ticket_taken_over_by_a_group_on_duty_at_night_goes_on_from_its_true_miss() -> None:
    clock, _ = all_fired(started(), POLICY, at("21 14:00"))
    moved = clocks.retarget(clock, EIGHT, "standard", 1, "gate", GATE, at("21 14:00"), before=WEEK)
    assert listed(ladder.alarms(moved, POLICY, GATE)) == [("08-23 00:00", "step", 3)]


def test_an_alarm_that_says_nothing_changes_nothing() -> None:
    assert ladder.fired(started(), Alarm(at("20 09:00"), "step")) == started()


def test_shares_are_exact_and_rounded_down() -> None:
    assert ladder.share(timedelta(hours=8), 33.3) == timedelta(hours=2, minutes=39, seconds=50, microseconds=400_000)
    assert ladder.share(timedelta(microseconds=3), 50) == timedelta(microseconds=1)


def test_a_clock_that_does_not_run_has_no_shares_to_come() -> None:
    with pytest.raises(ValueError, match=r"^a clock that does not run has no instants to come$"):
        ladder.percent_at(replace(started(), due_at=None), WEEK, 50)


def test_a_finished_clock_has_no_first_alarm_though_its_deadline_is_known() -> None:
    done = clocks.finish(started(), at("20 10:00"))
    assert done.due_at == at("21 09:00")
    assert ladder.first_at(done, POLICY, WEEK) is None


def test_a_step_is_known_by_when_it_comes_and_what_it_moves_and_equal_ones_by_their_order() -> None:
    steps = (
        Step(percent=75),
        Step(after_hours=0),
        Step(after_hours=1.5, take_over="parent_group"),
        Step(after_days=1),
        Step(after_days=2, take_over="authority"),
        Step(after_days=1, tell=("lead",)),
        Step(clock="first_response", percent=75),
        Step(key="mine", percent=90),
        Step(after_days=1, tell=("supervisor",)),
    )
    assert ladder.step_keys(POLICY.model_copy(update={"ladder": steps})) == (
        "resolution 75%",
        "resolution +0h",
        "resolution +1.5h parent_group",
        "resolution +1d",
        "resolution +2d authority",
        "resolution +1d #2",
        "first_response 75%",
        "mine",
        "resolution +1d #3",
    )


def test_a_place_the_ladder_no_longer_has_is_forgotten() -> None:
    older = replace(started(), escalated=(1, 4, 3))
    assert len(POLICY.ladder) == 4
    assert ladder.by_keys(older, POLICY).escalated == ("resolution 100%", "resolution +1d authority")


def test_the_whole_of_a_target_used_up_on_an_earlier_calendar_is_reached_at_its_deadline() -> None:
    late = replace(started(), missed_at=at("21 09:00"))
    moved = clocks.retarget(late, EIGHT, "standard", 2, "gate", GATE, at("21 13:00"), before=WEEK)
    assert ladder.percent_at(moved, GATE, 100) == moved.due_at == at("21 09:00")


def test_a_step_in_days_waits_for_as_many_closes_as_a_later_pause_spans() -> None:
    clock, _ = all_fired(started(), POLICY, at("21 09:00"))
    clock = clocks.resume(clocks.pause(clock, at("22 10:00"), "waiting", WEEK), at("26 10:00"), WEEK)
    assert listed(ladder.alarms(clock, POLICY, WEEK))[-1] == ("08-26 17:00", "step", 3)
