"""What a repair writes down, what it refuses, and why."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.tickets import ClockRepaired
from services.routing.domain.clocks import Repair
from services.routing.domain.commands import Actor, RepairClock, Reply, Resolve, Wait
from services.routing.domain.moves import Refused
from tests.support.happenings import HAI, OPENED, Life, request
from tests.support.organisations import local

QUAN = Actor("quan", "Quan")
TEN, LATER = local("2025-03-03 10:00"), local("2025-03-04 09:00")
DUE = local("2025-03-03 14:00")
"""Of the first response; the resolution is due on Monday 10 March at 17:00."""
WHY = "Máy chủ thư ngừng hoạt động"


def answered(wall: str) -> Life:
    life = Life()
    life.officer(Reply("m", "Rõ."), local(wall))
    life.accepted("m", local(wall))
    return life


def repaired(life: Life, verdict: Any = None, due_at: datetime | None = None, at: datetime = LATER) -> ClockRepaired:
    (event,) = life.officer(RepairClock("first_response-1", WHY, verdict, due_at), at, QUAN).events
    assert isinstance(event, ClockRepaired)
    return event


REFUSED: list[tuple[RepairClock, Actor, str | None, bool, bool, str]] = [
    (RepairClock("first_response-1", WHY, "met"), HAI, None, False, False, "Only an administrator"),
    (RepairClock("first_response-1", WHY, "met"), Actor("ghost", "Ghost"), None, False, False, "Only an administrator"),
    (RepairClock("first_response-1", "  ", "met"), QUAN, "because", False, True, "Give the reason"),
    (
        RepairClock("survey-1", WHY, "met"),
        QUAN,
        "clock",
        False,
        True,
        "This ticket has no clock survey-1. Those it has are: first_response-1, resolution-1, hand_over-1.",
    ),
    (RepairClock("first_response-1", WHY), QUAN, "verdict", False, True, "Give the right verdict"),
    (RepairClock("first_response-1", WHY, "met"), QUAN, "verdict", True, True, "still being measured"),
    (RepairClock("first_response-1", WHY, "missed", DUE), QUAN, "verdict", True, True, "still being measured"),
    (RepairClock("first_response-1", WHY, None, TEN), QUAN, "due_at", False, True, "must lie ahead"),
    (RepairClock("first_response-1", WHY, None, DUE), QUAN, "due_at", True, True, "The record says so already"),
    (RepairClock("first_response-1", WHY, None, local("2025-03-03 09:30")), QUAN, "due_at", False, True, "must lie ahead"),
    (RepairClock("resolution-1", WHY, None, local("2025-03-03 10:30")), QUAN, "due_at", False, True, "does not work"),
]


@pytest.mark.parametrize(("command", "actor", "field", "conflict", "allowed", "says"), REFUSED)
def test_a_repair_is_refused_with_the_field_at_fault_and_what_to_do(
    command: RepairClock, actor: Actor, field: str | None, conflict: bool, allowed: bool, says: str
) -> None:
    with pytest.raises(Refused) as refused:
        Life().officer(command, TEN, actor)
    found = refused.value
    assert (found.field, found.conflict, found.allowed) == (field, conflict, allowed)
    assert says in found.sentence.en


def test_a_paused_clock_has_no_deadline_to_repair_but_can_be_cancelled() -> None:
    life = Life()
    life.officer(Wait("q", "Hồ sơ nào?"), TEN)
    with pytest.raises(Refused) as refused:
        life.officer(RepairClock("resolution-1", WHY, None, local("2025-03-12 17:00")), LATER, QUAN)
    assert (refused.value.field, refused.value.conflict) == ("due_at", True)
    assert "paused" in refused.value.sentence.en
    life.officer(RepairClock("resolution-1", WHY, "cancelled"), LATER, QUAN)
    clock = life.clock("resolution")
    assert (clock.verdict, clock.finished_at, len(clock.repairs)) == ("cancelled", LATER, 1)
    assert clock.repairs[0].because == WHY


def test_what_the_record_says_already_is_refused_for_a_finished_clock_too() -> None:
    with pytest.raises(Refused) as refused:
        repaired(answered("2025-03-03 11:00"), "met")
    assert (refused.value.field, refused.value.conflict) == ("verdict", True)


@pytest.mark.parametrize(
    ("done", "verdict", "due", "after", "missed_at", "granted"),
    [
        ("11:00", "missed", None, "missed", "14:00", 0),
        ("15:00", "met", None, "met", None, 0),
        ("15:00", None, "15:00", "met", None, 1),
        ("15:00", None, "14:30", "missed", "14:30", 0.5),
        ("11:00", None, "10:00", "missed", "10:00", -3),
        ("11:00", None, "10:30", "missed", "10:30", -2.5),
        ("11:00", "met", "10:30", "met", None, -2.5),
        ("11:00", None, "09:00", "missed", "09:00", -4),
    ],
)
def test_a_finished_clock_gets_the_verdict_that_is_given_or_follows_from_the_deadline(
    done: str, verdict: Any, due: str | None, after: str, missed_at: str | None, granted: float
) -> None:
    life = answered(f"2025-03-03 {done}")
    before, wanted = life.clock("first_response"), local(f"2025-03-03 {due}") if due else None
    event = repaired(life, verdict, wanted)
    clock = life.clock("first_response")
    assert (clock.verdict, clock.due_at, clock.finished_at) == (after, wanted or DUE, before.finished_at)
    assert clock.missed_at == (local(f"2025-03-03 {missed_at}") if missed_at else None)
    assert clock.granted == timedelta(hours=granted)
    assert clock.repairs[-1].verdict == before.verdict
    assert (event.old_verdict, event.new_verdict, event.old_due_at, event.new_due_at) == (before.verdict, after, DUE, wanted or DUE)
    assert (event.clock, event.cycle, event.started_at, event.because, event.by) == ("first_response", 1, OPENED, WHY, "quan")


def test_a_cancelled_verdict_takes_deadline_and_miss_away_and_keeps_what_was_said_before() -> None:
    life = answered("2025-03-03 15:00")
    repaired(life, "cancelled")
    clock = life.clock("first_response")
    assert (clock.verdict, clock.due_at, clock.missed_at) == ("cancelled", None, None)
    assert clock.repairs == (Repair(LATER, "quan", WHY, "missed", DUE, DUE, local("2025-03-03 15:00")),)


def test_a_recorded_miss_is_lifted_by_a_later_deadline_and_all_else_of_the_clock_stays() -> None:
    life = Life()
    life.time(DUE)
    before = life.clock("first_response")
    assert before.is_missed
    repaired(life, None, local("2025-03-05 12:00"))
    clock = life.clock("first_response")
    assert (clock.missed_at, clock.due_at) == (None, local("2025-03-05 12:00"))
    assert (clock.policy, clock.revision, clock.calendar, clock.target) == (before.policy, before.revision, before.calendar, before.target)
    assert clock.repairs[-1].missed_at == DUE


def test_two_repairs_of_two_clocks_are_two_events() -> None:
    life = Life()
    for clock in ("first_response-1", "hand_over-1", "resolution-1"):
        life.officer(RepairClock(clock, WHY, "cancelled"), LATER, QUAN)
    assert len({event.id for event in life.events if isinstance(event, ClockRepaired)}) == 3


def test_a_deadline_given_with_a_cancellation_is_kept_and_is_in_utc() -> None:
    life, due = answered("2025-03-03 15:00"), local("2025-03-03 16:00")
    repaired(life, "cancelled", due.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")))
    kept = life.clock("first_response").due_at
    assert kept == due
    assert kept is not None
    assert kept.tzinfo is UTC


def test_at_a_desk_on_duty_at_night_a_repair_is_measured_at_night() -> None:
    opening = request(local("2025-03-03 20:00"), unit="cau-treo")
    running = Life(opening=opening)
    repaired(running, None, local("2025-03-03 23:00"), local("2025-03-03 20:30"))
    assert (running.clock("first_response").due_at, running.clock("first_response").granted) == (
        local("2025-03-03 23:00"),
        timedelta(hours=2),
    )
    finished = Life(opening=opening)
    finished.officer(Reply("m", "Rõ."), local("2025-03-03 22:00"), QUAN)
    finished.accepted("m", local("2025-03-03 22:00"))
    repaired(finished, None, local("2025-03-04 01:00"))
    assert (finished.clock("first_response").verdict, finished.clock("first_response").granted) == ("met", timedelta(hours=4))


@pytest.mark.parametrize(
    ("due", "verdict", "days"),
    [("2025-03-13 17:00", "met", 3), ("2025-03-12 17:00", "met", 2), ("2025-03-06 17:00", "missed", -2)],
)
def test_of_a_finished_clock_in_days_whole_days_are_granted(due: str, verdict: str, days: int) -> None:
    life = Life()
    life.officer(Resolve("m", "Xong."), local("2025-03-12 10:00"))
    life.officer(RepairClock("resolution-1", WHY, None, local(due)), local("2025-03-14 09:00"), QUAN)
    clock = life.clock("resolution")
    assert (clock.verdict, clock.due_at, clock.granted_days) == (verdict, local(due), days)


def test_a_clock_that_was_cancelled_had_no_deadline_to_grant_more_than() -> None:
    life = Life()
    life.officer(RepairClock("resolution-1", WHY, "cancelled"), LATER, QUAN)
    life.officer(RepairClock("resolution-1", WHY, "met", local("2025-03-12 17:00")), LATER, QUAN)
    clock = life.clock("resolution")
    assert (clock.verdict, clock.due_at, clock.granted_days) == ("met", local("2025-03-12 17:00"), 0)
