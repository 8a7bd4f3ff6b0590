"""Chat by signed webhook: who is believed, which ticket a message belongs to, and that repeats change nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from kit.ids import new_id
from kit.webhooks import signed_headers
from schemas.requests import MessageReceived, RequestReceived
from schemas.values import Business, ChatAddress, Contact, Group, LocalText, Named, Ticket, TicketStatus
from tests.component.intake.conftest import CHAT_SECRET, OLD_CHAT_SECRET, Intake

NAME = LocalText(vi="Tên", en="Name")


async def hook(  # what a bridge sends
    intake: Intake,
    body: Any,
    *,
    webhook_id: str | None = None,
    secret: str = CHAT_SECRET,
    age: timedelta = timedelta(),
    account: str = "zalo",
    language: str = "en",
) -> httpx.Response:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = signed_headers(secret, webhook_id or new_id(), intake.clock.at - age, raw)
    return await intake.http.post(
        f"/hooks/chat/{account}", content=raw, headers=headers | {"Content-Type": "application/json", "Accept-Language": language}
    )


def chat(conversation: str, text: str = "Xin hỏi về thuế.\nCảm ơn.", **more: Any) -> dict[str, Any]:
    return {"conversation": conversation, "text": text, "name": "Lan", **more}


async def set_status(intake: Intake, ticket_id: str, status: TicketStatus) -> None:
    """As the projection would, after routing said so."""
    row = await intake.database["conversations"].find_one({"_id": ticket_id})
    assert row is not None
    named = Named(key="x", name=NAME)
    ticket = Ticket(
        reference=row["reference"],
        status=status,
        subject="x",
        topic=named,
        language="vi",
        channel="chat",
        business=Business(name="x"),
        contact=Contact(),
        group=Group(key="focal", name=NAME, unit=named),
        opened_at=row["opened_at"],
        version=1,
    )
    await intake.database["conversations"].update_one({"_id": ticket_id}, {"$set": {"ticket": ticket.model_dump(mode="json"), "seen": 1}})


async def test_the_first_message_opens_a_request_and_the_next_is_said_on_it(intake: Intake) -> None:
    conversation = new_id()
    first = await hook(intake, chat(conversation, topic="tax", email="lan@company.example", message_id="m1"))
    assert first.status_code == 200
    second = await hook(intake, chat(conversation, "Thêm một câu hỏi"))
    assert second.json()["ticket_id"] == first.json()["ticket_id"]
    opening, saying = await intake.journalled(first.json()["ticket_id"])
    request = RequestReceived.model_validate_json(opening["body"])
    assert (request.channel, request.subject, request.topic, request.group) == ("chat", "Xin hỏi về thuế.", "tax", "focal")
    assert request.contact == Contact(name="Lan", email="lan@company.example", chat=ChatAddress(account="zalo", conversation=conversation))
    message = MessageReceived.model_validate_json(saying["body"])
    assert (message.sequence, message.text, message.author_name) == (2, "Thêm một câu hỏi", "Lan")


async def test_a_repeat_is_answered_alike_and_changes_nothing(intake: Intake) -> None:
    conversation, first_id, second_id = new_id(), new_id(), new_id()
    first = await hook(intake, chat(conversation), webhook_id=first_id)
    second = await hook(intake, chat(conversation, "Nữa"), webhook_id=second_id)
    intake.clock.advance(timedelta(seconds=90))
    assert (await hook(intake, chat(conversation), webhook_id=first_id)).json() == first.json()
    assert (await hook(intake, chat(conversation, "Nữa"), webhook_id=second_id)).json() == second.json()
    assert len(await intake.journalled(first.json()["ticket_id"])) == 2


async def test_a_used_id_with_another_text_is_a_conflict(intake: Intake) -> None:
    conversation, webhook_id = new_id(), new_id()
    await hook(intake, chat(conversation), webhook_id=webhook_id)
    said = {"en": "This `webhook-id` was used for another message", "vi": "`webhook-id` này đã dùng cho một tin nhắn khác"}
    for language, words in said.items():
        answer = await hook(intake, chat(conversation, "Khác"), webhook_id=webhook_id, language=language)
        assert (answer.status_code, "Idempotency-Key" in answer.text) == (409, False)
        assert words in answer.json()["detail"]


async def test_messages_of_one_conversation_at_the_same_time_open_exactly_one_request(intake: Intake) -> None:
    conversation = new_id()
    answers = await asyncio.gather(*(hook(intake, chat(conversation, f"{n}")) for n in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    (ticket_id,) = {answer.json()["ticket_id"] for answer in answers}
    entries = await intake.journalled(ticket_id)
    assert [entry["type"] for entry in entries] == ["request_received"] + ["message_received"] * 19
    assert [entry["seq"] for entry in entries] == list(range(1, 21))


@pytest.mark.parametrize("status", ["closed", "rejected"])
async def test_after_the_ticket_is_over_the_conversation_opens_a_new_one(intake: Intake, status: TicketStatus) -> None:
    conversation = new_id()
    first = (await hook(intake, chat(conversation))).json()
    await set_status(intake, first["ticket_id"], status)
    answers = await asyncio.gather(*(hook(intake, chat(conversation, f"{n}")) for n in range(5)))
    (ticket_id,) = {answer.json()["ticket_id"] for answer in answers}
    assert ticket_id != first["ticket_id"]
    assert len(await intake.journalled(ticket_id)) == 5
    assert len(await intake.journalled(first["ticket_id"])) == 1


async def test_a_resolved_ticket_still_hears_the_conversation(intake: Intake) -> None:
    conversation = new_id()
    first = (await hook(intake, chat(conversation))).json()
    await set_status(intake, first["ticket_id"], "resolved")
    assert (await hook(intake, chat(conversation, "Chưa xong"))).json()["ticket_id"] == first["ticket_id"]


async def test_the_same_conversation_id_on_another_account_would_be_another_conversation(intake: Intake) -> None:
    assert (await hook(intake, chat("1"), account="nobody")).status_code == 404


async def test_the_secret_before_this_one_is_still_believed(intake: Intake) -> None:
    assert (await hook(intake, chat(new_id()), secret=OLD_CHAT_SECRET)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"secret": "not-the-secret-of-this-account"}, "The signature is not valid"),
        ({"age": timedelta(minutes=6)}, "The message is outside the time window"),
        ({"age": timedelta(minutes=-6)}, "The message is outside the time window"),
    ],
)
async def test_who_is_not_to_be_believed_is_told_why(intake: Intake, changes: dict[str, Any], title: str) -> None:
    conversation = new_id()
    response = await hook(intake, chat(conversation), **changes)
    assert (response.status_code, response.json()["title"]) == (401, title)
    assert await intake.count("threads", {"_id": f"chat:zalo:{conversation}"}) == 0


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"account": "nobody"}, 404, "Không có tài khoản chat này"),
        ({"secret": "not-the-secret-of-this-account"}, 401, "không khớp"),
        ({"age": timedelta(minutes=6)}, 401, "lệch hơn 300 giây"),
        ({"webhook_id": "x" * 257}, 401, "từ 1 đến 256 ký tự"),
    ],
)
async def test_who_reads_vietnamese_is_refused_in_vietnamese(intake: Intake, changes: dict[str, Any], status: int, words: str) -> None:
    answer = await hook(intake, chat(new_id()), language="vi", **changes)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert answer.json()["title"] in {"Không tìm thấy", "Chữ ký không hợp lệ", "Tin nhắn nằm ngoài khoảng thời gian cho phép"}


async def test_a_body_changed_on_its_way_is_not_believed(intake: Intake) -> None:
    headers = signed_headers(CHAT_SECRET, new_id(), intake.clock.at, b"{}")
    assert (await intake.http.post("/hooks/chat/zalo", content=b"{ }", headers=headers)).status_code == 401
    assert (await intake.http.post("/hooks/chat/zalo", content=b"{}")).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        (b"{", 400, None),
        (b'{"conversation": "c", "text": "a", "text": "b"}', 400, None),
        *((body, 422, {"body"}) for body in (b"[]", b"null", b"5", b'"text"')),
        ({"text": "x"}, 422, {"conversation"}),
        ({"conversation": 7, "text": " ", "colour": "red"}, 422, {"conversation", "text", "colour"}),
        (
            {"conversation": "c", "text": "x", "topic": "?", "unit": "?", "email": "?", "phone": "?", "language": "fr"},
            422,
            {"topic", "unit", "email", "phone", "language"},
        ),
        (
            {"conversation": "c" * 201, "text": "x", "attachments": [{"filename": "a.exe", "content": "TVo="}]},
            422,
            {"conversation", "attachments.0"},
        ),
    ],
)
async def test_what_is_wrong_is_told_with_its_field(intake: Intake, body: Any, status: int, fields: set[str] | None) -> None:
    response = await hook(intake, body)
    assert response.status_code == status
    assert {error["field"] for error in response.json().get("errors", [])} == (fields or set())


async def test_more_than_a_megabyte_is_refused(intake: Intake) -> None:
    assert (await hook(intake, b" " * 1_000_001)).status_code == 413


async def test_files_in_a_chat_are_kept(intake: Intake) -> None:
    body = chat(new_id(), attachments=[{"filename": "a.txt", "content": "eGluIGNow6Bv"}])
    webhook_id = new_id()
    first = (await hook(intake, body, webhook_id=webhook_id)).json()
    assert (await hook(intake, body, webhook_id=webhook_id)).json() == first
    (entry,) = await intake.journalled(first["ticket_id"])
    (file,) = RequestReceived.model_validate_json(entry["body"]).attachments
    stored = await intake.desk.files.fetch(first["ticket_id"], file.id)
    assert stored is not None
    assert stored.content.decode() == "xin chào"
