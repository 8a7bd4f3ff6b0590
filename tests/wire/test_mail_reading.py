"""What becomes of mails: requests, messages, copies, machines' mail and what nobody can read, on a real MongoDB."""

import json
from email.message import EmailMessage

import pytest

from kit.ids import new_id
from kit.links import thread_id
from kit.mail_tokens import loop_mark, reply_address
from tests.support.mailroom import AUTHSERV, FOCAL, HON_GAI, LAN, SECRET, Mailroom, mail


async def test_a_mail_becomes_a_request_to_the_group_whose_mailbox_it_was_sent_to(room: Mailroom) -> None:
    row = await room.deliver_and_read(mail(), "hongai+anything@CUSTOMS.example")
    assert (row["state"], row["as"], row["group"], row["mailbox"]) == ("done", "request", "hon-gai", HON_GAI.lower())
    (body,) = await room.bodies(row["ticket_id"])
    for expected in (
        '"channel":"email"',
        '"group":"hon-gai"',
        '"Trị giá lô tôm"',
        "Chúng tôi không rõ",
        '"language":"vi"',
        LAN,
        "Nguyễn Thị Lan",
    ):
        assert expected in body
    assert '"topic"' not in body


async def test_the_same_mail_again_is_a_copy_and_no_second_ticket(room: Mailroom) -> None:
    message = mail()
    first = await room.deliver_and_read(message)
    again = await room.deliver_and_read(b"Received: from elsewhere\r\n" + message.as_bytes())
    assert (again["as"], again["ticket_id"]) == ("duplicate", first["ticket_id"])
    assert await room.events() == ["request_received"]


async def test_the_same_message_id_with_other_words_is_another_mail(room: Mailroom) -> None:
    first = await room.deliver_and_read(mail(message_id="<once@anbinh.example>"))
    other = await room.deliver_and_read(mail(message_id="<once@anbinh.example>", text="Một câu hỏi khác."))
    assert other["as"] == "request"
    assert other["ticket_id"] != first["ticket_id"]


async def test_one_mail_to_two_departments_becomes_two_tickets(room: Mailroom) -> None:
    await room.deliver_and_read(mail(), FOCAL, HON_GAI)
    rows = await room.rows(state="done")
    assert {row["group"] for row in rows} == {"focal", "hon-gai"}
    assert len({row["ticket_id"] for row in rows}) == 2


async def test_a_stranger_who_has_our_mail_is_heard_and_marked_as_not_verified(room: Mailroom) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    thread = thread_id(SECRET, ticket_id, "customs.example")
    row = await room.deliver_and_read(mail("Re", "Tôi trả lời thay.", in_reply_to=thread, from_="Mai <mai@other.example>"))
    assert (row["as"], row["ticket_id"]) == ("message", ticket_id)
    assert "Mai <mai@other.example> (địa chỉ chưa xác minh)" in (await room.bodies(ticket_id))[1]


@pytest.mark.parametrize("forged", ["other secret", "unsigned", "another ticket"])
async def test_an_id_that_we_did_not_sign_leads_nowhere(room: Mailroom, forged: str) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    thread = {
        "other secret": thread_id("x" * 40, ticket_id, "customs.example"),
        "unsigned": f"<ticket.{ticket_id}@customs.example>",
        "another ticket": thread_id(SECRET, new_id(), "customs.example"),
    }[forged]
    row = await room.deliver_and_read(mail("Re", "Cho tôi vào.", in_reply_to=thread))
    assert row["as"] == "request"
    assert row["ticket_id"] != ticket_id


@pytest.mark.parametrize(("sender", "becomes"), [(LAN, "message"), (LAN.swapcase(), "message"), ("mai@other.example", "request")])
async def test_a_reference_in_the_subject_counts_only_for_the_person_who_asked(room: Mailroom, sender: str, becomes: str) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    (conversation,) = await room.database["conversations"].find().to_list(None)
    proven = f"{AUTHSERV}; dmarc=pass header.from={sender.partition('@')[2].lower()}"
    subject = f"Re: [{conversation['reference'].lower()}] Trị giá"
    row = await room.deliver_and_read(mail(subject, "Xin bổ sung.", from_=sender, Authentication_Results=proven))
    assert (row["as"], row["ticket_id"] == ticket_id) == (becomes, becomes == "message")


