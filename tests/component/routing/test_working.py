"""What an officer does with a ticket, and what the journal keeps of it."""

from typing import Any

import pytest

from schemas.tickets import ticket_events
from tests.component.routing.conftest import Routing

OPENED = "ticket_opened"

PATHS: dict[str, tuple[list[tuple[str, dict[str, str] | None]], list[str], str, list[str]]] = {
    # what is done, what the journal has after the opening, the status in the end, what may be done then
    "claim": ([("claim", None)], ["ticket_claimed"], "open", ["release", "resolve", "reopen-not"]),
    "claim and release": ([("claim", None), ("release", {})], ["ticket_claimed", "ticket_assigned"], "open", ["claim"]),
    "assign to an officer": ([("assign", {"officer": "hung", "reason": "Chuyên môn"})], ["ticket_assigned"], "open", ["release"]),
    "assign to another group": (
        [("assign", {"group": "quang-ninh", "reason": "Đúng thẩm quyền"})],
        ["ticket_assigned", "clock_finished"],
        "new",
        ["note-not", "claim-not"],  # it is the others' now
    ),
    "reply": ([("reply", {"text": "Đã rõ."})], ["answer_given"], "open", ["resolve"]),
    "note": ([("note", {"text": "Đã gọi."})], ["note_added"], "new", ["claim"]),
    "wait": ([("wait", {"text": "Hồ sơ nào?"})], ["question_asked"], "waiting", ["reopen"]),
    "wait and reopen": (
        [("wait", {"text": "Hồ sơ nào?"}), ("reopen", {"reason": "Đã có hồ sơ"})],
        ["question_asked", "note_added"],
        "open",
        ["wait"],
    ),
    "refer": ([("refer", {"authority": "Bộ Công Thương", "reason": "Thẩm quyền"})], ["ticket_referred"], "referred", ["reopen"]),
    "resolve": (
        [("resolve", {"text": "Đã xử lý xong."})],
        ["ticket_resolved", "clock_finished", "clock_finished"],
        "resolved",
        ["reopen", "reply"],
    ),
    "resolve without a text, once answered": (
        [("reply", {"text": "Đã rõ."}), ("resolve", {})],
        ["answer_given", "ticket_resolved", "clock_finished", "clock_finished"],
        "resolved",
        ["note", "reopen"],
    ),
    "resolve and reopen": (
        [("resolve", {"text": "Xong."}), ("reopen", {"reason": "Chưa xong"})],
        ["ticket_resolved", "clock_finished", "clock_finished", "ticket_reopened"],
        "open",
        ["resolve"],
    ),
    "reject": (
        [("reject", {"reason": "Ngoài phạm vi", "legal_basis": "Điều 5"})],
        ["answer_given", "clock_finished", "clock_finished"],
        "rejected",
        ["note", "reopen"],
    ),
}


@pytest.mark.parametrize(("steps", "emitted", "status", "can"), PATHS.values(), ids=PATHS)
async def test_every_action_changes_the_ticket_and_is_journalled(
    routing: Routing, steps: list[tuple[str, dict[str, str] | None]], emitted: list[str], status: str, can: list[str]
) -> None:
    ticket = await routing.open()
    body: dict[str, Any] = {}
    for action, sent in steps:
        routing.clock.advance(minutes=7)
        answer = await routing.act(ticket, action, sent, who="hong")
        assert answer.status == 200, answer.body
        body = answer.body
        assert answer.etag == f'"{body["ticket"]["version"]}"'
    assert await routing.journal(ticket) == [OPENED, *emitted]
    assert body["ticket"]["status"] == status
    assert {name for name in can if not name.endswith("-not")} <= set(body["can"])
    assert not {name.removesuffix("-not") for name in can if name.endswith("-not")} & set(body["can"])
    assert (await routing.get(f"/tickets/{ticket}", "quan")).body["ticket"] == body["ticket"]


