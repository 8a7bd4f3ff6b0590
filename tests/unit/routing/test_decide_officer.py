"""What officers may do, what it changes, and what they are told when they may not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.tickets import AnswerGiven, NoteAdded, QuestionAsked, TicketAssigned, TicketClaimed, TicketReferred, TicketResolved
from schemas.values import TicketStatus
from services.routing.domain import sentences
from services.routing.domain.commands import (
    Actor,
    Assign,
    Claim,
    Command,
    Note,
    Prioritise,
    Refer,
    Reject,
    Release,
    Reopen,
    Reply,
    Resolve,
    Wait,
)
from services.routing.domain.decide import Decision, decide
from services.routing.domain.moves import Refused
from tests.support.happenings import HAI, HONG, HUNG, OPENED, Life, keys, life_in, request, types
from tests.support.organisations import context, local, officer, with_officers

AT = OPENED + timedelta(hours=2)
SAU = Actor("sau", "Sau")

COMMANDS: dict[str, Command] = {
    "claim": Claim(),
    "assign": Assign("Chia việc", officer="hung"),
    "urge": Prioritise("urgent", "Hàng dễ hỏng"),
    "reply": Reply("m", "Vâng."),
    "note": Note("m", "Ghi chú."),
    "wait": Wait("m", "Hồ sơ nào?"),
    "refer": Refer("Bộ Công Thương", "Ngoài thẩm quyền"),
    "resolve": Resolve("m", "Xong."),
    "reopen": Reopen("Chưa xong"),
    "reject": Reject("m", "Ngoài phạm vi", "Điều 5"),
}

AFTER = """
          new       open      waiting   referred  resolved  closed    rejected
