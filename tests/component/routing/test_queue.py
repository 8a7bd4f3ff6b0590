"""The queue: what is shown, in which order, page by page."""

import asyncio
from typing import Any

import pytest

from kit.ids import new_id
from tests.component.routing.conftest import Routing, organisation, organised


async def shown(routing: Routing, who: str = "hai", **query: Any) -> list[str]:
    answer = await routing.get("/queue", who, **query)
    assert answer.status == 200, answer.body
    return [row["id"] for row in answer.body["items"]]


async def test_the_soonest_due_comes_first_and_what_is_paused_comes_last(routing: Routing) -> None:
    second = await routing.open()
    await routing.act(second, "reply", {"text": "Đã nhận."})
    routing.clock.advance(minutes=5)
    third = await routing.open()
    routing.clock.advance(minutes=-10)
    first = await routing.open()
    routing.clock.advance(minutes=30)
    assert await shown(routing) == [first, second, third]
    message = (await routing.act(first, "wait", {"text": "Hồ sơ nào?"})).body["messages"][-1]["id"]
    await routing.accepted(first, message)
    assert await shown(routing) == [second, third, first]
    rows = (await routing.get("/queue")).body["items"]
    assert (rows[-1]["due_at"], rows[-1]["status"], rows[-1]["overdue"]) == (None, "waiting", False)
    assert rows[0]["due_at"] == "2025-03-03T07:00:00Z"
    assert rows[0]["officer"] == "hai"


async def test_a_row_shows_what_an_officer_chooses_by(routing: Routing) -> None:
    ticket = await routing.open(reference="HD-234-567-89A", subject="Trị giá", channel="email")
    (row,) = (await routing.get("/queue")).body["items"]
    assert row == {
        "id": ticket,
        "reference": "HD-234-567-89A",
        "version": 1,
        "status": "new",
        "subject": "Trị giá",
        "business": "Công ty An Bình",
        "topic": "valuation",
        "channel": "email",
        "priority": "normal",
        "member_tier": None,
        "language": "vi",
        "group": "hon-gai",
        "unit": "hon-gai",
        "officer": None,
        "opened_at": "2025-03-03T02:00:00Z",
        "due_at": "2025-03-03T07:00:00Z",
        "overdue": False,
    }


async def test_filters_choose_by_group_unit_status_officer_topic_and_lateness(routing: Routing) -> None:
    mine = await routing.open()
    await routing.act(mine, "claim")
    free = await routing.open()
    origin = await routing.open(topic="origin")  # goes to the group above
    legal = await routing.open(topic="proposal")
    done = await routing.open()
    await routing.act(done, "resolve", {"text": "Xong."})
    routing.clock.advance(hours=6)
    late = {mine, free, origin, legal}
    fresh = await routing.open()
    table: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {*late, fresh}),
        ({"group": "legal"}, {legal}),
        ({"unit": "quang-ninh"}, {mine, free, origin, fresh}),
        ({"unit": "ha-tinh"}, set()),
        ({"unit": "quang-ninh", "group": "legal"}, set()),
        ({"status": "resolved"}, {done}),
        ({"status": ["new", "resolved"]}, {free, origin, legal, done, fresh}),
        ({"officer": "none"}, {free, origin, legal, fresh}),
        ({"officer": "hai"}, {mine}),
        ({"topic": "origin"}, {origin}),
        ({"overdue": "true"}, late),
        ({"overdue": "false"}, {fresh}),
    ]
    for query, expected in table:
        assert set(await shown(routing, "quan", **query)) == expected, query
    assert await shown(routing, "hai", officer="me") == [mine]
    assert await shown(routing, "sau", officer="me") == []


