"""`helpdesk mail parked|show|retry`, and what `helpdesk check` says of mails: on a real database, with a real mailroom."""

import pytest

from helpdesk.checking.examining import examine
from helpdesk.checking.installation import Installation
from helpdesk.checking.mailboxes import mail_warnings
from helpdesk.checking.settled import SETTLED_MAILS
from helpdesk.mail.envelope import as_data, full, line
from helpdesk.mail.stored import StoredMails
from kit.errors import RefusedError
from kit.mongo import Database
from services.intake.mail.parser import Parser
from tests.support.command_line import helpdesk
from tests.support.mailroom import Mailroom, mail, open_mailroom
from tests.support.servers import MongoServer

CHOKES = "import sys, services.intake.mail.child as c; c.parse = lambda raw: 1 / 0; c.main(sys.stdin.buffer, sys.stdout.buffer)"


class OneDatabase(Installation):
    """The mailroom's database is not called by a service."""

    def database(self, _service: str) -> Database:
        return self.mongo.database(self.prefix)


def choking() -> Parser:
    return Parser(command=("-c", CHOKES))


async def repaired(room: Mailroom) -> None:
    """Read what waits as after a new release: the same database, a parser that works."""
    parser = Parser()
    room.worker._parser = parser  # noqa: SLF001 (what a release would replace)
    await room.read()
    await parser.close()


async def test_a_parked_mail_is_listed_and_shown_without_obeying_what_stands_in_it(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri, parser=choking()) as room:
        raw = b"From: x@b.example\r\nSubject: \x1b]0;owned\x07\r\n\r\nline one\r\n\x1b[2J\xe2\x80\xaeline two\r\n"
        row = await room.deliver_and_read(raw)
        mails = StoredMails(room.mongo, room.database)
        (listed,) = await mails.parked(10)
        shown = "\n".join(full(listed, await mails.content(await mails.one(row["mail"]))))
    assert row["_id"] in line(listed)
    assert (as_data(listed)["reason"], as_data(listed)["ticket_id"]) == ("ZeroDivisionError", row["ticket_id"])
    assert "line one" in shown
    assert "\\x1b[2J" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)


async def test_a_mail_read_again_after_a_repair_goes_on_the_request_that_stood_for_it(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri, parser=choking()) as room:
        row = await room.deliver_and_read(mail("Trị giá", "Nay thì đọc được."))
        mails = StoredMails(room.mongo, room.database)
        assert await mails.retry([row["_id"]], None) == 1
        await repaired(room)
        done = await room.row()
        bodies = await room.bodies(row["ticket_id"])
        events = await room.events()
        assert await mails.retry(None, None) == 0
    assert (done["state"], done["as"], done["ticket_id"]) == ("done", "message", row["ticket_id"])
    assert events == ["request_received", "message_received"]
    assert "Nay thì đọc được." in bodies[1]
    assert "reason" not in done


async def test_a_mail_that_still_cannot_be_read_stays_on_the_same_request(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri, parser=choking()) as room:
        row = await room.deliver_and_read(mail())
        mails = StoredMails(room.mongo, room.database)
        await mails.retry(None, "ZeroDivisionError")
        await room.read()
        again = await room.row()
        assert await room.events() == ["request_received"]
    assert (again["state"], again["ticket_id"]) == ("parked", row["ticket_id"])


async def test_what_is_not_parked_or_is_a_part_only_is_not_read_again(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri) as room:
        row = await room.deliver_and_read(mail())
        mails = StoredMails(room.mongo, room.database)
        await room.database["mails"].insert_one({**row, "_id": "part.1", "state": "parked", "unfit": "too_large"})
        for mail_id in (row["_id"], "part.1", "nobody"):
            with pytest.raises(RefusedError):
                await mails.retry([mail_id], None)
        assert await mails.retry(None, None) == 0


async def test_check_names_mails_that_came_to_nothing_and_folders_nobody_reads(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri) as room:
        await room.deliver_and_read(mail())
        row = await room.row()
        installation = OneDatabase(room.mongo, room.database.name)
        (well,) = await examine(installation, [SETTLED_MAILS], pause=0)
        lost: dict[str, dict[str, str | None]] = {
            "lost.1": {"ticket_id": None},
            "lost.2": {"ticket_id": "gone"},
            "lost.3": {"state": "kept"},
        }
        await room.database["mails"].insert_many([{**row, "_id": name, **change} for name, change in lost.items()])
        (ill,) = await examine(installation, [SETTLED_MAILS], pause=0)
        old = row["received_at"].replace(year=2020)
        trouble = {"kind": "login", "text": "login refused", "since": old}
        await room.database["mail_folders"].insert_many(
            [{"_id": "a", "trouble": trouble}, {"_id": "b", "looked_at": old}, {"_id": "c", "looked_at": room.mongo.now()}]
        )
        warnings = await mail_warnings(installation)
    assert (well.holds, well.looked_at) == (True, 1)
    assert sorted(finding.key for finding in ill.shown) == ["lost.1", "lost.2", "lost.3"]
    assert [("refuses the login" in text, "nobody has looked" in text) for text in warnings] == [(True, False), (False, True)]


def test_the_commands_say_what_there_is_and_what_there_is_not(mongo_server: MongoServer) -> None:
    variables = {"MONGODB_URI": mongo_server.uri, "HELPDESK_MONGODB_DATABASE_PREFIX": "nothing"}
    listed = helpdesk("mail", "parked", variables=variables)
    shown = helpdesk("mail", "show", "nobody", variables=variables)
    both = helpdesk("mail", "retry", variables=variables)
    assert (listed.code, listed.out) == (0, "No mail is parked: every mail that was read was understood.\n")
    assert (shown.code, "no mail 'nobody'" in shown.err) == (1, True)
    assert (both.code, "one of the three" in both.err) == (1, True)
