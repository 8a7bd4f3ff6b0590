"""`helpdesk mail kept|open`: what became nobody's request is listed with the reason, and becomes one when a person says so."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from helpdesk.checking.examining import examine
from helpdesk.checking.mailboxes import mail_warnings
from helpdesk.checking.settled import SETTLED_MAILS
from helpdesk.checking.summed import MAIL_SUM, mail_sum
from helpdesk.mail.envelope import full, kept_as_data, kept_line
from helpdesk.mail.stored import StoredMails
from kit.errors import RefusedError
from kit.ids import new_id
from kit.mail_tokens import loop_mark
from tests.component.helpdesk.test_mail_parked import OneDatabase, choking, repaired
from tests.support.command_line import helpdesk
from tests.support.mailroom import FOCAL, LAN, SECRET, Mailroom, mail, open_mailroom
from tests.support.servers import MongoServer


@pytest.fixture(name="room")
async def _room(mongo_server: MongoServer) -> AsyncIterator[Mailroom]:
    async with open_mailroom(mongo_server.uri) as room:
        yield room


def stored(room: Mailroom) -> StoredMails:
    return StoredMails(room.mongo, room.database)


async def test_kept_mails_are_listed_the_newest_first_with_who_wrote_what_and_why_they_are_kept(room: Mailroom) -> None:
    await room.deliver_and_read(mail())
    first = await room.deliver_and_read(mail("Vắng \x1b[2Jmặt", Auto_Submitted="auto-replied"))
    second = await room.deliver_and_read(mail("Bản tin", Precedence="bulk"), sender="")
    mails = stored(room)
    listed = await mails.kept(None, 10)
    assert [row["_id"] for row in listed] == [second["_id"], first["_id"]]
    assert [row["_id"] for row in await mails.kept(None, 1)] == [second["_id"]]
    assert [row["_id"] for row in await mails.kept("auto_submitted", 10)] == [first["_id"]]
    assert (await mails.count_kept(None), await mails.count_kept("auto_submitted"), await mails.kept("lunch", 10)) == (2, 1, [])
    line, data = kept_line(listed[1]), kept_as_data(listed[0])
    assert all(part in line for part in (first["_id"], "auto_submitted", f"from {LAN} to {FOCAL}: Vắng"))
    assert "\x1b" not in line
    assert (data["reason"], data["subject"], data["author"], data["from"], data["ticket_id"]) == ("precedence", "Bản tin", LAN, "", None)


async def test_check_warns_of_kept_mails_of_the_week_from_senders_without_a_ticket(room: Mailroom) -> None:
    await room.deliver_and_read(mail())
    installation = OneDatabase(room.mongo, room.database.name)
    for message in (
        mail("Vắng mặt", from_=LAN.upper(), Auto_Submitted="auto-replied"),  # has a ticket
        mail(from_=f"Đầu mối <{FOCAL}>", Precedence="bulk"),
        mail(X_Helpdesk_Loop=loop_mark(SECRET, new_id(), "customs.example")),
    ):
        assert (await room.deliver_and_read(message))["state"] == "kept"
    await room.database["mails"].update_many({"wrote.address": FOCAL}, {"$set": {"received_at": room.mongo.now() - timedelta(days=8)}})
    before = await mail_warnings(installation)
    for headers in ({"Auto_Submitted": "auto-generated"}, {"Auto_Submitted": "auto-generated"}, {"Precedence": "bulk"}):
        await room.deliver_and_read(mail("Hỏi thuế", from_="Moi@doanhnghiep.example", **headers))
    (warning,) = await mail_warnings(installation)
    assert before == []
    assert "3 mails of the last week were kept" in warning
    assert "(2 auto_submitted, 1 precedence): `helpdesk mail kept`" in warning


async def test_a_kept_mail_is_opened_as_a_request_once_however_often_it_is_asked(room: Mailroom) -> None:
    row = await room.deliver_and_read(mail("Tờ khai", "Hệ thống của chúng tôi gửi tự động.", Auto_Submitted="auto-generated"))
    mails = stored(room)
    said = [await mails.open(row["_id"], by="hoa") for _ in range(2)]
    await room.read()
    said.append(await mails.open(row["_id"], by="lan"))
    await room.read()
    done = await room.row()
    assert (done["state"], done["as"], "reason" in done) == ("done", "request", False)
    assert (done["opens"]["by"], done["opens"]["kept_for"]) == ("hoa", "auto_submitted")
    assert await room.events() == ["request_received"]
    assert "gửi tự động" in (await room.bodies(done["ticket_id"]))[0]
    assert ["will be" in said[0], "already" in said[1], done["ticket_id"] in said[2]] == [True] * 3
    assert any("by hoa; it was kept for auto_submitted" in each for each in full(done, b""))
    assert await mails.count_kept(None) == 0


async def test_who_had_a_mail_opened_stands_in_the_log(room: Mailroom, capsys: pytest.CaptureFixture[str]) -> None:
    row = await room.deliver_and_read(mail(Precedence="bulk"))
    await stored(room).open(row["_id"], by="hoa")
    await room.read()
    (line,) = [each for each in capsys.readouterr().out.splitlines() if "mail.opened_by_hand" in each]
    assert all(part in line for part in (row["_id"], "hoa", "precedence", (await room.row())["ticket_id"]))


async def test_a_copy_of_a_mail_that_was_opened_by_hand_is_a_copy_when_it_is_opened_too(room: Mailroom) -> None:
    message = mail(Precedence="bulk")
    rows = [await room.deliver_and_read(message) for _ in range(2)]
    for row in rows:
        await stored(room).open(row["_id"], by="hoa")
        await room.read()
    first, second = await room.rows()
    assert (first["as"], second["as"], second["ticket_id"]) == ("request", "duplicate", first["ticket_id"])


async def test_our_own_mail_and_a_report_can_be_opened_as_well(room: Mailroom) -> None:
    row = await room.deliver_and_read(mail("Undelivered Mail", "550 5.1.1 User unknown", from_="MAILER-DAEMON@mx.example"), sender="")
    assert row["state"] == "kept"
    await stored(room).open(row["_id"], by="hoa")
    await room.read()
    assert (await room.row())["as"] == "request"


async def test_a_mail_opened_by_hand_that_cannot_be_read_is_one_request_and_is_said_there_after_a_repair(room: Mailroom) -> None:
    row = await room.deliver_and_read(mail("Tờ khai", "Nay thì đọc được.", Auto_Submitted="auto-generated"))
    mails = stored(room)
    await mails.open(row["_id"], by="hoa")
    working, room.worker._parser = room.parser, choking()  # noqa: SLF001 (what a release would replace)
    await room.read()
    await room.worker._parser.close()  # noqa: SLF001
    parked = await room.row()
    assert parked["ticket_id"] in await mails.open(row["_id"], by="hoa")
    await mails.retry([row["_id"]], None)
    await repaired(room)
    done = await room.row()
    await working.close()
    assert (parked["state"], done["state"], done["as"], done["ticket_id"]) == ("parked", "done", "message", parked["ticket_id"])
    assert await room.events() == ["request_received", "message_received"]


async def test_what_is_not_kept_is_not_opened_and_the_refusal_says_where_it_is(room: Mailroom) -> None:
    row = await room.deliver_and_read(mail())
    kept = await room.deliver_and_read(mail(Precedence="bulk"))
    for mail_id, words in ((row["_id"], row["ticket_id"]), (kept["mail"], "helpdesk mail kept"), ("nobody", "no mail 'nobody'")):
        with pytest.raises(RefusedError, match=words):
            await stored(room).open(mail_id, by="hoa")
    await room.deliver(mail())
    with pytest.raises(RefusedError, match="not been read"):
        await stored(room).open((await room.row())["_id"], by="hoa")


async def test_the_sum_follows_a_mail_from_waiting_to_kept_and_from_there_to_a_request(room: Mailroom) -> None:
    installation = OneDatabase(room.mongo, room.database.name)
    await room.deliver(mail(Precedence="bulk"))
    await room.deliver(mail(), FOCAL, "nobody@customs.example")
    await room.refused.write()
    waiting = await mail_sum(installation)
    await room.read()
    kept = await mail_sum(installation)
    (row,) = await stored(room).kept(None, 1)
    await stored(room).open(row["_id"], by="hoa")
    await room.read()
    opened = await mail_sum(installation)
    found = [(each.received, each.terms["waiting"], each.terms["kept"], each.terms["opened"]) for each in (waiting, kept, opened)]
    assert found == [(3, 2, 0, 0), (3, 0, 1, 1), (3, 0, 0, 2)]
    assert [each.lacking for each in (waiting, kept, opened)] == [0, 0, 0]
    assert waiting.reasons["refused"] == {"unknown_mailbox": 1}
    assert all(result.holds for result in await examine(installation, [SETTLED_MAILS, MAIL_SUM], pause=0))


def test_the_commands_say_what_there_is_and_what_there_is_not(mongo_server: MongoServer) -> None:
    variables = {"MONGODB_URI": mongo_server.uri, "HELPDESK_MONGODB_DATABASE_PREFIX": "nothing"}
    listed = helpdesk("mail", "kept", variables=variables)
    by_reason = helpdesk("mail", "kept", "--reason", "precedence", variables=variables)
    opened = helpdesk("mail", "open", "nobody", variables=variables)
    assert (listed.code, listed.out) == (0, "No mail is kept: each became a request, or is on one.\n")
    assert "for the reason 'precedence'" in by_reason.out
    assert "each became a request" not in by_reason.out  # it may be kept for another
    assert (opened.code, "no mail 'nobody'" in opened.err) == (1, True)
