"""The conversation with a mail relay, byte by byte: what goes out together, and what becomes of replies that come as they like."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from services.notifier.dialogue import Dialogue
from services.notifier.domain.outcome import Accepted, Later, Never, RelayTrouble, Unknown
from services.notifier.relay import Relay
from services.notifier.smtp import Patience, SmtpPool

SENDER, RECIPIENT = "helpdesk@customs.example", "lan@halong.example"
RAW = b"Subject: x\r\n\r\nbody\r\n"
SHORT = Patience(connect=0.5, command=0.3, data=0.3)
TOGETHER = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n".encode()
TAKES = (b"250 ok\r\n250 ok\r\n354 go on\r\n", b"250 2.0.0 queued\r\n")
"""What a relay says to the introduction, and to the mail."""


class Playing(Protocol):
    """A relay's part."""

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None: ...


@dataclass
class Script:
    """A relay that answers each thing it hears with the next line of its part, on each connection from the beginning."""

    answers: Sequence[bytes] = TAKES
    extensions: bytes = b"250-relay.example\r\n250 PIPELINING\r\n"
    heard: list[list[bytes]] = field(default_factory=list)

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard: list[bytes] = []
        self.heard.append(heard)
        writer.write(b"220 relay.example\r\n")
        await reader.readline()
        writer.write(self.extensions)
        for answer in self.answers:
            if not (said := await reader.read(65536)):
                break
            heard.append(said)
            for part in answer.split(b"|"):  # one packet after the other
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.01)
        while said := await reader.read(65536):
            heard.append(said)
            writer.write(b"221 bye\r\n" if said == b"QUIT\r\n" else b"")
        writer.close()


@asynccontextmanager
async def pool_to(relay: Playing, **options: Any) -> AsyncIterator[SmtpPool]:
    server = await asyncio.start_server(relay.play, "127.0.0.1", 0)
    pool = SmtpPool(Relay("127.0.0.1", server.sockets[0].getsockname()[1]), patience=SHORT, connections=1, **options)
    try:
        yield pool
    finally:
        await pool.close()
        server.close()
        await server.wait_closed()


async def sent(script: Script, raw: bytes = RAW) -> object:
    async with pool_to(script) as pool:
        return await pool.send(SENDER, RECIPIENT, raw)


async def test_a_mail_is_two_journeys_where_the_relay_takes_several_commands_at_once() -> None:
    script = Script()
    assert await sent(script) == Accepted("250 2.0.0 queued")
    assert script.heard == [[TOGETHER, RAW + b".\r\n", b"QUIT\r\n"]]


async def test_a_relay_that_does_not_offer_it_hears_one_command_at_a_time() -> None:
    script = Script((b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n", b"250 2.0.0 queued\r\n"), extensions=b"250 relay.example\r\n")
    assert await sent(script) == Accepted("250 2.0.0 queued")
    assert script.heard[0][:4] == [*TOGETHER.splitlines(keepends=True), RAW + b".\r\n"]


@pytest.mark.parametrize(
    "introduction",
    [
        pytest.param(b"250 ok\r\n|250 ok\r\n|354 go on\r\n", id="one by one"),
        pytest.param(b"2|50 o|k\r|\n250 ok\r\n35|4 go on\r\n", id="torn apart"),
        pytest.param(b"250-first\r\n250-second\r\n250 third\r\n250 ok\r\n354 go on\r\n", id="of several lines"),
        pytest.param(b"250 ok\n250 ok\n354 go on\n", id="with bare line feeds"),
        pytest.param(b"250\r\n251\r\n354\r\n", id="without words"),
    ],
)
async def test_replies_may_come_in_any_packets(introduction: bytes) -> None:
    assert await sent(Script((introduction, b"250-2.0.0 queued\r\n250 as 7\r\n"))) == Accepted("250 2.0.0 queued\nas 7")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Subject: x\r\n\r\n.\r\n..\r\nend", b"Subject: x\r\n\r\n..\r\n...\r\nend\r\n"),
        (b".first\r\n", b"..first\r\n"),
        (b"a\nb\rc\r\nd\n\n.\n", b"a\r\nb\r\nc\r\nd\r\n\r\n..\r\n"),
        (b"a\n\r\n.\n\rb\r\n", b"a\r\n\r\n..\r\n\r\nb\r\n"),
        (b"", b"\r\n"),
    ],
)
async def test_no_line_of_a_mail_ends_it_early(raw: bytes, expected: bytes) -> None:
    script = Script()
    assert await sent(script, raw) == Accepted("250 2.0.0 queued")
    assert script.heard[0][1] == expected + b".\r\n"


