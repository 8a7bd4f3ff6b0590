"""On time: one definition, the same number from above and from below."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from kit.ids import new_id
from services.routing.storage import OUTCOMES
from tests.component.routing.conftest import Answer, Routing, organisation, organised
from tests.support.organisations import local

MARCH = {"first": "2025-03-01", "last": "2025-03-31"}


async def finished(routing: Routing, at: datetime, verdict: str = "met", **changed: Any) -> None:
    """A finished clock, as the repository writes it."""
    fact = {
        "_id": new_id(),
        "ticket_id": new_id(),
        "reference": "HD-234-567-89A",
        "kind": "resolution",
        "cycle": 1,
        "verdict": verdict,
        "started_at": at - timedelta(days=1),
        "due_at": at,
        "finished_at": at,
        "policy": "standard",
        "group": "hon-gai",
        "unit": "hon-gai",
        "topic": "valuation",
        "channel": "form",
    }
    await routing.database[OUTCOMES.name].insert_one(fact | changed)


async def figures(routing: Routing, who: str = "quan", **query: Any) -> dict[str | None, dict[str, Any]]:
    answer = await routing.get("/reports/on-time", who, **{**MARCH, **query})
    assert answer.status == 200, answer.body
    return {row["key"]: row for row in answer.body["rows"]}


async def behind(routing: Routing, who: str = "quan", **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await routing.get("/reports/on-time/clocks", who, **{**MARCH, "limit": 3, **query, **cursor})
        assert answer.status == 200, answer.body
        rows += answer.body["items"]
        if answer.body["next"] is None:
            return rows
        cursor = {"cursor": answer.body["next"]}


async def some_of_everything(routing: Routing) -> None:
    day = local("2025-03-05 10:00")
    for number in range(24):
        await finished(
            routing,
            day + timedelta(hours=number),
            "missed" if number % 4 == 0 else "met",
            group=("hon-gai", "quang-ninh", "legal")[number % 3],
            unit=("hon-gai", "quang-ninh", "legal")[number % 3],
            topic=("valuation", "origin")[number % 2],
            channel=("form", "email", "chat", "api")[number % 4],
        )
    await finished(routing, day, "cancelled")
    await finished(routing, day, kind="first_response")
    await finished(routing, local("2025-04-01 09:00"))


async def test_the_rate_is_met_of_met_and_missed_and_cancelled_clocks_are_neither(routing: Routing) -> None:
    await some_of_everything(routing)
    assert await figures(routing) == {
        None: {"key": None, "met": 18, "missed": 6, "finished": 24, "rate": 0.75, "too_few": False, "overdue": 0}
    }


@pytest.mark.parametrize(("count", "rate", "too_few"), [(0, None, True), (9, None, True), (10, 1.0, False)])
async def test_fewer_than_ten_are_too_few_to_rate(routing: Routing, count: int, rate: float | None, too_few: bool) -> None:
    for _ in range(count):
        await finished(routing, local("2025-03-05 10:00"))
    row = (await figures(routing))[None]
    assert (row["finished"], row["rate"], row["too_few"]) == (count, rate, too_few)


@pytest.mark.parametrize("by", ["unit", "group", "topic", "channel"])
async def test_the_parts_and_what_is_behind_them_sum_to_the_whole(routing: Routing, by: str) -> None:
    await some_of_everything(routing)
    whole, parts = (await figures(routing))[None], await figures(routing, by=by)
    for name in ("met", "missed", "finished", "overdue"):
        assert sum(row[name] for row in parts.values()) == whole[name]
    assert len(await behind(routing)) == whole["finished"]
    if by in {"group", "topic", "channel"}:
        for key, row in parts.items():
            rows = await behind(routing, **{by: str(key)})
            assert len({found["id"] for found in rows}) == len(rows) == row["finished"]
            assert sum(found["verdict"] == "met" for found in rows) == row["met"]


async def test_every_filter_narrows_number_and_drill_down_alike(routing: Routing) -> None:
    await some_of_everything(routing)
    filters: list[tuple[dict[str, str], int]] = [
        ({"unit": "quang-ninh"}, 16),
        ({"unit": "hon-gai"}, 8),
        ({"unit": "general"}, 24),
        ({"group": "legal"}, 8),
        ({"topic": "origin"}, 12),
        ({"channel": "chat"}, 6),
        ({"unit": "quang-ninh", "topic": "origin", "channel": "api"}, 4),
        ({"clock": "first_response"}, 1),
        ({"clock": "hand_over"}, 0),
        ({"first": "2025-03-06"}, 10),
    ]
    for query, count in filters:
        assert (await figures(routing, **query))[None]["finished"] == count, query
        assert len(await behind(routing, **query)) == count, query


async def test_a_day_begins_and_ends_at_midnight_of_the_units_zone(routing: Routing) -> None:
    for wall in ("2025-03-04 23:59:59.999", "2025-03-05 00:00", "2025-03-05 23:59:59.999", "2025-03-06 00:00"):
        await finished(routing, local(wall))
    assert (await figures(routing, first="2025-03-05", last="2025-03-05"))[None]["finished"] == 2


async def test_a_day_of_a_zone_whose_clocks_change_has_all_its_hours(routing: Routing) -> None:
    calendars = [spec.model_copy(update={"timezone": "Europe/Paris"}) for spec in organisation().calendars]
    async with organised(routing, organisation().model_copy(update={"calendars": tuple(calendars)})):
        for utc in ("2025-03-29T22:59", "2025-03-29T23:00", "2025-03-30T21:59", "2025-03-30T22:00"):
            await finished(routing, datetime.fromisoformat(utc + "+00:00"))
        answer = await routing.get("/reports/on-time", "quan", first="2025-03-30", last="2025-03-30", group="hon-gai")
    assert (answer.body["timezone"], answer.body["rows"][0]["finished"]) == ("Europe/Paris", 2)


async def test_overdue_tickets_stand_beside_the_rate_and_not_in_it(routing: Routing) -> None:
    for _ in range(3):
        await routing.open()
    answered = await routing.open()
    await routing.accepted(answered, (await routing.act(answered, "reply", {"text": "Rõ."})).body["messages"][-1]["id"])
    routing.clock.at = local("2025-03-03 15:00")
    row = (await figures(routing, clock="first_response"))[None]
    assert (row["met"], row["missed"], row["overdue"]) == (1, 0, 3)
    assert (await figures(routing, clock="first_response", by="group"))["hon-gai"]["overdue"] == 3
    assert (await figures(routing, clock="resolution"))[None]["overdue"] == 0


async def test_each_cycle_of_a_reopened_ticket_counts(routing: Routing) -> None:
    ticket = await routing.open()
    for _ in range(2):
        await routing.act(ticket, "resolve", {"text": "Xong."})
        routing.clock.advance(days=8)
        await routing.act(ticket, "reopen", {"reason": "Chưa xong"})
        routing.clock.advance(days=8)
    await routing.act(ticket, "resolve", {"text": "Xong."})
    rows = await behind(routing, clock="resolution", last="2025-04-30")
    assert [(row["ticket_id"], row["cycle"], row["verdict"]) for row in sorted(rows, key=lambda row: row["cycle"])] == [
        (ticket, 1, "met"),
        (ticket, 2, "missed"),
        (ticket, 3, "missed"),
    ]


async def test_everybody_counts_what_they_see(routing: Routing) -> None:
    await some_of_everything(routing)
    await finished(routing, local("2025-03-05 10:00"), group="dissolved", unit="dissolved")
    counted = {who: (await figures(routing, who))[None]["finished"] for who in ("hai", "sau", "tong", "kiem")}
    assert counted == {"hai": 8, "sau": 16, "tong": 25, "kiem": 25}
    assert len(await behind(routing, "sau")) == 16


async def refused(routing: Routing, **query: Any) -> Answer:
    first = await routing.get("/reports/on-time", "hai", **query)
    second = await routing.get("/reports/on-time/clocks", "hai", **query)
    assert first.body == second.body
    return first


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"first": "2025-03-02", "last": "2025-03-01"}, 422, "first"),
        ({"last": "0001-01-01"}, 422, "last"),
        ({"last": "9999-12-31"}, 422, "last"),
        ({"first": "0001-01-01"}, 422, "first"),
        ({"first": "9999-12-31"}, 422, "last"),
        ({"first": "yesterday"}, 422, "first"),
        ({"unit": "nowhere"}, 422, "unit"),
        ({"unit": "legal"}, 403, "unit"),
        ({"group": "legal"}, 403, "group"),
        ({"clock": "sundial"}, 422, "clock"),
        ({"channel": "pigeon"}, 422, "channel"),
    ],
)
async def test_what_cannot_be_reported_is_refused_by_name(routing: Routing, query: dict[str, str], status: int, field: str) -> None:
    answer = await refused(routing, **query)
    assert (answer.status, answer.fields) == (status, [field])


async def test_without_dates_a_report_is_about_the_last_thirty_days(routing: Routing) -> None:
    answer = await routing.get("/reports/on-time")
    assert (answer.body["first"], answer.body["last"], answer.body["clock"]) == ("2025-02-02", "2025-03-03", "resolution")
