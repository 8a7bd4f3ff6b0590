"""One ticket as an officer reads it: by any spelling of its reference, with its files and its history."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kit.links import ExpiredLink, read_token
from schemas import tickets as known
from services.routing.api.history import CLOCKS, VERDICTS, WHAT
from tests.component.routing.conftest import PUBLIC_URL, SECRET, Routing

FILE = {"id": "file-1", "filename": "tờ khai.pdf", "content_type": "application/pdf", "size": 9, "sha256": "0" * 64}


@pytest.mark.parametrize(
    "typed",
    ["HD-234-567-89A", "hd-234-567-89a", "HD23456789A", "hd 234 567 89a", "23456789a", "234-567-89A", "HD–234–567–89A", "ＨＤ-234-567-89A"],
)
async def test_a_reference_is_found_however_it_is_typed(routing: Routing, typed: str) -> None:
    ticket = await routing.open(reference="HD-234-567-89A")
    answer = await routing.get(f"/tickets/{typed}")
    assert (answer.status, answer.body["id"]) == (200, ticket)


async def test_a_ticket_is_found_by_its_id_and_says_its_version(routing: Routing) -> None:
    ticket = await routing.open()
    answer = await routing.get(f"/tickets/{ticket.upper()}")
    assert (answer.body["id"], answer.etag, answer.headers["cache-control"]) == (ticket, '"1"', "no-store")
    assert answer.body["messages"][0]["text"] == "Chúng tôi không rõ cách tính trị giá."


async def test_files_are_linked_for_some_hours(routing: Routing) -> None:
    ticket = await routing.open(attachments=[FILE])
    await routing.says(ticket, attachments=[{**FILE, "id": "file-2"}])
    first, second = (message["attachments"][0] for message in (await routing.get(f"/tickets/{ticket}")).body["messages"])
    assert {name: first[name] for name in FILE} == FILE
    address = urlsplit(first["url"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{PUBLIC_URL}/files/file-1"
    assert urlsplit(second["url"]).path == "/files/file-2"
    token = parse_qs(address.query)["k"][0]
    assert read_token(SECRET, token, routing.clock.at + timedelta(hours=12)) == ticket
    with pytest.raises(ExpiredLink):
        read_token(SECRET, token, routing.clock.at + timedelta(hours=13))
    assert (await routing.get(f"/tickets/{ticket}")).body["messages"][0]["attachments"][0]["url"] == first["url"]


async def test_the_other_people_at_a_conflict_get_the_files_too(routing: Routing) -> None:
    ticket = await routing.open(attachments=[FILE])
    await routing.act(ticket, "claim")
    answer = await routing.act(ticket, "claim", seen='"1"')
    assert answer.body["current"]["messages"][0]["attachments"][0]["url"].startswith(PUBLIC_URL)


def lines(answer: Any) -> list[tuple[str, str, str | None]]:
    return [(entry["who"], entry["what"], entry["why"]) for entry in answer.body["entries"]]


async def test_the_history_says_who_did_what_when_and_why_in_the_readers_language(routing: Routing) -> None:
    ticket = await routing.open(reference="HD-234-567-89A")
    routing.clock.advance(minutes=10)
    await routing.act(ticket, "claim")
    await routing.act(ticket, "assign", {"officer": "hung", "reason": "Chuyên môn về trị giá"}, who="hong")
    message = (await routing.act(ticket, "reply", {"text": "Đã rõ."}, who="hung")).body["messages"][-1]["id"]
    await routing.accepted(ticket, message)
    await routing.says(ticket, text="Cảm ơn.", automatic="Auto-Submitted: auto-replied")
    answer = await routing.get("/tickets/hd23456789a/history", "anna")
    assert answer.body["reference"] == "HD-234-567-89A"
    assert lines(answer) == [
        (
            "Lan",
            "Opened and given to the group Hon Gai",
            "Hòn Gai phụ trách lĩnh vực này tại Chi cục Hòn Gai. Chính sách thời hạn “standard”: áp dụng cho mọi yêu cầu",
        ),
        ("Hai", "Claimed until 09:10 04/03/2025 (Asia/Ho_Chi_Minh)", None),
        ("Hong", "Given to Hung (Hon Gai)", "Chuyên môn về trị giá"),
        ("Hung", "Answered the business", None),
        ("The system", "First response: met", None),
        ("The system", "Hand-over: met", None),
        ("Lan", "Automatic mail from the business's address", "Auto-Submitted: auto-replied"),
    ]
    assert [entry["version"] for entry in answer.body["entries"]] == [1, 2, 3, 4, 5, 6, 7]
    assert answer.body["entries"][3]["message_id"] == message
    assert answer.body["entries"][1]["at"] == "2025-03-03T02:10:00Z"
    vietnamese = lines(await routing.get(f"/tickets/{ticket}/history", "hai"))
    assert vietnamese[0][1] == "Tiếp nhận yêu cầu và giao cho Hòn Gai"
    assert vietnamese[4][:2] == ("Hệ thống", "Thời hạn phản hồi lần đầu: đúng hạn")


async def test_the_history_tells_of_deadlines_escalations_failures_and_endings(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.bounced(ticket, None, template="acknowledgement", reason="550 no such mailbox")
    routing.clock.advance(days=9)
    await routing.ticker().step()
    await routing.act(ticket, "refer", {"authority": "MOIT", "reason": "Their matter"}, who="quan")
    await routing.act(ticket, "reopen", {"reason": "Came back"}, who="quan")
    await routing.act(ticket, "reject", {"reason": "Out of scope", "legal_basis": "Article 5"}, who="quan")
    await routing.act(ticket, "reopen", {"reason": "A mistake"}, who="quan")
    await routing.act(ticket, "wait", {"text": "?"}, who="quan")
    await routing.says(ticket)
    await routing.act(ticket, "assign", {"group": "legal", "reason": "Law"}, who="quan")
    await routing.act(ticket, "resolve", {"text": "Done."}, who="luat")
    routing.clock.advance(days=15)
    await routing.ticker().step()
    whole = await routing.get(f"/tickets/{ticket}/history", "tong")
    told = lines(whole)
    assert await routing.journal(ticket) == [entry["type"] for entry in whole.body["entries"]]
    assert ("Hệ thống", "Không gửi được cho doanh nghiệp", "550 no such mailbox") in told
    assert ("Hệ thống", "Thời hạn giải quyết: quá hạn từ 17:00 10/03/2025 (Asia/Ho_Chi_Minh)", None) in told
    assert ("Hệ thống", "Chuyển cấp; nhóm phụ trách: Quảng Ninh", "4 working hours after the miss; Quang Ninh takes over") in told
    assert ("Quan", "Chuyển đến MOIT", "Their matter") in told
    assert ("Quan", "Ghi chú nội bộ", None) in told
    assert ("Quan", "Từ chối yêu cầu", None) in told
    assert ("Quan", "Mở lại", "A mistake") in told
    assert ("Lan", "Doanh nghiệp gửi tin nhắn; yêu cầu được xử lý tiếp", None) in told
    assert ("Luat", "Đánh dấu đã giải quyết", None) in told
    assert told[-1][:2] == ("Hệ thống", "Đóng") or ("Hệ thống", "Đóng", "Đã hết thời gian có thể mở lại") in told


def test_there_are_words_in_both_languages_for_every_event_clock_and_verdict() -> None:
    assert {kind.model_fields["type"].default for kind in WHAT} == set(known.KNOWN)
    sentences = [*WHAT.values(), *CLOCKS.values(), *VERDICTS.values()]
    assert all(sentence.vi and sentence.en for sentence in sentences)
