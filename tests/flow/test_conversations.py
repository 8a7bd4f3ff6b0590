"""From what a business asks to what it hears back, through everything, on every way in and out."""

import json
import re
import secrets
from datetime import UTC, datetime
from typing import Any

import httpx

from kit.ids import new_id
from kit.webhooks import signed_headers
from tests.flow.conftest import CHAT_SECRET
from tests.support.chat_callback import ChatCallback
from tests.support.installation import Accepted, Installation, letter, request
from tests.support.mail_sink import Mail
from tests.support.waiting import wait_until


def address() -> str:
    """Of a business no other test writes for."""
    return f"mai.{secrets.token_hex(4)}@doanhnghiep.example"


async def nth_mail(installation: Installation, recipient: str, number: int) -> Mail:
    await wait_until(lambda: len(installation.sink.to(recipient)) >= number, f"mail {number} to {recipient}")
    return installation.sink.to(recipient)[number - 1]


async def verdict(installation: Installation, officer: str, reference: str, clock: str) -> str:
    """Of the clock, once the report shows it."""

    async def shown() -> str | None:
        page = await installation.officer(officer).get("reports/on-time/clocks", clock=clock, limit=1000)
        return next((row["verdict"] for row in page["items"] if row["reference"] == reference), None)

    return await wait_until(shown, f"the {clock} of {reference} is in the report")


