"""What became of each warning, the deadline and each step: done, coming, due, too late to matter, or never to come, and when."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.tickets import Known
from services.routing.domain.clocks import Clock
from services.routing.domain.commands import Claim, Resolve, Wait
from services.routing.domain.notices import Notice, notices
from tests.support.happenings import OPENED, Life
from tests.support.organisations import context, local, organisation

LADDER: tuple[dict[str, Any], ...] = (
    {"clock": "first_response", "percent": 50, "tell": ["lead"]},
    {"after_hours": 4, "tell": ["lead"]},
    {"percent": 50, "tell": ["supervisor"]},
    {"percent": 75, "tell": ["officer"]},
    {"percent": 100, "tell": ["lead"]},
    {"after_days": 1, "tell": ["supervisor"], "take_over": "authority"},
)
"""Of the resolution, eight hours from Monday 09:00: half on Monday 14:00, three quarters 16:00, the deadline on Tuesday 09:00."""

HALF, WARNED, DUE = local("2025-03-03 14:00"), local("2025-03-03 16:00"), local("2025-03-04 09:00")
FOUR_LATE, DAY_LATE = local("2025-03-04 14:00"), local("2025-03-05 17:00")
Row = tuple[str, int | None, int | None, str, datetime | None, datetime | None]


def a_life(*ladder: dict[str, Any]) -> Life:
    targets = [{"clock": "resolution", "hours": 8, "warn_percent": [75]}, {"clock": "first_response", "hours": 80, "warn_percent": []}]
    life = Life(context(organisation(policies=[{"key": "p", "targets": targets, "ladder": list(ladder or LADDER)}])))
    life.officer(Claim(), OPENED)
    return life


def found(life: Life, now: datetime, history: Iterable[Any] | None = None, clock: Clock | None = None) -> tuple[Notice, ...]:
    known: list[Known] = list(life.events if history is None else history)  # type: ignore[arg-type]
    return notices(clock or life.clock("resolution"), life.ctx.policy("p"), life.ctx.calendar("office"), now, known)


def rows(*args: Any, **more: Any) -> list[Row]:
    return [(each.what, each.percent, each.step, each.state, each.at, each.recorded_at) for each in found(*args, **more)]


def all_in(state: str, *instants: datetime | None) -> list[Row]:
    half, warned, due, four, day = instants or (None,) * 5
    return [
        ("step", 50, 2, state, half, None),
        ("warning", 75, None, state, warned, None),
        ("step", 75, 3, state, warned, None),
        ("miss", None, None, state, due, None),
        ("step", 100, 4, state, due, None),
        ("step", None, 1, state, four, None),
        ("step", None, 5, state, day, None),
    ]


def test_all_come_at_their_instants_in_the_order_of_time_where_nothing_happened_yet() -> None:
    assert rows(a_life(), OPENED) == all_in("coming", HALF, WARNED, DUE, FOUR_LATE, DAY_LATE)


def test_what_was_noticed_in_time_is_done_with_its_true_instant_and_when_it_was_recorded() -> None:
    life = a_life()
    noticed = [at + timedelta(minutes=2) for at in (HALF, WARNED, DUE, FOUR_LATE, DAY_LATE)]
    for at in noticed:
        life.time(at)
    half, warned, due, four, day = noticed
    assert rows(life, day) == [
        ("step", 50, 2, "fired", HALF, half),
        ("warning", 75, None, "fired", WARNED, warned),
        ("step", 75, 3, "fired", WARNED, warned),
        ("miss", None, None, "fired", DUE, due),
        ("step", 100, 4, "fired", DUE, due),
        ("step", None, 1, "fired", FOUR_LATE, four),
        ("step", None, 5, "fired", DAY_LATE, day),
    ]


def test_what_was_to_announce_the_deadline_and_came_after_it_was_recorded_and_told_nobody() -> None:
    life, late = a_life(), DUE + timedelta(hours=1)
    life.time(late)
    assert rows(life, late) == [
        ("step", 50, 2, "stale", HALF, late),
        ("warning", 75, None, "stale", WARNED, late),
        ("step", 75, 3, "stale", WARNED, late),
        ("miss", None, None, "fired", DUE, late),
        ("step", 100, 4, "fired", DUE, late),
        ("step", None, 1, "coming", FOUR_LATE, None),
        ("step", None, 5, "coming", DAY_LATE, None),
    ]


@pytest.mark.parametrize(
    ("now", "states"),
    [
        (HALF - timedelta(microseconds=1), ["coming", "coming", "coming", "coming", "coming"]),
        (HALF, ["due", "coming", "coming", "coming", "coming"]),
        (WARNED, ["due", "due", "due", "coming", "coming"]),
        (DUE - timedelta(microseconds=1), ["due", "due", "due", "coming", "coming"]),
        (DUE, ["stale", "stale", "stale", "due", "due"]),
        (DUE + timedelta(hours=1), ["stale", "stale", "stale", "due", "due"]),
    ],
)
def test_what_nobody_noticed_yet_is_due_from_its_instant_and_stale_from_the_deadline(now: datetime, states: list[str]) -> None:
    seen = rows(a_life(), now)
    assert [state for _, _, _, state, _, _ in seen] == [*states, "coming", "coming"]
    assert [at for _, _, _, _, at, _ in seen] == [HALF, WARNED, WARNED, DUE, DUE, FOUR_LATE, DAY_LATE]


def test_of_a_paused_clock_what_is_to_come_has_no_instant_and_what_came_keeps_it() -> None:
    life = a_life()
    life.officer(Wait("q", "Hồ sơ nào?"), OPENED + timedelta(hours=1))
    assert rows(life, OPENED + timedelta(hours=2)) == all_in("paused")
    life = a_life()
    life.time(HALF)
    life.officer(Wait("q", "Hồ sơ nào?"), HALF + timedelta(minutes=30))
    assert rows(life, WARNED) == [("step", 50, 2, "fired", HALF, HALF), *all_in("paused")[1:]]


def test_of_a_finished_clock_the_rest_will_never_come() -> None:
    life = a_life()
    life.time(HALF)
    life.officer(Resolve("r", "Xong."), HALF + timedelta(minutes=30))
    assert rows(life, DAY_LATE) == [("step", 50, 2, "fired", HALF, HALF), *all_in("cancelled")[1:]]


def test_what_the_clock_remembers_is_done_also_where_its_record_is_not_known() -> None:
    life = a_life()
    life.time(DUE + timedelta(hours=1))
    assert rows(life, FOUR_LATE, ()) == [
        *((what, percent, step, "fired", DUE if what == "miss" else None, None) for what, percent, step, *_ in all_in("fired")[:5]),
        ("step", None, 1, "due", FOUR_LATE, None),
        ("step", None, 5, "coming", DAY_LATE, None),
    ]


def test_so_it_is_of_a_paused_and_of_a_finished_clock() -> None:
    for ending in (Wait("q", "Hồ sơ nào?"), Resolve("r", "Xong.")):
        life = a_life()
        life.time(DUE + timedelta(hours=1))
        life.officer(ending, DUE + timedelta(hours=2))
        done = [("fired", DUE if what == "miss" else None) for what, *_ in all_in("fired")[:5]]
        rest = "paused" if isinstance(ending, Wait) else "cancelled"
        assert [(state, at) for _, _, _, state, at, _ in rows(life, DAY_LATE, ())] == [*done, (rest, None), (rest, None)]


def test_a_miss_that_was_lifted_has_no_instant_while_paused() -> None:
    life = a_life()
    life.officer(Wait("q", "Hồ sơ nào?"), OPENED + timedelta(hours=1))
    lifted = replace(life.clock("resolution"), missed_at=OPENED)
    assert ("miss", None, None, "paused", None, None) in rows(life, WARNED, clock=lifted)


def test_a_step_added_at_a_warning_that_was_given_needs_no_other() -> None:
    life = a_life()
    life.time(WARNED)
    added = replace(life.clock("resolution"), escalated=())
    assert ("step", 75, 3, "fired", WARNED, WARNED) in rows(life, WARNED, clock=added)
    assert ("step", 75, 3, "fired", None, None) in rows(life, WARNED, (), added)


def test_what_was_recorded_and_is_to_come_again_is_told_as_it_will_come() -> None:
    life = a_life()
    life.time(WARNED)
    again = replace(life.clock("resolution"), warned=(), escalated=())
    before = HALF - timedelta(minutes=1)
    assert rows(life, before, clock=again) == all_in("coming", HALF, WARNED, DUE, FOUR_LATE, DAY_LATE)


def test_what_was_recorded_and_will_not_come_again_stays_done_also_while_paused() -> None:
    life = a_life()
    life.time(WARNED)
    life.officer(Wait("q", "Hồ sơ nào?"), WARNED + timedelta(minutes=30))
    forgot = replace(life.clock("resolution"), warned=(), escalated=())
    told = [
        ("step", 50, 2, "fired", HALF, WARNED),
        ("warning", 75, None, "fired", WARNED, WARNED),
        ("step", 75, 3, "fired", WARNED, WARNED),
    ]
    assert rows(life, WARNED + timedelta(hours=1), clock=forgot) == [*told, *all_in("paused")[3:]]


def test_a_warning_that_was_given_is_told_also_when_the_target_has_it_no_more() -> None:
    life = a_life()
    life.time(HALF)
    clock = replace(life.clock("resolution"), warned=(10, 60))
    assert [(percent, state) for what, percent, _, state, _, _ in rows(life, HALF, clock=clock) if what == "warning"] == [
        (10, "fired"),
        (60, "fired"),
        (75, "coming"),
    ]


def test_only_records_of_this_clock_count_not_those_of_others_nor_of_an_earlier_one_of_its_kind() -> None:
    life = a_life()
    life.time(DAY_LATE)
    about = [event for event in life.events if event.type in {"deadline_warned", "deadline_missed", "ticket_escalated"}]
    clock = life.clock("resolution")
    unknown = [row[4:] for row in rows(life, DAY_LATE, ())]
    for changed in ({"clock": "first_response"}, {"cycle": 2}, {"occurred_at": clock.started_at - timedelta(microseconds=1)}):
        assert [row[4:] for row in rows(life, DAY_LATE, [event.model_copy(update=changed) for event in about])] == unknown
    with_others = [about[0].model_copy(update={"cycle": 2}), *life.events]
    assert {row[5] for row in rows(life, DAY_LATE, with_others)} == {DAY_LATE}
    begun = [event.model_copy(update={"occurred_at": clock.started_at}) for event in about]
    assert {row[5] for row in rows(life, DAY_LATE, begun)} == {clock.started_at}


def test_a_warning_of_which_only_the_record_is_known_was_reached_when_it_was_recorded() -> None:
    life = a_life()
    life.time(WARNED)
    older = [event.model_copy(update={"reached_at": None}) if event.type == "deadline_warned" else event for event in life.events]
    later = [event.model_copy(update={"occurred_at": DUE}) for event in older]
    assert rows(life, DUE, later)[1] == ("warning", 75, None, "fired", DUE, DUE)


def test_steps_of_one_percentage_stand_in_the_order_of_the_ladder_and_each_after_its_warning() -> None:
    steps = ({"percent": 75, "tell": ["lead"]}, {"percent": 75, "tell": ["authority"]}, {"percent": 75, "take_over": "authority"})
    seen = found(a_life(*steps), OPENED)
    assert [(each.what, each.step, each.label.en, each.tells.en, each.tells.vi) for each in seen] == [
        ("warning", None, "Warning: 75 % of the target is used up", "", ""),
        ("step", 0, "75 % of the target is used up", "lead", "trưởng nhóm"),
        ("step", 1, "75 % of the target is used up", "competent authority", "cấp có thẩm quyền"),
        ("step", 2, "75 % of the target is used up", "it goes to the competent authority", "báo cáo cấp có thẩm quyền"),
        ("miss", None, "The deadline", "lead, supervisor", "trưởng nhóm, người giám sát"),
    ]


def test_a_step_says_who_takes_over_after_whom_it_tells() -> None:
    steps = ({"after_hours": 0, "tell": ["officer", "lead"], "take_over": "parent_group"}, {"after_hours": 2, "take_over": "authority"})
    step, last = found(a_life(*steps), OPENED)[-2:]
    assert (step.tells.en, step.tells.vi) == (
        "officer, lead, the group above takes over",
        "cán bộ xử lý, trưởng nhóm, nhóm cấp trên tiếp nhận",
    )
    assert (step.label.en, step.take_over, last.take_over) == ("0 working hours after the miss", "parent_group", "authority")
    assert (step.state, step.at, last.state, last.at) == ("coming", DUE, "coming", DUE + timedelta(hours=2))
    assert last.tells.en == "it goes to the competent authority"


def test_older_records_of_steps_by_their_places_are_done() -> None:
    life = a_life()
    clock = replace(life.clock("resolution"), escalated=(2,))
    assert rows(life, OPENED, clock=clock)[0] == ("step", 50, 2, "fired", None, None)


def test_a_step_of_a_percentage_nobody_is_warned_of_names_nobody_for_the_deadline() -> None:
    life = a_life({"percent": 50, "tell": ["supervisor"]})
    assert [(each.what, each.tell) for each in found(life, OPENED)] == [
        ("step", ("supervisor",)),
        ("warning", ("officer", "lead")),
        ("miss", ("lead", "supervisor")),
    ]


def test_every_fate_has_words() -> None:
    life = a_life()
    late = DUE + timedelta(hours=1)
    life.time(late)
    seen = {each.state: each.state_words.en for each in found(life, late)}
    assert seen == {"stale": "recorded and told nobody, for the deadline had passed as well", "fired": "done", "coming": "will come"}
