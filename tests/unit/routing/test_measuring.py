"""What happens to a ticket's clocks; opened at Hon Gai on Monday 2025-03-03 at 09:00, the office works 08:00-12:00 and 13:00-17:00."""

from datetime import timedelta
from typing import Any

from schemas.tickets import DeadlineMissed
from services.routing.domain.commands import Assign, Prioritise, Refer, Reply, Resolve
from tests.support.happenings import OPENED, Life, keys, request
from tests.support.organisations import as_written, context, local, organisation

FIRST_DUE = local("2025-03-03 14:00")
"""Of the first response, four working hours after the ticket was opened."""


def test_every_clock_says_which_policy_of_which_revision_and_which_calendar_measure_it() -> None:
    life = Life(context(revision=7))
    assert {(clock.policy, clock.revision, clock.calendar) for clock in life.ticket.clocks} == {("standard", 7, "office")}
    life.officer(Assign("Đúng thẩm quyền", group="cau-treo"), OPENED + timedelta(hours=1))
    assert {(clock.policy, clock.revision, clock.calendar) for clock in life.ticket.unfinished()} == {("border", 7, "border")}


def test_an_answer_heard_of_later_is_in_time_at_the_very_instant_of_the_deadline() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), FIRST_DUE - timedelta(minutes=1))
    decision = life.accepted("a", FIRST_DUE)
    assert life.clock("first_response").verdict == "met"
    assert not [event for event in decision.events if isinstance(event, DeadlineMissed) and event.due_at == FIRST_DUE]


def test_deadlines_that_nobody_saw_pass_are_recorded_in_their_own_order() -> None:
    targets = [{"clock": "first_response", "hours": 6}, {"clock": "resolution", "hours": 2}, {"clock": "hand_over", "hours": 4}]
    life = Life(context(organisation(policies=[{"key": "only", "targets": targets, "ladder": []}])))
    decision = life.officer(Refer("Bộ Công Thương", "Ngoài thẩm quyền"), local("2025-03-04 12:00"))
    missed = [event.clock for event in decision.events if isinstance(event, DeadlineMissed)]
    assert missed == ["resolution", "hand_over", "first_response"]


def test_a_miss_is_told_to_those_whom_the_ladder_of_the_clocks_own_policy_names() -> None:
    def policy(key: str, who: str, **more: Any) -> dict[str, Any]:
        ladder = [{"percent": 100, "tell": [who]}]
        return {"key": key, "targets": [{"clock": "resolution", "hours": 2}], "ladder": ladder, **more}

    life = Life(context(organisation(policies=[policy("branch", "authority", units=["hon-gai"]), policy("others", "lead")])))
    (event,) = [event for event in life.time(local("2025-03-03 11:00")).events if isinstance(event, DeadlineMissed)]
    assert keys(event.recipients) == ["competent-authority"]


def test_the_clock_of_a_second_answer_is_measured_by_a_new_priority_too() -> None:
    written = as_written()["policies"]
    urgent = {"key": "urgent", "priorities": ["urgent"], "targets": [{"clock": "next_response", "hours": 2}]}
    life = Life(context(organisation(policies=[urgent, *written])))
    life.officer(Reply("a", "Vâng."), OPENED + timedelta(hours=1))
    life.accepted("a", OPENED + timedelta(hours=1))
    life.business(local("2025-03-03 11:00"))
    assert life.clock("next_response").due_at == local("2025-03-04 11:00")
    life.officer(Prioritise("urgent", "Hàng dễ hỏng"), local("2025-03-03 11:30"))
    assert life.clock("next_response").due_at == local("2025-03-03 14:00")


def test_handed_from_a_desk_on_duty_at_night_to_an_office_what_was_spent_there_stays_spent() -> None:
    life = Life(opening=request(local("2025-03-03 18:00"), unit="cau-treo"))
    assert life.clock("resolution").due_at == local("2025-03-04 18:00")
    life.officer(Assign("Đúng thẩm quyền", group="hon-gai"), local("2025-03-04 06:00"))
    (era,) = life.clock("resolution").eras
    assert (era.calendar, era.worked) == ("border", timedelta(hours=12))


SECOND = "0195f3a0-0000-7000-8000-000000000002"


def test_two_tickets_with_the_same_life_share_no_event() -> None:
    lives = [Life(), Life(opening=request(ticket_id=SECOND))]
    for life in lives:
        life.time(local("2025-03-12 09:00"))
        life.officer(Resolve("m", "Xong."), local("2025-03-12 10:00"))
        life.accepted("m", local("2025-03-12 10:00"), ticket_id=life.ticket.id, id=f"delivered-{life.ticket.id}")
        life.time(local("2025-04-12 10:00"))
    one, other = ({event.id for event in life.events} for life in lives)
    assert types_of(lives[0]) == types_of(lives[1])
    assert {"deadline_warned", "deadline_missed", "ticket_escalated", "clock_finished", "ticket_closed"} <= set(types_of(lives[0]))
    assert one.isdisjoint(other)


def types_of(life: Life) -> list[str]:
    return [event.type for event in life.events]
