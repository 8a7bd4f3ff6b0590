"""Priorities and members as officers meet them: in the queue, on the ticket, in its history."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from kit.ids import new_id
from schemas.organisation import MemberSpec, PolicySpec, PriorityRuleSpec, Target
from schemas.tickets import ticket_events
from tests.component.routing.conftest import Routing, organisation, organised

URGENT = PolicySpec(key="urgent", priorities=("urgent",), targets=(Target(clock="first_response", hours=3),))
GOLD = PolicySpec(key="gold", member_tiers=("gold",), targets=(Target(clock="first_response", hours=2),))
AN_BINH = MemberSpec(name="An Bình", tax_code="0100109106", tier="gold", signed_on=date(2025, 3, 1), valid_until=date(2025, 3, 31))
SPOILS = PriorityRuleSpec(name="Hàng dễ hỏng", words=("hàng tươi",), priority="high")


@pytest.fixture(name="desk")
async def _desk(routing: Routing) -> AsyncIterator[Routing]:
    written = organisation()
    policies = (URGENT, GOLD, *written.policies)
    changed = written.model_copy(update={"policies": policies, "members": (AN_BINH,), "priority_rules": (SPOILS,)})
    async with organised(routing, changed):
        yield routing


async def shown(routing: Routing, **query: Any) -> list[str]:
    return [row["id"] for row in (await routing.get("/queue", **query)).body["items"]]


NOBODYS: dict[str, Any] = {"business": {"name": "Công ty Khác"}}


async def test_an_officer_changes_the_priority_and_the_deadline_and_the_history_follow(desk: Routing) -> None:
    ticket = await desk.open(**NOBODYS)
    desk.clock.advance(hours=1)
    answer = await desk.act(ticket, "prioritise", {"priority": "urgent", "reason": "Hàng nằm tại cảng"})
    assert answer.status == 200, answer.body
    body = answer.body["ticket"]
    assert (body["priority"], body["version"], answer.etag) == ("urgent", 2, '"2"')
    assert {clock["kind"]: clock["due_at"] for clock in body["deadlines"]}["first_response"] == "2025-03-03T05:00:00Z"
    assert await desk.journal(ticket) == ["ticket_opened", "ticket_prioritised"]
    (entry,) = (await desk.get(f"/tickets/{ticket}/history")).body["entries"][1:]
    assert (entry["who"], entry["what"]) == ("Hai", "Đổi mức ưu tiên từ bình thường thành khẩn")
    assert entry["why"] == "Hàng nằm tại cảng. Chính sách thời hạn “urgent”: mức ưu tiên khẩn"


async def test_a_priority_changed_on_an_old_version_is_refused_and_shows_the_new_one(desk: Routing) -> None:
    ticket = await desk.open(**NOBODYS)
    await desk.act(ticket, "prioritise", {"priority": "high", "reason": "r"})
    answer = await desk.act(ticket, "prioritise", {"priority": "urgent", "reason": "r"}, seen='"1"')
    assert (answer.status, answer.body["current"]["ticket"]["priority"]) == (412, "high")
    assert (await desk.act(ticket, "prioritise", {"priority": "urgent", "reason": "r"}, seen="")).status == 428


async def test_the_queue_shows_priorities_and_tiers_chooses_by_priority_and_stays_in_the_order_of_deadlines(desk: Routing) -> None:
    normal = await desk.open(**NOBODYS)
    member = await desk.open()
    high = await desk.open(**NOBODYS, text="Lô hàng tươi sống bị giữ")
    urgent = await desk.open(**NOBODYS)
    await desk.act(urgent, "prioritise", {"priority": "urgent", "reason": "r"})
    rows = (await desk.get("/queue")).body["items"]
    assert [(row["id"], row["priority"], row["member_tier"]) for row in rows[:2]] == [(member, "normal", "gold"), (urgent, "urgent", None)]
    assert {row["id"] for row in rows[2:]} == {normal, high}
    assert await shown(desk, priority="high") == [high]
    assert await shown(desk, priority=["urgent", "high"]) == [urgent, high]
    assert set(await shown(desk, priority="normal")) == {normal, member}
    wrong = await desk.get("/queue", priority="highest")
    assert (wrong.status, wrong.fields) == (422, ["priority.0"])


async def test_a_ticket_stored_before_there_were_priorities_is_normal(desk: Routing) -> None:
    ticket = await desk.open(**NOBODYS)
    old = {"priority": "", "member_tier": "", "state.priority": "", "state.member_tier": ""}
    await desk.database["tickets"].update_one({"_id": ticket}, {"$unset": old})
    (row,) = (await desk.get("/queue", priority="normal")).body["items"]
    assert (row["id"], row["priority"], row["member_tier"]) == (ticket, "normal", None)
    assert await shown(desk, priority="low") == []
    assert (await desk.get(f"/tickets/{ticket}")).body["ticket"]["priority"] == "normal"
    assert (await desk.act(ticket, "prioritise", {"priority": "high", "reason": "r"})).status == 200


async def test_a_member_is_known_on_the_ticket_and_in_what_is_published_and_the_history_says_what_it_earned(desk: Routing) -> None:
    ticket = await desk.open(ticket_id=new_id())
    assert (await desk.get(f"/tickets/{ticket}")).body["ticket"]["member_tier"] == "gold"
    (row,) = await desk.database["journal"].find({"stream": ticket}).to_list(None)
    event: Any = ticket_events.validate_json(row["body"])
    assert event.ticket.member_tier == "gold"
    (entry,) = (await desk.get(f"/tickets/{ticket}/history")).body["entries"]
    assert entry["why"].endswith(". Chính sách thời hạn “gold”: doanh nghiệp thành viên hạng gold")
