"""A repaired deadline moves the deadline and nothing else: what was spent stays what was spent."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.directory import context as of_revision
from services.routing.domain import clocks
from services.routing.domain.commands import Actor, Assign, RepairClock, Reply, Resolve, Wait
from services.routing.domain.context import Context, Edition
from services.routing.domain.explain import NOTHING, Explanation, explain
from services.routing.domain.moves import Refused
from services.routing.domain.naming import named
from services.routing.domain.repairing import FARTHEST
from services.routing.domain.ticket import Ticket
from services.routing.explaining import account
from services.routing.outcomes import outcomes
from tests.support.happenings import OPENED, Life
from tests.support.organisations import as_written, context, local, organisation
from tests.unit.routing.test_decide_any_life import QUAN, STEPS, Step

HOUR = timedelta(hours=1)
TEN = local("2025-03-03 10:00")
"""An hour after the ticket was opened; first response 4 h, resolution 5 days, hand-over 16 h."""


def repaired(life: Life, clock: str, due: str, at: datetime = TEN) -> None:
    life.officer(RepairClock(clock, "Máy chủ thư ngừng hoạt động", None, local(due)), at, QUAN)


def explained(life: Life, clock: str, at: datetime) -> Explanation:
    return explain(named(life.ticket.clocks)[clock], life.ctx.calendar, at)


# --- by hand -----------------------------------------------------------------------------------------------------

# First response is due Monday 14:00. At 10:00 an hour of its four is spent.
HOURS: Final = [
    ("2025-03-12 12:00", "2025-03-12 12:00", 58, 55),  # Monday 6 h, six whole days, 4 h on Wednesday
    ("2025-03-04 08:00", "2025-03-03 17:00", 6, 3),
    ("2025-03-03 11:00", "2025-03-03 11:00", 1, -2),
    ("2025-03-03 22:00", "2025-03-03 17:00", 6, 3),
]


@pytest.mark.parametrize(("wanted", "due", "left", "granted"), HOURS)
def test_a_deadline_in_hours_is_moved_by_what_is_granted_and_an_hour_stays_spent(wanted: str, due: str, left: int, granted: int) -> None:
    life = Life()
    repaired(life, "first_response-1", wanted)
    clock, told = life.clock("first_response"), explained(life, "first_response-1", TEN)
    assert clock.due_at == local(due)
    assert (clock.granted, clocks.spent(clock, life.ctx.calendar("office"), TEN)) == (granted * HOUR, HOUR)
    assert (told.worked, told.left, told.allowed) == (HOUR, left * HOUR, (4 + granted) * HOUR)
    assert told.permille == 1000 // (4 + granted)


# Resolution is due at the close of Monday 10 March, the fifth working day after receipt.
@pytest.mark.parametrize(
    ("wanted", "due", "granted"),
    [
        ("2025-03-13 11:00", "2025-03-12 17:00", 2),
        ("2025-03-05 17:00", "2025-03-05 17:00", -3),
        ("2025-03-09 12:00", "2025-03-07 17:00", -1),
    ],
)
def test_a_deadline_in_days_is_moved_by_whole_days(wanted: str, due: str, granted: int) -> None:
    life = Life()
    repaired(life, "resolution-1", wanted)
    clock = life.clock("resolution")
    assert (clock.due_at, clock.granted_days, clock.granted) == (local(due), granted, NOTHING)
    told = explained(life, "resolution-1", local("2025-03-05 09:00"))
    assert (told.counted_days, told.left_days) == (1, 4 + granted)


def test_repairs_add_up_and_each_is_told_by_whom_by_how_much_and_why() -> None:
    life = Life()
    repaired(life, "first_response-1", "2025-03-03 17:00")
    repaired(life, "first_response-1", "2025-03-03 12:00", local("2025-03-03 11:00"))
    clock, at = life.clock("first_response"), local("2025-03-03 11:30")
    assert (clock.due_at, clock.granted) == (local("2025-03-03 12:00"), -HOUR)
    found = account(life.ticket, "first_response-1", clock, life.ctx, [], at)
    assert [(move.by, move.repair.granted, move.repair.because) for move in found.moves] == [
        ("Quan", 3 * HOUR, "Máy chủ thư ngừng hoạt động"),
        ("Quan", -4 * HOUR, "Máy chủ thư ngừng hoạt động"),
    ]
    assert (found.explanation.worked, found.explanation.left, found.elapsed) == (2.5 * HOUR, 0.5 * HOUR, 2.5 * HOUR)


def test_what_was_granted_survives_a_pause_and_a_move_to_another_calendar() -> None:
    life = Life(context(organisation(policies=[{"key": "hours", "targets": [{"clock": "resolution", "hours": 8}]}])))
    repaired(life, "resolution-1", "2025-03-04 12:00")  # 1 h spent, 6 + 4 h from here: 3 h granted
    life.officer(Wait("q", "Hồ sơ nào?"), local("2025-03-03 11:00"))
    assert life.clock("resolution").left == 9 * HOUR
    life.business(local("2025-03-05 09:00"))
    assert life.clock("resolution").due_at == local("2025-03-06 10:00")
    life.officer(Assign("x", group="cau-treo"), local("2025-03-05 11:00"), QUAN)  # around the clock; 7 h left
    assert life.clock("resolution").due_at == local("2025-03-05 18:00")


def test_a_deadline_far_away_or_before_the_start_is_refused_with_the_field_and_what_to_do() -> None:
    for due_at in (
        datetime(2399, 12, 30, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        TEN + FARTHEST + HOUR,
        OPENED - HOUR,
    ):
        life = Life()
        for clock in ("first_response-1", "resolution-1"):
            with pytest.raises(Refused) as refused:
                life.officer(RepairClock(clock, "x", None, due_at), TEN, QUAN)
            assert (refused.value.field, refused.value.conflict) == ("due_at", False)
            assert "choose" in refused.value.sentence.en
    repaired(Life(), "resolution-1", "2035-03-01 12:00")


def test_a_finished_clock_with_another_deadline_says_how_much_more_there_was() -> None:
    life = Life()
    life.officer(Reply("m", "Rõ."), local("2025-03-03 15:00"))
    life.accepted("m", local("2025-03-03 15:00"))  # 5 h spent of 4
    assert life.clock("first_response").verdict == "missed"
    repaired(life, "first_response-1", "2025-03-03 16:00", local("2025-03-04 09:00"))
    clock, told = life.clock("first_response"), explained(life, "first_response-1", local("2025-03-05 09:00"))
    assert (clock.verdict, clock.granted) == ("met", 2 * HOUR)
    assert (told.worked, told.left) == (5 * HOUR, HOUR)


def test_the_fact_of_a_repaired_clock_counts_the_time_that_was_worked() -> None:
    life = Life()
    repaired(life, "first_response-1", "2025-03-12 12:00")
    life.officer(Reply("m", "Rõ."), local("2025-03-03 11:00"))
    before = life.ticket
    life.accepted("m", local("2025-03-03 11:00"))
    fact = next(fact for fact in outcomes(before, life.ticket, life.ctx).fresh if fact["kind"] == "first_response")
    assert (fact["verdict"], fact["worked_ms"]) == ("met", 2 * 3_600_000)


def test_an_answer_accepted_before_the_ticket_was_handed_on_is_that_of_the_group_that_gave_it() -> None:
    life = Life()
    life.officer(Reply("m", "Rõ."), TEN)
    life.officer(Assign("x", group="cau-treo"), local("2025-03-03 11:00"), QUAN)
    before = life.ticket
    life.accepted("m", TEN + timedelta(seconds=2))
    clock, now = life.clock("first_response"), local("2025-03-03 18:00")
    found = account(life.ticket, "first_response-1", clock, life.ctx, [], now)
    assert clock.finished_at == TEN + timedelta(seconds=2)
    assert found.elapsed == found.explanation.worked == HOUR + timedelta(seconds=2)
    fact = next(fact for fact in outcomes(before, life.ticket, life.ctx).fresh if fact["kind"] == "first_response")
    assert (fact["group"], fact["unit"], fact["officer"], fact["worked_ms"]) == ("hon-gai", "hon-gai", "hai", 3_602_000)


def test_whoever_has_the_ticket_is_credited_with_what_no_answer_ended() -> None:
    life = Life()
    life.officer(Reply("m", "Rõ."), TEN)
    life.officer(Assign("x", group="cau-treo"), local("2025-03-03 11:00"), QUAN)
    before = life.ticket
    life.officer(Resolve("r", "Xong."), local("2025-03-03 12:00"), Actor("cam", "Cam"))
    fact = next(fact for fact in outcomes(before, life.ticket, life.ctx).fresh if fact["kind"] == "resolution")
    assert fact["group"] == "cau-treo"


# --- whatever happens --------------------------------------------------------------------------------------------

URGENT: Final = {
    "key": "urgent",
    "priorities": ["urgent"],
    "targets": [{"clock": "first_response", "hours": 1}, {"clock": "resolution", "hours": 6}],
}
DAY_OFF: Final = [{**as_written()["calendars"][0], "closed": ["2025-03-04"]}, as_written()["calendars"][1]]


def revision(number: int, at: datetime, before: Context | None) -> Context:
    """Every second one closes a day, perhaps one that has passed."""
    calendars = DAY_OFF if number % 2 == 0 else as_written()["calendars"]
    org = organisation(policies=[URGENT, *as_written()["policies"]], calendars=calendars)
    earlier = (*before.edition.before, before) if before and before.edition else ()
    return of_revision(org, number, Edition(number, at, earlier))


def loaded(life: Life, at: datetime, _: int) -> None:
    life.ctx = revision(life.ctx.revision + 1, at, life.ctx)


def repair(hours: float) -> Step:
    def step(life: Life, at: datetime, number: int) -> object:
        clock = list(named(life.ticket.clocks))[number % len(life.ticket.clocks)]
        return life.officer(RepairClock(clock, "x", None, at + timedelta(hours=hours)), at, QUAN)

    return step


def verdict(life: Life, _: datetime, number: int) -> object:
    clock = list(named(life.ticket.clocks))[number % len(life.ticket.clocks)]
    return life.officer(RepairClock(clock, "x", "cancelled" if number % 3 else "met"), life.ticket.last_event_at, QUAN)


MORE: Final[dict[str, Step]] = {
    **STEPS,
    "revision": loaded,
    "due in an hour": repair(1),
    "due in two days": repair(48),
    "due in a month": repair(700),
    "due an hour ago": repair(-1),
    "another verdict": verdict,
    "delivered, heard of late": lambda life, at, number: [
        life.accepted(said.message_id, max(at - 2 * HOUR, OPENED), id=f"d-{number}") for said in life.ticket.awaiting[:1]
    ],
}


def agree(ticket: Ticket, ctx: Context, at: datetime, facts: dict[str, dict[str, Any]]) -> None:
    for name, clock in named(ticket.clocks).items():
        fact = facts.get(f"{ticket.id}:{clock.kind}:{clock.cycle}:{clock.started_at.isoformat()}")
        recorded = timedelta(milliseconds=fact["worked_ms"]) if fact else None
        found = account(ticket, name, clock, ctx, [], at, recorded=recorded)
        assert found.elapsed >= NOTHING
        assert found.explanation.worked == found.elapsed
        assert found.agrees
        assert (clock.verdict is None) is (fact is None)
        assert clock.verdict is None or clock.finished_at is not None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(MORE)), st.sampled_from([0, 1, 40, 600, 5000])), max_size=20))
def test_what_was_spent_is_never_negative_and_the_lines_the_clock_and_the_fact_agree(steps: list[tuple[str, int]]) -> None:
    life, at, facts = Life(revision(1, OPENED - HOUR, None)), OPENED, dict[str, dict[str, Any]]()
    for number, (step, minutes) in enumerate(steps):
        at += timedelta(minutes=minutes)
        before = life.ticket
        with suppress(Refused):
            MORE[step](life, at, number)
        facts |= {fact["_id"]: fact for fact in outcomes(before, life.ticket, life.ctx).fresh}
        agree(life.ticket, life.ctx, max(at, life.ticket.last_event_at), facts)