async def test_pages_show_everything_once_while_tickets_come_in(routing: Routing) -> None:
    for _ in range(5):
        await routing.handlers.on_requests([routing.opening() for _ in range(5)])
        routing.clock.advance(minutes=1)
    at_first = await shown(routing)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await routing.get("/queue", limit=4, **cursor)
        seen += [row["id"] for row in answer.body["items"]]
        routing.clock.advance(minutes=-3)
        await routing.open()  # before the page
        routing.clock.advance(minutes=6)
        await routing.open()  # after it
        if answer.body["next"] is None or len(seen) > 100:
            break
        cursor = {"cursor": answer.body["next"]}
    assert len(seen) == len(set(seen))
    assert [ticket for ticket in seen if ticket in at_first] == at_first


@pytest.mark.parametrize(
    "cursor", ["x", "ố", "W10", "bnVsbA", "WzEsMl0", "WyIyMDI1IiwgMV0", "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgImEiXQ", "[" * 250]
)
async def test_a_cursor_that_is_not_ours_is_refused(routing: Routing, cursor: str) -> None:
    answer = await routing.get("/queue", cursor=cursor)
    assert (answer.status, answer.fields) == (422, ["cursor"])
    assert "`next`" in answer.body["detail"]


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"limit": 0}, 422, "limit"),
        ({"limit": 201}, 422, "limit"),
        ({"limit": "many"}, 422, "limit"),
        ({"status": "lost"}, 422, "status.0"),
        ({"group": "Hòn Gai"}, 422, "group"),
        ({"group": "legal"}, 403, "group"),
        ({"group": "nowhere"}, 403, "group"),
        ({"unit": "nowhere"}, 422, "unit"),
        ({"overdue": "perhaps"}, 422, "overdue"),
        ({"officer": ""}, 422, "officer"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused_by_name(routing: Routing, query: dict[str, Any], status: int, field: str) -> None:
    answer = await routing.get("/queue", **query)
    assert (answer.status, answer.fields) == (status, [field])


async def test_groups_are_shown_with_what_lies_in_their_queues(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.act(ticket, "claim")
    await routing.open()
    routing.clock.advance(hours=6)
    await routing.open()
    resolved = await routing.open()
    await routing.act(resolved, "resolve", {"text": "Xong."})
    (hon_gai,) = (await routing.get("/groups")).body
    assert hon_gai == {
        "key": "hon-gai",
        "name": {"vi": "Hòn Gai", "en": "Hon Gai"},
        "unit": "hon-gai",
        "open": 3,
        "unassigned": 2,
        "overdue": 2,
        "works": True,
    }
    auditor = {row["key"]: row for row in (await routing.get("/groups", "kiem")).body}
    assert set(auditor) == {"cau-treo", "focal", "hon-gai", "legal", "quang-ninh"}
    assert (auditor["legal"]["open"], auditor["hon-gai"]["open"], auditor["hon-gai"]["works"]) == (0, 3, False)


async def test_the_focal_point_sees_and_works_on_what_belonged_to_a_group_that_is_gone(routing: Routing) -> None:
    ticket = await routing.open()
    groups = tuple(spec for spec in organisation().groups if spec.key != "hon-gai")
    async with organised(routing, organisation().model_copy(update={"groups": groups})):
        assert await shown(routing, "phuc") == [ticket]
        assert await shown(routing, "hai") == []
        assert (await routing.act(ticket, "reply", {"text": "Đầu mối trả lời."}, who="phuc")).status == 200


async def test_the_order_of_the_queue_needs_no_sorting_in_memory(routing: Routing) -> None:
    await asyncio.gather(*(routing.open(ticket_id=new_id()) for _ in range(3)))
    query = {"group": {"$in": ["hon-gai", "quang-ninh"]}, "open": {"$in": [False, True]}, "status": {"$in": ["new", "resolved"]}}
    plan = await routing.database["tickets"].find(query).sort([("due_sort", 1), ("_id", 1)]).explain()
    stages = str(plan["queryPlanner"]["winningPlan"])
    assert "SORT_MERGE" in stages
    assert "'stage': 'SORT'" not in stages
