"""The mail port: what a mail server is told, and that a mail is stored for good before it is told so. Real SMTP, real MongoDB."""

import asyncio
import re
import smtplib
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kit.errors import TransientError
from kit.log import get_logger
from services.intake.domain.mailboxes import Mailboxes
from services.intake.mail.arrivals import INLINE, Arrivals, Arrived
from services.intake.mail.receiver import MailReceiver, Place, Porter
from tests.support.mailroom import FOCAL, HON_GAI, LAN, SENDER, Mailroom, mail, open_mailroom, with_mailboxes
from tests.support.servers import MongoFactory, MongoServer

EHLO = b"LHLO test\r\n"
ENVELOPE = f"MAIL FROM:<{LAN}>\r\nRCPT TO:<{FOCAL}>\r\nRCPT TO:<{HON_GAI}>\r\nDATA\r\n".encode()


@pytest.fixture(name="lmtp_room")
async def _lmtp_room(mongo_server: MongoServer) -> AsyncIterator[Mailroom]:
    async with open_mailroom(mongo_server.uri, lmtp=True, max_bytes=100_000) as room:
        yield room


class Broken(Arrivals):
    """Storing fails in a way nobody foresaw."""

    def __init__(self) -> None: ...

    async def keep(self, mail: Arrived) -> str:
        raise RuntimeError("mongodb://user:password@host is on fire")


class Slow(Arrivals):
    """Storing takes until somebody lets it end."""

    def __init__(self) -> None:
        self.begun, self.end = asyncio.Event(), asyncio.Event()

    async def keep(self, mail: Arrived) -> str:
        self.begun.set()
        await self.end.wait()
        return "the-id"


def porter(arrivals: Arrivals) -> Porter:
    known = Mailboxes.of(with_mailboxes(), SENDER)
    return Porter(arrivals, lambda: known, get_logger("test"))


def receiver_of(arrivals: Arrivals, **options: Any) -> MailReceiver:
    return MailReceiver(Place("127.0.0.1", 0, "mail.customs.example", 1_000_000), porter(arrivals), **options)


async def spoken(port: int, *said: bytes) -> bytes:
    """Everything the server says to these bytes, sent one after the other, until it hangs up."""

    def speak() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
            for piece in said:
                wire.sendall(piece)
            wire.sendall(b"QUIT\r\n")
            return b"".join(iter(lambda: wire.recv(65_536), b""))

    return await asyncio.to_thread(speak)


async def test_a_mail_is_stored_byte_for_byte_with_its_envelope_before_250_is_said(room: Mailroom) -> None:
    raw = mail().as_bytes().replace(b"\n", b"\r\n")
    code, reply = await room.talk(lambda client: (client.mail(LAN), client.rcpt("FOCAL+x@customs.example"), client.data(raw))[2])
    (row,) = await room.rows()
    assert (code, reply.decode()) == (250, f"2.0.0 Queued as {row['mail']}")
    assert (row["state"], row["raw"], row["mailbox"], row["group"]) == ("received", raw, FOCAL, "focal")
    assert row["envelope"]["from"] == LAN
    assert row["envelope"]["to"] == ["FOCAL+x@customs.example"]
    assert row["size"] == len(raw)


async def test_only_our_mailboxes_are_taken_and_the_others_are_refused_at_once(room: Mailroom) -> None:
    def dialogue(client: smtplib.SMTP) -> dict[str, tuple[int, bytes]]:
        client.mail(LAN)
        return {
            address: client.rcpt(address)
            for address in (HON_GAI, SENDER, "postmaster@customs.example", "x@customs.example", "focal@other.example")
        }

    replies = await room.talk(dialogue)
    assert [code for code, _ in replies.values()] == [250, 250, 250, 550, 550]
    assert replies["x@customs.example"][1].startswith(b"5.1.1 ")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (r"<foo\@bar@x.vn>", r"foo\@bar@x.vn"),
        ('<"a > b"@x.vn> SIZE=100', '"a > b"@x.vn'),
        ("<@hop.example:lan@x.vn>", "lan@x.vn"),
        ("<Nguyễn@ví-dụ.vn> BODY=8BITMIME SMTPUTF8", "Nguyễn@ví-dụ.vn"),
        ("<ngu\udcffyen@x.vn>", "ngu?yen@x.vn"),
        ("<lan@x.vn", "lan@x.vn"),
        ("lan..minh@x.vn", "lan..minh@x.vn"),
        ("< >", None),
        ("<>", ""),
    ],
)
async def test_no_mail_is_lost_for_the_way_its_sender_is_written(room: Mailroom, written: str, kept: str | None) -> None:
    envelope = f'MAIL FROM:{written}\r\nRCPT TO:<"focal"@customs.example>\r\nDATA\r\n'.encode("utf-8", "surrogateescape")
    said = await spoken(room.receiver.port, b"EHLO test\r\n", envelope, b"Subject: x\r\n\r\ny\r\n.\r\n")
    assert said.count(b"250 2.0.0 Queued") == 1, said
    assert b"250-SMTPUTF8" in said
    (row,) = await room.rows()
    assert (row["envelope"]["from"], row["mailbox"]) == (kept, FOCAL)


