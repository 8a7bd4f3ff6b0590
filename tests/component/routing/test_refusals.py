"""Refusals name the field and the remedy, in the officer's language, and leave nothing behind."""

import pytest

from tests.component.routing.conftest import Routing, signed

LONG = "x" * 20_001

WRONG: list[tuple[str, object, int, str, str, str]] = [
    # action, body, status, field, what an officer reads in Vietnamese and in English
    ("reply", {"text": LONG}, 422, "text", "Nhiều nhất 20000 ký tự.", "At most 20000 characters."),
    ("reply", {"text": "  "}, 422, "text", "Ít nhất 1 ký tự.", "At least 1 characters."),
    ("reply", {}, 422, "text", "Trường này bắt buộc phải có.", "This is required."),
    ("reply", {"text": 7}, 422, "text", "Hãy gửi văn bản.", "Send text."),
    ("reply", {"text": "t", "txt": "t"}, 422, "txt", "Không có trường này; hãy bỏ đi hoặc sửa lại tên.", "There is no such field"),
    ("reply", ["t"], 422, "body", "Hãy gửi một đối tượng JSON.", "Send a JSON object."),
    ("reply", None, 422, "body", "Trường này bắt buộc phải có.", "This is required."),
    ("note", {"text": LONG}, 422, "text", "Nhiều nhất 20000 ký tự.", "At most 20000 characters."),
    ("wait", {"text": LONG}, 422, "text", "Nhiều nhất 20000 ký tự.", "At most 20000 characters."),
    ("resolve", {"text": LONG}, 422, "text", "Nhiều nhất 20000 ký tự.", "At most 20000 characters."),
    ("resolve", {}, 422, "text", "Doanh nghiệp chưa nhận được trả lời nào", "The business has not been answered yet"),
    ("reject", {"reason": "r"}, 422, "legal_basis", "Trường này bắt buộc phải có.", "This is required."),
    ("reject", {"reason": LONG, "legal_basis": "l"}, 422, "reason", "Nhiều nhất 20000 ký tự.", "At most 20000 characters."),
    ("refer", {"authority": "a" * 501, "reason": "r"}, 422, "authority", "Nhiều nhất 500 ký tự.", "At most 500 characters."),
    ("release", {"reason": "r" * 501}, 422, "reason", "Nhiều nhất 500 ký tự.", "At most 500 characters."),
    ("release", {}, 409, "", "Hiện không ai giữ yêu cầu này.", "Nobody holds this ticket"),
    ("reopen", {"reason": "r"}, 409, "status", "không cần mở lại", "there is nothing to reopen"),
    ("assign", {"reason": "r"}, 422, "group", "Hãy nêu nhóm hoặc cán bộ sẽ nhận yêu cầu.", "Name the group or the officer"),
    ("assign", {"reason": "r", "group": "Hòn Gai"}, 422, "group", "Hãy gửi một mã", "Send a key"),
    ("assign", {"reason": "r", "group": "nowhere"}, 422, "group", "Không có nhóm “nowhere”", "There is no group nowhere"),
    ("assign", {"reason": "r", "officer": "nobody"}, 422, "officer", "Không có cán bộ “nobody”", "There is no officer nobody"),
    ("assign", {"reason": "r", "officer": "luat"}, 422, "officer", "Luat không thuộc nhóm Hòn Gai", "Luat does not belong to the group"),
    ("assign", {"reason": "r", "group": "hon-gai"}, 409, "group", "Yêu cầu đã ở đúng nơi này", "The ticket is already there"),
    ("prioritise", {"priority": "high"}, 422, "reason", "Trường này bắt buộc phải có.", "This is required."),
    ("prioritise", {"priority": "top", "reason": "r"}, 422, "priority", "Hãy chọn một trong:", "Choose one of:"),
    ("prioritise", {"priority": "normal", "reason": "r"}, 409, "priority", "hãy chọn mức khác", "choose another"),
    ("assign", {"group": "legal"}, 422, "reason", "Trường này bắt buộc phải có.", "This is required."),
]


