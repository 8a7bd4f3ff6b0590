"""The first alarm, computed without the others."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.organisation import PolicySpec, Step, Target
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
