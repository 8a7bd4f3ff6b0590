"""When a delivery is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.retry import GIVE_UP_AFTER, next_attempt

FIRST = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempt", "minutes"), [(0, 0), (1, 1), (2, 5), (3, 15), (4, 30), (5, 60), (6, 120), (7, 240), (8, 480), (9, 480), (12, 480)]
)
def test_pauses_grow_to_eight_hours_and_stay_there(attempt: int, minutes: int) -> None:
    assert next_attempt(attempt, FIRST, FIRST, 0) == FIRST + timedelta(minutes=minutes)


@pytest.mark.parametrize(("jitter", "seconds"), [(-1, 240), (-0.5, 270), (0, 300), (1, 360)])
def test_jitter_moves_a_pause_of_five_minutes_by_up_to_one(jitter: float, seconds: int) -> None:
    assert next_attempt(2, FIRST, FIRST, jitter) == FIRST + timedelta(seconds=seconds)


def test_the_last_attempt_is_made_at_the_end_of_the_third_day() -> None:
    end = FIRST + timedelta(hours=72)
    assert next_attempt(14, FIRST, end - timedelta(hours=1), 0) == end
    assert next_attempt(15, FIRST, end, 0) is None
    assert next_attempt(15, FIRST, end + timedelta(days=9), 0) is None


@pytest.mark.parametrize("jitter", [-1.01, 1.01, float("nan")])
def test_jitter_outside_its_range_is_the_callers_mistake(jitter: float) -> None:
    with pytest.raises(ValueError, match="jitter"):
        next_attempt(1, FIRST, FIRST, jitter)


@given(st.floats(-1, 1))
def test_a_delivery_that_always_fails_is_given_up_after_three_days_and_some_fifteen_attempts(jitter: float) -> None:
    now, attempts = FIRST, 1
    while (again := next_attempt(attempts, FIRST, now, jitter)) is not None:
        assert now < again <= FIRST + GIVE_UP_AFTER
        now, attempts = again, attempts + 1
    assert now == FIRST + GIVE_UP_AFTER
    assert 15 <= attempts <= 20
