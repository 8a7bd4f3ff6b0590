"""Refusals name the field and the remedy, in the officer's language, and leave nothing behind."""

import pytest

from tests.component.routing.conftest import Routing, signed

LONG = "x" * 20_001

WRONG: list[tuple[str, object, int, str, str, str]] = [
    # action, body, status, field, what an officer reads in Vietnamese and in English
    ("reply", {"text": LONG}, 422, "text", "Nhiều nhất 20.000 ký tự.", "At most 20,000 characters."),
    ("reply", {"text": "  "}, 422, "text", "Ít nhất 1 ký tự.", "At least 1 characters."),
    ("reply", {}, 422, "text", "Trường này bắt buộc phải có.", "This is required."),
    ("reply", {"text": 7}, 422, "text", "Hãy gửi văn bản.", "Send text."),
    ("reply", {"text": "t", "txt": "t"}, 422, "txt", "Không có trường này; hãy bỏ đi hoặc sửa lại tên.", "There is no such field"),
    ("reply", ["t"], 422, "body", "Hãy gửi một đối tượng JSON.", "Send a JSON object."),
    ("reply", None, 422, "body", "Trường này bắt buộc phải có.", "This is required."),
    ("note", {"text": LONG}, 422, "text", "Nhiều nhất 20.000 ký tự.", "At most 20,000 characters."),
    ("wait", {"text": LONG}, 422, "text", "Nhiều nhất 20.000 ký tự.", "At most 20,000 characters."),
    ("resolve", {"text": LONG}, 422, "text", "Nhiều nhất 20.000 ký tự.", "At most 20,000 characters."),
    ("resolve", {}, 422, "text", "Doanh nghiệp chưa nhận được trả lời nào", "The business has not been answered yet"),
    ("reject", {"reason": "r"}, 422, "legal_basis", "Trường này bắt buộc phải có.", "This is required."),
    ("reject", {"reason": LONG, "legal_basis": "l"}, 422, "reason", "Nhiều nhất 20.000 ký tự.", "At most 20,000 characters."),
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
    (
        "prioritise",
        {"priority": "top", "reason": "r"},
        422,
        "priority",
        "Hãy chọn một trong: 'low', 'normal', 'high' hoặc 'urgent'.",
        "Choose one of: 'low', 'normal', 'high' or 'urgent'.",
    ),
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


CHOICES: list[tuple[str, dict[str, str], str, str]] = [
    # path, query, the end of what an officer reads in Vietnamese and in English
    ("/queue", {"status": "lost"}, "'closed' hoặc 'rejected'.", "'closed' or 'rejected'."),
    ("/queue", {"priority": "top"}, "'high' hoặc 'urgent'.", "'high' or 'urgent'."),
    ("/reports/on-time", {"by": "day"}, "'officer' hoặc 'month'.", "'officer' or 'month'."),
    ("/reports/on-time", {"format": "xml"}, "Hãy chọn một trong: 'json' hoặc 'csv'.", "Choose one of: 'json' or 'csv'."),
    ("/reports/on-time", {"channel": "or"}, "'email' hoặc 'chat'.", "'email' or 'chat'."),
    ("/reports/on-time/clocks", {"verdict": "lost"}, "'missed' hoặc 'cancelled'.", "'missed' or 'cancelled'."),
    ("/tickets/{ticket}/clocks/resolution-1/explain", {"lang": "fr"}, "'vi' hoặc 'en'.", "'vi' or 'en'."),
]


@pytest.mark.parametrize(("path", "query", "vi", "en"), CHOICES, ids=[f"{row[0]} {next(iter(row[1]))}" for row in CHOICES])
async def test_what_there_is_to_choose_from_is_listed_in_the_officers_language(
    routing: Routing, path: str, query: dict[str, str], vi: str, en: str
) -> None:
    asked = path.format(ticket=await routing.open())
    for who, words in (("hai", vi), ("anna", en)):
        (error,) = (await routing.get(asked, who, **query)).body["errors"]
        assert error["message"].endswith(words)


async def test_a_ticket_another_officer_holds_is_not_claimed_but_may_be_answered(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.act(ticket, "claim")
    answer = await routing.act(ticket, "claim", who="anna")
    assert (answer.status, answer.fields) == (409, ["officer"])
    assert "Hai holds this ticket until 09:00 04/03/2025 (Asia/Ho_Chi_Minh); leave a note" in answer.body["detail"]
    assert (await routing.act(ticket, "reply", {"text": "Trả lời giúp."}, who="anna")).status == 200


BROKEN: list[tuple[bytes, str, str]] = [
    # a body, and where it breaks off
    (b"{", "dòng 1, cột 2", "line 1, column 2"),
    (b'{"text": }', "dòng 1, cột 10", "line 1, column 10"),
    (b'{\n  "text": "a",\n  "b" 1\n}', "dòng 3, cột 7", "line 3, column 7"),
    (b'{"text": "a"} x', "dòng 1, cột 15", "line 1, column 15"),
    ('{"text": "Trị giá" "b"}'.encode(), "dòng 1, cột 20", "line 1, column 20"),
    (b'{"text": "\xff"}', "UTF-8", "UTF-8"),
    (b"[" * 100_000, "lồng quá sâu", "nested too deeply"),
]


@pytest.mark.parametrize(("sent", "vi", "en"), BROKEN, ids=[row[2] for row in BROKEN])
async def test_broken_json_is_refused_with_the_place_where_it_breaks_off(routing: Routing, sent: bytes, vi: str, en: str) -> None:
    ticket = await routing.open()
    for who, words in (("hai", vi), ("anna", en)):
        headers = signed(who) | {"If-Match": '"1"', "Content-Type": "application/json", "Accept-Language": "en" if who == "anna" else "vi"}
        response = await routing.http.post(f"/api/v1/tickets/{ticket}/reply", content=sent, headers=headers)
        assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
        (error,) = response.json()["errors"]
        assert (error["field"], error["message"]) == ("body", response.json()["detail"])
        assert words in error["message"]
    assert await routing.journal(ticket) == ["ticket_opened"]


async def test_a_lone_surrogate_is_no_text(routing: Routing) -> None:
    ticket = await routing.open()
    headers = signed("hai") | {"If-Match": '"1"', "Content-Type": "application/json"}
    lone = await routing.http.post(f"/api/v1/tickets/{ticket}/reply", content=b'{"text": "\\ud800"}', headers=headers)
    assert (lone.status_code, lone.json()["errors"][0]["field"]) == (422, "text")
    assert await routing.journal(ticket) == ["ticket_opened"]


TYPES: list[tuple[str | None, int]] = [
    ("application/json", 200),
    ("Application/JSON; charset=utf-8", 200),
    ("application/vnd.helpdesk+json", 200),
    (None, 200),
    ("text/plain", 415),
    ("application/x-www-form-urlencoded", 415),
    ("application/jsonp", 415),
    ("", 415),
]


@pytest.mark.parametrize(("media_type", "status"), TYPES, ids=[str(row[0]) for row in TYPES])
async def test_what_is_not_named_as_json_is_told_which_header_to_send(routing: Routing, media_type: str | None, status: int) -> None:
    ticket = await routing.open()
    headers = signed("anna") | {"If-Match": '"1"'} | ({} if media_type is None else {"Content-Type": media_type})
    response = await routing.http.post(f"/api/v1/tickets/{ticket}/note", content=b'{"text": "t"}', headers=headers)
    assert response.status_code == status, response.text
    if status == 415:
        (error,) = response.json()["errors"]
        assert error == {"field": "Content-Type", "message": "Send JSON with the header `Content-Type: application/json`."}
        headers["Authorization"] = "Bearer nobody"
        assert (await routing.http.post(f"/api/v1/tickets/{ticket}/note", content=b"{}", headers=headers)).status_code == 401


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
