"""Deadlines that fall due: once, in true order, and told to the right people."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.tickets import DeadlineMissed, DeadlineWarned, TicketClosed, TicketEscalated
from services.routing.domain.commands import Assign, Reply, Resolve, Wait
from services.routing.domain.decide import next_at, time_passing
from tests.support.happenings import OPENED, Life, keys, request, types
from tests.support.organisations import as_written, context, local, officer, organisation, with_officers

FOREVER = local("2026-03-03 09:00")

LADDER = [
    # local instant, event, whom it is told
    ("2025-03-07 13:15", "deadline_warned", ["hai", "hong"]),
    ("2025-03-10 17:00", "deadline_missed", ["hong", "sau"]),
    ("2025-03-11 12:00", "ticket_escalated", ["quang", "sau", "hong"]),
    ("2025-03-11 17:00", "ticket_escalated", ["sau", "competent-authority"]),
]


def answered(life: Life | None = None) -> Life:
    """Answered after an hour, so that of the first cycle only the resolution is left."""
    life = life or Life()
    life.officer(Reply("a", "Vâng."), OPENED + timedelta(hours=1))
    life.accepted("a", OPENED + timedelta(hours=1))
    return life


def told_to(event: Any) -> list[str]:
    return keys(event.recipients)


def test_the_default_ladder_climbs_step_by_step() -> None:
    life = answered(Life(context(organisation(policies=without_hand_over()))))
    for wall, kind, people in LADDER:
        due = local(wall)
        assert next_at(life.ticket, life.ctx) == due
        assert life.time(due - timedelta(microseconds=1)).events == ()
        event = life.time(due + timedelta(seconds=1)).events[0]
        assert (event.type, told_to(event)) == (kind, people)
    assert next_at(life.ticket, life.ctx) is None
    assert life.time(FOREVER).events == ()


def without_hand_over() -> list[dict[str, Any]]:
    policies: list[dict[str, Any]] = as_written()["policies"]
    return [{**policy, "targets": [t for t in policy["targets"] if t["clock"] != "hand_over"]} for policy in policies]


def test_four_working_hours_after_the_miss_the_departments_group_takes_over() -> None:
    life = answered()
    life.time(local("2025-03-11 11:59"))
    event = life.time(local("2025-03-11 12:00")).events[0]
    assert isinstance(event, TicketEscalated)
    assert (event.step, event.from_group.key, event.ticket.group.key, event.to_authority) == (2, "hon-gai", "quang-ninh", None)
    assert event.because == "4 working hours after the miss; Quang Ninh takes over"
    assert (life.ticket.officer, life.ticket.status) == (None, "open")
    assert life.clock("hand_over").started_at == local("2025-03-11 12:00")
    assert life.clock("resolution").due_at == local("2025-03-10 17:00")


def test_a_working_day_after_the_miss_the_competent_authority_has_it() -> None:
    life = answered()
    life.time(local("2025-03-11 16:59"))
    event = life.time(local("2025-03-11 17:00")).events[0]
    assert isinstance(event, TicketEscalated)
    assert (event.step, event.to_authority, event.from_group.key, event.ticket.group.key) == (
        3,
        "Ministry of Finance",
        "quang-ninh",
        "quang-ninh",
    )
    assert life.ticket.authority_at == local("2025-03-11 17:00")


def test_where_no_group_is_above_the_ticket_stays_and_its_people_are_told() -> None:
    life = answered(Life(opening=request(unit="cau-treo")))
    events = life.time(OPENED + timedelta(hours=28)).events
    event = events[-1]
    assert isinstance(event, TicketEscalated)
    assert (event.ticket.group.key, event.because) == (
        "cau-treo",
        "Quá hạn 4 giờ làm việc; không có nhóm cấp trên nên Cầu Treo tiếp tục xử lý",
    )
    assert told_to(event) == ["cam", "tong"]


def test_after_an_outage_everything_is_recorded_in_true_order_with_its_true_instant() -> None:
    life = answered(Life(context(organisation(policies=without_hand_over()))))
    decision = life.time(local("2025-03-12 09:00"))
    assert types(decision) == [kind for _, kind, _ in LADDER]
    warned, missed, *_ = decision.events
    assert isinstance(warned, DeadlineWarned)
    assert isinstance(missed, DeadlineMissed)
    assert (missed.due_at, missed.late_by) == (local("2025-03-10 17:00"), timedelta(hours=40))
    assert {event.occurred_at for event in decision.events} == {local("2025-03-12 09:00")}
    steps = [event.due_at for event in decision.events if isinstance(event, TicketEscalated)]
    assert steps == [local("2025-03-11 12:00"), local("2025-03-11 17:00")]


def test_a_warning_that_comes_after_its_miss_is_recorded_and_told_nobody() -> None:
    life = answered()
    events = life.time(local("2025-03-10 17:00")).events
    assert [(event.type, bool(told_to(event))) for event in events] == [("deadline_warned", False), ("deadline_missed", True)]


def test_clocks_without_steps_warn_the_officer_and_the_lead_and_miss_to_the_lead_and_the_supervisor() -> None:
    life = Life()
    warned = life.time(local("2025-03-03 12:00")).events
    missed = life.time(local("2025-03-03 14:00")).events
    assert [(event.type, told_to(event)) for event in (*warned, *missed)] == [
        ("deadline_warned", ["hong"]),
        ("deadline_missed", ["hong", "sau"]),
    ]


def test_alarms_of_several_clocks_come_in_the_order_of_their_instants() -> None:
    events = Life().time(local("2025-03-05 09:00")).events
    seen = [(event.type, event.clock) for event in events if isinstance(event, DeadlineWarned | DeadlineMissed)]
    assert seen == [
        ("deadline_warned", "first_response"),
        ("deadline_missed", "first_response"),
        ("deadline_warned", "hand_over"),
        ("deadline_missed", "hand_over"),
    ]


def test_time_looked_at_twice_says_nothing_twice() -> None:
    life = Life()
    life.time(local("2025-03-12 09:00"))
    assert life.time(local("2025-03-12 09:00")).events == ()


def test_two_tickers_that_see_the_same_alarm_give_it_the_same_id() -> None:
    life = answered()
    one = time_passing(life.ticket, life.ctx, local("2025-03-10 17:00")).events
    two = time_passing(life.ticket, life.ctx, local("2025-03-10 17:03")).events
    assert [event.id for event in one] == [event.id for event in two]


def test_a_deadline_recorded_by_an_officers_command_has_the_id_the_ticker_would_give_it() -> None:
    life = answered()
    late = local("2025-03-10 17:30")
    by_ticker = [event.id for event in time_passing(life.ticket, life.ctx, late).events if event.type == "deadline_missed"]
    by_command = [event.id for event in life.officer(Resolve("m", "Xong."), late).events if event.type == "deadline_missed"]
    assert by_ticker == by_command
    assert len(by_ticker) == 1


def test_while_paused_nothing_is_due() -> None:
    life = answered()
    life.officer(Wait("q", "Hồ sơ nào?"), OPENED + timedelta(hours=2))
    life.accepted("q", OPENED + timedelta(hours=2))
    assert next_at(life.ticket, life.ctx) is None
    assert life.time(FOREVER).events == ()


def test_a_resolution_cancels_the_steps_to_come() -> None:
    life = answered()
    life.time(local("2025-03-10 18:00"))
    life.officer(Resolve("m", "Xong."), local("2025-03-11 09:00"))
    life.accepted("m", local("2025-03-11 09:00"))
    assert types(life.time(FOREVER)) == ["ticket_closed"]
    assert life.ticket.group == "hon-gai"


def test_a_resolved_ticket_closes_when_the_reopen_window_has_passed() -> None:
    life = answered()
    resolved_at = OPENED + timedelta(hours=2)
    life.officer(Resolve("m", "Xong."), resolved_at)
    life.accepted("m", resolved_at)
    closing = resolved_at + timedelta(days=14)
    assert next_at(life.ticket, life.ctx) == closing
    assert life.time(closing - timedelta(microseconds=1)).events == ()
    (event,) = life.time(closing).events
    assert isinstance(event, TicketClosed)
    assert (life.ticket.status, life.ticket.closed_at, next_at(life.ticket, life.ctx)) == ("closed", closing, None)


def test_clocks_that_still_wait_for_a_delivery_end_missed_when_the_ticket_closes() -> None:
    life = Life()
    life.officer(Resolve("m", "Xong."), OPENED + timedelta(hours=1))
    decision = life.time(OPENED + timedelta(days=15))
    assert types(decision) == ["deadline_warned", "deadline_missed", "ticket_closed", "clock_finished"]
    assert life.clock("first_response").verdict == "missed"


def test_the_ladder_of_the_next_cycle_starts_from_the_bottom() -> None:
    life = answered()
    life.time(local("2025-03-10 17:00"))
    life.officer(Resolve("m", "Xong."), local("2025-03-10 17:10"))
    life.accepted("m", local("2025-03-10 17:10"))
    life.business(local("2025-03-11 09:00"))
    life.officer(Reply("b", "Vâng."), local("2025-03-11 10:00"))
    life.accepted("b", local("2025-03-11 10:00"))
    assert types(life.time(local("2025-03-18 17:00"))) == ["deadline_warned", "deadline_missed"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"percent": 75, "tell": ["lead"]}, [("deadline_warned", ["hong"]), ("deadline_missed", ["hong", "sau"])]),
        (
            {"percent": 50, "tell": ["lead"]},
            [("ticket_escalated", ["hong"]), ("deadline_warned", ["hai", "hong"]), ("deadline_missed", ["hong", "sau"])],
        ),
        ({"percent": 100, "tell": ["authority"]}, [("deadline_warned", ["hai", "hong"]), ("deadline_missed", ["competent-authority"])]),
    ],
)
def test_a_step_at_the_instant_of_a_warning_or_the_miss_only_says_whom_to_tell(
    step: dict[str, Any], expected: list[tuple[str, list[str]]]
) -> None:
    policies = [{"key": "only", "targets": [{"clock": "resolution", "days": 5}], "ladder": [step]}]
    life = answered(Life(context(organisation(policies=policies))))
    events = [event for wall in ("2025-03-05 16:00", "2025-03-07 13:15", "2025-03-10 17:00") for event in life.time(local(wall)).events]
    assert [(event.type, told_to(event)) for event in events] == expected


def test_a_takeover_before_the_miss_is_measured_by_the_new_groups_policy() -> None:
    step = {"percent": 50, "take_over": "parent_group", "tell": ["lead"]}
    policies = [
        {"key": "branch", "units": ["hon-gai"], "targets": [{"clock": "resolution", "hours": 8}], "ladder": [step]},
        {"key": "department", "targets": [{"clock": "resolution", "hours": 16}], "ladder": [step]},
    ]
    life = answered(Life(context(organisation(policies=policies))))
    life.time(local("2025-03-03 14:00"))
    assert (life.ticket.group, life.clock("resolution").policy, life.clock("resolution").due_at) == (
        "quang-ninh",
        "department",
        local("2025-03-05 09:00"),
    )


def test_a_takeover_gives_the_ticket_to_the_group_that_is_above_where_it_was_handed() -> None:
    life = answered()
    life.officer(Assign("Đúng thẩm quyền", group="quang-ninh"), OPENED + timedelta(hours=2))
    event = life.time(local("2025-03-11 12:00")).events[-1]
    assert isinstance(event, TicketEscalated)
    assert (event.from_group.key, event.ticket.group.key) == ("quang-ninh", "quang-ninh")


def test_two_takeovers_at_once_leave_one_hand_over_clock_for_each_start() -> None:
    ladder = [{"after_hours": hours, "take_over": "parent_group"} for hours in (1, 2)]
    standard = as_written()["policies"][1]
    units = [{**unit, "parent": "board"} if unit["key"] == "quang-ninh" else unit for unit in as_written()["units"]]
    life = answered(Life(context(organisation(policies=[{**standard, "ladder": ladder}], units=units))))
    life.time(local("2025-03-12 09:00"))
    starts = [clock.started_at for clock in life.ticket.clocks if clock.kind == "hand_over"]
    assert (life.ticket.group, len(starts), len(set(starts))) == ("focal", 2, 2)


def test_people_off_duty_are_replaced_when_the_alarm_comes() -> None:
    org = with_officers(
        officer("hai", "hon-gai", substitute="hung", on_duty=False), officer("hong", "hon-gai", substitute="hung", on_duty=False)
    )
    life = answered(Life(context(org)))
    assert told_to(life.time(local("2025-03-07 13:15")).events[0]) == ["hung"]
