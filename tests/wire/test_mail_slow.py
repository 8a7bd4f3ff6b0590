"""One sender's slow mails are that sender's trouble: the others' are read and settled meanwhile, and each sender's in order."""

import asyncio

import pytest

from kit.errors import TransientError
from services.intake.mail.letter import Letter
from services.intake.mail.parser import Parser
from tests.support.mailroom import LAN, Mailroom, mail, open_mailroom
from tests.support.servers import MongoServer

SLOW = "import sys, time, services.intake.mail.child as c; c.parse = lambda raw, p=c.parse: time.sleep({} * (b'SLOW' in raw)) or p(raw); "
MAIN = "c.main(sys.stdin.buffer, sys.stdout.buffer)"
HOSTILE = "many@mails.example"


def slow(seconds: float) -> Parser:
    return Parser(command=("-c", SLOW.format(seconds) + MAIN))


async def subjects_done(room: Mailroom) -> list[str]:
    rows = await room.database["mails"].find({"state": "done"}).sort("looked_at", 1).to_list(None)
    return [(await room.parser.parse(await room.arrivals.content(row))).subject for row in rows]


async def test_many_slow_mails_of_one_sender_hold_up_nobody_else(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri, parser=slow(30)) as room:
        for _ in range(3):
            await room.deliver(mail("SLOW", from_=HOSTILE), sender=HOSTILE)
        assert await room.worker.step()
        await room.deliver(mail("Trước"))
        await room.deliver(mail("Sau"))
        async with asyncio.timeout(25):
            while len(await room.rows(state="done")) < 2:
                assert await room.worker.step()
        assert {row["envelope"]["from"] for row in await room.rows(state="done")} == {LAN}
        assert len(await room.rows(state="received")) == 3
        room.worker._lanes.popitem()[0].cancel()  # noqa: SLF001 (rather than wait for what nobody needs)


async def test_a_senders_mails_are_read_in_order_though_the_first_outlasts_the_step_and_later_ones_arrive(
    mongo_server: MongoServer,
) -> None:
    async with open_mailroom(mongo_server.uri, parser=slow(1.5)) as room:
        await room.deliver(mail("SLOW 1"))
        await room.deliver(mail("2"))
        assert await room.worker.step()
        await room.deliver(mail("3"))
        await room.read()
        assert await subjects_done(room) == ["SLOW 1", "2", "3"]


class Away(Parser):
    """No process can be started, the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def parse(self, raw: bytes) -> Letter:
        self.asked += 1
        if self.asked == 1:
            raise TransientError("the mail reader cannot be started")
        return await super().parse(raw)


async def test_trouble_that_passes_is_told_and_its_sender_waits(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri, parser=Away()) as room:
        await room.deliver(mail("1"))
        await room.deliver(mail("2"))
        with pytest.raises(TransientError):
            await room.read()
        assert len(await room.rows(state="received")) == 2
        await room.read()
        assert await subjects_done(room) == ["1", "2"]
