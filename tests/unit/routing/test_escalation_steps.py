"""Each kind of step, one at a time: when it comes, what it says, whom it tells and in which capacity."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.organisation import Step
from schemas.tickets import DeadlineMissed, DeadlineWarned, TicketEscalated
from services.routing.domain.commands import Claim, Resolve
from services.routing.domain.decide import next_at, time_passing
from services.routing.domain.escalating import tells_with_the_deadline
from tests.support.happenings import OPENED, Life, keys
from tests.support.organisations import as_written, context, local, named, organisation

LATE = local("2025-03-20 09:00")


def life_with(*ladder: dict[str, Any], hours: float = 8, **changed: Any) -> Life:
    """One clock of eight working hours, due on Tuesday at 09:00, and a policy of others after it that tells nobody anything."""
    own = {"key": "branch", "units": ["hon-gai"], "targets": [{"clock": "resolution", "hours": hours}], "ladder": list(ladder)}
    others = {"key": "others", "targets": [{"clock": "resolution", "hours": 80, "warn_percent": []}], "ladder": []}
    life = Life(context(organisation(**{"policies": [own, others], **changed})))
    life.officer(Claim(), OPENED)
    return life


def escalated(life: Life, at: Any = LATE) -> TicketEscalated:
    (event,) = [event for event in life.time(at).events if isinstance(event, TicketEscalated)]
    return event


@pytest.mark.parametrize(
    ("step", "due", "says"),
    [
        ({"percent": 50}, "2025-03-03 14:00", "50 % of the target is used up"),
        ({"after_hours": 0}, "2025-03-04 09:00", "0 working hours after the miss"),
        ({"after_hours": 1}, "2025-03-04 10:00", "1 working hour after the miss"),
        ({"after_hours": 1.5}, "2025-03-04 10:30", "1.5 working hours after the miss"),
        ({"after_hours": 2}, "2025-03-04 11:00", "2 working hours after the miss"),
        ({"after_days": 1}, "2025-03-05 17:00", "1 working day after the miss"),
        ({"after_days": 2}, "2025-03-06 17:00", "2 working days after the miss"),
    ],
)
def test_a_step_says_when_it_came(step: dict[str, Any], due: str, says: str) -> None:
    event = escalated(life_with({**step, "tell": ["supervisor"]}))
    assert event.because_in is not None
    assert (event.due_at, event.because_in.en, event.step, event.number, event.steps) == (local(due), says, 0, 1, 1)


def test_a_step_before_the_miss_that_nobody_saw_in_time_is_recorded_and_told_nobody() -> None:
    step = {"percent": 50, "tell": ["supervisor"]}
    assert keys(escalated(life_with(step), local("2025-03-03 15:00")).recipients) == ["sau"]
    late = escalated(life_with(step))
    assert (late.recipients, late.told_as, late.tell_at) == ((), {}, None)


def test_a_warning_that_nobody_saw_in_time_waits_for_nobody() -> None:
    warned, missed = life_with().time(local("2025-03-04 20:00")).events
    assert isinstance(warned, DeadlineWarned)
    assert isinstance(missed, DeadlineMissed)
    assert (warned.recipients, warned.tell_at, missed.tell_at) == ((), None, local("2025-03-05 08:00"))


def test_the_clock_is_watched_by_its_own_policy() -> None:
    life = life_with(
        {"percent": 20, "tell": ["authority"]}, {"percent": 75, "tell": ["authority"]}, {"percent": 100, "tell": ["authority"]}
    )
    assert next_at(life.ticket, life.ctx) == local("2025-03-03 10:36")
    told = [
        (event.type, keys(event.recipients))
        for wall in ("2025-03-03 10:36", "2025-03-03 16:00", "2025-03-04 09:00")
        for event in life.time(local(wall)).events
        if isinstance(event, DeadlineWarned | DeadlineMissed | TicketEscalated)
    ]
    assert told == [(kind, ["competent-authority"]) for kind in ("ticket_escalated", "deadline_warned", "deadline_missed")]


def test_a_miss_is_told_the_officer_where_the_ladder_says_so() -> None:
    life = life_with({"percent": 100, "tell": ["officer"]})
    (event,) = [event for event in life.time(local("2025-03-04 09:00")).events if isinstance(event, DeadlineMissed)]
    assert keys(event.recipients) == ["hai"]


def test_those_who_had_the_ticket_are_told_as_such_when_it_is_taken_over() -> None:
    event = escalated(life_with({"after_hours": 1, "tell": ["officer", "supervisor", "lead"], "take_over": "parent_group"}))
    assert event.told_as == {"quang": "lead", "sau": "supervisor", "hai": "relieved_lead", "hong": "relieved_lead"}


def test_a_supervisor_of_those_who_had_it_stays_one() -> None:
    officers = [*as_written()["officers"], {"key": "bay", "name": "Bay", "email": "bay@customs.example", "supervises": ["hon-gai"]}]
    event = escalated(life_with({"after_hours": 1, "tell": ["supervisor"], "take_over": "parent_group"}, officers=officers))
    assert event.told_as == {"sau": "supervisor", "bay": "supervisor"}


def test_the_officer_who_has_the_ticket_is_told_where_nobody_takes_it_over() -> None:
    assert escalated(life_with({"after_hours": 1, "tell": ["officer"]})).told_as == {"hai": "officer"}


def test_a_takeover_by_an_automatic_group_goes_to_whoever_has_least_to_do() -> None:
    groups = [{**group, "assignment": "automatic"} if group["key"] == "quang-ninh" else group for group in as_written()["groups"]]
    officers = [*as_written()["officers"], {"key": "quy", "name": "Quy", "groups": ["quang-ninh"]}]
    life = life_with({"after_hours": 1, "take_over": "parent_group"}, groups=groups, officers=officers)
    for busy, free in (("quang", "quy"), ("quy", "quang")):
        assert time_passing(life.ticket, life.ctx, LATE, {busy: 1}).ticket.officer == free


def test_a_takeover_gives_the_ticket_to_the_group_above_that_has_its_topic() -> None:
    tax = {"key": "tax", "name": named("Thuế", "Tax"), "unit": "quang-ninh", "calendar": "office", "lead": "quang", "topics": ["valuation"]}
    life = life_with({"after_hours": 1, "take_over": "parent_group"}, groups=[*as_written()["groups"], tax])
    assert escalated(life).ticket.group == life.ctx.org.as_group(life.ctx.group("tax"))


def test_a_ticket_that_waits_for_its_last_answer_to_arrive_is_taken_over_by_nobody() -> None:
    step = {"clock": "first_response", "after_hours": 1, "take_over": "parent_group"}
    policies = [{"key": "only", "targets": [{"clock": "first_response", "hours": 4}], "ladder": [step]}]
    life = Life(context(organisation(policies=policies)))
    life.officer(Resolve("m", "Xong."), OPENED + timedelta(hours=1))
    event = escalated(life, local("2025-03-03 16:00"))
    assert event.because_in is not None
    assert event.ticket.group.key == "hon-gai"
    assert event.because_in.en.endswith("Hon Gai keeps it")


def test_an_older_record_of_steps_by_their_places_takes_none_of_them_again() -> None:
    life = life_with({"percent": 20, "tell": ["lead"]}, {"percent": 60, "tell": ["lead"]})
    older = [replace(clock, escalated=(0,)) for clock in life.ticket.clocks]
    life.ticket = replace(life.ticket, clocks=tuple(older))
    assert escalated(life, local("2025-03-03 15:00")).step == 1
    assert life.clock("resolution").escalated == ("resolution 20%", "resolution 60%")


@pytest.mark.parametrize(
    ("step", "with_it"),
    [
        (Step(percent=75), True),
        (Step(percent=100), True),
        (Step(percent=60), False),
        (Step(percent=100, take_over="authority"), False),
        (Step(percent=75, clock="first_response"), False),
        (Step(after_hours=0), False),
        (Step(clock="first_response", percent=100, take_over="authority"), False),
    ],
)
def test_only_a_step_at_a_warning_or_the_miss_that_moves_nothing_is_told_with_it(step: Step, with_it: bool) -> None:
    assert tells_with_the_deadline(step, life_with().clock("resolution")) == with_it