async def test_an_answer_to_a_closed_ticket_is_a_new_request(room: Mailroom) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    thread = thread_id(SECRET, ticket_id, "customs.example")
    said = mail("Re", "Cảm ơn.", in_reply_to=thread)
    await room.deliver_and_read(said)
    await room.database["conversations"].update_one({"_id": ticket_id}, {"$set": {"ticket.status": "closed"}})
    fresh = await room.deliver_and_read(mail("Re", "Lại có vấn đề.", in_reply_to=thread))
    assert (fresh["as"], fresh["ticket_id"] != ticket_id) == ("request", True)
    copy = await room.deliver_and_read(said)
    assert (copy["as"], copy["ticket_id"]) == ("duplicate", ticket_id)


async def test_automatic_mail_without_a_thread_is_kept_and_is_nobodys_request(room: Mailroom) -> None:
    for message, sender, reason in (
        (mail(Auto_Submitted="auto-replied"), LAN, "auto_submitted"),
        (mail(Precedence="bulk"), LAN, "precedence"),
        (mail(), "", "null_return_path"),
        (mail("Vắng mặt", List_Id="<news.example>"), "", "null_return_path"),
        (mail(X_Helpdesk_Loop=loop_mark(SECRET, new_id(), "customs.example")), LAN, "own_mail"),
        (mail(from_=f"Đầu mối <{FOCAL}>"), LAN, "own_address"),
    ):
        row = await room.deliver_and_read(message, sender=sender)
        assert (row["state"], row["reason"]) == ("kept", reason)
    assert await room.events() == []


@pytest.mark.parametrize(
    "message",
    [
        mail("Undelivered container TCLU1234567 at Cat Lai port"),
        mail("Vắng mặt cán bộ tại cửa khẩu"),
        mail("Không gửi được tờ khai", "Hệ thống báo lỗi SMTP. Liên hệ ke.toan@halong.example"),
        mail(from_="no-reply@shop.example"),
        mail(List_Id="<group.example>"),
        mail(List_Id="<group.example>", Precedence="list"),
        mail(X_Auto_Response_Suppress="OOF, AutoReply"),
    ],
    ids=["goods", "absent", "declaration", "no-reply", "list", "precedence", "suppressing"],
)
async def test_signs_that_mails_of_people_show_too_make_no_request_go_away(room: Mailroom, message: EmailMessage) -> None:
    row = await room.deliver_and_read(message)
    assert (row["state"], row["as"]) == ("done", "request")


@pytest.mark.parametrize("from_", ["Website <no-reply@shop.example>", "Mai <mai@shop.example>"], ids=["robot", "person"])
async def test_a_form_s_mail_is_answered_to_whom_it_names_and_proves_nothing_about_them(room: Mailroom, from_: str) -> None:
    proven = f"{AUTHSERV}; dmarc=pass header.from=shop.example"
    named = {"Reply_To": "Trần Hoa <hoa@anbinh.example>", "Authentication_Results": proven}
    row = await room.deliver_and_read(mail("Hỏi", from_=from_, **named))
    opened = json.loads((await room.bodies(row["ticket_id"]))[0])
    by_robot = ("Trần Hoa", "hoa@anbinh.example", "none")
    assert (opened["business"]["name"], opened["contact"]["email"], opened["trust"]) == (
        by_robot if "no-reply" in from_ else ("Mai", "mai@shop.example", "pass")
    )


async def test_automatic_mail_on_a_thread_is_kept_there_as_automatic(room: Mailroom) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    thread = thread_id(SECRET, ticket_id, "customs.example")
    row = await room.deliver_and_read(mail("Vắng mặt", "Tôi đi công tác.", in_reply_to=thread, Auto_Submitted="auto-replied"), sender="")
    assert (row["as"], row["ticket_id"]) == ("automatic", ticket_id)
    assert '"automatic":"auto_submitted"' in (await room.bodies(ticket_id))[1]


SIGNS_OF_PEOPLE_TOO = {
    "crm": {"List_Unsubscribe": "<https://crm.anbinh.example/u>"},
    "list": {"List_Id": "<xnk.anbinh.example>", "Precedence": "list"},
    "suppressing": {"X_Auto_Response_Suppress": "OOF, AutoReply"},
    "no-reply": {"from_": "no-reply@anbinh.example"},
}