async def test_whoever_writes_from_an_address_in_their_own_letters_can_be_answered_there(room: Mailroom) -> None:
    written = mail(text="Xin hỏi về tờ khai.")
    del written["From"]
    raw = "From: Nguyễn <Nguyễn@ví-dụ.vn>\r\n".encode() + written.as_bytes().replace(b"\n", b"\r\n")
    row = await room.deliver_and_read(raw, sender="someone@x.vn")
    submission = await room.database["submissions"].find_one({"ticket_id": row["ticket_id"]})
    assert submission is not None
    conversation = await room.database["conversations"].find_one({"_id": row["ticket_id"]})
    assert conversation is not None
    assert (row["as"], conversation["email"]) == ("request", "Nguyễn@xn--v-d-rma6749a.vn")


async def test_without_an_organisation_the_sender_is_asked_to_come_again(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri, loaded=False) as room:
        replies = await room.talk(lambda client: (client.mail(LAN), client.rcpt(FOCAL))[1])
    assert replies == (451, b"4.3.0 Temporary failure, try again later")


async def test_while_the_database_is_away_the_sender_keeps_the_mail_and_nothing_is_half_written(own_mongo: MongoFactory) -> None:
    mongo = await own_mongo()
    async with open_mailroom(mongo.uri) as room:
        await mongo.stop()
        for size in (10, INLINE + 1):
            with pytest.raises(smtplib.SMTPDataError) as refused:
                await room.deliver(mail(text="x" * size))
            assert refused.value.smtp_code == 451
        await mongo.start()
        assert await room.rows() == []
        assert await room.database["files.files"].count_documents({}) == 0
        row = await room.deliver_and_read(mail())
        assert (row["state"], row["as"]) == ("done", "request")


async def test_an_error_of_ours_is_no_reason_to_give_up_and_tells_nobody_our_secrets() -> None:
    receiver = receiver_of(Broken())
    await receiver.start()
    said = await spoken(receiver.port, EHLO.replace(b"LHLO", b"EHLO"), ENVELOPE, b"Subject: x\r\n\r\ny\r\n.\r\n")
    await receiver.stop()
    assert b"\r\n451 4.3.0 Temporary failure" in said
    assert b"password" not in said
    assert b"\r\n5" not in said


@pytest.mark.parametrize("length", [60_000, 131_072, 400_000])
async def test_a_line_longer_than_the_rfc_allows_is_taken_as_it_is(room: Mailroom, length: int) -> None:
    raw = b"Subject: long\r\n\r\n" + b"x" * length + b"\r\n.\r\nend\r\n"
    await room.deliver(raw)
    row = await room.row()
    stored = await room.arrivals.content(row)
    assert stored == raw
    assert ("file" in row) == (len(raw) > INLINE)


async def test_a_large_mail_is_claimed_when_its_row_is_written_so_that_no_sweep_takes_it(room: Mailroom) -> None:
    row = await room.deliver_and_read(mail(text="Dài. " * 20_000))
    record = await room.database["files.files"].find_one({"_id": row["file"]})
    assert record is not None
    assert record["metadata"]["claimed"] is True
    assert (row["state"], row["as"]) == ("done", "request")


async def test_a_mail_over_the_limit_is_refused_for_good_whether_it_says_so_or_not(room: Mailroom) -> None:
    big = b"Subject: big\r\n\r\n" + b"x" * 76 * 30_000
    with pytest.raises(smtplib.SMTPSenderRefused) as announced:
        await room.deliver(big)
    code, reply = await room.talk(lambda client: (client.mail(LAN), client.rcpt(FOCAL), client.data(big))[2])
    await room.refused.write()
    (tally,) = await room.database["mail_tallies"].find({"refused": {"$exists": True}}).to_list(None)
    assert tally["refused"]["too_large"] == 2
    assert announced.value.smtp_code == 552
    assert (code, reply[:5]) == (552, b"5.3.4")
    assert await room.rows() == []


async def test_a_line_that_never_ends_is_hung_up_on(lmtp_room: Mailroom) -> None:
    with pytest.raises((ConnectionError, TimeoutError)):
        await spoken(lmtp_room.receiver.port, EHLO, ENVELOPE, *[b"x" * 100_000] * 200)
    assert await lmtp_room.rows() == []


async def test_only_a_dot_between_two_full_line_ends_ends_a_mail(room: Mailroom) -> None:
    smuggled = b"Subject: one\r\n\r\nfirst\n.\nMAIL FROM:<evil@x.example>\n.\r\n\r.\r\nstill one\r\n.\r\n"
    said = await spoken(room.receiver.port, EHLO.replace(b"LHLO", b"EHLO"), ENVELOPE, smuggled)
    rows = await room.rows()
    assert said.count(b"250 2.0.0 Queued") == 1
    assert {bytes(row["raw"]) for row in rows} == {smuggled.removesuffix(b".\r\n")}


