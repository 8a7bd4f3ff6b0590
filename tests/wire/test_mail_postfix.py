"""A real mail server (Postfix) in front of the mail port: what it has taken for us arrives once, whatever happens to us meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.intake_process import intake_process
from tests.support.mail_sink import MailSink
from tests.support.mailroom import FOCAL, HON_GAI, LAN, mail, open_mailroom
from tests.support.ports import free_ports
from tests.support.postfix import Postfix, running_postfix
from tests.support.servers import MongoFactory, MongoServer
from tests.support.waiting import wait_until

PORT, SENDER_PORT = free_ports(2)
LIMIT = 300_000


@pytest.fixture(name="postfix", scope="module")
def _postfix() -> Iterator[Postfix]:
    """One for all tests; each of them has whatever listens on `PORT`, and leaves the queue empty."""
    with running_postfix(PORT, SENDER_PORT) as server:
        yield server


@asynccontextmanager
async def sender_side() -> AsyncIterator[MailSink]:
    """The mail server of whoever wrote, where bounces go."""
    sink = MailSink(SENDER_PORT)
    await sink.on()
    try:
        yield sink
    finally:
        await sink.off()


async def empty(postfix: Postfix) -> None:
    """Once Postfix has nothing left, it has asked again for whatever waited."""

    def nothing_waits() -> bool:
        if postfix.waiting():
            postfix.flush()
            return False
        return True

    await wait_until(lambda: asyncio.to_thread(nothing_waits), "Postfix delivers everything", 40, pause=0.3)


async def test_a_mail_that_postfix_took_becomes_a_request(mongo_server: MongoServer, postfix: Postfix) -> None:
    async with open_mailroom(mongo_server.uri, port=PORT) as room:
        await asyncio.to_thread(postfix.send, mail("Trị giá").as_bytes(), FOCAL.replace("@", "+token@"))
        await empty(postfix)
        await room.read()
        (row,) = await room.rows()
    assert (row["state"], row["as"], row["envelope"]["from"]) == ("done", "request", LAN)
    assert row["envelope"]["to"] == [FOCAL.replace("@", "+token@")]


async def test_what_we_refuse_for_good_comes_back_to_the_sender_from_postfix(mongo_server: MongoServer, postfix: Postfix) -> None:
    async with open_mailroom(mongo_server.uri, port=PORT, max_bytes=LIMIT) as room, sender_side() as sender:
        await asyncio.to_thread(postfix.send, mail().as_bytes(), "nobody@customs.example", sender="a@elsewhere.example")
        await asyncio.to_thread(postfix.send, mail(text="x" * LIMIT).as_bytes(), FOCAL, sender="b@elsewhere.example")
        await wait_until(lambda: len(sender.mails) == 2, "both bounces", 30)
        assert await room.rows() == []
    assert "550 5.1.1 No such mailbox here" in " ".join(sender.to("a@elsewhere.example")[0].text.split())
    assert "size" in sender.to("b@elsewhere.example")[0].text


async def test_while_our_database_is_away_postfix_keeps_the_mail(own_mongo: MongoFactory, postfix: Postfix) -> None:
    mongo = await own_mongo()
    async with open_mailroom(mongo.uri, port=PORT) as room:
        await mongo.stop()
        await asyncio.to_thread(postfix.send, mail().as_bytes(), FOCAL)
        await wait_until(lambda: "said: 451 4.3.0" in postfix.log(), "Postfix is told to come again", 40)
        await mongo.start()
        await empty(postfix)
        assert len(await room.rows()) == 1


async def test_killed_within_a_mail_before_and_after_its_commit_we_lose_and_double_nothing(
    mongo_server: MongoServer, postfix: Postfix, tmp_path: Path
) -> None:
    async with intake_process(mongo_server.uri, tmp_path) as intake:
        async with cut_off_by(intake.kill, PORT, intake.mail_port, after=100_000) as cut:
            intake.start()
            await asyncio.to_thread(postfix.send, mail(text="Dài. " * 200_000).as_bytes(), FOCAL)
            await asyncio.wait_for(cut.wait(), 40)
            assert await intake.rows() == []
            intake.start(crash_at="transaction.before_commit")
            await intake.died()
            assert await intake.rows() == []
            intake.start(crash_at="transaction.after_commit")
            await intake.died()
            assert [row["state"] for row in await intake.rows()] == ["received"]
            intake.start()
            await empty(postfix)
            rows = await intake.read(2)
        assert [row["as"] for row in rows] == ["request", "duplicate"]
        assert await intake.tickets() == 1


async def test_by_lmtp_each_recipient_is_answered_for_itself(mongo_server: MongoServer) -> None:
    port, sender_port = free_ports(2)
    async with open_mailroom(mongo_server.uri, port=port, lmtp=True) as room:
        with running_postfix(port, sender_port, lmtp=True) as postfix:
            await asyncio.to_thread(postfix.send, mail().as_bytes(), FOCAL, HON_GAI, "nobody@customs.example", sender="")
            await wait_until(lambda: postfix.log().count("status=sent (250") == 2, "both are answered", 30)
            assert "status=bounced (host 127.0.0.1[127.0.0.1] said: 550 5.1.1" in postfix.log()
        rows = await room.rows()
    assert sorted(row["mailbox"] for row in rows) == sorted([FOCAL, HON_GAI.lower()])
    assert {row["envelope"]["from"] for row in rows} == {""}


@asynccontextmanager
async def cut_off_by(strike: Callable[[], None], port: int, behind: int, after: int) -> AsyncIterator[asyncio.Event]:
    """Listens on `port` for what listens `behind`, and strikes once, when `after` bytes went there. Set when it has."""
    struck = asyncio.Event()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: bool) -> None:
        passed = 0
        try:
            while part := await reader.read(16_384):
                passed += len(part)
                if count and passed > after and not struck.is_set():
                    strike()
                    struck.set()
                writer.write(part)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            ours, theirs = await asyncio.open_connection("127.0.0.1", behind)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pass_on(reader, theirs, True), pass_on(ours, writer, False))

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield struck
    finally:
        server.close()
        await server.wait_closed()
