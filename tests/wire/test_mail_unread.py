"""A mail that could not be read: what its request is linked to, and what it hears when the mail is read after all."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from helpdesk.mail.stored import StoredMails
from kit.ids import new_id
from kit.mail_tokens import loop_mark, reply_address
from kit.mongo import Document
from services.intake.mail.letter import Letter
from services.intake.mail.parser import Parser, Unreadable
from tests.support.mailroom import FOCAL, LAN, SECRET, Mailroom, mail, open_mailroom
from tests.support.servers import MongoServer

STRANGER = "mai@other.example"


class Choking(Parser):
    """Reads nothing until it is repaired."""

    broken = False

    async def parse(self, raw: bytes) -> Letter:
        if self.broken:
            raise Unreadable("too_slow")
        return await super().parse(raw)


@pytest.fixture(name="parser")
def _parser() -> Choking:
    return Choking()


@pytest.fixture(name="room")
async def _room(mongo_server: MongoServer, parser: Choking) -> AsyncIterator[Mailroom]:
    async with open_mailroom(mongo_server.uri, parser=parser) as room:
        yield room


async def parked(room: Mailroom, parser: Choking, message: Any, to: str = FOCAL, sender: str = LAN) -> Document:
    parser.broken = True
    row = await room.deliver_and_read(message, to, sender=sender)
    parser.broken = False
    assert row["state"] == "parked"
    return row


async def read_again(room: Mailroom, row: Document) -> Document:
    assert await StoredMails(room.mongo, room.database).retry([row["_id"]], None) == 1
    await room.read()
    (row,) = await room.rows(_id=row["_id"])
    return row


async def conversation(room: Mailroom, ticket_id: str) -> Document:
    (row,) = await room.database["conversations"].find({"_id": ticket_id}).to_list(None)
    return dict(row)


async def said(room: Mailroom, ticket_id: str) -> list[dict[str, Any]]:
    return [json.loads(body) for body in await room.bodies(ticket_id)]


async def asked(room: Mailroom) -> tuple[Document, str]:
    """A request of Lan's, and the address that its mails are answered to."""
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    return await conversation(room, ticket_id), str(reply_address(SECRET, FOCAL, ticket_id))


async def test_the_request_of_a_mail_that_came_to_a_ticket_s_address_is_linked_to_that(room: Mailroom, parser: Choking) -> None:
    it, reply_to = await asked(room)
    (answer,) = await said(room, (await parked(room, parser, mail("Re", to=reply_to), reply_to))["ticket_id"])
    (other,) = await said(room, (await parked(room, parser, mail("Khác")))["ticket_id"])
    assert (answer["linked_to"], other.get("linked_to")) == (it["reference"], None)
    assert it["reference"] not in answer["text"]


async def test_read_later_it_is_on_its_ticket_and_its_request_tells_the_officers_where(room: Mailroom, parser: Choking) -> None:
    it, reply_to = await asked(room)
    stub = await parked(room, parser, mail("Re", "Nay thì đọc được.", to=reply_to), reply_to)
    done = await read_again(room, stub)
    assert (done["as"], done["ticket_id"]) == ("message", it["_id"])
    _, told = await said(room, stub["ticket_id"])
    assert it["reference"] in told["text"]
    assert told["automatic"] == "read_later", "the business, which may not know the other request, is not shown this"
    assert "Nay thì" not in told["text"]


async def test_read_later_after_the_end_of_its_ticket_it_is_on_the_request_that_stood_for_it(room: Mailroom, parser: Choking) -> None:
    it, reply_to = await asked(room)
    stub = await parked(room, parser, mail("Re", "Nay thì đọc được.", to=reply_to), reply_to)
    await room.database["conversations"].update_one({"_id": it["_id"]}, {"$set": {"ticket.status": "closed"}})
    done = await read_again(room, stub)
    assert (done["as"], done["ticket_id"]) == ("message", stub["ticket_id"])
    assert await room.events() == ["request_received", "request_received", "message_received"]


async def test_a_copy_that_was_read_before_and_what_is_nobody_s_request_are_told_as_well(room: Mailroom, parser: Choking) -> None:
    message = mail("Hai lần")
    stub = await parked(room, parser, message)
    first = await room.deliver_and_read(message)
    again = await read_again(room, stub)
    assert (again["as"], again["ticket_id"]) == ("duplicate", first["ticket_id"])
    assert (await conversation(room, first["ticket_id"]))["reference"] in (await said(room, stub["ticket_id"]))[1]["text"]


async def test_what_turns_out_to_be_our_own_mail_is_kept_and_its_request_says_so(room: Mailroom, parser: Choking) -> None:
    own = mail("Re", X_Helpdesk_Loop=loop_mark(SECRET, new_id(), "customs.example"))
    stub = await parked(room, parser, own)
    assert (await read_again(room, stub))["reason"] == "own_mail"
    _, told = await said(room, stub["ticket_id"])
    assert (told["automatic"], "own_mail" in told["text"]) == ("read_later", True)


async def test_words_of_another_than_the_envelope_s_sender_are_not_on_that_one_s_request(room: Mailroom, parser: Choking) -> None:
    """Whose status page that is."""
    stub = await parked(room, parser, mail("Hỏi", "Lời của Lan."), sender=STRANGER)
    done = await read_again(room, stub)
    own = await conversation(room, done["ticket_id"])
    assert (done["as"], own["email"].lower()) == ("request", LAN.lower())
    opened, told = await said(room, stub["ticket_id"])
    assert own["reference"] in told["text"]
    assert "Lời của Lan" not in str((opened, told))
    assert (await said(room, own["_id"]))[0]["linked_to"] == opened["reference"]


async def test_it_is_told_once_however_often_reading_is_interrupted(room: Mailroom, parser: Choking) -> None:
    it, reply_to = await asked(room)
    stub = await parked(room, parser, mail("Re", to=reply_to), reply_to)
    done = await read_again(room, stub)
    await room.database["mails"].update_one({"_id": done["_id"]}, {"$set": {"state": "received"}})
    await room.read()
    (again,) = await room.rows(_id=done["_id"])
    assert (again["as"], again["ticket_id"]) == ("message", it["_id"])
    assert len(await said(room, stub["ticket_id"])) == 2
