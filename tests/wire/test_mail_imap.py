"""Mail fetched from a real IMAP server (Dovecot) into a real MongoDB: nothing lost, nothing doubled, nothing shown in the mailbox."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from kit.ids import new_id
from kit.log import get_logger
from kit.loops import Loop
from kit.mongo import Document
from services.intake.mail.imap.accounts import Account
from services.intake.mail.imap.folders import Folders
from services.intake.mail.imap.watcher import Times, Watcher
from services.intake.mail.wiring import current_mailboxes
from tests.support.dovecot import PASSWORD, Dovecot, running_dovecot
from tests.support.intake_process import intake_process
from tests.support.mailroom import FOCAL, SENDER, Mailroom, mail
from tests.support.servers import MongoServer
from tests.support.waiting import wait_until

LIMIT = 200_000


@pytest.fixture(name="dovecot")
def _dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


def account_at(server: Dovecot, *, folder: str = "INBOX", password: str = PASSWORD, from_now: bool = False) -> Account:
    return Account("127.0.0.1", server.port, False, server.user, password, folder, FOCAL, from_now)


@asynccontextmanager
async def watching(room: Mailroom, account: Account, times: Times = Times()) -> AsyncIterator[Watcher]:  # noqa: B008 (frozen)
    """A loop runs the watcher, as in the service, until the block ends; then its lease is given back."""
    folders = Folders(room.database, new_id(), room.mongo.now)
    mailboxes = current_mailboxes(room.organisation, SENDER)
    watcher = Watcher(account, folders, room.arrivals, mailboxes, get_logger("test"), max_bytes=LIMIT, times=times)
    stop = asyncio.Event()
    running = asyncio.create_task(Loop("imap", watcher.step, every=0.1, logger=get_logger("test")).run(stop))
    try:
        yield watcher
    finally:
        stop.set()
        await running
        await watcher.close()
        await folders.release()


async def stored(room: Mailroom, count: int) -> list[Document]:
    async def enough() -> list[Document] | None:
        rows = await room.rows()
        return rows if len(rows) >= count else None

    return await wait_until(enough, f"{count} mails are stored", 30, pause=0.02)


async def waiting_for_news(room: Mailroom) -> Document:
    """Once the folder was read to its end, without trouble."""
    query = {"looked_at": {"$exists": True}, "trouble": {"$exists": False}}
    return await wait_until(lambda: room.database["mail_folders"].find_one(query), "the folder was looked into", 30, pause=0.02)


def letter(number: int) -> bytes:
    return mail(f"Số {number}", message_id=f"<{number}@anbinh.example>").as_bytes()


async def up(server: Dovecot) -> None:
    def answers() -> bool:
        with server.session():
            return True

    await wait_until(lambda: asyncio.to_thread(answers), "Dovecot answers", 20)


async def test_a_new_mail_is_here_within_two_seconds_and_stays_unread_in_the_mailbox(room: Mailroom, dovecot: Dovecot) -> None:
    await up(dovecot)
    async with watching(room, account_at(dovecot)):
        await waiting_for_news(room)
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await asyncio.to_thread(
            dovecot.append, b"Return-Path: <Lan@anbinh.example>\r\nDelivered-To: focal+abc@customs.example\r\n" + letter(1)
        )
        (row,) = await stored(room, 1)
        assert time.monotonic() - began < 2
    await room.read()
    row = await room.row()
    assert (row["state"], row["as"], row["door"], row["mailbox"]) == ("done", "request", "imap", FOCAL)
    assert row["envelope"] | {"peer": "", "helo": ""} == {
        "from": "Lan@anbinh.example",
        "to": ["focal+abc@customs.example"],
        "peer": "",
        "helo": "",
    }
    assert all(b"Seen" not in flags for flags in await asyncio.to_thread(dovecot.flags))


async def test_what_somebody_has_read_already_is_no_less_fetched_and_each_mail_is_byte_for_byte(room: Mailroom, dovecot: Dovecot) -> None:
    await up(dovecot)
    mails = [letter(number).replace(b"\n", b"\r\n") + b"\xe9\xff" for number in range(3)]
    await asyncio.to_thread(lambda: dovecot.append(*mails, flags="\\Seen"))
    async with watching(room, account_at(dovecot)):
        rows = await stored(room, 3)
    assert [await room.arrivals.content(row) for row in rows] == mails


async def test_a_mail_without_a_return_path_is_not_taken_for_one_with_the_null_return_path(room: Mailroom, dovecot: Dovecot) -> None:
    await up(dovecot)
    await asyncio.to_thread(dovecot.append, letter(1), b"Return-Path: <>\r\n" + letter(2))
    async with watching(room, account_at(dovecot)):
        await stored(room, 2)
    await room.read()
    assert {row["envelope"]["from"]: row["state"] for row in await room.rows()} == {None: "done", "": "kept"}


async def test_after_the_server_was_away_the_rest_comes_and_nothing_twice(room: Mailroom, dovecot: Dovecot) -> None:
    await up(dovecot)
    await asyncio.to_thread(dovecot.append, letter(1))
    async with watching(room, account_at(dovecot)):
        await stored(room, 1)
        await asyncio.to_thread(dovecot.stop)
        trouble = await wait_until(lambda: room.database["mail_folders"].find_one({"trouble": {"$exists": True}}), "trouble is noted", 20)
        dovecot.start()
        await up(dovecot)
        await asyncio.to_thread(dovecot.append, letter(2))
        rows = await stored(room, 2)
        await waiting_for_news(room)
    assert trouble["trouble"]["kind"] == "server"
    assert len(rows) == len(await room.rows()) == 2


async def test_a_folder_made_anew_is_read_from_its_beginning_without_doubles(room: Mailroom, dovecot: Dovecot) -> None:
    await up(dovecot)

    def make(*numbers: int) -> None:
        with dovecot.session() as client:
            client.delete("Support")
            client.create("Support")
        dovecot.append(*(letter(number) for number in numbers), folder="Support")

    account = account_at(dovecot, folder="Support")
    await asyncio.to_thread(make, 1, 2, 3)
    async with watching(room, account):
        await stored(room, 3)
    before = await room.database["mail_folders"].find_one({"_id": account.key})
    await asyncio.sleep(1.1)  # Dovecot takes the second as the new UIDVALIDITY
    await asyncio.to_thread(make, 2, 4, 3)
    async with watching(room, account):
        rows = await stored(room, 4)
        await asyncio.sleep(0.5)
    after = await room.database["mail_folders"].find_one({"_id": account.key})
    assert before is not None
    assert after is not None
    assert before["validity"] != after["validity"]
    assert (before["last_uid"], after["last_uid"]) == (3, 3)
    subjects = sorted([(await room.arrivals.content(row)).split(b"Message-ID: <")[1][:1] for row in rows])
    assert (subjects, len(await room.rows())) == ([b"1", b"2", b"3", b"4"], 4)


async def test_a_mail_that_is_too_large_is_parked_with_its_header_and_keeps_nobody_waiting(room: Mailroom, dovecot: Dovecot) -> None:
    await up(dovecot)
    await asyncio.to_thread(dovecot.append, mail("To lớn", "x" * (LIMIT + 1)).as_bytes(), letter(2))
    async with watching(room, account_at(dovecot)):
        await stored(room, 2)
    await room.read()
    large, small = await room.rows()
    assert (large["state"], large["reason"], small["state"]) == ("parked", "too_large", "done")
    assert (await room.arrivals.content(large)).startswith(b"From:")
    assert large["size"] < 2_000
    assert await room.events(large["ticket_id"]) == ["request_received"]


async def test_a_server_that_cannot_idle_is_asked_again_and_again(room: Mailroom) -> None:
    with running_dovecot(idle=False) as server:
        await up(server)
        async with watching(room, account_at(server), Times(poll_every=0.2)):
            await waiting_for_news(room)
            await asyncio.to_thread(server.append, letter(1))
            await stored(room, 1)


async def test_a_push_that_gets_lost_costs_no_more_than_one_turn_of_idle(room: Mailroom, dovecot: Dovecot) -> None:
    await up(dovecot)
    async with watching(room, account_at(dovecot), Times(idle_for=0.3)):
        first = await waiting_for_news(room)
        await wait_until(
            lambda: room.database["mail_folders"].find_one({"looked_at": {"$gt": first["looked_at"]}}), "it is looked into again", 10
        )


async def test_a_refused_login_is_noted_without_the_password_and_over_when_it_is_accepted(room: Mailroom, dovecot: Dovecot) -> None:
    await up(dovecot)
    async with watching(room, account_at(dovecot, password="not-the-right-one"), Times(login_again=0.5)):
        row = await wait_until(lambda: room.database["mail_folders"].find_one({"trouble": {"$exists": True}}), "trouble is noted", 20)
        assert row["trouble"]["kind"] == "login"
        assert "not-the-right-one" not in str(row)
        dovecot.write_password("not-the-right-one")
        await waiting_for_news(room)


async def test_of_two_processes_one_reads_and_the_other_goes_on_when_it_ends(room: Mailroom, dovecot: Dovecot) -> None:
    await up(dovecot)
    async with watching(room, account_at(dovecot)):
        await waiting_for_news(room)
        folders = Folders(room.database, "another process", room.mongo.now)
        assert not await folders.hold(account_at(dovecot))
    assert await folders.hold(account_at(dovecot))


async def test_where_it_is_to_start_now_what_lies_there_is_left_alone_even_in_a_folder_made_anew(room: Mailroom, dovecot: Dovecot) -> None:
    await up(dovecot)
    await asyncio.to_thread(dovecot.append, letter(1), letter(2))
    account = account_at(dovecot, from_now=True)
    await asyncio.sleep(1.1)  # INTERNALDATE has seconds
    async with watching(room, account):
        await waiting_for_news(room)
        await asyncio.sleep(1.1)
        await asyncio.to_thread(dovecot.append, letter(3))
        await stored(room, 1)
        await waiting_for_news(room)
    await room.database["mail_folders"].update_one({"_id": account.key}, {"$inc": {"validity": -1}})
    async with watching(room, account):
        await wait_until(lambda: room.database["mail_folders"].find_one({"last_uid": 3}), "it was read again", 20)
    (row,) = await room.rows()
    assert b"<3@anbinh.example>" in await room.arrivals.content(row)


async def test_killed_between_storing_a_mail_and_moving_the_bookmark_it_stores_the_mail_once(
    mongo_server: MongoServer, dovecot: Dovecot, tmp_path: Path
) -> None:
    await up(dovecot)
    url = f"imap://{dovecot.user}:{quote(PASSWORD, safe='')}@127.0.0.1:{dovecot.port}/INBOX?mailbox={FOCAL}"
    async with intake_process(mongo_server.uri, tmp_path, HELPDESK_IMAP_URLS=url) as intake:
        await asyncio.to_thread(dovecot.append, letter(1))
        intake.start(crash_at="transaction.after_commit")
        await intake.died()
        (row,) = await intake.rows()
        folder = await intake.database["mail_folders"].find_one({})
        assert (row["state"], folder and folder.get("last_uid", 0)) == ("received", 0)
        await intake.database["mail_folders"].update_one(
            {}, {"$set": {"until": row["received_at"]}}
        )  # the lease runs out sooner than it would
        intake.start()
        await intake.read(1)
        await wait_until(lambda: intake.database["mail_folders"].find_one({"last_uid": 1}), "the bookmark moves", 30)
        intake.stop()
        assert (len(await intake.rows()), await intake.tickets()) == (1, 1)
        assert PASSWORD not in intake.log.read_text()
