"""Whatever happens in whatever order: what `Life` checks after every step, and what is left at the end, holds."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.values import ClockKind
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
from services.routing.domain.decide import next_at
from services.routing.domain.moves import Refused
from tests.support.happenings import OPENED, Life, request
from tests.support.organisations import as_written, context, organisation

QUAN = Actor("quan", "Quan")
"""An administrator: no rule about who may stands in the way of what may happen."""

URGENT = {
    "key": "urgent",
    "priorities": ["urgent"],
    "targets": [{"clock": "next_response", "hours": 1}, {"clock": "resolution", "hours": 30}],
}
WITH_PRIORITIES = context(organisation(policies=[URGENT, *as_written()["policies"]]))

Step = Callable[[Life, datetime, int], object]


def officer(make: Callable[[str], Command]) -> Step:
    return lambda life, at, number: life.officer(make(f"m-{number}"), at, QUAN)


def delivered(life: Life, at: datetime, number: int) -> object:
    return [life.accepted(said.message_id, at - timedelta(seconds=1), id=f"d-{number}") for said in life.ticket.awaiting[:1]]


STEPS: dict[str, Step] = {
    "time": lambda life, at, _: life.time(at),
    "business": lambda life, at, number: life.business(at, number + 2),
    "business, read late": lambda life, at, number: life.business(at - timedelta(hours=3), number + 2, read_at=at),
    "automatic": lambda life, at, number: life.business(at, number + 2, automatic="vacation"),
    "delivered": delivered,
    "claim": officer(lambda _: Claim()),
    "release": officer(lambda _: Release()),
    "to the department": officer(lambda _: Assign("x", group="quang-ninh")),
    "to the border": officer(lambda _: Assign("x", group="cau-treo")),
    "to the branch": officer(lambda _: Assign("x", group="hon-gai", officer="hai")),
    "urgent": officer(lambda _: Prioritise("urgent", "x")),
    "not urgent": officer(lambda _: Prioritise("low", "x")),
    "reply": officer(lambda key: Reply(key, "x")),
    "note": officer(lambda key: Note(key, "x")),
    "wait": officer(lambda key: Wait(key, "x")),
    "refer": officer(lambda _: Refer("x", "x")),
    "resolve": officer(lambda key: Resolve(key, "x")),
    "resolve silently": officer(Resolve),
    "reopen": officer(lambda _: Reopen("x")),
    "reject": officer(lambda key: Reject(key, "x", "x")),
}

lives = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from([0, 1, 40, 600, 5000, 25000])), max_size=25)
"""Steps with the minutes that pass before each."""


@settings(max_examples=150, deadline=None)
@given(lives, st.sampled_from(["hon-gai", "cau-treo"]))
def test_every_life_keeps_its_promises(steps: list[tuple[str, int]], unit: str) -> None:
    life, at = Life(WITH_PRIORITIES, request(unit=unit)), OPENED
    verdicts: dict[tuple[ClockKind, int, datetime], object] = {}
    for number, (name, minutes) in enumerate(steps):
        at += timedelta(minutes=minutes)
        with suppress(Refused):
            STEPS[name](life, at, number)
        if name == "time":
            following = next_at(life.ticket, life.ctx)
            assert following is None or following > at, "the ticker would turn in circles"
        known = {(clock.kind, clock.cycle, clock.started_at): (clock.verdict, clock.finished_at) for clock in life.ticket.clocks}
        assert len(known) == len(life.ticket.clocks), "two clocks of a kind start at the same instant"
        for key, verdict in verdicts.items():
            assert known[key] == verdict, "a verdict changed"
        verdicts = {key: verdict for key, verdict in known.items() if verdict[0] is not None}
    finished = sum(event.type == "clock_finished" for event in life.events)
    assert finished == len(verdicts), "a clock ended without its event, or twice"
    assert life.ctx.org.group(life.ticket.group) is not None


@settings(max_examples=50, deadline=None)
@given(lives)
def test_in_no_status_does_anybody_wait_for_an_answer_that_nothing_measures(steps: list[tuple[str, int]]) -> None:
    life, at = Life(WITH_PRIORITIES), OPENED
    for number, (name, minutes) in enumerate(steps):
        at += timedelta(minutes=minutes)
        with suppress(Refused):
            STEPS[name](life, at, number)
        measured = life.ctx.policy(life.ticket.policy).target("next_response") is not None
        if measured and life.ticket.heard and life.ticket.status in {"new", "open", "waiting", "referred"}:
            assert any(life.ticket.unfinished("first_response", "next_response"))
