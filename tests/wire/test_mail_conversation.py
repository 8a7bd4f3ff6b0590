"""Our own mail, answered: what the notifier writes brings the answer back to its ticket, and two machines do not talk for ever."""

import asyncio
import email
import email.policy
from collections.abc import Awaitable, Callable
from dataclasses import replace
from email.message import EmailMessage
from functools import partial

from pydantic import SecretStr

from kit.links import thread_id
from kit.log import get_logger
from kit.mail_tokens import loop_mark
from kit.service import Service
from schemas.tickets import TicketOpened
from services.intake.mail.parser import Parser
from services.intake.mail.wiring import add_mail
from services.intake.settings import IntakeSettings
from services.intake.storing import FileStore
from services.notifier.domain.audience import plan
from services.notifier.rendering import Letterhead, Renderer
from tests.support.mailroom import FOCAL, LAN, SECRET, SENDER, Mailroom, mail, open_mailroom
from tests.support.servers import MongoServer
from tests.unit.notifier.examples import event

RENDERER = Renderer(
    Letterhead(
        SENDER,
        "Hải quan",
        lambda reference, _ticket, _at: f"https://helpdesk.example/{reference}",
        thread_id=partial(thread_id, SECRET, domain="customs.example"),
        loop_mark=partial(loop_mark, SECRET, domain="customs.example"),
    )
)


async def until(found: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(20):
        while not await found():  # noqa: ASYNC110 (what another process writes rings no bell here)
            await asyncio.sleep(0.05)


async def to_result(value: object) -> object:
    return value


def acknowledgement(ticket_id: str) -> EmailMessage:
    opened = event(TicketOpened, ticket_id=ticket_id)
    delivery = next(delivery for delivery in plan(opened) if delivery.template == "acknowledgement")
    raw = RENDERER.render(replace(delivery, address=LAN), opened)
    sent = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(sent, EmailMessage)
    return sent


def answer_to(sent: EmailMessage, **headers: str) -> EmailMessage:
    """As mail programs do (RFC 5322 section 3.6.4)."""
    return mail(
        f"Re: {sent['Subject']}",
        "Xin gửi bổ sung.",
        In_Reply_To=sent["Message-ID"],
        References=f"{sent['References']} {sent['Message-ID']}",
        **headers,
    )


async def test_an_answer_to_our_acknowledgement_lands_on_its_ticket(room: Mailroom) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    row = await room.deliver_and_read(answer_to(acknowledgement(ticket_id), from_="Thư ký <thu-ky@anbinh.example>"))
    assert (row["as"], row["ticket_id"]) == ("message", ticket_id)


async def test_the_acknowledgement_itself_come_back_to_us_is_kept_and_starts_nothing(room: Mailroom) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    row = await room.deliver_and_read(acknowledgement(ticket_id), sender=SENDER)
    assert (row["state"], row["reason"]) == ("kept", "own_mail")
    assert await room.events() == ["request_received"]


async def test_an_out_of_office_answer_to_our_acknowledgement_is_on_the_ticket_as_automatic(room: Mailroom) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    row = await room.deliver_and_read(answer_to(acknowledgement(ticket_id), Auto_Submitted="auto-replied"), FOCAL)
    assert (row["as"], row["ticket_id"]) == ("automatic", ticket_id)


async def test_an_unreadable_mail_is_parked_and_a_request_says_so_while_the_next_is_read(mongo_server: MongoServer) -> None:
    chokes = "import sys, services.intake.mail.child as c; c.parse = lambda raw, p=c.parse: 1/0 if b'CHOKE' in raw else p(raw); "
    parser = Parser(command=("-c", f"{chokes}c.main(sys.stdin.buffer, sys.stdout.buffer)"))
    async with open_mailroom(mongo_server.uri, parser=parser) as room:
        await room.deliver(mail("CHOKE"))
        await room.deliver(mail("Rõ ràng"))
        await room.read()
        parked, done = await room.rows()
        assert (parked["state"], parked["reason"]) == ("parked", "ZeroDivisionError")
        assert (done["state"], done["as"]) == ("done", "request")
        (body,) = await room.bodies(parked["ticket_id"])
        assert "Thư không đọc được / Unreadable mail" in body
        assert b"CHOKE" in await room.arrivals.content(parked)


async def test_the_mail_role_receives_and_reads_until_it_is_stopped(room: Mailroom) -> None:
    service = Service("intake", get_logger("test"))
    settings = IntakeSettings(secret=SecretStr(SECRET), mail_port=0, mail_from=SENDER)
    receiver = add_mail(service, settings, room.mongo, room.database, room.acceptance, FileStore(room.database), room.organisation)
    stop = asyncio.Event()
    await room.slots.release()
    running = asyncio.create_task(service.run(stop))
    await until(lambda: to_result(receiver.port))
    await replace(room, receiver=receiver).deliver(mail())
    await until(lambda: room.rows(state="done"))
    stop.set()
    await running
    assert await room.events() == ["request_received"]
    assert await room.database["mail_leases"].count_documents({}) == 0


async def test_a_mail_whose_content_is_gone_waits_and_is_parked_at_last_without_holding_up_its_sender(room: Mailroom) -> None:
    await room.deliver(mail(text="Dài. " * 20_000))
    await room.deliver(mail())
    (large, _) = await room.rows()
    await room.database["files.files"].delete_one({"_id": large["file"]})
    for _ in range(5):
        await room.read()
        await room.database["mails"].update_one({"_id": large["_id"]}, {"$set": {"not_before": large["not_before"]}})
    first, second = await room.rows()
    assert (first["state"], first["reason"], first["attempts"]) == ("parked", "LookupError", 4)
    assert second["state"] == "done"