async def test_lmtp_answers_once_for_each_recipient(lmtp_room: Mailroom) -> None:
    said = await spoken(lmtp_room.receiver.port, EHLO, ENVELOPE, b"Subject: x\r\n\r\n..dot\r\n.\r\n")
    rows = await lmtp_room.rows()
    assert said.count(b"250 2.0.0 Queued as " + rows[0]["mail"].encode()) == 2
    assert {row["mailbox"]: bytes(row["raw"]) for row in rows} == dict.fromkeys((FOCAL, HON_GAI.lower()), b"Subject: x\r\n\r\n.dot\r\n")


async def test_lmtp_refuses_once_for_each_recipient(lmtp_room: Mailroom) -> None:
    said = await spoken(
        lmtp_room.receiver.port, EHLO, ENVELOPE, b"x" * 70 + b"\r\n", b"y" * 100_000, b"\r\n.\r\n", ENVELOPE, b"ok\r\n.\r\n"
    )
    assert len(re.findall(rb"^552 5\.3\.4 ", said, re.MULTILINE)) == 2
    assert said.count(b"250 2.0.0 Queued") == 2


async def test_a_client_that_goes_away_in_the_middle_leaves_nothing(room: Mailroom) -> None:
    def vanish() -> None:
        with socket.create_connection(("127.0.0.1", room.receiver.port), timeout=5) as wire:
            wire.sendall(EHLO.replace(b"LHLO", b"EHLO") + ENVELOPE + b"Subject: half\r\n\r\nhal")

    await asyncio.to_thread(vanish)
    await room.deliver(mail())
    assert len(await room.rows()) == 1


async def test_stopping_lets_a_mail_being_stored_have_its_reply_and_says_421_to_the_idle() -> None:
    arrivals = Slow()
    receiver = receiver_of(arrivals)
    await receiver.start()
    idle_reader, idle = await asyncio.open_connection("127.0.0.1", receiver.port)
    busy_reader, busy = await asyncio.open_connection("127.0.0.1", receiver.port)
    await idle_reader.readline()
    busy.write(b"EHLO x\r\n" + ENVELOPE + b"Subject: x\r\n\r\ny\r\n.\r\n")
    await arrivals.begun.wait()
    stopping = asyncio.create_task(receiver.stop())
    assert (await idle_reader.readline()).startswith(b"421 4.3.2 ")
    assert not stopping.done()
    arrivals.end.set()
    said = await busy_reader.read()
    await stopping
    idle.close()
    busy.close()
    assert b"250 2.0.0 Queued as the-id\r\n421 4.3.2 " in said


async def test_there_is_a_most_of_connections() -> None:
    receiver = receiver_of(Slow(), connections=1)
    await receiver.start()
    first, one = await asyncio.open_connection("127.0.0.1", receiver.port)
    assert (await first.readline()).startswith(b"220 ")
    second, two = await asyncio.open_connection("127.0.0.1", receiver.port)
    assert (await second.readline()).startswith(b"421 4.3.2 Too many connections")
    one.close()
    two.close()
    await receiver.stop()


async def test_many_mails_at_once_share_transactions_and_all_become_requests(room: Mailroom) -> None:
    await asyncio.gather(*(room.deliver(mail(text=f"Câu hỏi {number}"), sender=f"a{number}@b.example") for number in range(40)))
    await room.read()
    rows = await room.rows(state="done")
    assert len({row["ticket_id"] for row in rows}) == 40


async def test_what_no_organisation_raises_is_the_kind_that_passes(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri, loaded=False) as room:
        with pytest.raises(TransientError):
            room.organisation.current  # noqa: B018 (it raises)


async def slowly(port: int, pieces: int, pause: float, rest: bytes) -> bytes:
    """What is said to a mail that comes in pieces with pauses between them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"EHLO x\r\n" + ENVELOPE + b"Subject: slow\r\n\r\n")
    for _ in range(pieces):
        await asyncio.sleep(pause)
        writer.write(b"x" * 100)
    writer.write(rest)
    said = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return said


async def test_a_mail_on_a_slow_line_arrives_however_long_it_takes_in_all() -> None:
    arrivals = Slow()
    arrivals.end.set()
    receiver = receiver_of(arrivals, silence=1.0)
    await receiver.start()
    said = await slowly(receiver.port, pieces=10, pause=0.3, rest=b"\r\n.\r\nQUIT\r\n")
    await receiver.stop()
    assert b"250 2.0.0 Queued as the-id" in said


async def test_a_client_that_falls_silent_in_the_middle_of_a_mail_is_hung_up_on() -> None:
    receiver = receiver_of(Slow(), silence=0.5)
    await receiver.start()
    said = await slowly(receiver.port, pieces=1, pause=0.1, rest=b"")
    await receiver.stop()
    assert b"250 2.0.0 Queued" not in said