def fields_of(page: str) -> dict[str, str]:
    """Hidden fields of a form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


async def send_form(installation: Installation, email: str) -> httpx.Response:
    """As a browser: read the form, fill it in, send it."""
    web = installation.address("intake")
    hidden = fields_of((await installation.http.get(f"{web}/?lang=vi")).text)
    typed = {
        "topic": "customs-valuation",
        "unit": "hon-gai-seaport",
        "subject": "Trị giá lô tôm",
        "text": "Xin hướng dẫn bác bỏ trị giá.",
        "business.name": "Công ty Bình Minh",
        "contact.name": "Mai",
        "contact.email": email,
    }
    files = {"attachments": ("to-khai.txt", "Tờ khai số 1".encode(), "text/plain")}
    return await installation.http.post(f"{web}/", data=hidden | typed, files=files)


async def test_a_request_by_the_form_is_acknowledged_answered_by_mail_and_on_time_in_the_report(installation: Installation) -> None:
    email = address()
    received = await send_form(installation, email)
    assert received.status_code == 303, received.text
    reference = received.headers["location"].split("/")[2]

    acknowledgement = await nth_mail(installation, email, 1)
    assert reference in acknowledgement.subject
    assert f"/requests/{reference}?k=" in acknowledgement.text
    assert "Xin hướng dẫn" not in acknowledgement.text  # a stranger's address must not get a stranger's words

    lan = installation.officer("lan")
    row = next(row for row in await lan.queue() if row["reference"] == reference)
    assert (row["group"], row["status"], row["channel"]) == ("hon-gai-seaport", "new", "form")
    assert row["due_at"]
    await lan.do("claim", reference)
    answered = await lan.do("reply", reference, text="Trị giá được xác định theo phương pháp 2.")
    assert [file["filename"] for message in answered["messages"] for file in message["attachments"]] == ["to-khai.txt"]

    answer = await nth_mail(installation, email, 2)
    assert "Trị giá được xác định theo phương pháp 2." in answer.text
    assert await verdict(installation, "hoa", reference, "first_response") == "met"


async def send_chat(installation: Installation, **body: Any) -> Accepted:
    raw, webhook_id = json.dumps(body).encode(), new_id()
    headers = signed_headers(CHAT_SECRET, webhook_id, datetime.now(UTC), raw)  # noqa: TID251 (the bridge's own clock)
    answer = await installation.http.post(f"{installation.address('intake')}/hooks/chat/demo", content=raw, headers=headers)
    assert answer.status_code == 200, answer.text
    return Accepted(webhook_id, **answer.json())


async def test_a_conversation_by_chat_is_one_ticket_and_is_answered_where_it_began(
    installation: Installation, callback: ChatCallback
) -> None:
    conversation = secrets.token_hex(6)
    asked = await send_chat(installation, conversation=conversation, text="Hệ thống VNACCS báo lỗi", name="Nam", topic="e-customs")
    again = await send_chat(installation, conversation=conversation, text="Lỗi 500 khi gửi tờ khai")
    assert again.ticket_id == asked.ticket_id

    def heard() -> list[dict[str, Any]]:
        return [post for post in callback.posts if post["conversation"] == conversation]

    await wait_until(heard, "the acknowledgement is in the conversation")
    binh = installation.officer("binh")
    await wait_until(lambda: messages(installation, asked, 2), "both messages are on the ticket")
    await binh.do("reply", asked.reference, text="Đã khắc phục, mời gửi lại.")
    await wait_until(lambda: len(heard()) == 2, "the answer is in the conversation")
    assert asked.reference in heard()[0]["text"]
    assert "Đã khắc phục, mời gửi lại." in heard()[1]["text"]
    assert callback.refused == 0
    assert await verdict(installation, "phuong", asked.reference, "first_response") == "met"


async def test_a_request_by_mail_is_answered_by_mail_and_the_reply_to_the_answer_is_on_the_same_ticket(installation: Installation) -> None:
    email = address()
    await installation.mail(email, "Xin hỏi về thủ tục tạm nhập tái xuất.", Subject="Tạm nhập tái xuất")
    acknowledgement = await nth_mail(installation, email, 1)
    asked = await installation.asked_by(email)
    assert asked is not None
    assert asked.reference in acknowledgement.subject
    await installation.tickets([asked])
    row = await installation.ticket(asked)
    assert row is not None
    assert (row["group"], row["channel"], row["subject"]) == ("focal-point", "email", "Tạm nhập tái xuất")

    await installation.officer("binh").do("reply", asked.reference, text="Mời xem Điều 50 Luật Hải quan.")
    answer = await nth_mail(installation, email, 2)
    assert "Mời xem Điều 50 Luật Hải quan." in answer.text
    assert await verdict(installation, "phuong", asked.reference, "first_response") == "met"

    headers = {"Subject": f"Re: {answer.subject}", "In-Reply-To": answer.message_id, "References": answer.message_id}
    await installation.mail(email, "Xin cảm ơn, còn thời hạn?", **headers)
    await wait_until(lambda: messages(installation, asked, 3), "the reply is on the ticket")
    assert await installation.database("intake")["conversations"].count_documents({"email": email}) == 1


async def test_a_file_of_a_mail_that_is_no_file_of_its_kind_is_named_in_the_acknowledgement_with_the_remedy(
    installation: Installation,
) -> None:
    email = address()
    asking = letter(email, "Xin hỏi về thủ tục tạm nhập tái xuất.", Subject="Tạm nhập tái xuất")
    for name, content in {"a.pdf": b"MZ\x90\x00" + bytes(100), "to-khai.pdf": b"%PDF-1.7 to khai"}.items():
        asking.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    await installation.hand_in(asking)
    acknowledgement = await nth_mail(installation, email, 1)
    assert "– Tệp “a.pdf” có đuôi .pdf nhưng nội dung là chương trình" in acknowledgement.text
    assert "trả lời thư này kèm theo tệp" in acknowledgement.text
    assert "to-khai.pdf" not in acknowledgement.text
    assert "thủ tục tạm nhập" not in acknowledgement.text

    headers = {"Subject": f"Re: {acknowledgement.subject}", "In-Reply-To": acknowledgement.message_id}
    again = letter(email, "Gửi lại tệp.", **headers)
    again.add_attachment(b"", maintype="application", subtype="pdf", filename="b.pdf")
    await installation.hand_in(again)
    told = await nth_mail(installation, email, 2)
    assert told.subject.endswith("Có tệp gửi kèm không nhận được: Tạm nhập tái xuất")
    assert "– Tệp “b.pdf” không có nội dung." in told.text


async def messages(installation: Installation, asked: Accepted, count: int) -> bool:
    return await installation.database("routing")["messages"].count_documents({"ticket_id": asked.ticket_id}) >= count


async def status_is(installation: Installation, asked: Accepted, wanted: str) -> bool:
    row = await installation.ticket(asked)
    return row is not None and row["status"] == wanted


async def test_a_question_is_answered_on_the_status_page_and_the_ticket_is_open_again_then_resolved_by_mail(
    installation: Installation,
) -> None:
    email = address()
    asked = await installation.ask(email=email)
    await installation.tickets([asked])
    lan = installation.officer("lan")
    await lan.do("claim", asked.reference)
    await lan.do("wait", asked.reference, text="Xin gửi hợp đồng mua bán.")
    question = await nth_mail(installation, email, 2)
    assert "Xin gửi hợp đồng mua bán." in question.text
    await wait_until(lambda: on_page(installation, asked, "Xin gửi hợp đồng mua bán."), "the question stands on the status page")

    page = await installation.http.get(asked.status_url)
    sent = await installation.http.post(
        f"{asked.status_url.replace('?', '/messages?')}",
        data=fields_of(page.text) | {"text": "Hợp đồng đính kèm."},
        files={"attachments": ("hop-dong.txt", b"so 12", "text/plain")},
    )
    assert sent.status_code == 303, sent.text
    await wait_until(lambda: status_is(installation, asked, "open"), "the ticket is open again")
    sink = installation.sink
    told = await wait_until(
        lambda: [mail for mail in sink.about(asked.reference) if mail.recipient == "lan@customs.example"], "lan is told"
    )
    assert "Hợp đồng đính kèm." in told[-1].text

    await lan.do("resolve", asked.reference, text="Chấp nhận trị giá khai báo.")
    resolution = await nth_mail(installation, email, 3)
    assert "Chấp nhận trị giá khai báo." in resolution.text
    assert await verdict(installation, "hoa", asked.reference, "resolution") == "met"
    assert await status_is(installation, asked, "resolved")


async def on_page(installation: Installation, asked: Accepted, text: str) -> bool:
    return text in (await installation.http.get(asked.status_url)).text


async def test_a_business_that_left_a_telephone_alone_reads_the_answer_on_its_page_and_that_counts(installation: Installation) -> None:
    asked = await installation.ask(contact={"name": "Hai", "phone": "+84 912 345 678"})
    await installation.tickets([asked])
    await installation.officer("lan").do("reply", asked.reference, text="Đề nghị nộp bản chính.")
    assert await verdict(installation, "hoa", asked.reference, "first_response") == "met"
    await wait_until(lambda: on_page(installation, asked, "Đề nghị nộp bản chính."), "the answer stands on the status page")


async def test_the_same_request_sent_twice_is_one_ticket_and_one_acknowledgement(installation: Installation) -> None:
    email, key = address(), new_id()
    first, second = await installation.post(request(email=email), key), await installation.post(request(email=email), key)
    assert first.json() == second.json()
    changed = await installation.post(request(email=email, text="Nội dung khác."), key)
    assert changed.status_code == 409
    await nth_mail(installation, email, 1)
    assert await installation.database("routing")["tickets"].count_documents({"_id": first.json()["ticket_id"]}) == 1
    assert len(installation.sink.to(email)) == 1