@pytest.mark.parametrize(("action", "body", "status", "field", "vi", "en"), WRONG, ids=[f"{row[0]} {row[3]} {row[2]}" for row in WRONG])
async def test_what_is_wrong_is_named_in_the_officers_language(  # noqa: PLR0917 (the columns of the table)
    routing: Routing, action: str, body: object, status: int, field: str, vi: str, en: str
) -> None:
    ticket = await routing.open()
    before = await routing.everything()
    for who, words in (("hai", vi), ("anna", en)):
        answer = await routing.act(ticket, action, body, who=who)
        assert answer.status == status, answer.body
        assert answer.headers["content-type"] == "application/problem+json"
        said = [error["message"] for error in answer.body.get("errors", [])] or [answer.body["detail"]]
        assert answer.fields == ([field] if field else [])
        assert words in said[0]
    assert await routing.everything() == before


async def test_a_ticket_another_officer_holds_is_not_claimed_but_may_be_answered(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.act(ticket, "claim")
    answer = await routing.act(ticket, "claim", who="anna")
    assert (answer.status, answer.fields) == (409, ["officer"])
    assert "Hai holds this ticket until 09:00 04/03/2025 (Asia/Ho_Chi_Minh); leave a note" in answer.body["detail"]
    assert (await routing.act(ticket, "reply", {"text": "Trả lời giúp."}, who="anna")).status == 200


async def test_broken_json_is_refused_as_such(routing: Routing) -> None:
    ticket = await routing.open()
    headers = signed("hai") | {"If-Match": '"1"', "Content-Type": "application/json"}
    for sent in (b"{", b'{"text": }', b"\xff\xfe", b"[" * 100_000):
        response = await routing.http.post(f"/api/v1/tickets/{ticket}/reply", content=sent, headers=headers)
        assert response.status_code in {400, 422}
        assert response.headers["content-type"] == "application/problem+json"
        assert [error["field"] for error in response.json()["errors"]] == ["body"]
    lone = await routing.http.post(f"/api/v1/tickets/{ticket}/reply", content=b'{"text": "\\ud800"}', headers=headers)
    assert (lone.status_code, lone.json()["errors"][0]["field"]) == (422, "text")
    assert await routing.journal(ticket) == ["ticket_opened"]


@pytest.mark.parametrize("text", ["\u202e\x00", "\u200b \u2066", "\x00\x1b"])
async def test_a_text_in_which_nothing_can_be_seen_is_none(routing: Routing, text: str) -> None:
    ticket = await routing.open()
    answer = await routing.act(ticket, "note", {"text": text})
    assert (answer.status, answer.fields) == (422, ["text"])
    assert (await routing.act(ticket, "reopen", {"reason": text})).fields == ["reason"]


async def test_control_characters_are_taken_out_of_what_officers_write(routing: Routing) -> None:
    ticket = await routing.open()
    answer = await routing.act(ticket, "note", {"text": "  một\x00 \r\nhai\x1b[2J\n"})
    assert answer.body["messages"][-1]["text"] == "một \nhai[2J"
    reason = "Vì\u202e \x00gấp\nlắm"
    assert (await routing.act(ticket, "prioritise", {"priority": "high", "reason": reason}, seen='"2"')).status == 200
    history = (await routing.get(f"/tickets/{ticket}/history")).body["entries"]
    assert history[-1]["why"].startswith("Vì gấp lắm. ")


async def test_a_body_over_the_limit_is_refused(routing: Routing) -> None:
    ticket = await routing.open()
    answer = await routing.act(ticket, "reply", {"text": "x" * 1_100_000})
    assert answer.status == 413


@pytest.mark.parametrize("name", ["HD-222-222-222", "x", "%00", "ố" * 60, "0195f3a0-0000-7000-8000-00000000ffff"])
async def test_what_is_not_there_is_not_found(routing: Routing, name: str) -> None:
    for path in (f"/tickets/{name}", f"/tickets/{name}/history"):
        assert (await routing.get(path, "quan")).status == 404
    assert (await routing.act(name, "claim", seen='"1"')).status == 404


async def test_a_name_longer_than_any_is_refused(routing: Routing) -> None:
    assert (await routing.get(f"/tickets/{'a' * 65}")).fields == ["name"]


async def test_text_is_kept_to_the_last_character(routing: Routing) -> None:
    ticket = await routing.open()
    text = "Thuế — “giá trị” \U0001f6a2 <b>&amp;</b> " + "ậ" * (20_000 - 40)
    answer = await routing.act(ticket, "reply", {"text": text})
    assert answer.status == 200
    assert answer.body["messages"][-1]["text"] == text
