"""Clocks at the very instants where something turns, and changes that leave nothing of a target: hand-made."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.organisation import Target
from schemas.tickets import TicketEscalated
from services.routing.calendars import build
from services.routing.directory import context as of_organisation
from services.routing.domain import clocks, measuring
from services.routing.domain.clocks import Clock
from services.routing.domain.commands import Actor, Claim, Reopen, RepairClock, Reply, Resolve, Wait
from services.routing.domain.context import Edition
from services.routing.domain.draft import Draft
from services.routing.domain.moves import Refused
from services.routing.domain.retiming import remeasured
from tests.support.happenings import OPENED, Life, request
from tests.support.organisations import OFFICE_DAY, ROUND_THE_CLOCK, as_written, context, local, organisation
from tests.unit.routing.generated import written

WEEK = ("mon", "tue", "wed", "thu", "fri")
OFFICE = build(written("Asia/Ho_Chi_Minh", dict.fromkeys(WEEK, OFFICE_DAY)))
GATE = build(written("Asia/Ho_Chi_Minh", dict.fromkeys((*WEEK, "sat", "sun"), ROUND_THE_CLOCK)))
QUAN = Actor("quan", "Quan")
WHY = "Máy chủ thư ngừng hoạt động"


def at(wall: str) -> datetime:
    """`3 10:00`: Monday 3 March 2025."""
    day, hour = wall.split()
    return local(f"2025-03-{int(day):02} {hour}")


def started(wall: str = "3 09:00", **target: Any) -> Clock:
    return clocks.start("resolution", 1, Target(clock="resolution", **target), "p", 1, "office", OFFICE, at(wall))


def cut(clock: Clock, wall: str, **target: Any) -> Clock:
    return clocks.retarget(clock, Target(clock="resolution", **target), "q", 2, "office", OFFICE, at(wall))


def paused(clock: Clock, wall: str) -> Clock:
    return clocks.pause(clock, at(wall), "waiting", OFFICE)


def test_a_deadline_that_had_passed_before_a_change_and_is_not_moved_by_it_stays() -> None:
    clock = cut(started(hours=4), "3 15:00", hours=4)
    assert (clock.due_at, clock.eras, clock.policy) == (at("3 14:00"), (), "q")


def test_a_deadline_cut_to_the_instant_of_the_change_is_counted_from_the_start() -> None:
    clock = cut(started(hours=4), "3 11:00", hours=2)
    assert (clock.due_at, clock.eras) == (at("3 11:00"), ())


def test_a_paused_clock_cut_to_its_last_day_keeps_it() -> None:
    clock = cut(paused(started("3 10:00", days=5), "4 10:00"), "7 10:00", days=1)
    assert (clock.held_due_at, clock.left_days, clock.eras) == (at("4 17:00"), 1, ())


def test_what_a_paused_clock_was_due_is_reckoned_from_the_pause_on_the_calendar_it_is_moved_to() -> None:
    clock = paused(started(hours=8), "3 11:00")
    moved = clocks.retarget(clock, clock.target, "q", 2, "gate", GATE, at("5 10:00"), before=OFFICE)
    assert (moved.held_due_at, moved.left) == (at("3 17:00"), timedelta(hours=6))


def test_a_clock_cut_to_nothing_at_the_instant_its_pause_began_is_due_when_it_runs_again() -> None:
    clock = paused(cut(started(hours=8), "3 11:00", hours=1), "3 11:00")
    assert clocks.resume(clock, at("3 13:30"), OFFICE).due_at == at("3 13:30")


@pytest.mark.parametrize(
    ("ends", "verdict"), [("3 14:00", "cancelled"), ("3 13:59", "cancelled"), ("3 14:01", "missed")], ids=["at", "before", "after"]
)
def test_what_nobody_waits_for_any_more_is_missed_only_where_its_deadline_had_passed(ends: str, verdict: str) -> None:
    assert abandoned(started(hours=4), ends).verdict == verdict


def test_so_is_what_was_recorded_as_missed_and_a_paused_clock_is_never_late() -> None:
    recorded = replace(started(hours=4), missed_at=at("3 14:00"))
    assert abandoned(recorded, "3 14:00").verdict == "missed"
    assert abandoned(paused(started(hours=4), "3 11:00"), "6 11:00").verdict == "cancelled"


def abandoned(clock: Clock, wall: str) -> Clock:
    life = Life()
    draft = Draft(replace(life.ticket, clocks=(clock,)), life.ctx, at(wall), cause="c")
    (ended,) = measuring.abandon(draft, at(wall), clock).ticket.clocks
    return ended


def test_a_message_read_late_is_due_from_when_it_came() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), at("3 10:00"))
    life.accepted("a", at("3 10:00"))
    life.business(at("3 11:00"), read_at=at("5 11:00"))
    assert life.clock("next_response").due_at == at("4 11:00")


def test_a_miss_that_a_later_target_lifted_does_not_hold_up_the_next_change() -> None:
    old, new = (of_organisation(organisation(), revision, Edition(revision, OPENED)) for revision in (1, 2))
    lifted = replace(started(hours=16), missed_at=at("3 14:00"))
    assert not lifted.is_missed
    policy = old.policy("standard").model_copy(update={"targets": (Target(clock="resolution", hours=16),)})
    (era,) = remeasured(lifted, policy, "border", old, new, at("3 11:00")).eras
    assert era.until == at("3 11:00")


def test_nothing_is_unanswered_after_a_resolution_that_needs_no_words() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), at("3 10:00"))
    life.accepted("a", at("3 10:00"))
    life.business(at("3 11:00"))
    life.officer(Resolve("r"), at("3 12:00"))
    assert life.ticket.heard == ()


def test_an_open_ticket_is_not_taken_up_again() -> None:
    life = Life()
    life.officer(Claim(), at("3 10:00"))
    with pytest.raises(Refused) as refused:
        life.officer(Reopen("Chưa xong"), at("3 11:00"))
    assert refused.value.sentence.en.startswith("The ticket is open")


def test_a_deadline_may_be_put_off_by_ten_years_and_no_more() -> None:
    def put_off(by: timedelta) -> Life:
        life = Life(opening=request(unit="cau-treo"))
        life.officer(RepairClock("first_response-1", WHY, None, OPENED + by), OPENED, QUAN)
        return life

    farthest = timedelta(days=3653)
    assert put_off(farthest).clock("first_response").due_at == OPENED + farthest
    with pytest.raises(Refused):
        put_off(farthest + timedelta(microseconds=1))


def test_what_a_repair_grants_a_finished_clock_leaves_out_its_pauses() -> None:
    life = Life(opening=request(unit="cau-treo"))
    life.officer(Wait("q", "Hồ sơ nào?"), at("4 10:00"))
    life.business(at("4 12:00"))
    life.officer(Resolve("r", "Xong."), at("4 13:30"))
    assert (life.clock("resolution").verdict, life.clock("resolution").due_at) == ("missed", at("4 09:00"))
    life.officer(RepairClock("resolution-1", WHY, None, at("4 14:00")), at("5 09:00"), QUAN)
    assert (life.clock("resolution").verdict, life.clock("resolution").granted) == ("met", timedelta(hours=3))


def test_a_finished_clock_is_repaired_by_the_calendar_of_its_own_revision() -> None:
    closed = as_written()["calendars"]
    closed[0]["closed"] = ["2025-03-03"]
    then = of_organisation(organisation(), 1, Edition(1, OPENED))
    life = Life(then)
    life.officer(Reply("a", "Vâng."), at("3 15:00"))
    life.accepted("a", at("3 15:00"))
    life.ctx = of_organisation(organisation(calendars=closed), 2, Edition(2, at("4 09:00"), (then,)))
    life.officer(RepairClock("first_response-1", WHY, None, at("3 16:00")), at("5 09:00"), QUAN)
    assert life.clock("first_response").granted == timedelta(hours=2)


def ladder(*steps: dict[str, Any], **changed: Any) -> Life:
    own = {"key": "branch", "units": ["hon-gai"], "targets": [{"clock": "resolution", "hours": 8}], "ladder": list(steps)}
    others = {"key": "others", "targets": [{"clock": "resolution", "hours": 80}], "ladder": []}
    return Life(context(organisation(**{"policies": [own, others], **changed})))


def escalations(life: Life, wall: str) -> list[TicketEscalated]:
    return [event for event in life.time(at(wall)).events if isinstance(event, TicketEscalated)]


def test_a_step_that_tells_nobody_waits_for_nobody_also_at_night() -> None:
    (event,) = escalations(ladder({"after_hours": 1}), "20 22:00")
    assert (event.recipients, event.tell_at) == ((), None)


def test_whoever_is_given_the_ticket_that_is_taken_over_is_told_as_its_officer() -> None:
    groups = [{**group, "assignment": "automatic"} if group["key"] == "quang-ninh" else group for group in as_written()["groups"]]
    officers = [
        *(each for each in as_written()["officers"] if each["key"] != "quang"),
        {"key": "quy", "name": "Quy", "groups": ["quang-ninh"]},
    ]
    lead = {"key": "quang", "name": "Quang", "email": "quang@customs.example"}
    (event,) = escalations(ladder({"after_hours": 1, "take_over": "parent_group"}, groups=groups, officers=[*officers, lead]), "20 09:00")
    assert event.told_as["quy"] == "officer"


def test_a_clock_of_the_same_kind_and_cycle_whose_steps_are_known_by_their_places_moved_the_ticket_already() -> None:
    life = ladder({"after_hours": 1, "take_over": "parent_group"})
    own = life.clock("resolution")
    earlier = replace(clocks.finish(own, OPENED), started_at=OPENED - timedelta(hours=1), escalated=(0,))
    life.ticket = replace(life.ticket, clocks=(earlier, own))
    (event,) = escalations(life, "20 09:00")
    assert event.ticket.group.key == "hon-gai"


@pytest.mark.parametrize(("days", "verdict"), [(2, "missed"), (3, "cancelled")])
@pytest.mark.parametrize("noticed", ["6 10:00", "20 10:00"], ids=["at once", "after an outage"])
def test_what_would_fall_due_after_a_ticket_closed_never_does_however_late_that_is_noticed(days: int, verdict: str, noticed: str) -> None:
    """Resolved on Monday at 10:00 in words that never arrive; closed three days later, before Thursday's end."""
    targets = [{"clock": "first_response", "days": days, "warn_percent": []}]
    life = Life(context(organisation(policies=[{"key": "p", "reopen_days": 3, "targets": targets, "ladder": []}])))
    life.officer(Resolve("r", "Xong."), at("3 10:00"))
    types = [event.type for event in life.time(at(noticed)).events]
    clock = life.clock("first_response")
    assert (clock.verdict, clock.finished_at, life.ticket.closed_at) == (verdict, at("6 10:00"), at("6 10:00"))
    assert types == [*(["deadline_missed"] if verdict == "missed" else []), "ticket_closed", "clock_finished"]


def test_a_deadline_at_the_instant_a_ticket_closes_is_missed() -> None:
    targets = [{"clock": "first_response", "hours": 25, "warn_percent": []}]
    life = Life(context(organisation(policies=[{"key": "p", "reopen_days": 3, "targets": targets, "ladder": []}])))
    life.officer(Resolve("r", "Xong."), at("3 10:00"))
    life.time(at("6 10:00"))
    clock = life.clock("first_response")
    assert (clock.verdict, clock.due_at, clock.missed_at, clock.finished_at) == ("missed", *[at("6 10:00")] * 3)


def test_a_missed_clock_that_was_paused_since_keeps_its_deadline_when_it_is_abandoned() -> None:
    missed = paused(replace(started(hours=4), missed_at=at("3 14:00")), "3 15:00")
    clock = abandoned(missed, "4 09:00")
    assert (clock.verdict, clock.due_at, clock.missed_at, clock.is_paused) == ("missed", at("3 14:00"), at("3 14:00"), False)