@pytest.mark.parametrize(
    ("introduction", "expected"),
    [
        (b"250 ok\r\n550 5.1.1 no such user\r\n503 no recipient\r\n", Never("550 5.1.1 no such user")),
        (b"250 ok\r\n451 4.7.1 greylisted\r\n554 no valid recipients\r\n", Later("451 4.7.1 greylisted")),
        (b"451 4.3.0 later\r\n503 no sender\r\n503 no sender\r\n", Later("451 4.3.0 later")),
    ],
)
async def test_of_several_refusals_the_first_counts_and_the_connection_stays(introduction: bytes, expected: object) -> None:
    script = Script((introduction, b"250 reset\r\n", *TAKES))
    async with pool_to(script) as pool:
        assert await pool.send(SENDER, RECIPIENT, RAW) == expected
        assert await pool.send(SENDER, RECIPIENT, RAW) == Accepted("250 2.0.0 queued")
    assert script.heard == [[TOGETHER, b"RSET\r\n", TOGETHER, RAW + b".\r\n", b"QUIT\r\n"]]


async def test_a_relay_that_waits_for_a_mail_it_has_no_recipient_for_is_left_and_gets_none() -> None:
    script = Script((b"250 ok\r\n550 no such user\r\n354 go on\r\n",))
    async with pool_to(script) as pool:
        assert await pool.send(SENDER, RECIPIENT, RAW) == Never("550 no such user")
        script.answers = TAKES
        assert await pool.send(SENDER, RECIPIENT, RAW) == Accepted("250 2.0.0 queued")
    assert script.heard == [[TOGETHER], [TOGETHER, RAW + b".\r\n", b"QUIT\r\n"]]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param((b"250 ok\r\n",), Later("recipient: no answer in time"), id="one reply of three"),
        pytest.param((b"250 ok\r\n250 ok\r\n",), Later("data: no answer in time"), id="two replies of three"),
        pytest.param((TAKES[0], b""), Unknown("data: no answer in time after the mail was handed over"), id="none to the mail"),
        pytest.param((b"250 ok\r\nHello there\r\n",), RelayTrouble("-1 Hello there"), id="no reply at all"),
        pytest.param((TAKES[0], b"Hello there\r\n"), Unknown("-1 Hello there"), id="no reply to the mail"),
        pytest.param((b"250 ok\r\n250-" + b"x" * 70_000,), Later("recipient: the server does not keep to SMTP"), id="a reply without end"),
        pytest.param((b"250 ok\r\n" + b"250-x\r\n" * 70_000,), Later("recipient: the server does not keep to SMTP"), id="endless lines"),
        pytest.param((b"250 ok\r\n" + b"250-\r\n" * 70_000,), Later("recipient: the server does not keep to SMTP"), id="and empty"),
        pytest.param((TAKES[0] + b"250 more\r\n",), Later("data: the server does not keep to SMTP"), id="one too many"),
        pytest.param((b"250 ok\r\n550 no such user\r\n554 none\r\n", b"500 what?\r\n"), Never("550 no such user"), id="no new start"),
    ],
)
async def test_after_a_reply_that_is_missing_or_none_the_next_mail_goes_on_a_new_connection(
    answers: Sequence[bytes], expected: object
) -> None:
    script = Script(answers)
    async with pool_to(script) as pool:
        assert await pool.send(SENDER, RECIPIENT, RAW) == expected
        script.answers = TAKES
        assert await pool.send(SENDER, RECIPIENT, RAW) == Accepted("250 2.0.0 queued")
    assert len(script.heard) == 2


@dataclass
class Grouping:
    """A relay that gives the replies to what came together all at once at its end, and comes to an end with one command."""

    ends_with: bytes
    hangs_up: bool
    connections: int = 0

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"220 relay.example\r\n")
        await reader.readline()
        writer.write(b"250-relay.example\r\n250 PIPELINING\r\n")
        while said := await reader.read(65536):
            if self.ends_with in said:
                if not self.hangs_up:
                    await reader.read()
                break
            writer.write(b"250 ok\r\n" * said.count(b"\r\n"))
        writer.close()


