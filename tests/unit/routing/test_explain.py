"""Explanations: every stretch with its reason, summing to what was spent."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.organisation import Target
from services.routing.calendars import build
from services.routing.domain import clocks
from services.routing.domain.clocks import Clock
from services.routing.domain.explain import REASONS, Explanation, Line, explain, sentence
from tests.unit.routing.generated import CALENDARS, EXAMPLES, calendar, instants, written

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
OFFICE = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("08:00", "12:00"), ("13:00", "17:00")))
SPEC = written("Asia/Ho_Chi_Minh", OFFICE, closed=[{"date": "2025-09-02", "name": "Quốc khánh"}])
WEEK = build(SPEC)
GATE = build(written("Asia/Ho_Chi_Minh", dict.fromkeys((*OFFICE, "sat", "sun"), (("00:00", "24:00"),))))
LATER = build(SPEC.model_copy(update={"week": {"mon": (("08:00", "09:00"),)}}))
CALENDARS_BY_KEY = {"office": WEEK, "gate": GATE}
TEN, TWO_DAYS = Target(clock="resolution", hours=10), Target(clock="resolution", days=2)


def at(text: str) -> datetime:
    return datetime.strptime(f"2025-09-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=HANOI)


def held(target: Target = TEN) -> Clock:
    """Started Monday 1 September, paused over Tuesday's holiday until Wednesday morning."""
    clock = clocks.start("resolution", 1, target, "standard", 7, "office", WEEK, at("01 11:00"))
    return clocks.resume(clocks.pause(clock, at("01 15:00"), "waiting", WEEK), at("03 09:00"), WEEK)


def shown(explanation: Explanation) -> list[tuple[str, float, str]]:
    return [
        (f"{line.start.astimezone(HANOI):%d %H:%M}", line.counted / timedelta(hours=1), sentence(line, "en")) for line in explanation.lines
    ]


def test_every_stretch_is_listed_with_its_reason() -> None:
    explanation = explain(held(), CALENDARS_BY_KEY.__getitem__, at("03 10:30"))
    assert shown(explanation) == [
        ("01 11:00", 1.0, "working time"),
        ("01 12:00", 0.0, "lunch"),
        ("01 13:00", 2.0, "working time"),
        ("01 15:00", 0.0, "paused: waiting for the business"),
        ("01 17:00", 0.0, "outside opening hours"),
        ("02 00:00", 0.0, "holiday: Quốc khánh"),
        ("03 00:00", 0.0, "outside opening hours"),
        ("03 08:00", 0.0, "paused: waiting for the business"),
        ("03 09:00", 1.5, "working time"),
    ]
    assert explanation.worked == timedelta(hours=4.5)
    assert (explanation.policy, explanation.revision, explanation.days) == ("standard", 7, ())


def test_a_finished_clock_is_explained_up_to_its_end() -> None:
    explanation = explain(clocks.finish(held(), at("03 10:00")), CALENDARS_BY_KEY.__getitem__, at("30 10:00"))
    assert (explanation.at, explanation.worked) == (at("03 10:00"), timedelta(hours=4))


def test_a_target_in_days_lists_the_days_that_counted() -> None:
    explanation = explain(held(TWO_DAYS), CALENDARS_BY_KEY.__getitem__, at("04 18:00"))
    assert [f"{day:%d}" for day in explanation.days] == ["03", "04"]
    assert len(explanation.days) == clocks.spent_days(held(TWO_DAYS), WEEK, at("04 18:00"))


def test_the_day_of_receipt_is_listed_where_the_target_counts_it() -> None:
    target = TWO_DAYS.model_copy(update={"count_first_day": True})
    clock = clocks.start("resolution", 1, target, "standard", 7, "office", WEEK, at("01 11:00"))
    assert [f"{day:%d}" for day in explain(clock, CALENDARS_BY_KEY.__getitem__, at("03 18:00")).days] == ["01", "03"]


def test_after_a_change_of_calendar_each_stretch_names_the_calendar_it_was_counted_on() -> None:
    clock = clocks.retarget(held(), TEN, "standard", 8, "gate", GATE, at("03 10:00"), before=WEEK)
    lines = explain(clock, CALENDARS_BY_KEY.__getitem__, at("03 20:00")).lines
    assert [(line.calendar, line.counted) for line in lines[-2:]] == [("office", timedelta(hours=1)), ("gate", timedelta(hours=10))]


def test_time_counted_on_a_calendar_edited_since_is_one_line_and_the_sum_still_holds() -> None:
    clock = clocks.retarget(held(), TEN, "standard", 8, "gate", GATE, at("03 10:00"), before=WEEK)
    explanation = explain(clock, {"office": LATER, "gate": GATE}.__getitem__, at("03 20:00"))
    assert shown(explanation) == [
        ("01 11:00", 4.0, "counted before that calendar was changed"),
        ("03 10:00", 10.0, "working time"),
    ]
    assert explanation.worked == timedelta(hours=14)


@pytest.mark.parametrize(
    ("reason", "name", "vietnamese", "english"),
    [
        ("lunch", "", "nghỉ trưa", "lunch"),
        ("holiday", "Quốc khánh", "nghỉ lễ: Quốc khánh", "holiday: Quốc khánh"),
        ("paused", "referred", "tạm dừng: đã chuyển cơ quan khác xem xét", "paused: referred to an outside authority"),
        ("paused", "chờ mẫu vật", "tạm dừng: chờ mẫu vật", "paused: chờ mẫu vật"),
        ("outside_hours", "", "ngoài giờ làm việc", "outside opening hours"),
    ],
)
def test_reasons_are_read_in_both_languages(reason: str, name: str, vietnamese: str, english: str) -> None:
    assert reason in REASONS
    line = Line(at("01 09:00"), at("01 10:00"), timedelta(0), reason, name, "office")  # type: ignore[arg-type]
    assert (sentence(line, "vi"), sentence(line, "en")) == (vietnamese, english)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.integers(0, CALENDARS - 1), min_size=1, max_size=3),
    instants,
    st.lists(st.tuples(st.sampled_from(["pause", "resume", "move"]), st.integers(0, 3_000)), max_size=5),
)
def test_the_lines_have_no_gap_and_sum_to_what_was_spent(used: list[int], start: datetime, moves: list[tuple[str, int]]) -> None:
    target, when, on = Target(clock="resolution", hours=100), start, 0
    clock = clocks.start("resolution", 1, target, "p", 1, str(used[0]), calendar(used[0]), start)
    for move, minutes in moves:
        when += timedelta(minutes=minutes)
        now = calendar(used[on])
        if move == "move":
            on = (on + 1) % len(used)
            clock = clocks.retarget(clock, target, "p", 1, str(used[on]), calendar(used[on]), when, before=now)
        else:
            clock = clocks.pause(clock, when, "waiting", now) if move == "pause" else clocks.resume(clock, when, now)
    until = when + timedelta(days=2)
    explanation = explain(clock, lambda key: calendar(int(key)), until)
    assert explanation.lines[0].start == start
    assert explanation.lines[-1].end == until
    assert all(before.end == after.start for before, after in pairwise(explanation.lines))
    assert sum((line.counted for line in explanation.lines), timedelta(0)) == explanation.worked
    assert explanation.worked == clocks.spent(clock, calendar(used[on]), until)
