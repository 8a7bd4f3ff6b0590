"""The first alarm, computed without the others."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.organisation import PolicySpec, Step, Target
from services.routing.calendars import build
from services.routing.domain import clocks, ladder
from services.routing.domain.calendar import Calendar
from tests.unit.routing import generated

STEPS = (
    Step(percent=30),
    Step(percent=75),
    Step(percent=100),
    Step(after_hours=0),
    Step(after_hours=2.5),
    Step(after_days=1),
    Step(clock="next_response", percent=10),
)
targets = st.builds(
    Target,
    clock=st.just("resolution"),
    hours=st.floats(0.1, 60),
    warn_percent=st.lists(st.integers(1, 99), max_size=3, unique=True).map(tuple),
)


@settings(max_examples=generated.EXAMPLES, deadline=None)
@given(generated.calendars, generated.instants, targets, st.lists(st.sampled_from(STEPS), max_size=4), st.integers(0, 9), st.booleans())
def test_the_first_alarm_is_the_first_of_all_alarms_whatever_has_fired_and_whatever_the_target_became(
    calendar: Calendar, start: datetime, target: Target, steps: list[Step], fired: int, tightened: bool
) -> None:
    policy = PolicySpec(key="p", targets=(target,), ladder=tuple(steps))
    clock = clocks.start("resolution", 1, target, "p", 1, "c", calendar, start)
    for alarm in ladder.alarms(clock, policy, calendar)[:fired]:
        clock = ladder.fired(clock, alarm)
    if tightened:
        tighter = target.model_copy(update={"hours": (target.hours or 1) / 3})
        clock = clocks.retarget(clock, tighter, "p", 1, "d", calendar, start + timedelta(days=2), before=generated.calendar(7))
    found = ladder.alarms(clock, policy, calendar)
    assert ladder.first_at(clock, policy, calendar) == (found[0].at if found else None)


lives = st.lists(
    st.tuples(st.integers(0, 1), targets, st.integers(0, 3), st.sampled_from(["runs", "stood", "stands", "handed", "done"])),
    max_size=5,
)


@settings(max_examples=generated.EXAMPLES, deadline=None)
@given(generated.instants, st.lists(st.sampled_from(STEPS), max_size=4), lives)
def test_the_first_alarm_of_a_ticket_is_the_first_of_all_its_clocks_whatever_some_of_them_have_in_common(
    start: datetime, steps: list[Step], lives: list[tuple[int, Target, int, str]]
) -> None:
    policy = PolicySpec(key="p", targets=(Target(clock="resolution", hours=1),), ladder=tuple(steps))
    running = [_lived(start + timedelta(hours=later), target, fired, policy, life) for later, target, fired, life in lives]
    each = [ladder.first_at(clock, policy, _calendar_of(clock.calendar)) for clock in running]
    assert ladder.next_alarm_at(running, lambda _: policy, _calendar_of) == min((at for at in each if at is not None), default=None)


def _calendar_of(key: str) -> Calendar:
    return generated.calendar(int(key))


def _lived(start: datetime, target: Target, fired: int, policy: PolicySpec, life: str) -> clocks.Clock:
    """A clock that something happened to an hour and a half after it started."""
    here, at = _calendar_of("3"), start + timedelta(minutes=90)
    clock = clocks.start("resolution", 1, target, "p", 1, "3", here, start)
    for alarm in ladder.alarms(clock, policy, here)[:fired]:
        clock = ladder.fired(clock, alarm)
    match life:
        case "stood":
            return clocks.resume(clocks.pause(clock, at, "waiting", here), at + timedelta(days=1), here)
        case "stands":
            return clocks.pause(clock, at, "waiting", here)
        case "handed":
            return clocks.retarget(clock, target, "p", 2, "7", _calendar_of("7"), at, before=here)
        case "done":
            return clocks.finish(clock, at)
        case _:
            return clock


def at(text: str) -> datetime:
    """A day of March 2025 and time in UTC."""
    return datetime.fromisoformat(f"2025-03-{text}+00:00")


EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CALENDARS = {
    "always": build(generated.written("UTC", dict.fromkeys(EVERY_DAY, (("00:00", "24:00"),)))),
    "late": build(generated.written("UTC", dict.fromkeys(EVERY_DAY, (("15:00", "17:00"),)))),
}
STEPWISE = PolicySpec(key="p", targets=(Target(clock="resolution", hours=1),), ladder=(Step(after_hours=4),))


def half(hours: float, since: str = "05 09:00", on: str = "always") -> clocks.Clock:
    """A clock that warns when half of it is spent."""
    target = Target(clock="resolution", hours=hours, warn_percent=(50,))
    return clocks.start("resolution", 1, target, "p", 1, on, CALENDARS[on], at(since))


def stood(clock: clocks.Clock, since: str, until: str) -> clocks.Clock:
    held = clocks.pause(clock, at(since), "waiting", CALENDARS[clock.calendar])
    return clocks.resume(held, at(until), CALENDARS[clock.calendar])


def handed(clock: clocks.Clock, when: str) -> clocks.Clock:
    """From its calendar to the one that is always open."""
    present, before = CALENDARS["always"], CALENDARS[clock.calendar]
    return clocks.retarget(clock, clock.target, "p", 1, "always", present, at(when), before=before)


DUE_FIRST_AND_WARNED_LATER = {
    # a clock due before 19:00 that comes to half of its time after 14:00, and what it does not share with `half(10)`
    "its start": half(7, "05 11:00"),
    "its calendar": half(2, on="late"),
    "its pauses": stood(half(4), "05 10:00", "05 15:00"),
    "its eras": handed(half(6, on="late"), "05 12:00"),
    "its share": replace(half(9), warned=(50,)),
}


@pytest.mark.parametrize("soon", DUE_FIRST_AND_WARNED_LATER.values(), ids=DUE_FIRST_AND_WARNED_LATER)
def test_of_two_clocks_the_one_due_later_may_be_warned_of_first(soon: clocks.Clock) -> None:
    assert soon.due_at is not None
    assert soon.due_at < at("05 19:00")
    for pair in ([soon, half(10)], [half(10), soon]):
        assert ladder.next_alarm_at(pair, lambda _: STEPWISE, CALENDARS.__getitem__) == at("05 14:00")


def test_of_clocks_that_have_run_alike_the_one_due_first_has_the_first_alarm() -> None:
    for three in permutations([half(10), half(6), half(8)]):
        assert ladder.next_alarm_at(three, lambda _: STEPWISE, CALENDARS.__getitem__) == at("05 12:00")


def test_a_clock_that_has_missed_and_taken_every_step_hides_no_other_that_has_not() -> None:
    first, second = (replace(clock, missed_at=clock.due_at) for clock in (half(2), half(3)))
    taken = replace(first, warned=(50,), escalated=ladder.step_keys(STEPWISE))
    pair = [taken, replace(second, warned=(50,))]
    assert ladder.next_alarm_at(pair, lambda _: STEPWISE, CALENDARS.__getitem__) == at("05 16:00")


def test_a_clock_that_was_finished_hides_no_other() -> None:
    pair = [clocks.finish(half(2), at("05 09:30")), half(10)]
    assert ladder.next_alarm_at(pair, lambda _: STEPWISE, CALENDARS.__getitem__) == at("05 14:00")