@pytest.mark.parametrize("headers", SIGNS_OF_PEOPLE_TOO.values(), ids=SIGNS_OF_PEOPLE_TOO)
async def test_the_asker_s_answer_that_shows_signs_of_mails_of_people_too_is_heard(room: Mailroom, headers: dict[str, str]) -> None:
    asker = {"from_": headers.get("from_", LAN)}
    ticket_id = (await room.deliver_and_read(mail(**asker)))["ticket_id"]
    to = str(reply_address(SECRET, FOCAL, ticket_id))
    row = await room.deliver_and_read(mail("Re: Trị giá", "Tờ khai là 104233112.", **{**asker, **headers, "to": to}), to)
    assert (row["as"], row["ticket_id"]) == ("message", ticket_id)
    said = json.loads((await room.bodies(ticket_id))[-1])
    assert (said.get("automatic"), said.get("verified")) == (None, None)


@pytest.mark.parametrize("headers", SIGNS_OF_PEOPLE_TOO.values(), ids=SIGNS_OF_PEOPLE_TOO)
async def test_after_the_end_such_an_answer_is_a_new_request(room: Mailroom, headers: dict[str, str]) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    await room.database["conversations"].update_one({"_id": ticket_id}, {"$set": {"ticket.status": "closed"}})
    row = await room.deliver_and_read(mail("Re", "Lại bị giữ.", in_reply_to=thread_id(SECRET, ticket_id, "customs.example"), **headers))
    assert (row["as"], row["ticket_id"] != ticket_id) == ("request", True)


@pytest.mark.parametrize(
    ("headers", "subject"),
    [({"Auto_Submitted": "auto-replied"}, "Hết giờ"), ({"List_Id": "<x.example>"}, "Tự động trả lời: Trị giá")],
    ids=["header", "label"],
)
async def test_automatic_mail_on_a_ticket_that_is_over_is_there_too_and_opens_nothing(
    room: Mailroom, headers: dict[str, str], subject: str
) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    await room.database["conversations"].update_one({"_id": ticket_id}, {"$set": {"ticket.status": "closed"}})
    thread = thread_id(SECRET, ticket_id, "customs.example")
    row = await room.deliver_and_read(mail(subject, "Tôi đi công tác.", in_reply_to=thread, **headers))
    assert (row["state"], row["as"], row["ticket_id"]) == ("done", "automatic", ticket_id)
    assert await room.events() == await room.events(ticket_id) == ["request_received", "message_received"]


async def test_files_are_kept_and_those_that_are_not_are_named_with_the_reason(room: Mailroom) -> None:
    message = mail()
    message.add_attachment(b"%PDF-1.7 to khai", maintype="application", subtype="pdf", filename="tờ khai.pdf")
    message.add_attachment(b"MZ\x90\x00" + bytes(100), maintype="application", subtype="octet-stream", filename="virus.exe")
    row = await room.deliver_and_read(message)
    (body,) = await room.bodies(row["ticket_id"])
    assert '"filename":"tờ khai.pdf"' in body
    assert '"filename":"virus.exe"' not in body
    assert "Ghi chú của hệ thống: Không nhận tệp “virus.exe”" in body
    refused = json.loads(body)["refused"]
    assert refused["because"][0]["vi"].startswith("Không nhận tệp “virus.exe”")
    assert (len(refused["because"]), refused["more"]) == (1, 0)


async def test_files_that_are_not_kept_of_a_later_mail_are_told_with_its_message(room: Mailroom) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    message = mail("Re", "Xin bổ sung.", in_reply_to=thread_id(SECRET, ticket_id, "customs.example"))
    message.add_attachment(b"", maintype="application", subtype="pdf", filename="rỗng.pdf")
    await room.deliver_and_read(message)
    _, body = await room.bodies(ticket_id)
    assert json.loads(body)["refused"]["because"][0]["en"].startswith("The file “rỗng.pdf” is empty.")


async def test_a_text_longer_than_a_ticket_holds_is_there_as_a_file(room: Mailroom) -> None:
    row = await room.deliver_and_read(mail(text="Dài quá. " * 5_000))
    (body,) = await room.bodies(row["ticket_id"])
    assert '"filename":"toan-van.txt"' in body
    assert "Toàn văn ở tệp “toan-van.txt”" in body


async def test_reading_a_row_again_after_a_crash_does_nothing_twice(room: Mailroom) -> None:
    first = await room.deliver_and_read(mail())
    await room.database["mails"].update_one({"_id": first["_id"]}, {"$set": {"state": "received"}})
    await room.read()
    again = await room.row()
    assert (again["state"], again["as"], again["ticket_id"]) == ("done", "request", first["ticket_id"])
    assert await room.events() == ["request_received"]
