"""Our own mail on its way back: answers from other mailboxes, bounces, and machines that answer everything."""

import asyncio
import re
import secrets
import smtplib
import sys
from email.message import EmailMessage
from typing import Any

from kit.ids import new_id
from tests.flow.test_conversations import address, messages, nth_mail
from tests.support.installation import MAILBOX, Accepted, Installation
from tests.support.waiting import wait_until


async def hand_in(installation: Installation, message: EmailMessage, sender: str, recipient: str) -> None:
    """With an envelope of its own."""

    def speak() -> None:
        with smtplib.SMTP("127.0.0.1", installation.mail_port, timeout=20) as client:
            client.sendmail(sender, [recipient], message.as_bytes())

    await asyncio.to_thread(speak)


def written(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{new_id()}@doanhnghiep.example>"
    message.set_content(text)
    return message


def report(recipient: str, to: str) -> EmailMessage:
    """RFC 3464, shortened to what counts."""
    message = EmailMessage()
    message["From"], message["To"] = "MAILER-DAEMON@mx.doanhnghiep.example", to
    message["Subject"] = "Undelivered Mail Returned to Sender"
    message["Message-ID"] = f"<{new_id()}@mx.doanhnghiep.example>"
    message["Content-Type"] = 'multipart/report; report-type=delivery-status; boundary="=_b"'
    status = f"Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\n"
    diagnostic = "Diagnostic-Code: smtp; 550 5.1.1 User unknown\n"
    message.set_payload(f"--=_b\nContent-Type: message/delivery-status\n\n{status}{diagnostic}\n--=_b--\n")
    return message


async def asked_by_mail(installation: Installation, email: str) -> Accepted:
    await installation.mail(email, "Xin hỏi về mã HS của tôm đông lạnh.")
    asked = await wait_until(lambda: installation.asked_by(email), "the mail is a request")
    await installation.tickets([asked])
    return asked


async def history(installation: Installation, reference: str) -> list[dict[str, Any]]:
    return list((await installation.officer("binh").get(f"tickets/{reference}/history"))["entries"])


async def command(installation: Installation, *words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "helpdesk", *words, env=installation.environment(), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return out.decode()


async def test_a_colleague_who_answers_from_another_mailbox_is_on_the_ticket_as_unverified(installation: Installation) -> None:
    email, colleague = address(), address()
    asked = await asked_by_mail(installation, email)
    acknowledgement = await nth_mail(installation, email, 1)
    assert acknowledgement.sender == ""
    reply_to = str(acknowledgement.parsed["Reply-To"])
    assert reply_to.startswith("helpdesk+r.")

    await hand_in(installation, written(colleague, "x@y.example", "Bổ sung", "Tôi gửi thay."), colleague, reply_to.upper())
    await wait_until(lambda: messages(installation, asked, 2), "the colleague's words are on the ticket")
    ticket = await installation.officer("binh").ticket(asked.reference)
    said = ticket["messages"][-1]
    assert (said["text"], said["verified"], said["trust"]) == ("Tôi gửi thay.", False, "none")
    assert colleague in said["author_name"]
    assert installation.sink.to(colleague) == []  # nothing is revealed to whoever is not the asker


async def test_an_answer_that_bounces_is_shown_to_the_officer_and_the_address_is_suppressed_until_it_is_lifted(
    installation: Installation,
) -> None:
    email = address()
    asked = await asked_by_mail(installation, email)
    binh = installation.officer("binh")
    await binh.do("reply", asked.reference, text="Mã HS là 0306.17.")
    answer = await nth_mail(installation, email, 2)
    assert re.fullmatch(r"bounces\+[a-z2-7]{48}@customs\.example", answer.sender)

    await hand_in(installation, report(email, answer.sender), "", answer.sender)
    await wait_until(lambda: troubled(installation, asked, 1), "the officer sees that it did not arrive")
    entry = (await history(installation, asked.reference))[-1]
    assert "550 5.1.1 User unknown" in entry["why"]
    returned = (await binh.ticket(asked.reference))["messages"][-1]["returned"]
    assert (returned["address"], returned["bounced"], returned["suppressed"]) == (email, "hard", True)
    assert email in await command(installation, "mail", "suppressed", "list")

    await binh.do("reply", asked.reference, text="Lần hai.")
    await wait_until(lambda: troubled(installation, asked, 2), "the second answer failed at once")
    assert "suppressed" in (await history(installation, asked.reference))[-1]["why"]
    assert len(installation.sink.to(email)) == 2

    await command(installation, "mail", "suppressed", "lift", email)
    await binh.do("reply", asked.reference, text="Lần ba.")
    assert "Lần ba." in (await nth_mail(installation, email, 3)).text


async def troubled(installation: Installation, asked: Accepted, times: int) -> bool:
    entries = await history(installation, asked.reference)
    return bool(sum(entry["type"] == "delivery_troubled" for entry in entries) >= times)


async def test_a_machine_that_answers_everything_and_hides_that_it_is_one_gets_five_acknowledgements_and_silence(
    installation: Installation,
) -> None:
    robot = f"robot.{secrets.token_hex(4)}@machine.example"
    for number in range(1, 7):
        await hand_in(installation, written(robot, MAILBOX, f"Thank you {number}", f"We got your mail {number}."), robot, MAILBOX)
        if number < 6:
            await nth_mail(installation, robot, number)
    query = {"address": robot, "template": "acknowledgement", "state": "dropped"}
    deliveries = installation.database("notifier")["deliveries"]

    async def held_back() -> bool:
        return bool(await deliveries.count_documents(query) == 1)

    await wait_until(held_back, "the sixth acknowledgement is held back")
    assert len(installation.sink.to(robot)) == 5