claim     open      open      waiting   referred  -         -         -
assign    open      open      waiting   referred  -         -         -
urge      new       open      waiting   referred  -         -         -
reply     open      open      waiting   referred  resolved  -         -
note      new       open      waiting   referred  resolved  closed    rejected
wait      waiting   waiting   waiting   waiting   -         -         -
refer     referred  referred  referred  referred  -         -         -
resolve   resolved  resolved  resolved  resolved  -         -         -
reopen    -         -         open      open      open      -         open
reject    rejected  rejected  rejected  rejected  -         -         -
"""


def table() -> list[tuple[str, str, str]]:
    header, *rows = AFTER.strip("\n").splitlines()
    return [(row.split()[0], status, after) for row in rows for status, after in zip(header.split(), row.split()[1:], strict=True)]


@pytest.mark.parametrize(("command", "before", "after"), table())
def test_every_command_in_every_status_leads_where_the_table_says_or_is_refused(command: str, before: TicketStatus, after: str) -> None:
    life = life_in(before)
    at = max(AT, life.ticket.last_event_at)
    if after == "-":
        with pytest.raises(Refused) as refusal:
            decide(life.ticket, COMMANDS[command], HAI, life.ctx, at)
        assert refusal.value.conflict
        assert refusal.value.sentence.vi != refusal.value.sentence.en
        return
    life.officer(COMMANDS[command], at, HAI)
    assert life.ticket.status == after


def refused(life: Life, command: Command, at: Any = AT, actor: Actor = HAI) -> Refused:
    with pytest.raises(Refused) as refusal:
        decide(life.ticket, command, actor, life.ctx, at)
    return refusal.value


def only(decision: Decision) -> Any:
    (event,) = decision.events
    return event


# --- claim and lease ---------------------------------------------------------------------------------------------


def test_a_claim_is_a_lease_of_eight_working_hours() -> None:
    event = only(Life().officer(Claim(), local("2025-03-03 11:00")))
    assert isinstance(event, TicketClaimed)
    assert (event.by, event.until) == ("hai", local("2025-03-04 11:00"))


def test_while_somebody_holds_the_ticket_a_claim_is_refused_naming_them_and_until_when() -> None:
    life = Life()
    life.officer(Claim(), local("2025-03-03 11:00"))
    refusal = refused(life, Claim(), AT, HUNG)
    assert refusal.conflict
    assert refusal.detail.startswith("Hai holds this ticket until 11:00 04/03/2025 (Asia/Ho_Chi_Minh);")
    assert refused(life, Claim(), AT, HONG).conflict


def test_once_the_lease_has_run_out_the_ticket_is_free_and_its_holder_may_renew_before() -> None:
    life = Life()
    life.officer(Claim(), local("2025-03-03 11:00"))
    life.officer(Claim(), local("2025-03-03 13:00"))
    refused(life, Claim(), local("2025-03-04 11:59"), HUNG)
    life.officer(Claim(), local("2025-03-04 12:00"), HUNG)
    assert life.ticket.officer == "hung"


def test_an_officer_of_another_group_cannot_claim_but_who_oversees_the_group_can() -> None:
    life = Life()
    assert refused(life, Claim(), AT, Actor("quang", "Quang")).field == "officer"
    assert "There is no officer ghost" in refused(life, Claim(), AT, Actor("ghost", "Ghost")).detail
    life.officer(Claim(), AT, SAU)
    assert life.ticket.officer == "sau"


def test_a_released_ticket_is_in_the_queue_again() -> None:
    life = Life()
    life.officer(Claim(), AT)
    event = only(life.officer(Release(), AT))
    assert isinstance(event, TicketAssigned)
    assert (event.because, event.from_group) == ("Trả lại hàng đợi của nhóm", None)
    assert (life.ticket.officer, life.ticket.claimed_until, life.ticket.status) == (None, None, "open")


def test_only_the_holder_or_who_oversees_the_group_releases_and_only_what_is_held() -> None:
    life = Life()
    nobody = refused(life, Release())
    assert "nothing to release" in nobody.detail
    assert nobody.conflict
    life.officer(Claim(), AT)
    assert "Hai holds" in refused(life, Release(), AT, HUNG).detail
    life.officer(Release("Hai vắng"), AT, HONG)
    assert life.ticket.officer is None


# --- assignment --------------------------------------------------------------------------------------------------


def test_the_lead_assigns_over_a_lease_and_a_colleague_does_not() -> None:
    life = Life()
    life.officer(Claim(), AT)
    assert "Hai holds" in refused(life, Assign("Tôi làm", officer="hung"), AT, HUNG).detail
    event = only(life.officer(Assign("Hai nghỉ", officer="hung"), AT, HONG))
    assert isinstance(event, TicketAssigned)
    assert (event.because, event.by, event.from_group, keys(event.recipients)) == ("Hai nghỉ", "hong", None, ["hung"])
    assert life.ticket.claimed_until == local("2025-03-04 11:00")


def test_who_takes_a_ticket_themselves_is_not_told_so() -> None:
    event = only(Life().officer(Assign("Tôi làm", officer="hai"), AT))
    assert event.recipients == ()


@pytest.mark.parametrize(
    ("command", "field", "detail"),
    [
        (Assign("x"), "group", "Name the group or the officer"),
        (Assign("x", group="nowhere"), "group", "There is no group nowhere"),
        (Assign("x", officer="nobody"), "officer", "There is no officer nobody"),
        (Assign("x", officer="quang"), "officer", "Quang does not belong to the group Hon Gai"),
        (Assign("x", group="quang-ninh", officer="hai"), "officer", "Hai does not belong to the group Quang Ninh"),
        (Assign("x", group="hon-gai"), "group", "already there"),
        (Assign("  ", officer="hung"), "reason", "Give the reason"),
        (Reply("m", " "), "text", "Write something"),
        (Note("m", ""), "text", "Write something"),
        (Wait("m", "\n"), "text", "Write something"),
        (Refer("", "x"), "authority", "Name the authority"),
        (Refer("Bộ", ""), "reason", "Give the reason"),
        (Resolve("m", ""), "text", "Write something"),
        (Resolve("m"), "text", "has not been answered yet"),
        (Reject("m", "", "Điều 5"), "reason", "Give the reason"),
        (Reject("m", "x", ""), "legal_basis", "Name the legal basis"),
    ],
)
def test_a_refusal_names_the_field_and_what_to_do(command: Command, field: str, detail: str) -> None:
    refusal = refused(Life(), command)
    assert refusal.field == field
    assert detail in refusal.detail


def test_a_lease_is_measured_by_the_calendar_of_the_group() -> None:
    life = Life(opening=request(local("2025-03-03 18:00"), unit="cau-treo"))
    life.officer(Assign("Đổi người", officer="chi", lease=timedelta(hours=8)), local("2025-03-03 20:00"), Actor("cam", "Cam"))
    assert life.ticket.claimed_until == local("2025-03-04 04:00")


def test_a_ticket_handed_to_where_it_is_stands_in_its_own_way() -> None:
    life = Life()
    life.officer(Claim(), AT)
    assert refused(life, Assign("x", group="hon-gai"), AT).conflict
    again = refused(life, Assign("x", officer="hai"), AT)
    assert (again.field, again.conflict) == ("officer", True)


def test_handed_to_an_officer_of_another_group_it_is_theirs_for_as_long_as_was_said() -> None:
    life = Life()
    life.officer(Assign("Đúng thẩm quyền", group="quang-ninh", officer="quang", lease=timedelta(hours=2)), local("2025-03-03 11:00"))
    assert (life.ticket.group, life.ticket.officer, life.ticket.claimed_until) == ("quang-ninh", "quang", local("2025-03-03 14:00"))


def test_another_group_takes_the_ticket_with_its_own_hand_over_clock() -> None:
    life = Life()
    life.officer(Claim(), AT)
    decision = life.officer(Assign("Đúng thẩm quyền", group="quang-ninh"), AT)
    assert types(decision) == ["ticket_assigned", "clock_finished"]
    event = decision.events[0]
    assert isinstance(event, TicketAssigned)
    assert (event.from_group, event.ticket.group.key, keys(event.recipients)) == ("hon-gai", "quang-ninh", ["quang"])
    assert (life.ticket.officer, life.ticket.claimed_until) == (None, None)
    assert [(clock.verdict, clock.started_at) for clock in life.ticket.clocks if clock.kind == "hand_over"] == [("met", OPENED), (None, AT)]


def test_the_new_groups_policy_and_calendar_measure_what_is_left() -> None:
    life = Life()
    life.officer(Assign("Tại cửa khẩu", group="cau-treo"), AT)
    resolution = life.clock("resolution")
    assert (resolution.policy, resolution.calendar, life.ticket.policy) == ("border", "border", "border")
    assert resolution.due_at == AT + timedelta(hours=24 - 2)
    assert life.clock("first_response").due_at == AT


def test_a_missed_deadline_stays_missed_in_the_group_it_is_handed_to() -> None:
    life = Life(opening=request(unit="cau-treo"))
    late = OPENED + timedelta(hours=25)
    life.time(late)
    due = life.clock("resolution").due_at
    life.officer(Assign("Sai nơi", group="hon-gai"), late, Actor("quan", "Quan"))
    assert (life.clock("resolution").due_at, life.clock("resolution").policy) == (due, "border")
    assert life.clock("resolution").is_missed


def test_an_automatic_group_gives_what_it_is_handed_to_the_officer_with_the_least_work() -> None:
    life = Life()
    decision = decide(life.ticket, Assign("Tại cửa khẩu", group="cau-treo"), HAI, life.ctx, AT, open_work={"cam": 1, "chi": 1})
    assert (decision.ticket.officer, decision.ticket.status) == ("cuc", "open")


def test_a_waiting_ticket_handed_over_goes_on_waiting_and_its_clocks_stand_still() -> None:
    life = life_in("waiting")
    life.officer(Assign("Đúng thẩm quyền", group="quang-ninh"), AT)
    assert life.ticket.status == "waiting"
    assert (life.clock("resolution").is_paused, life.clock("hand_over").is_paused) == (True, True)


def test_a_ticket_sent_there_and_back_within_an_instant_keeps_one_hand_over_clock_per_start() -> None:
    life = Life()
    life.officer(Assign("Nhầm", group="quang-ninh"), AT)
    life.officer(Assign("Trả lại", group="hon-gai"), AT, Actor("quang", "Quang"))
    starts = [clock.started_at for clock in life.ticket.clocks if clock.kind == "hand_over"]
    assert starts == [OPENED, AT]


# --- saying ------------------------------------------------------------------------------------------------------


def test_an_answer_is_public_awaited_and_makes_the_ticket_the_officers_who_gave_it() -> None:
    life = Life()
    decision = life.officer(Reply("m", "  Vâng.  "), AT)
    event = only(decision)
    assert isinstance(event, AnswerGiven)
    assert (event.message.text, event.message.public, event.message.kind, event.message.author_name) == ("Vâng.", True, "answer", "Hai")
    assert decision.messages == (event.message,)
    assert [said.message_id for said in life.ticket.awaiting] == ["m"]
    assert (life.ticket.officer, life.ticket.status) == ("hai", "open")


def test_a_colleague_may_answer_what_another_holds_for_a_lease_must_not_keep_a_business_waiting() -> None:
    life = Life()
    life.officer(Claim(), AT)
    life.officer(Reply("m", "Vâng."), AT, HUNG)
    assert life.ticket.officer == "hai"


def test_a_supervisor_who_answers_does_not_become_the_officer() -> None:
    life = Life()
    life.officer(Reply("m", "Vâng."), AT, SAU)
    assert life.ticket.officer is None


def test_a_note_is_internal_and_moves_nothing() -> None:
    life = Life()
    event = only(life.officer(Note("m", "Hỏi lại Vụ."), AT))
    assert isinstance(event, NoteAdded)
    assert (event.message.public, life.ticket.status, life.ticket.officer, life.ticket.awaiting) == (False, "new", None, ())


def test_a_question_pauses_resolution_and_hand_over_but_never_the_first_response() -> None:
    life = Life()
    event = only(life.officer(Wait("m", "Hồ sơ nào?"), AT))
    assert isinstance(event, QuestionAsked)
    states = {deadline.kind: deadline.state for deadline in event.ticket.deadlines}
    assert states == {"first_response": "running", "resolution": "paused", "hand_over": "paused"}


def test_a_referral_pauses_only_the_resolution() -> None:
    life = Life()
    event = only(life.officer(Refer("Bộ Công Thương", "Ngoài thẩm quyền"), AT))
    assert isinstance(event, TicketReferred)
    states = {deadline.kind: deadline.state for deadline in event.ticket.deadlines}
    assert states == {"first_response": "running", "resolution": "paused", "hand_over": "running"}


def test_a_question_during_a_referral_goes_on_pausing_for_the_new_reason() -> None:
    life = Life()
    life.officer(Refer("Bộ", "Ngoài thẩm quyền"), AT)
    life.officer(Wait("m", "Hồ sơ nào?"), AT + timedelta(minutes=10))
    assert [pause.because for pause in life.clock("resolution").pauses] == ["referred", "waiting"]


def test_back_from_a_referral_the_same_cycle_goes_on_with_a_note_that_says_why() -> None:
    life = life_in("referred")
    event = only(life.officer(Reopen("Bộ đã trả lời"), AT))
    assert isinstance(event, NoteAdded)
    assert (event.message.text, event.message.public, life.ticket.cycle) == ("Bộ đã trả lời", False, 1)
    assert life.clock("resolution").is_running


# --- ending ------------------------------------------------------------------------------------------------------


def test_a_resolution_stops_its_clock_at_once_and_the_first_response_when_it_is_delivered() -> None:
    life = Life()
    decision = life.officer(Resolve("m", "Xong."), AT)
    assert types(decision) == ["ticket_resolved", "clock_finished", "clock_finished"]
    event = decision.events[0]
    assert isinstance(event, TicketResolved)
    assert event.message is not None
    assert (event.message.kind, event.ticket.resolved_at) == ("resolution", AT)
    assert (life.clock("resolution").verdict, life.clock("first_response").verdict) == ("met", None)


def test_a_late_resolution_is_missed_even_when_no_ticker_saw_it() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    life.accepted("a", AT)
    decision = life.officer(Resolve("m", "Xong."), local("2025-03-10 17:00:01"))
    assert types(decision) == ["deadline_missed", "ticket_resolved", "clock_finished"]
    assert life.clock("resolution").verdict == "missed"


def test_after_an_answer_a_ticket_may_be_resolved_without_more_words() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    life.accepted("a", AT)
    life.business(AT + timedelta(minutes=5))
    decision = life.officer(Resolve("m"), AT + timedelta(minutes=10))
    assert types(decision) == ["ticket_resolved", "clock_finished", "clock_finished"]
    assert (life.clock("next_response").verdict, life.ticket.unanswered_since) == ("cancelled", None)


def test_who_reopened_a_ticket_gets_a_word_before_it_is_resolved_again() -> None:
    life = Life()
    life.officer(Resolve("a", "Xong."), AT)
    life.accepted("a", AT)
    life.business(AT + timedelta(hours=1))
    with pytest.raises(Refused) as refused:
        life.officer(Resolve("b"), AT + timedelta(hours=2))
    assert (refused.value.field, refused.value.sentence) == ("text", sentences.NEVER_ANSWERED)
    life.officer(Reply("c", "Vâng."), AT + timedelta(hours=2))
    life.accepted("c", AT + timedelta(hours=2))
    life.business(AT + timedelta(hours=3), 3)  # thanks
    assert types(life.officer(Resolve("d"), AT + timedelta(hours=4)))[0] == "ticket_resolved"


def test_what_is_said_after_an_officer_reopened_a_ticket_does_not_begin_its_cycle() -> None:
    life = Life()
    life.officer(Resolve("a", "Xong."), AT)
    life.accepted("a", AT)
    life.officer(Reopen("Còn một việc"), AT + timedelta(hours=1))
    life.business(AT + timedelta(hours=2))  # thanks
    assert types(life.officer(Resolve("b"), AT + timedelta(hours=3)))[0] == "ticket_resolved"


def test_where_no_clock_measures_the_resolution_the_request_is_answered_before_it_is_resolved_all_the_same() -> None:
    life = Life()
    life.ticket = replace(life.ticket, clocks=())
    with pytest.raises(Refused) as refused:
        life.officer(Resolve("a"), AT)
    assert refused.value.sentence == sentences.NEVER_ANSWERED


def test_resolving_without_words_does_not_hide_an_answer_that_was_late() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    life.accepted("a", AT)
    life.business(AT)
    life.officer(Resolve("m"), local("2025-03-05 09:00"))
    assert life.clock("next_response").verdict == "missed"


def test_while_an_answer_is_on_its_way_a_resolution_without_words_leaves_its_clocks_to_it() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), AT)
    life.officer(Resolve("m"), AT)
    life.accepted("a", AT + timedelta(seconds=1))
    assert life.clock("first_response").verdict == "met"


def test_a_rejection_tells_the_business_the_reason_and_the_legal_basis_and_ends_the_clock_with_a_verdict() -> None:
    life = Life()
    event = life.officer(Reject("m", "Ngoài phạm vi", "Điều 5 Luật Hải quan"), AT).events[0]
    assert isinstance(event, AnswerGiven)
    assert event.message.text == "Ngoài phạm vi\n\nCăn cứ pháp lý: Điều 5 Luật Hải quan"
    assert (event.ticket.status, life.clock("resolution").verdict) == ("rejected", "met")


def test_the_first_cycles_verdict_stays_when_an_officer_reopens() -> None:
    life = Life()
    life.officer(Resolve("m", "Xong."), local("2025-03-11 09:00"))
    life.accepted("m", local("2025-03-11 09:00"))
    life.officer(Reopen("Chưa xong"), local("2025-03-12 09:00"))
    assert [(clock.cycle, clock.verdict) for clock in life.ticket.clocks if clock.kind == "resolution"] == [(1, "missed"), (2, None)]
    assert life.clock("resolution").due_at == local("2025-03-19 17:00")


def test_an_absent_officers_substitute_is_told_of_the_assignment() -> None:
    life = Life(context(with_officers(officer("hai", "hon-gai", substitute="hung", on_duty=False))))
    event = only(life.officer(Assign("Chia việc", officer="hai"), AT, HONG))
    assert keys(event.recipients) == ["hung"]
