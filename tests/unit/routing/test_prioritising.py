"""An officer says how urgent a ticket is."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.tickets import TicketAssigned, TicketPrioritised
from schemas.values import ClockKind, Priority
from services.routing.domain.commands import Actor, Assign, Claim, Command, Prioritise, Wait
from services.routing.domain.decide import decide
from services.routing.domain.moves import Refused
from tests.support.happenings import HAI, HONG, HUNG, OPENED, Life, life_in, request
from tests.support.organisations import as_written, context, local, organisation

AT = OPENED + timedelta(hours=2)
QUAN = Actor("quan", "Quan")
URGENT = Prioritise("urgent", "Hàng dễ hỏng")
TARGETS = [
    {"clock": "first_response", "hours": 3},
    {"clock": "next_response", "hours": 1},
    {"clock": "resolution", "days": 1},
    {"clock": "hand_over", "hours": 6},
]


def life(**opening: Any) -> Life:
    policies = [{"key": "urgent", "priorities": ["urgent"], "targets": TARGETS}, *as_written()["policies"]]
    return Life(context(organisation(policies=policies)), request(**opening))


def refused(of: Life, command: Command, actor: Actor = HAI) -> Refused:
    with pytest.raises(Refused) as refusal:
        decide(of.ticket, command, actor, of.ctx, AT)
    return refusal.value


def test_the_event_says_who_made_it_how_urgent_and_why_it_is_measured_as_it_is() -> None:
    decision = life().officer(URGENT, AT)
    (event,) = decision.events
    assert isinstance(event, TicketPrioritised)
    assert (event.priority, event.from_priority, event.because, event.by) == ("urgent", "normal", "Hàng dễ hỏng", "hai")
    assert event.policy_because == "Chính sách thời hạn “urgent”: mức ưu tiên khẩn"
    assert (event.ticket.priority, decision.ticket.policy) == ("urgent", "urgent")


DUE: dict[ClockKind, str] = {
    # Opened Monday 09:00; two hours are spent when it becomes urgent.
    "first_response": "2025-03-03 12:00",
    "hand_over": "2025-03-03 16:00",
    "resolution": "2025-03-04 17:00",
}


@pytest.mark.parametrize("priority", ["low", "normal", "high"])
def test_every_clock_has_the_new_target_minus_what_was_spent_and_afterwards_the_old_one_again(priority: Priority) -> None:
    story = life()
    before = {kind: story.clock(kind).due_at for kind in DUE}
    story.officer(URGENT, AT)
    assert {kind: story.clock(kind).due_at for kind in DUE} == {kind: local(due) for kind, due in DUE.items()}
    if priority == "normal":
        story.officer(Prioritise("high", "Không gấp lắm"), AT + timedelta(minutes=15))
    story.officer(Prioritise(priority, "Không gấp nữa"), AT + timedelta(minutes=30))
    assert {kind: story.clock(kind).due_at for kind in DUE} == before


def test_a_deadline_that_passed_stays_missed_when_the_priority_is_lowered() -> None:
    story = life()
    story.officer(URGENT, AT)
    story.officer(Prioritise("low", "Không gấp nữa"), local("2025-03-03 15:00"))
    clock = story.clock("first_response")
    assert (clock.missed_at, clock.due_at, clock.is_missed) == (local("2025-03-03 12:00"), local("2025-03-03 12:00"), True)


def test_a_paused_clock_stays_paused_and_shows_what_is_left_of_the_new_target() -> None:
    story = life()
    story.officer(Wait("q", "Hồ sơ nào?"), OPENED + timedelta(hours=1))
    assert story.clock("hand_over").left == timedelta(hours=15)
    story.officer(URGENT, AT)
    clock = story.clock("hand_over")
    assert (clock.is_paused, clock.due_at, clock.left) == (True, None, timedelta(hours=5))


def test_an_unanswered_message_that_nothing_measured_is_measured_from_when_it_came() -> None:
    """The border gate's policy has no target for a next response; the one for what is urgent has."""
    story = life(unit="cau-treo")
    story.officer(Wait("q", "Hồ sơ nào?"), OPENED, QUAN)
    story.accepted("q", OPENED + timedelta(minutes=5))
    story.business(OPENED + timedelta(hours=1), 2)
    assert not list(story.ticket.unfinished("next_response"))
    story.officer(URGENT, AT, QUAN)
    assert story.clock("next_response").due_at == OPENED + timedelta(hours=2)


def test_such_a_message_is_measured_in_the_next_group_too() -> None:
    story = life(unit="cau-treo")
    story.officer(Wait("q", "Hồ sơ nào?"), OPENED, QUAN)
    story.accepted("q", OPENED + timedelta(minutes=5))
    story.business(OPENED + timedelta(hours=1), 2)
    story.officer(Assign("Thuộc Hòn Gai", group="hon-gai"), AT, QUAN)
    assert story.clock("next_response").due_at == local("2025-03-04 10:00")


def test_a_ticket_that_changes_its_group_is_measured_by_its_priority_there_and_says_so() -> None:
    story = life()
    story.officer(URGENT, AT)
    (event, *_) = story.officer(Assign("Thuộc cửa khẩu", group="cau-treo"), AT, QUAN).events
    assert isinstance(event, TicketAssigned)
    assert story.ticket.policy == "urgent"
    assert event.policy_because == "Chính sách thời hạn “urgent”: mức ưu tiên khẩn"
    (event,) = story.officer(Assign("Chia việc", officer="cam"), AT, QUAN).events
    assert isinstance(event, TicketAssigned)
    assert event.policy_because is None


def test_the_same_priority_again_is_refused() -> None:
    refusal = refused(life(), Prioritise("normal", "x"))
    assert (refusal.field, refusal.conflict) == ("priority", True)
    assert refusal.sentence.vi == "Yêu cầu đã ở mức ưu tiên “bình thường”; hãy chọn mức khác."


def test_without_a_reason_it_is_refused() -> None:
    assert refused(life(), Prioritise("high", "  ")).field == "reason"


@pytest.mark.parametrize("status", ["resolved", "closed", "rejected"])
def test_what_nobody_works_on_has_to_be_reopened_first(status: Any) -> None:
    of = life_in(status)
    with pytest.raises(Refused) as caught:
        decide(of.ticket, URGENT, HAI, of.ctx, of.ticket.last_event_at)
    assert (caught.value.field, caught.value.conflict) == ("status", True)


def test_over_another_s_lease_only_who_oversees_the_group_says_how_urgent_it_is() -> None:
    story = life()
    story.officer(Claim(), OPENED)
    assert refused(story, URGENT, HUNG).field == "officer"
    story.officer(URGENT, AT, HONG)
    assert story.ticket.priority == "urgent"