async def test_what_is_offered_is_possible_and_what_is_not_offered_is_refused(routing: Routing) -> None:
    bodies: dict[str, Any] = {
        "assign": {"officer": "hung", "reason": "r"},
        "release": {"reason": ""},
        "prioritise": {"priority": "high", "reason": "r"},
        "reply": {"text": "t"},
        "note": {"text": "t"},
        "wait": {"text": "t"},
        "refer": {"authority": "a", "reason": "r"},
        "resolve": {"text": "t"},
        "reopen": {"reason": "r"},
        "reject": {"reason": "r", "legal_basis": "l"},
    }
    for way in ("note", "claim", "wait", "refer", "resolve", "reject"):
        for action in ("claim", *bodies):
            ticket = await routing.open()
            offered = (await routing.act(ticket, way, bodies.get(way), who="hong")).body["can"]
            answer = await routing.act(ticket, action, bodies.get(action), who="hong")
            assert (answer.status == 200) is (action in offered), (way, action, answer.body)
            assert answer.status in {200, 409}


async def test_an_answer_counts_only_once_it_was_accepted_for_delivery(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.advance(minutes=10)
    message = (await routing.act(ticket, "reply", {"text": "Đã rõ."})).body["messages"][-1]
    assert (message["public"], message["author_name"], message["kind"]) == (True, "Hai", "answer")
    assert await routing.outcomes(kind="first_response") == []
    routing.clock.advance(minutes=1)
    await routing.accepted(ticket, message["id"], routing.clock.at)
    (outcome,) = await routing.outcomes(kind="first_response")
    assert (outcome["verdict"], outcome["finished_at"], outcome["group"]) == ("met", routing.clock.at, "hon-gai")
    deadlines = {deadline["kind"]: deadline["state"] for deadline in (await routing.get(f"/tickets/{ticket}")).body["ticket"]["deadlines"]}
    assert deadlines == {"first_response": "met", "resolution": "running", "hand_over": "met"}


async def test_the_group_that_hands_a_ticket_on_gets_the_verdict_of_its_own_clock(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.advance(minutes=30)
    await routing.act(ticket, "assign", {"group": "quang-ninh", "reason": "Đúng thẩm quyền"})
    routing.clock.advance(days=8)
    await routing.act(ticket, "assign", {"group": "legal", "reason": "Cần ý kiến"}, who="quan")
    found = {row["group"]: (row["unit"], row["verdict"]) for row in await routing.outcomes(kind="hand_over")}
    assert found == {"hon-gai": ("hon-gai", "met"), "quang-ninh": ("quang-ninh", "missed")}
    await routing.act(ticket, "resolve", {"text": "Xong."}, who="luat")
    (resolution,) = await routing.outcomes(kind="resolution")
    assert (resolution["group"], resolution["unit"], resolution["verdict"]) == ("legal", "legal", "missed")


async def test_a_failed_acknowledgement_is_shown_to_the_officer(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.bounced(ticket, None, template="acknowledgement", reason="550 no such mailbox")
    assert await routing.journal(ticket) == [OPENED, "delivery_troubled"]
    (row,) = await routing.database["journal"].find({"stream": ticket, "seq": 2}).to_list(None)
    event = ticket_events.validate_json(row["body"])
    assert (event.template, event.message_id, event.reason) == ("acknowledgement", "", "550 no such mailbox")  # type: ignore[union-attr]
    assert [person.key for person in event.recipients] == ["hong"]  # type: ignore[union-attr]


async def test_the_trace_of_the_request_goes_into_the_journal(routing: Routing) -> None:
    opening = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    ticket = await routing.open(traceparent=opening)
    asked = "00-" + "3" * 32 + "-" + "4" * 16 + "-01"
    headers = {"Authorization": "Bearer hai", "If-Match": '"1"', "traceparent": asked}
    assert (await routing.http.post(f"/api/v1/tickets/{ticket}/claim", headers=headers)).status_code == 200
    rows = await routing.database["journal"].find({"stream": ticket}).sort("seq").to_list(None)
    assert [row["trace"] for row in rows] == [opening, asked]
