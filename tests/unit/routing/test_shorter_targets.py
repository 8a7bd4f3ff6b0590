"""A deadline made by a change is never before the change: nobody could have kept it before it was set.

Opened at Hon Gai on Monday 2025-03-03 at 09:00; at 16:00 six working hours are spent.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.tickets import DeadlineMissed, TicketEscalated
from schemas.values import ClockKind
from services.routing.domain.commands import Actor, Assign, Command, Prioritise, Reply
from tests.support.happenings import Life
from tests.support.organisations import context, local, organisation

QUAN = Actor("quan", "Quan")
FOUR_PM = local("2025-03-03 16:00")


def policy(key: str, hours: int, **conditions: Any) -> dict[str, Any]:
    slow = {"clock": "first_response", "hours": 80}
    return {"key": key, **conditions, "targets": [slow, {"clock": "resolution", "hours": hours}]}


def life(*policies: dict[str, Any]) -> Life:
    return Life(context(organisation(policies=[*policies, policy("standard", 40)])))


CHANGES: list[tuple[str, Command, dict[str, Any]]] = [
    ("raised to urgent", Prioritise("urgent", "Hàng dễ hỏng"), {"priorities": ["urgent"]}),
    ("to a group on the same calendar", Assign("Thuộc Pháp chế", group="legal"), {"units": ["legal"]}),
    ("to a group on another calendar", Assign("Thuộc cửa khẩu", group="cau-treo"), {"units": ["cau-treo"]}),
]


@pytest.mark.parametrize(("command", "conditions"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_a_shorter_target_is_missed_at_the_change_and_by_whoever_has_the_ticket_then(command: Command, conditions: dict[str, Any]) -> None:
    lived = life(policy("short", 2, **conditions))
    decision = lived.officer(command, FOUR_PM, QUAN)
    assert [event for event in decision.events if isinstance(event, DeadlineMissed)] == []
    assert lived.clock("resolution").due_at == FOUR_PM
    found = [event for event in lived.time(FOUR_PM).events if isinstance(event, DeadlineMissed | TicketEscalated)]
    assert [(event.type, event.due_at) for event in found] == [("deadline_missed", FOUR_PM)]
    assert isinstance(found[0], DeadlineMissed)
    assert found[0].late_by == timedelta(0)
    assert found[0].ticket.group.key == (command.group if isinstance(command, Assign) else "hon-gai")


def test_taken_back_before_it_was_recorded_nothing_was_missed() -> None:
    lived = life(policy("short", 2, priorities=["urgent"]))
    before = lived.clock("resolution").due_at
    lived.officer(Prioritise("urgent", "Nhầm"), FOUR_PM, QUAN)
    decision = lived.officer(Prioritise("normal", "Nhầm"), FOUR_PM, QUAN)
    assert [event.type for event in decision.events] == ["ticket_prioritised"]
    assert lived.clock("resolution").due_at == before


NEXT: list[tuple[str, Command, dict[str, Any]]] = [row for row in CHANGES if row[0] != "to a group on another calendar"]


@pytest.mark.parametrize(("command", "conditions"), [row[1:] for row in NEXT], ids=[row[0] for row in NEXT])
def test_a_clock_that_only_the_new_policy_measures_is_not_due_before_the_change_either(
    command: Command, conditions: dict[str, Any]
) -> None:
    """The business wrote at 10:00 and nobody had promised it an answer by any hour until 16:00."""
    short = {"key": "short", **conditions, "targets": [{"clock": "next_response", "hours": 1}]}
    lived = life(short)
    lived.officer(Reply("a", "Vâng."), local("2025-03-03 09:30"), QUAN)
    lived.accepted("a", local("2025-03-03 09:30"))
    lived.business(local("2025-03-03 10:00"))
    lived.officer(command, FOUR_PM, QUAN)
    clock = lived.clock("next_response")
    assert (clock.started_at, clock.due_at) == (local("2025-03-03 10:00"), FOUR_PM)


def due(lived: Life, kind: ClockKind) -> datetime | None:
    return lived.clock(kind).due_at


def test_a_takeover_noticed_late_hides_no_miss_that_came_before_it() -> None:
    """The first response brings it to the department, whose longer target would lift the resolution missed in between."""
    ladder = [{"clock": "first_response", "after_hours": 1, "take_over": "parent_group", "tell": ["lead"]}]
    near = {"clock": "first_response", "hours": 1}
    short = {"key": "short", "units": ["hon-gai"], "targets": [near, {"clock": "resolution", "hours": 4}], "ladder": ladder}
    lived = life(short)
    decision = lived.time(local("2025-03-04 09:00"))
    missed = [event for event in decision.events if isinstance(event, DeadlineMissed)]
    assert [(event.clock, event.due_at, event.ticket.group.key) for event in missed] == [
        ("first_response", local("2025-03-03 10:00"), "hon-gai"),
        ("resolution", local("2025-03-03 14:00"), "hon-gai"),
    ]
    assert (lived.ticket.group, due(lived, "resolution")) == ("quang-ninh", local("2025-03-03 14:00"))