@pytest.mark.parametrize(("hangs_up", "trouble"), [(False, "no answer in time"), (True, "the connection was lost")])
@pytest.mark.parametrize(
    ("ends_with", "outcome", "stage"), [(b"MAIL", RelayTrouble, "sender"), (b"RCPT", Later, "recipient"), (b"DATA", Later, "data")]
)
async def test_one_recipient_never_stops_all_mail_where_replies_come_together(
    ends_with: bytes, outcome: type[Later | RelayTrouble], stage: str, hangs_up: bool, trouble: str
) -> None:
    relay = Grouping(ends_with, hangs_up)
    async with pool_to(relay) as pool:
        assert await pool.send(SENDER, RECIPIENT, RAW) == outcome(f"{stage}: {trouble}")
    assert relay.connections == 2, "asked once more, one command at a time"


async def test_a_connection_that_does_not_agree_to_go_on_is_left() -> None:
    now = [0.0]
    script = Script((*TAKES, b"421 4.3.2 draining\r\n"))
    async with pool_to(script, clock=lambda: now[0]) as pool:
        assert await pool.send(SENDER, RECIPIENT, RAW) == Accepted("250 2.0.0 queued")
        now[0] = 31.0
        script.answers = TAKES
        assert await pool.send(SENDER, RECIPIENT, RAW) == Accepted("250 2.0.0 queued")
    assert [heard[2] for heard in script.heard] == [b"NOOP\r\n", b"QUIT\r\n"]


LARGE = b"Subject: x\r\n\r\n" + b"MAIL FROM:<eve@evil.example>\r\n" * 900_000


@dataclass
class Impatient:
    """A relay that answers, or only reads, before the end of a large mail."""

    answer: bytes
    heard: list[bytes] = field(default_factory=list)
    reading: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay.example\r\n")
        await reader.readline()
        writer.write(b"250-relay.example\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(TAKES[0])
        self.heard.append(await reader.read(100_000))
        self.reading.set()
        if len(self.heard) == 1:
            writer.write(self.answer)
            await asyncio.sleep(0.2)
            self.heard[0] += await reader.read()
        else:
            writer.write(TAKES[1])
        writer.close()


async def test_after_an_answer_in_the_middle_of_a_mail_its_rest_is_not_taken_for_commands() -> None:
    relay = Impatient(b"552 5.3.4 too large\r\n")
    async with pool_to(relay) as pool:
        assert await pool.send(SENDER, RECIPIENT, LARGE) == Never("552 5.3.4 too large")
        assert await pool.send(SENDER, RECIPIENT, RAW) == Accepted("250 2.0.0 queued")
    assert len(relay.heard[0]) < len(LARGE)
    assert relay.heard[1] == RAW + b".\r\n"


async def test_a_mail_that_is_cancelled_half_way_is_not_delivered() -> None:
    relay = Impatient(b"")
    async with pool_to(relay) as pool:
        task = asyncio.create_task(pool.send(SENDER, RECIPIENT, LARGE))
        await relay.reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await pool.send(SENDER, RECIPIENT, RAW) == Accepted("250 2.0.0 queued")
    assert not relay.heard[0].endswith(b"\r\n.\r\n")


async def test_nothing_of_two_lines_goes_out_as_a_command() -> None:
    script = Script()
    server = await asyncio.start_server(script.play, "127.0.0.1", 0)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, *server.sockets[0].getsockname()[:2])
    with pytest.raises(ValueError, match="one line"):
        await Dialogue(transport).ask(b"RCPT TO:<lan@x.example>\r\nRCPT TO:<eve@x.example>", patience=1)
    transport.abort()
    server.close()
    assert script.heard in ([], [[]])


async def test_a_reply_that_nobody_asked_for_is_never_taken_for_the_one_to_the_next_mail() -> None:
    script = Script((TAKES[0], TAKES[1] + b"|250 ok\r\n250 ok\r\n354 go on\r\n"))
    async with pool_to(script) as pool:
        assert await pool.send(SENDER, RECIPIENT, RAW) == Accepted("250 2.0.0 queued")
        await asyncio.sleep(0.05)
        script.answers = TAKES
        assert await pool.send(SENDER, RECIPIENT, RAW) == Accepted("250 2.0.0 queued")
    assert [heard[1] for heard in script.heard] == [RAW + b".\r\n"] * 2
