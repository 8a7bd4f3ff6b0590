"""Which alarms wait for others, what becomes of them while they wait, and what a digest of them says."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.tickets import (
    AnswerGiven,
    BusinessReplied,
    DeadlineMissed,
    DeadlineWarned,
    Known,
    TicketAssigned,
    TicketEscalated,
    TicketOpened,
)
from schemas.values import Deadline, LocalText
from services.notifier.domain.gathering import LATE, WINDOW, Alarm, alarm_of, digest, gravest, standing, waits_until
from tests.unit.notifier.examples import AT, DUE, event, group, ticket

MONDAY = AT + timedelta(days=3)
SECOND = timedelta(seconds=1)


def missed(due_at: datetime = AT, **changed: Any) -> Known:
    return event(DeadlineMissed, due_at=due_at, **changed)


def alarm(number: int = 1, **changed: Any) -> Alarm:
    fields: dict[str, Any] = {
        "ticket_id": f"t{number}",
        "sequence": 5,
        "reference": f"HQ-{number:04}",
        "subject": "Trị giá",
        "what": "missed",
        "clock": "resolution",
        "cycle": 1,
        "due_at": AT,
        "group": LocalText(vi="Hòn Gai", en="Hon Gai"),
        "timezone": "Asia/Ho_Chi_Minh",
    }
    return Alarm(**(fields | changed))


WAITING: list[tuple[str, Known, datetime, datetime | None]] = [
    ("a miss told as it happens", missed(), AT + SECOND, None),
    ("a miss five minutes old", missed(), AT + LATE, None),
    ("a miss told late, as after an outage", missed(), AT + LATE + SECOND, AT + LATE + SECOND + WINDOW),
    ("a miss in quiet hours", missed(tell_at=MONDAY), AT + SECOND, MONDAY),
    ("a miss in quiet hours, recorded late", missed(tell_at=MONDAY), AT + timedelta(hours=1), MONDAY),
    ("read when quiet hours are just over", missed(tell_at=MONDAY), MONDAY + SECOND, None),
    ("read long after quiet hours", missed(tell_at=MONDAY), MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=1) + WINDOW),
    ("a step taken late", event(TicketEscalated, due_at=AT), AT + timedelta(hours=1), AT + timedelta(hours=1) + WINDOW),
    ("a step in time", event(TicketEscalated, due_at=AT), AT + SECOND, None),
    (
        "a warning reached long ago",
        event(DeadlineWarned, due_at=DUE, reached_at=AT - timedelta(hours=1)),
        AT + SECOND,
        AT + SECOND + WINDOW,
    ),
    ("a warning in time", event(DeadlineWarned, due_at=DUE, reached_at=AT), AT + SECOND, None),
    ("a warning from before its instant was told", event(DeadlineWarned, due_at=DUE), AT + SECOND, None),
    ("new work, however late", event(TicketOpened), AT + timedelta(hours=9), None),
    ("an assignment, however late", event(TicketAssigned), AT + timedelta(hours=9), None),
    ("an answer to the business, however late", event(AnswerGiven), AT + timedelta(hours=9), None),
    ("what the business said, however late", event(BusinessReplied), AT + timedelta(hours=9), None),
]


@pytest.mark.parametrize(("told", "now", "expected"), [row[1:] for row in WAITING], ids=[row[0] for row in WAITING])
def test_only_alarms_wait_and_only_when_late_or_in_quiet_hours(told: Any, now: datetime, expected: datetime | None) -> None:
    assert waits_until(told, now) == expected


def state(**changed: Any) -> Any:
    return ticket(deadlines=(Deadline.model_validate({"kind": "resolution", "cycle": 1, "state": "running", "due_at": AT, **changed}),))


MET = {"state": "met", "finished_at": AT}
PAUSED = {"state": "paused", "due_at": None}
MISSED = {"missed_at": AT}
STANDING: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("still overdue", {}, MISSED, "stands"),
    ("done", {}, MET, "over"),
    ("done too late", {}, {"state": "missed", "finished_at": AT, **MISSED}, "over"),
    ("cancelled", {}, {"state": "cancelled", "due_at": None}, "over"),
    ("a new target lifted the miss", {}, {"missed_at": None}, "over"),
    ("another cycle", {}, {"cycle": 2}, "over"),
    ("paused", {}, PAUSED, "over"),
    ("a warning that is overdue by now", {"what": "warned"}, MISSED, "stands"),
    ("a warning still running", {"what": "warned"}, {}, "stands"),
    ("a warning whose clock was paused", {"what": "warned"}, PAUSED, "over"),
    ("escalated and paused", {"what": "escalated"}, PAUSED, "over"),
    ("taken over and paused", {"what": "escalated", "moved": True}, PAUSED, "paused"),
    ("taken over and running", {"what": "escalated", "moved": True}, {}, "stands"),
    ("taken over and resolved", {"what": "escalated", "moved": True}, MET, "over"),
]


@pytest.mark.parametrize(("kind", "changed", "expected"), [row[1:] for row in STANDING], ids=[row[0] for row in STANDING])
def test_what_the_ticket_became_meanwhile_decides_whether_an_alarm_is_still_told(
    kind: dict[str, Any], changed: dict[str, Any], expected: str
) -> None:
    assert standing(alarm(**kind), state(**changed)) == expected


def test_a_digest_says_what_the_event_said() -> None:
    told = alarm_of(event(TicketEscalated, to_authority="Ministry", sequence=9))  # type: ignore[arg-type]
    assert (told.what, told.moved, told.sequence, told.due_at) == ("escalated", True, 9, DUE + timedelta(days=6))
    assert told.authority == LocalText(vi="Ministry", en="Ministry")
    stays = alarm_of(event(TicketEscalated, from_group=group()))  # type: ignore[arg-type]
    assert (stays.moved, stays.authority) == (False, None)
    assert alarm_of(event(DeadlineWarned)).percent == 75  # type: ignore[arg-type]
    assert alarm_of(missed()).due_at == AT  # type: ignore[arg-type]


def test_a_takeover_ends_the_hand_over_it_came_from_so_no_date_is_told() -> None:
    assert alarm_of(event(TicketEscalated, clock="hand_over")).due_at is None  # type: ignore[arg-type]


def test_of_one_clock_the_gravest_is_told_and_the_latest_of_equals() -> None:
    warned, late, step = alarm(what="warned", sequence=3), alarm(sequence=4), alarm(what="escalated", sequence=5)
    last, other = alarm(what="escalated", sequence=6), alarm(clock="hand_over", sequence=2)
    assert gravest([last, warned, late, step, other]) == [last, other]


def test_the_most_overdue_come_first_and_what_has_no_date_last() -> None:
    due = [AT - timedelta(hours=1), AT - timedelta(days=3), AT + timedelta(hours=1), None, AT - timedelta(days=3)]
    told = digest([alarm(number, due_at=at) for number, at in enumerate(due)], AT)
    assert [row.alarm.reference for row in told.rows] == ["HQ-0001", "HQ-0004", "HQ-0000", "HQ-0002", "HQ-0003"]
    assert [row.late_by for row in told.rows][2:] == [timedelta(hours=1), timedelta(hours=-1), None]


def test_a_hundred_rows_are_shown_and_all_are_counted() -> None:
    told = digest([alarm(number, what="warned" if number % 2 else "missed") for number in range(130)], AT)
    assert (len(told.rows), told.more, told.total, told.counts) == (100, 30, 130, {"warned": 65, "missed": 65, "escalated": 0})


alarms = st.lists(
    st.builds(
        alarm,
        st.integers(0, 5),
        what=st.sampled_from(["warned", "missed", "escalated"]),
        clock=st.sampled_from(["resolution", "hand_over"]),
        sequence=st.integers(1, 9),
        due_at=st.none() | st.integers(-99, 99).map(lambda hours: AT + timedelta(hours=hours)),
    )
)


@given(alarms, st.integers(1, 5))
def test_whatever_is_gathered_each_clock_is_told_once_and_nothing_is_lost(gathered: list[Alarm], shown: int) -> None:
    told = digest(gathered, AT, shown)
    assert told.total == len({(one.ticket_id, one.clock) for one in gathered}) == sum(told.counts.values())
    assert len(told.rows) == min(shown, told.total)
    spans = [row.late_by for row in told.rows if row.late_by is not None]
    assert spans == sorted(spans, reverse=True)
