"""A finished clock leaves a fact with all that reports ask, as it was when it finished."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.component.routing.conftest import Routing, organisation, organised
from tests.component.routing.reporting import figures, fold
from tests.support.organisations import local


async def resolved(routing: Routing, ticket: str, who: str = "hai") -> None:
    assert (await routing.act(ticket, "resolve", {"text": "Xong."}, who=who)).status == 200


async def test_the_fact_holds_everything_a_report_asks(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.act(ticket, "claim")
    routing.clock.at = local("2025-03-04 10:30")
    await resolved(routing, ticket)
    (fact,) = await routing.outcomes(kind="resolution")
    started_at, finished_at = local("2025-03-03 09:00"), local("2025-03-04 10:30")
    assert fact["_id"] == f"{ticket}:resolution:1:{started_at.isoformat()}"
    due_at = fact.pop("due_at")
    assert due_at == local("2025-03-10 17:00")
    assert {name: fact[name] for name in fact if name not in {"_id", "ticket_id", "reference", "revision"}} == {
        "kind": "resolution",
        "cycle": 1,
        "verdict": "met",
        "started_at": started_at,
        "finished_at": finished_at,
        "worked_ms": 34_200_000,  # Monday 9-12 and 13-17, Tuesday 8-10:30: 9.5 h
        "day": "2025-03-04",
        "zone": "Asia/Ho_Chi_Minh",
        "policy": "standard",
        "group": "hon-gai",
        "unit": "hon-gai",
        "units": ["hon-gai", "quang-ninh", "general"],
        "officer": "hai",
        "topic": "valuation",
        "channel": "form",
        "priority": "normal",
        "member_tier": None,
        "repaired": False,
        "pending": True,
    }


async def test_working_time_leaves_out_pauses_nights_and_weekends(routing: Routing) -> None:
    routing.clock.at = local("2025-03-07 16:00")  # a Friday
    ticket = await routing.open()
    routing.clock.at = local("2025-03-10 09:00")
    await routing.act(ticket, "wait", {"text": "Hồ sơ nào?"})
    routing.clock.at = local("2025-03-11 09:00")
    await routing.says(ticket)
    routing.clock.at = local("2025-03-11 09:30")
    await resolved(routing, ticket)
    (fact,) = await routing.outcomes(kind="resolution")
    assert timedelta(milliseconds=fact["worked_ms"]) == timedelta(hours=2, minutes=30)


@pytest.mark.parametrize(
    ("zone", "finished_at", "day"),
    [
        ("Asia/Ho_Chi_Minh", "2025-03-31T16:59:59+00:00", "2025-03-31"),
        ("Asia/Ho_Chi_Minh", "2025-03-31T17:00:00+00:00", "2025-04-01"),
        ("Europe/Paris", "2025-03-30T21:59:59+00:00", "2025-03-30"),
        ("Europe/Paris", "2025-03-30T22:00:00+00:00", "2025-03-31"),
        ("Europe/Paris", "2025-03-29T22:59:59+00:00", "2025-03-29"),
        ("America/Los_Angeles", "2025-04-01T06:59:59+00:00", "2025-03-31"),
        ("Pacific/Kiritimati", "2025-03-31T10:00:00+00:00", "2025-04-01"),
    ],
)
async def test_the_day_is_that_of_the_units_zone(routing: Routing, zone: str, finished_at: str, day: str) -> None:
    calendars = [spec.model_copy(update={"timezone": zone}) for spec in organisation().calendars]
    async with organised(routing, organisation().model_copy(update={"calendars": tuple(calendars)})):
        ticket = await routing.open()
        routing.clock.at = datetime.fromisoformat(finished_at)
        await resolved(routing, ticket)
    (fact,) = await routing.outcomes(kind="resolution")
    assert (fact["day"], fact["zone"]) == (day, zone)


async def test_two_units_in_different_zones_each_count_by_their_own_day(routing: Routing) -> None:
    calendars = [
        spec.model_copy(update={"timezone": "America/Los_Angeles"}) if spec.key == "border" else spec for spec in organisation().calendars
    ]
    async with organised(routing, organisation().model_copy(update={"calendars": tuple(calendars)})):
        here, there = await routing.open(), await routing.open(unit="cau-treo")
        routing.clock.at = local("2025-04-01 09:00")
        await resolved(routing, here)
        await resolved(routing, there, who="cam")
        for _ in range(2):
            found = await figures(routing, by="group")
            assert {key: row["finished"] + row["cancelled"] for key, row in found.items()} == {"cau-treo": 1}
            found = await figures(routing, by="group", first="2025-04-01", last="2025-04-01")
            assert {key: row["finished"] for key, row in found.items()} == {"hon-gai": 1}
            await fold(routing)


async def test_who_handed_it_on_and_who_finished_it_each_have_their_own(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.act(ticket, "claim")
    routing.clock.advance(minutes=30)
    await routing.act(ticket, "assign", {"group": "quang-ninh", "officer": "quang", "reason": "Đúng thẩm quyền"})
    routing.clock.advance(minutes=30)
    await resolved(routing, ticket, who="quang")
    found = {(row["kind"], row["group"], row["officer"], tuple(row["units"])) for row in await routing.outcomes(verdict="met")}
    assert ("hand_over", "hon-gai", "hai", ("hon-gai", "quang-ninh", "general")) in found
    assert ("resolution", "quang-ninh", "quang", ("quang-ninh", "general")) in found


async def repaired(routing: Routing, ticket: str, **body: Any) -> None:
    answer = await routing.act(ticket, "clocks/resolution-1/repair", {"because": "Ghi nhầm", **body}, who="quan")
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("folded", [(), (0,), (1,), (0, 1), (0, 1, 2)])
async def test_a_repaired_verdict_is_counted_as_repaired_whenever_it_was_folded(routing: Routing, folded: tuple[int, ...]) -> None:
    """Folded before the first repair, between the two, after them."""
    ticket = await routing.open()
    routing.clock.advance(days=9)
    await resolved(routing, ticket)
    period = {"first": "2025-01-01", "last": "2025-12-31"}

    async def counted() -> tuple[int, int, int]:
        row = (await figures(routing, **period))[None]
        return row["met"], row["missed"], row["cancelled"]

    assert await counted() == (0, 1, 0)
    for step, (verdict, sums) in enumerate([("met", (1, 0, 0)), ("cancelled", (0, 0, 1))]):
        if step in folded:
            await fold(routing)
        await repaired(routing, ticket, verdict=verdict)
        assert await counted() == sums
    if 2 in folded:
        await fold(routing)
        assert await counted() == (0, 0, 1)
    (fact,) = await routing.outcomes(kind="resolution")
    assert fact["verdict"] == "cancelled"
    assert ("was" in fact, "pending" in fact) == ((0 in folded or 1 in folded) and 2 not in folded, 2 not in folded)
