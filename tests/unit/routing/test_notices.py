"""What an explanation says of warnings, the deadline and the ladder: when, whom they tell, in words."""

from typing import Any

import pytest

from services.routing.domain.notices import notices
from tests.support.happenings import OPENED, Life
from tests.support.organisations import context, organisation


def told(*ladder: dict[str, Any]) -> list[tuple[str, str, str]]:
    target = {"clock": "resolution", "hours": 8, "warn_percent": [75]}
    life = Life(context(organisation(policies=[{"key": "p", "targets": [target], "ladder": list(ladder)}])))
    clock = life.clock("resolution")
    found = notices(clock, life.ctx.policy("p"), life.ctx.calendar("office"), OPENED, ())
    return [(notice.what, notice.label.en, notice.tells.en) for notice in found]


def test_a_warning_tells_officer_and_lead_and_the_miss_lead_and_supervisor_where_no_step_says_otherwise() -> None:
    step = {"after_hours": 4, "tell": ["authority"]}
    assert [(what, tells) for what, _, tells in told(step)] == [
        ("warning", "officer, lead"),
        ("miss", "lead, supervisor"),
        ("step", "competent authority"),
    ]


def test_where_a_step_of_the_same_percentage_says_whom_to_tell_the_step_alone_names_them() -> None:
    steps = [{"percent": 75, "tell": ["supervisor"]}, {"percent": 100, "tell": ["officer"]}]
    assert [(what, tells) for what, _, tells in told(*steps)] == [
        ("warning", ""),
        ("step", "supervisor"),
        ("miss", ""),
        ("step", "officer"),
    ]


def test_a_step_that_takes_over_names_nobody_for_the_deadline() -> None:
    assert ("miss", "lead, supervisor") in [
        (what, tells) for what, _, tells in told({"percent": 100, "take_over": "authority", "tell": ["authority"]})
    ]


@pytest.mark.parametrize(
    ("step", "label"),
    [
        ({"after_days": 1}, "1 working day after the miss"),
        ({"after_days": 2}, "2 working days after the miss"),
        ({"after_hours": 1}, "1 working hour after the miss"),
        ({"after_hours": 1.5}, "1.5 working hours after the miss"),
    ],
)
def test_a_step_after_the_miss_counts_as_people_do(step: dict[str, Any], label: str) -> None:
    assert told(step | {"tell": ["lead"]})[-1] == ("step", label, "lead")
