"""The JSON API: what it accepts, what it refuses and how it says so, and what the holder of a link may see."""

import asyncio
import base64
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kit.ids import new_id
from schemas.requests import MessageReceived, RequestReceived
from services.intake.domain.files import MEGABYTE
from tests.component.intake.conftest import Intake

PDF = b"%PDF-1.7\n" + b"x" * 200


def request_body(**changes: Any) -> dict[str, Any]:
    return {
        "topic": "tax",
        "text": "Tờ khai bị phân luồng đỏ ba ngày nay.\nXin được giải đáp.",
        "business": {"name": "Công ty Thử", "tax_code": "0101234567"},
        "contact": {"name": "Lan", "email": "lan@company.example"},
    } | changes


def attachment(name: str = "to khai.pdf", content: bytes = PDF) -> dict[str, str]:
    return {"filename": name, "content": base64.b64encode(content).decode()}


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["k"][0]


async def send(intake: Intake, body: dict[str, Any] | None = None, key: str | None = None, **headers: str) -> httpx.Response:
    sent = {"Idempotency-Key": key or new_id(), **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await intake.http.post("/api/v1/requests", json=body or request_body(), headers=sent)


async def test_a_request_is_stored_with_its_event_before_it_is_accepted(intake: Intake) -> None:
    response = await send(intake, request_body(subject="Luồng đỏ", unit="general"))
    assert response.status_code == 202
    answer = response.json()
    assert re.fullmatch(r"HD(-[2-9A-Z]{3}){3}", answer["reference"])
    assert answer["status_url"].startswith(f"https://hotro.example/requests/{answer['reference']}?k=")
    (entry,) = await intake.journalled(answer["ticket_id"])
    event = RequestReceived.model_validate_json(entry["body"])
    assert (event.sequence, event.channel, event.topic, event.unit, event.subject) == (1, "api", "tax", "general", "Luồng đỏ")
    assert event.contact.email == "lan@company.example"
    assert event.traceparent is not None
    [owed] = await intake.database["owed"].find({"entries.id": entry["_id"]}).to_list(None)
    assert len(owed["entries"]) == 1


async def test_the_same_key_again_gets_the_same_answer_and_no_second_ticket(intake: Intake) -> None:
    key, body = new_id(), request_body(attachments=[attachment()])
    first = await send(intake, body, key)
    intake.clock.advance(timedelta(hours=3))
    again = await send(intake, body, key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert await intake.count("submissions", {"_id": f"api:{key}"}) == 1
    assert await intake.count("files.files", {"filename": "to khai.pdf", "metadata.sha256": {"$exists": True}}) >= 1


async def test_many_at_the_same_time_with_one_key_are_one_ticket(intake: Intake) -> None:
    key = new_id()
    answers = await asyncio.gather(*(send(intake, key=key) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["ticket_id"] for answer in answers}) == 1


async def test_many_at_the_same_time_share_transactions_and_are_each_their_own_ticket(intake: Intake) -> None:
    answers = await asyncio.gather(*(send(intake) for _ in range(60)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["reference"] for answer in answers}) == 60


@pytest.mark.parametrize(("language", "says"), [("en", "Use a new key"), ("vi", "Vui lòng dùng khóa mới")])
async def test_the_same_key_with_another_body_is_a_conflict(intake: Intake, language: str, says: str) -> None:
    key = new_id()
    await send(intake, key=key)
    response = await send(intake, request_body(text="Khác"), key, accept_language=language)
    assert response.status_code == 409
    assert says in response.json()["detail"]


async def test_everything_wrong_is_told_at_once_with_its_field(intake: Intake) -> None:
    body = request_body(
        topic="nonsense",
        colour="red",
        business={"name": 5},
        contact={"email": "nobody"},
        attachments=[attachment(content=b""), {"filename": "a.pdf", "content": "not base64!"}, {"filename": " ", "content": ""}, 7],
    )
    response = await send(intake, body, accept_language="en")
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    told = {error["field"]: error["message"] for error in response.json()["errors"]}
    assert told.keys() == {
        "topic",
        "colour",
        "business.name",
        "contact.email",
        "attachments.0",
        "attachments.1.content",
        "attachments.2.filename",
        "attachments.3",
    }
    assert "origin, tax" in told["topic"]
    assert all(message.endswith(".") for message in told.values())


@pytest.mark.parametrize(
    ("header", "named", "expected"),
    [("en", "vi", "Choose"), ("", "en", "Choose"), ("", None, "Vui lòng"), ("fr", "en", "Choose"), ("vi;q=0.5, en", None, "Choose")],
)
async def test_errors_are_in_the_language_of_the_caller(intake: Intake, header: str, named: str | None, expected: str) -> None:
    body = request_body(topic=None) | ({"language": named} if named else {})
    response = await send(intake, body, accept_language=header)
    assert response.json()["errors"][0]["message"].startswith(expected)


@pytest.mark.parametrize("language", [[], {}, [None], 7])
async def test_a_language_that_is_no_word_is_a_mistake_like_any_other(intake: Intake, language: Any) -> None:
    response = await send(intake, request_body() | {"language": language})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["language"]


@pytest.mark.parametrize("raw", [b"", b"{", b'{"topic": NaN}', b'{"text": "\\ud800"}', b"[" * 5000, b"\xff\xfe"])
async def test_broken_json_is_said_to_be_broken(intake: Intake, raw: bytes) -> None:
    response = await intake.http.post("/api/v1/requests", content=raw, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", ["[]", "null", "5", '"text"'])
async def test_json_that_is_no_object_is_said_to_be_none(intake: Intake, body: str) -> None:
    response = await intake.http.post("/api/v1/requests", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["body"]


async def test_another_media_type_is_refused(intake: Intake) -> None:
    response = await intake.http.post("/api/v1/requests", data={"topic": "tax"})
    assert response.status_code == 415


@pytest.mark.parametrize("key", ["", "x" * 201, "ví dụ"])
async def test_a_malformed_key_is_refused(intake: Intake, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    response = await intake.http.post("/api/v1/requests", json=request_body(), headers=headers)
    assert response.status_code == 400
    assert "1" in response.json()["detail"]
    assert "200" in response.json()["detail"]


@pytest.mark.parametrize("second", ["one", "two"])
@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("vi", "Tiêu đề Idempotency-Key xuất hiện 2 lần. Vui lòng chỉ gửi một lần."),
        ("en", "The header Idempotency-Key stands 2 times. Send it once."),
    ],
)
async def test_two_keys_are_refused(intake: Intake, second: str, language: str, says: str) -> None:
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", second), ("Accept-Language", language)]
    response = await intake.http.post("/api/v1/requests", json=request_body(), headers=headers)
    assert (response.status_code, response.json()["detail"]) == (400, says)
    assert await intake.count("submissions", {"_id": {"$in": ["api:one", "api:two"]}}) == 0


async def test_a_name_that_stands_twice_is_refused_and_not_guessed_at(intake: Intake) -> None:
    raw = json.dumps(request_body()).replace('"text":', '"text": "other", "text":', 1)
    response = await intake.http.post("/api/v1/requests", content=raw, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    assert "“text”" in response.json()["detail"]


async def test_too_much_is_refused_before_it_is_read(intake: Intake) -> None:
    response = await intake.http.post("/api/v1/requests", content=b"x", headers={"Content-Length": "99000000"})
    assert response.status_code == 413


async def test_too_much_without_a_declared_length_is_refused_while_it_arrives(intake: Intake) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b" " * MEGABYTE

    response = await intake.http.post("/api/v1/requests", content=endless(), headers={"Content-Type": "application/json"})
    assert response.status_code == 413


async def test_a_file_that_is_not_what_it_says_is_refused(intake: Intake) -> None:
    response = await send(intake, request_body(attachments=[attachment("anh.png", PDF)]), accept_language="en")
    assert response.json()["errors"] == [
        {
            "field": "attachments.0",
            "message": "The file “anh.png” is named .png, but its content is a PDF document. "
            "Open it, save it in the right format and choose it again.",
        }
    ]


async def test_a_wrong_file_is_told_by_its_place_in_the_list_that_was_sent(intake: Intake) -> None:
    files = [
        {"filename": "a.pdf", "content": "!!!"},
        attachment("x/y.exe", b"MZ\x90\x00\x03\x00"),
        attachment(),
        7,
        attachment("anh.png", PDF),
    ]
    response = await send(intake, request_body(attachments=files), accept_language="en")
    told = {error["field"]: error["message"] for error in response.json()["errors"]}
    assert told.keys() == {"attachments.0.content", "attachments.1", "attachments.3", "attachments.4"}
    assert "“y.exe”" in told["attachments.1"]
    assert "“anh.png”" in told["attachments.4"]


async def test_files_are_kept_and_given_to_the_holder_of_the_link_only(intake: Intake) -> None:
    name = 'tờ khai "1".pdf'
    answer = (await send(intake, request_body(attachments=[attachment(name)]))).json()
    other = (await send(intake, request_body(attachments=[attachment("other.pdf", PDF + b"!")]))).json()
    (entry,) = await intake.journalled(answer["ticket_id"])
    (file,) = RequestReceived.model_validate_json(entry["body"]).attachments
    own = await intake.http.get(f"/files/{file.id}", params={"k": token_of(answer["status_url"])})
    assert (own.status_code, own.content) == (200, PDF)
    assert own.headers["content-disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''t%E1%BB%9D%20khai" in own.headers["content-disposition"]
    assert own.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in own.headers["content-security-policy"]
    foreign = await intake.http.get(f"/files/{file.id}", params={"k": token_of(other["status_url"])})
    unknown = await intake.http.get(f"/files/{new_id()}", params={"k": token_of(answer["status_url"])})
    without = await intake.http.get(f"/files/{file.id}")
    assert (foreign.status_code, unknown.status_code, without.status_code) == (404, 404, 404)
    assert foreign.json() == unknown.json()


async def test_files_nobody_names_are_swept_after_a_day_and_others_stay(intake: Intake) -> None:
    answer = (await send(intake, request_body(attachments=[attachment()]))).json()
    submission = await intake.database["submissions"].find_one({"ticket_id": answer["ticket_id"]})
    assert submission is not None
    (named,) = submission["files"]
    orphan, young = new_id(), new_id()
    files = intake.database["files.files"]
    for file_id in (orphan, young):
        await files.insert_one({"_id": file_id, "filename": "x", "length": 0, "chunkSize": 1, "metadata": {"claimed": False}})
    await files.update_many({"_id": {"$in": [orphan, named]}}, {"$set": {"uploadDate": intake.clock.at - timedelta(hours=25)}})
    await files.update_one({"_id": young}, {"$set": {"uploadDate": intake.clock.at - timedelta(hours=23)}})
    await intake.desk.files.sweep(intake.clock.at)
    assert await intake.count("files.files", {"_id": {"$in": [named, young]}}) == 2
    assert await intake.count("files.files", {"_id": orphan}) == 0
    assert await intake.count("files.chunks", {"files_id": named}) == 1


async def test_the_status_shows_what_was_sent_until_a_group_has_it(intake: Intake) -> None:
    answer = (await send(intake)).json()
    token = token_of(answer["status_url"])
    by_query = await intake.http.get(f"/api/v1/requests/{answer['reference']}", params={"k": token})
    by_header = await intake.http.get(
        f"/api/v1/requests/{answer['reference'].lower().replace('-', '')}", headers={"Authorization": f"Bearer {token}"}
    )
    assert by_query.status_code == 200
    assert by_query.json() == by_header.json()
    status = by_query.json()
    assert (status["status"], status["group"], status["deadlines"]) == ("new", None, [])
    assert [message["text"] for message in status["messages"]] == [request_body()["text"]]


async def test_no_token_a_wrong_one_and_an_unknown_reference_look_the_same(intake: Intake) -> None:
    answer, other = (await send(intake)).json(), (await send(intake)).json()
    token = token_of(other["status_url"])
    tries = [
        (answer["reference"], {}),
        (answer["reference"], {"k": token[:-1]}),
        (answer["reference"], {"k": token}),
        ("HD-222-222-222", {"k": token}),
        ("nonsense", {"k": "é"}),
    ]
    answers = [await intake.http.get(f"/api/v1/requests/{reference}", params=params) for reference, params in tries]
    assert {response.status_code for response in answers} == {404}
    assert len({response.text for response in answers}) == 1


async def test_an_expired_link_says_how_to_go_on(intake: Intake) -> None:
    answer = (await send(intake)).json()
    intake.clock.advance(timedelta(days=91))
    response = await intake.http.get(answer["status_url"].replace("/requests/", "/api/v1/requests/"), headers={"Accept-Language": "en"})
    assert response.status_code == 410
    assert "latest mail" in response.json()["detail"]


async def test_a_message_follows_on_the_request(intake: Intake) -> None:
    answer = (await send(intake)).json()
    url, token = f"/api/v1/requests/{answer['reference']}/messages", token_of(answer["status_url"])
    key = {"Idempotency-Key": new_id()}
    intake.clock.advance(timedelta(minutes=5))
    said = await intake.http.post(url, params={"k": token}, json={"text": "Bổ sung", "attachments": [attachment()]}, headers=key)
    again = await intake.http.post(url, params={"k": token}, json={"text": "Bổ sung", "attachments": [attachment()]}, headers=key)
    assert (said.status_code, said.json()) == (202, again.json())
    assert said.json()["ticket_id"] == answer["ticket_id"]
    _, entry = await intake.journalled(answer["ticket_id"])
    event = MessageReceived.model_validate_json(entry["body"])
    assert (event.sequence, event.text, event.attachments[0].filename) == (2, "Bổ sung", "to khai.pdf")


async def test_messages_at_the_same_time_are_all_kept_in_one_order(intake: Intake) -> None:
    answer = (await send(intake)).json()
    url, params = f"/api/v1/requests/{answer['reference']}/messages", {"k": token_of(answer["status_url"])}
    sent = await asyncio.gather(*(intake.http.post(url, params=params, json={"text": f"{n}"}) for n in range(12)))
    assert {response.status_code for response in sent} == {202}
    entries = await intake.journalled(answer["ticket_id"])
    assert [entry["seq"] for entry in entries] == list(range(1, 14))
    assert [entry["at"] for entry in entries] == sorted({entry["at"] for entry in entries})


async def test_a_message_without_a_token_or_text_is_refused(intake: Intake) -> None:
    answer = (await send(intake)).json()
    url = f"/api/v1/requests/{answer['reference']}/messages"
    assert (await intake.http.post(url, json={"text": "Bổ sung"})).status_code == 404
    empty = await intake.http.post(url, params={"k": token_of(answer["status_url"])}, json={"text": " "})
    assert (empty.status_code, empty.json()["errors"][0]["field"]) == (422, "text")


@pytest.mark.parametrize("path", ["topics", "units"])
async def test_the_choices_have_both_languages_or_the_one_asked_for(intake: Intake, path: str) -> None:
    both = (await intake.http.get(f"/api/v1/{path}")).json()
    english = (await intake.http.get(f"/api/v1/{path}", params={"language": "en"})).json()
    assert [choice["name"]["en"] for choice in both] == [choice["name"] for choice in english]
    assert [choice["key"] for choice in both] == [choice["key"] for choice in english]
    assert (await intake.http.get(f"/api/v1/{path}", params={"language": "fr"})).status_code == 422


@pytest.mark.parametrize(("language", "says"), [("vi", "chọn một trong: 'vi' hoặc 'en'."), ("en", "Choose one of: 'vi' or 'en'.")])
async def test_what_can_be_chosen_is_told_in_one_language(intake: Intake, language: str, says: str) -> None:
    response = await intake.http.get("/api/v1/topics", params={"language": "fr"}, headers={"Accept-Language": language})
    assert response.json()["errors"][0]["message"].endswith(says)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"attachments": [1] * 200_000}, "attachments"),
        ({f"x{number}": 1 for number in range(50_000)}, "x0"),
        ({"subject": "a" + "\u0301\u0327" * 200_000}, "subject"),
        ({"text": "a" + "\u0301\u0327" * 200_000}, "text"),
        ({"attachments": [attachment("\u0301\u0327" * 200_000)]}, "attachments.0"),
    ],
)
async def test_what_is_absurdly_long_is_refused_in_a_few_words(intake: Intake, changes: dict[str, Any], field: str) -> None:
    """Each of these once kept the process busy for seconds, or answered with hundreds of megabytes."""
    response = await send(intake, request_body(**changes))
    if response.status_code == 202:  # the marks of the file's name are cut, and what is left is a name
        assert field == "attachments.0"
        return
    assert response.status_code == 422
    assert len(response.content) < 10_000
    assert response.json()["errors"][0]["field"] == field


async def test_many_large_requests_at_once_are_all_accepted_in_turn(intake: Intake) -> None:
    body = request_body(attachments=[attachment("a.pdf", PDF + b"x" * 8 * MEGABYTE), attachment("b.pdf", PDF + b"y" * 8 * MEGABYTE)])
    answers = await asyncio.gather(*(send(intake, body) for _ in range(4)), *(send(intake) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [202] * 8


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_where_requests_are_sent_nothing_else_can_be_done(intake: Intake, method: str) -> None:
    answer = await intake.http.request(method, "/api/v1/requests")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_api_describes_itself_with_the_request_first(intake: Intake) -> None:
    document = (await intake.http.get("/openapi.json")).json()
    described = document["paths"]["/api/v1/requests"]["post"]
    assert next(iter(document["paths"])) == "/api/v1/requests"
    assert (described["tags"], described["operationId"]) == (["requests"], "send_request_api_v1_requests_post")
    assert document["paths"].keys() >= {"/api/v1/requests/{reference}", "/api/v1/requests/{reference}/messages", "/api/v1/topics"}
