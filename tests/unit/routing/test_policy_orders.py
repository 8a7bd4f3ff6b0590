"""Priority, group, policy and calendar change in every order: what was spent and every pause stay, and so does the deadline.

The four changes: an officer makes it urgent; an officer gives it to the border gate, which has another calendar; a revision
cuts the target of what is urgent; a revision closes the border gate at night.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import permutations
from typing import Any, Final, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.organisation import Organisation
from schemas.tickets import DeadlineMissed
from services.routing.domain import clocks
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock, Pause
from services.routing.domain.commands import Actor, Assign, Prioritise, Wait
from services.routing.domain.context import Context, Edition
from services.routing.domain.decide import next_at
from tests.support.happenings import OPENED, Life, request
from tests.support.organisations import ROUND_THE_CLOCK, as_written, local, organisation
from tests.unit.routing.generated import EXAMPLES

Change = Literal["priority", "group", "policy", "calendar"]
CHANGES: Final[tuple[Change, ...]] = ("priority", "group", "policy", "calendar")
ORDERS: Final = tuple(permutations(CHANGES))
QUAN = Actor("quan", "Quan")
"""An administrator, who may change everything."""

Goal = tuple[str, int]
"""A target as the file says it: `("hours", 40)` or `("days", 5)`."""

Goals = tuple[Goal, Goal, Goal, Goal]
"""Of the resolution: what is urgent under the first revision and after it, at the border gate, everywhere else."""

DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@lru_cache(maxsize=4000)
def written(goals: Goals, changed: frozenset[Change]) -> Organisation:
    urgent, cut, border, standard = goals
    policies = [
        _policy("urgent", cut if "policy" in changed else urgent, priorities=["urgent"]),
        _policy("border", border, units=["cau-treo"]),
        _policy("standard", standard),
    ]
    return organisation(policies=policies, calendars=_calendars("calendar" in changed))


def _policy(key: str, goal: Goal, **conditions: Any) -> dict[str, Any]:
    unit, amount = goal
    slow: list[dict[str, Any]] = [{"clock": kind, "hours": 900, "warn_percent": []} for kind in ("first_response", "hand_over")]
    return {"key": key, **conditions, "targets": [{"clock": "resolution", unit: amount, "warn_percent": []}, *slow], "ladder": []}


def _calendars(closed_at_night: bool) -> list[dict[str, Any]]:
    office, border = as_written()["calendars"]
    windows = (("06:00", "22:00"),) if closed_at_night else ROUND_THE_CLOCK
    return [office, {**border, "week": dict.fromkeys(DAY, windows)}]


@lru_cache
def calendar(key: str, closed_at_night: bool) -> Calendar:
    org = written((("hours", 1),) * 4, frozenset({"calendar"} if closed_at_night else set()))
    spec = org.calendar(key)
    assert spec is not None
    return Calendar.from_spec(spec)


class Story:
    """A ticket at Hon Gai to which the four things happen in the order they are asked for."""

    def __init__(self, goals: Goals, at: datetime = OPENED) -> None:
        self.goals = goals
        self.changed: frozenset[Change] = frozenset()
        self.life = Life(self._context(at, None), request(at))

    def change(self, what: Change, at: datetime) -> None:
        self.changed |= {what}
        if what == "priority":
            self.life.officer(Prioritise("urgent", "Hàng dễ hỏng"), at, QUAN)
        elif what == "group":
            self.life.officer(Assign("Thuộc cửa khẩu", group="cau-treo"), at, QUAN)
        else:
            self.life.ctx = self._context(at, self.life.ctx)
            self.life.time(at)

    def pause(self, at: datetime) -> None:
        self.life.officer(Wait(f"q-{at}", "Hồ sơ nào?"), at, QUAN)

    def resume(self, at: datetime) -> None:
        self.life.business(at, self.life.ticket.version + 2)

    @property
    def clock(self) -> Clock:
        return self.life.clock("resolution")

    def spent(self, at: datetime) -> timedelta:
        return clocks.spent(self.clock, self.life.ctx.calendar(self.clock.calendar), at)

    def _context(self, at: datetime, after: Context | None) -> Context:
        night = "calendar" in self.changed
        before = (*after.edition.before, after) if after and after.edition else ()
        revision = len(before) + 1
        return Context(written(self.goals, self.changed), revision, lambda key: calendar(key, night), Edition(revision, at, before))


def told(clock: Clock) -> tuple[object, ...]:
    """All that anybody is told of the deadline."""
    return (
        clock.policy,
        clock.due_at,
        clock.held_due_at,
        clock.left,
        clock.left_days,
        clock.pauses,
        clock.target,
        clock.verdict,
        clock.missed_at,
    )


# --- by hand -----------------------------------------------------------------------------------------------------

HOURS: Final[Goals] = (("hours", 20), ("hours", 18), ("hours", 30), ("hours", 40))
DAYS: Final[Goals] = (("days", 7), ("days", 4), ("days", 9), ("days", 12))


def _before_tuesday_ten(goals: Goals) -> Story:
    """Opened Monday 09:00; the business was asked at 11:00 and answered at 14:00."""
    story = Story(goals)
    story.pause(local("2025-03-03 11:00"))
    story.resume(local("2025-03-03 14:00"))
    return story


BY_HAND: Final = [
    # Mon 09-11, 14-17 and Tue 08-10 are 7 h; the other 11 of 18 h fit before the gate closes at 22:00.
    (HOURS, None, "2025-03-04 21:00"),
    # Asked again Tue 09:00, when 6 h were spent; answered Wed 10:00: 12 h more.
    (HOURS, "2025-03-05 10:00", "2025-03-05 22:00"),
    # Answered Wed 11:00: 11 h until 22:00, the twelfth on Thursday from 06:00.
    (HOURS, "2025-03-05 11:00", "2025-03-06 07:00"),
    # Tuesday is the first working day, Friday the fourth; the gate closes at 22:00.
    (DAYS, None, "2025-03-07 22:00"),
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize(("goals", "answered", "due"), BY_HAND)
def test_four_changes_at_one_instant_leave_the_deadline_worked_out_by_hand(
    goals: Goals, answered: str | None, due: str, order: tuple[Change, ...]
) -> None:
    story, at = _before_tuesday_ten(goals), local("2025-03-04 10:00")
    if answered:
        story.pause(local("2025-03-04 09:00"))
    for change in order:
        story.change(change, at)
        assert (story.clock.due_at is None) is bool(answered), "a paused clock has no date"
    assert story.spent(at) == timedelta(hours=6 if answered else 7)
    if answered:
        assert story.clock.left == timedelta(hours=12)
        story.resume(local(answered))
    assert story.clock.due_at == local(due)
    first = story.clock.pauses[0]
    assert (first.began_at, first.ended_at) == (local("2025-03-03 11:00"), local("2025-03-03 14:00"))


LONG: Final[Goals] = (("hours", 40), ("hours", 36), ("hours", 60), ("hours", 80))
ONE_AFTER_ANOTHER: Final = [
    # Tuesday at 10:00 7 of 36 h are spent; the changes come at 11:00, 16:00, 19:00 and 23:00.
    # Office until 23:00: 10-12 and 13-17 make 13 h. Then the gate, closed at night: Wednesday 16 h, Thursday 06-13.
    (("priority", "policy", "calendar", "group"), "2025-03-06 13:00"),
    # Office until 11:00: 8 h. The gate until 16:00: 13 h; closed at night from then: 16-22, Wednesday 16 h, Thursday 06-07.
    (("group", "calendar", "priority", "policy"), "2025-03-06 07:00"),
    # Office until 16:00: 12 h. The gate until 23:00: 19 h. Then closed at night: Wednesday 16 h, Thursday 06-07.
    (("policy", "group", "priority", "calendar"), "2025-03-06 07:00"),
    # Office until 11:00: 8 h. The gate until 23:00: 20 h. Then closed at night: all of Wednesday.
    (("group", "policy", "priority", "calendar"), "2025-03-05 22:00"),
]


@pytest.mark.parametrize(("order", "due"), ONE_AFTER_ANOTHER)
def test_what_is_spent_on_a_calendar_stays_spent_when_the_changes_come_one_after_another(order: tuple[Change, ...], due: str) -> None:
    story = _before_tuesday_ten(LONG)
    for change, hour in zip(order, (11, 16, 19, 23), strict=True):
        story.change(change, local(f"2025-03-04 {hour}:00"))
    assert story.clock.due_at == local(due)


def test_a_day_that_both_calendars_close_counts_once() -> None:
    """Tuesday closes at 17:00 at the office and at midnight at the gate; it is the first of four days, and Friday the last."""
    story = _before_tuesday_ten(DAYS)
    for change, when in (("group", "04 18:00"), ("calendar", "05 01:00"), ("priority", "05 02:00"), ("policy", "05 03:00")):
        story.change(change, local(f"2025-03-{when}"))  # type: ignore[arg-type]
    assert story.clock.due_at == local("2025-03-07 22:00")


# A target below what was spent: due at the change that left nothing, whatever came before or after it at that instant.

SPENT: Final[list[tuple[Goals, str, str | None, str]]] = [
    # Seven hours are spent on Tuesday at 10:00.
    ((("hours", 20), ("hours", 5), ("hours", 30), ("hours", 40)), "2025-03-04 10:00", None, "2025-03-04 10:00"),
    ((("hours", 20), ("hours", 7), ("hours", 30), ("hours", 40)), "2025-03-04 10:00", None, "2025-03-04 10:00"),
    ((("hours", 20), ("hours", 5), ("days", 30), ("days", 40)), "2025-03-04 10:00", None, "2025-03-04 10:00"),
    # All of Tuesday's hours by the lunch of Wednesday; and at night, when nobody works.
    ((("days", 20), ("hours", 9), ("hours", 30), ("hours", 40)), "2025-03-05 12:30", None, "2025-03-05 12:30"),
    ((("hours", 20), ("hours", 9), ("hours", 30), ("hours", 40)), "2025-03-04 20:00", None, "2025-03-04 20:00"),
    # Tuesday and Wednesday have closed.
    ((("days", 20), ("days", 1), ("days", 30), ("days", 40)), "2025-03-06 10:00", None, "2025-03-06 10:00"),
    ((("days", 20), ("days", 2), ("hours", 300), ("days", 40)), "2025-03-06 10:00", None, "2025-03-06 10:00"),
    # Asked again an hour before: never overdue while it is paused, due when it runs again.
    ((("hours", 20), ("hours", 5), ("hours", 30), ("hours", 40)), "2025-03-04 10:00", "2025-03-05 10:00", "2025-03-05 10:00"),
    ((("days", 20), ("days", 1), ("days", 30), ("days", 40)), "2025-03-06 10:00", "2025-03-07 11:00", "2025-03-07 11:00"),
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize(("goals", "wall", "answered", "due"), SPENT)
def test_a_target_below_what_was_spent_is_due_at_the_change_in_every_order(
    goals: Goals, wall: str, answered: str | None, due: str, order: tuple[Change, ...]
) -> None:
    story, at = _before_tuesday_ten(goals), local(wall)
    if answered:
        story.pause(at - timedelta(hours=1))
    for change in order:
        story.change(change, at)
    if answered:
        assert (story.clock.due_at, story.clock.held_due_at) == (None, at)
        story.resume(local(answered))
    assert story.clock.due_at == local(due)
    story.life.time(local(due))
    missed = [event for event in story.life.events if isinstance(event, DeadlineMissed)]
    assert [(event.due_at, event.late_by) for event in missed] == [(local(due), timedelta(0))]


def test_what_was_spent_before_an_earlier_move_does_not_date_a_cut_back() -> None:
    """To a group of another calendar on Tuesday at 11:00 with 8 of 40 hours spent; cut to 5 at 16:00."""
    story = Story((("hours", 5), ("hours", 5), ("hours", 30), ("hours", 40)))
    story.change("group", local("2025-03-04 11:00"))
    story.change("priority", local("2025-03-04 16:00"))
    assert story.clock.due_at == local("2025-03-04 16:00")


# --- in general --------------------------------------------------------------------------------------------------

hours = st.integers(120, 400).map(lambda amount: ("hours", amount))
days = st.integers(6, 30).map(lambda amount: ("days", amount))
goals_of_both_kinds = st.tuples(*(st.one_of(hours, days),) * 4)
"""Large enough that none passes in the four days of a story: a passed deadline stays, whatever is changed after it."""

minutes = st.integers(0, 4 * 24 * 60).map(lambda minute: OPENED + timedelta(minutes=minute))
stretches = st.lists(minutes, max_size=5, unique=True).map(sorted)
"""Pauses: begin, end, begin, … An odd number leaves the last one open."""


def lived(goals: Goals, order: Sequence[Change], at: Sequence[datetime], pauses: Sequence[datetime]) -> Story:
    """Everything in its order in time; of what falls on one instant the pauses come first."""
    story = Story(goals)
    steps: list[tuple[datetime, int, Callable[[datetime], None]]] = []
    for number, when in enumerate(pauses):
        steps.append((when, number, story.resume if number % 2 else story.pause))
    for number, (change, when) in enumerate(zip(order, at, strict=True)):
        steps.append((when, 100 + number, lambda now, what=change: story.change(what, now)))  # type: ignore[misc]
    for when, _, step in sorted(steps, key=lambda step: step[:2]):
        step(when)
        never_overdue_while_paused(story)
    return story


def never_overdue_while_paused(story: Story) -> None:
    clock = story.clock
    assert (clock.due_at is None) is clock.is_paused
    assert clock.missed_at is None
    if clock.is_paused:
        assert (clock.left is None) is (clock.target.hours is None)
        assert (clock.left_days is None) is (clock.target.days is None)
        others = [other.due_at for other in story.life.ticket.unfinished() if other.due_at]
        following = next_at(story.life.ticket, story.life.ctx)
        assert following is None or following >= min(others), "something is to happen to a clock that stands still"


def expected_spent(order: Sequence[Change], at: Sequence[datetime], pauses: Sequence[Pause], until: datetime) -> timedelta:
    """Each stretch between two changes, counted by the calendar there was in it."""
    total, begin, done = timedelta(0), OPENED, set[Change]()
    for change, end in (*zip(order, at, strict=True), (None, until)):
        present = calendar("border" if "group" in done else "office", "calendar" in done)
        total += present.elapsed(begin, end, pauses)
        begin = end
        if change:
            done.add(change)
    return total


@settings(max_examples=EXAMPLES // 12, deadline=None)
@given(goals_of_both_kinds, minutes, stretches)
def test_at_one_instant_every_order_leads_to_the_same_deadline(goals: Goals, at: datetime, pauses: list[datetime]) -> None:
    stories = [lived(goals, order, [at] * 4, pauses) for order in ORDERS]
    assert len({told(story.clock) for story in stories}) == 1
    for story in stories:
        later = max([at, *pauses])
        assert story.spent(later) == expected_spent(ORDERS[0], [at] * 4, story.clock.pauses, later)
        assert [pause.began_at for pause in story.clock.pauses] == pauses[::2]
        assert [pause.ended_at for pause in story.clock.pauses if pause.ended_at] == pauses[1::2]


short = st.one_of(st.integers(1, 60).map(lambda amount: ("hours", amount)), st.integers(1, 4).map(lambda amount: ("days", amount)))


@settings(max_examples=EXAMPLES // 24, deadline=None)
@given(goals_of_both_kinds, short, minutes, stretches)
def test_however_short_the_target_becomes_every_order_leads_to_the_same_deadline_and_never_to_one_before_the_change(
    goals: Goals, cut: Goal, at: datetime, instants: list[datetime]
) -> None:
    urgent, _, *others = goals
    pauses = [instant for instant in instants if instant <= at]
    found = set()
    for order in ORDERS:
        story = Story((urgent, cut, *others))  # type: ignore[arg-type]
        for number, instant in enumerate(pauses):
            (story.resume if number % 2 else story.pause)(instant)
        for change in order:
            story.change(change, at)
        clock = story.clock
        assert (clock.due_at or clock.held_due_at or at) >= (at if clock.due_at else pauses[-1])
        found.add((clock.due_at, clock.held_due_at, clock.left, clock.left_days, clock.is_paused))
    assert len(found) == 1


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(goals_of_both_kinds, st.sampled_from(ORDERS), st.lists(minutes, min_size=4, max_size=4).map(sorted), stretches)
def test_at_different_instants_what_was_spent_is_spent_and_no_pause_is_lost(
    goals: Goals, order: tuple[Change, ...], at: list[datetime], pauses: list[datetime]
) -> None:
    story = lived(goals, order, at, pauses)
    clock, later = story.clock, max([*at, *pauses])
    assert [pause.began_at for pause in clock.pauses] == pauses[::2]
    assert [pause.ended_at for pause in clock.pauses if pause.ended_at] == pauses[1::2]
    assert story.spent(later) == expected_spent(order, at, clock.pauses, later)
    assert (clock.target.hours, clock.target.days) == tuple(dict([goals[1]]).get(unit) for unit in ("hours", "days"))
    if clock.target.hours is None:
        return
    target = timedelta(hours=clock.target.hours)
    if clock.due_at is not None:
        assert story.spent(clock.due_at) == target
    else:
        assert clock.left == target - story.spent(later)
