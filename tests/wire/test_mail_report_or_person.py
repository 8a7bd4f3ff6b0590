"""A mail server's report ends with the delivery; a person who passes one on, or writes like one, is heard."""

from typing import Final

import pytest

from kit.ids import new_id
from kit.mail_tokens import bounce_address, delivery_message_id, reply_address
from tests.support.mailroom import BOUNCES, FOCAL, LAN, SECRET, Mailroom, mail

STATUS: Final = (
    "Reporting-MTA: dns; mx.anbinh.example\n\nFinal-Recipient: rfc822; ke.toan@anbinh.example\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 user unknown\n"
)
WORDS: Final = "Xin gia hạn: kế toán của tôi không nhận được thư của quý cơ quan, xem báo lỗi kèm theo."
DAEMON: Final = "MAILER-DAEMON@mx.anbinh.example"


async def asked(room: Mailroom) -> tuple[str, str, str]:
    """A ticket, the address of answers to it, and the message id of a mail we sent about it."""
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    sent = delivery_message_id(SECRET, ticket_id, new_id(), "customs.example")
    return ticket_id, str(reply_address(SECRET, FOCAL, ticket_id)), sent


def with_report(form: str, *, about: str, to: str, from_: str = f"Lan <{LAN}>", **headers: str) -> bytes:
    """Words, and a report on another address in a part of its own; `form` is the content type of the whole."""
    head = {"From": from_, "To": to, "Subject": "Re: tôm", "Message-ID": f"<{new_id()}@anbinh.example>", "In-Reply-To": about, **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in head.items()]
    parts = [("text/plain; charset=utf-8", WORDS), ("message/delivery-status", STATUS), ("text/rfc822-headers", f"Message-ID: {about}\n")]
    body = "".join(f"--q\nContent-Type: {kind}\n\n{text}\n" for kind, text in parts)
    return ("\n".join([*lines, "MIME-Version: 1.0", f"Content-Type: {form}; boundary=q", "", f"{body}--q--\n"])).encode()


async def test_a_person_who_answers_with_a_report_as_a_part_is_heard(room: Mailroom) -> None:
    ticket_id, to, sent = await asked(room)
    row = await room.deliver_and_read(with_report("multipart/mixed", about=sent, to=to), to)
    assert (row["state"], row["as"], row["ticket_id"]) == ("done", "message", ticket_id)
    assert WORDS in (await room.bodies(ticket_id))[-1]
    assert await room.events() == ["request_received", "message_received"]


async def test_so_is_one_whose_program_took_over_the_form_of_the_report_that_was_answered(room: Mailroom) -> None:
    _, to, sent = await asked(room)
    row = await room.deliver_and_read(with_report("multipart/report; report-type=delivery-status", about=sent, to=to), to)
    assert row["as"] != "bounce"
    assert await room.events() == ["request_received", "message_received"]


async def test_so_is_one_who_writes_as_servers_do_and_quotes_our_mail(room: Mailroom) -> None:
    ticket_id, to, sent = await asked(room)
    said = f"My mail to you failed: 550 5.1.1 user unknown, could not be delivered. What now?\n\n> Message-ID: {sent}\n"
    row = await room.deliver_and_read(mail("Undeliverable: your question", said, to=to), to)
    assert (row["as"], row["ticket_id"]) == ("message", ticket_id)


@pytest.mark.parametrize(
    ("form", "sender", "headers"),
    [
        ("multipart/mixed", "", {}),  # the null return path
        ("multipart/report; report-type=delivery-status", DAEMON, {"from_": DAEMON}),
        ("multipart/report; report-type=Delivery-Status", "it@anbinh.example", {"Auto_Submitted": "auto-replied"}),
    ],
)
async def test_a_server_s_own_report_is_no_message_though_it_came_to_another_address(
    room: Mailroom, form: str, sender: str, headers: dict[str, str]
) -> None:
    ticket_id, _, sent = await asked(room)
    row = await room.deliver_and_read(with_report(form, about=sent, to=FOCAL, **headers), sender=sender)
    assert (row["state"], row["as"], row["ticket_id"]) == ("done", "bounce", ticket_id)
    assert await room.events() == ["request_received", "delivery_bounced"]


async def test_a_complaint_that_a_provider_passes_on_is_no_message_either(room: Mailroom) -> None:
    ticket_id, _, sent = await asked(room)
    report = with_report("multipart/report; report-type=feedback-report", about=sent, to=FOCAL, from_="fbl@mail.example")
    fields = b"Feedback-Type: abuse\nOriginal-Rcpt-To: lan@anbinh.example\n"
    report = report.replace(b"message/delivery-status", b"message/feedback-report").replace(STATUS.encode(), fields)
    row = await room.deliver_and_read(report, sender="fbl@mail.example")
    assert (row["as"], row["ticket_id"]) == ("bounce", ticket_id)


async def test_what_came_to_the_return_path_is_a_report_whatever_its_form(room: Mailroom) -> None:
    ticket_id, _, sent = await asked(room)
    path = str(bounce_address(SECRET, BOUNCES, ticket_id, new_id()))
    row = await room.deliver_and_read(with_report("multipart/mixed", about=sent, to=path), path)
    assert (row["as"], row["ticket_id"]) == ("bounce", ticket_id)
