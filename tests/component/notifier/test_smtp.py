"""Mail out against a real SMTP server in this process, behaving and misbehaving."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from schemas.tickets import AnswerGiven
from services.notifier.domain.audience import plan
from services.notifier.domain.outcome import Accepted, Later, Never, RelayTrouble, Unknown
from services.notifier.relay import Relay
from services.notifier.rendering import Letterhead, Renderer
from services.notifier.smtp import NO_SMTPUTF8, Patience, SmtpPool
from tests.unit.notifier.examples import event

SENDER, RECIPIENT = "helpdesk@customs.example", "lan@halong.example"
RAW = b"Subject: x\r\nMessage-ID: <1@customs.example>\r\n\r\n.leading dot\r\nbody\r\n"
SHORT = Patience(connect=0.5, command=0.5, data=0.3)


@dataclass
class Sink:
    """A mail server that does what it is told, and remembers what it saw."""

    mail: str | None = None
    rcpt: dict[str, str] = field(default_factory=dict)
    data: str = "250 2.0.0 Queued as 7"
    hang_up_at: str | None = None
    hang_at: str | None = None
    got_data: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[tuple[str | None, list[str], bytes]] = field(default_factory=list)
    options: list[list[str]] = field(default_factory=list)
    connections: int = 0
    noops: int = 0
    transports: list[asyncio.Transport] = field(default_factory=list)

    async def _maybe(self, stage: str) -> None:
        if self.hang_up_at == stage:
            self.transports[-1].abort()
        if self.hang_at == stage:
            await asyncio.sleep(30)

    async def handle_MAIL(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        await self._maybe("mail")
        if self.mail:
            return self.mail
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        self.options.append(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802
        await self._maybe("rcpt")
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_NOOP(self, _server: SMTP, _session: Session, _envelope: Envelope, _arg: str) -> str:  # noqa: N802
        self.noops += 1
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.original_content, bytes)
        self.seen.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content))
        self.got_data.set()
        await self._maybe("data")
        return self.data


class Counting(SMTP):
    """Counts connections, so that a test sees which ones were used again."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.event_handler.connections += 1
        self.event_handler.transports.append(transport)
        super().connection_made(transport)


@asynccontextmanager
async def serving(sink: Sink, **options: Any) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Counting(sink, hostname="relay.example", loop=loop, **options), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in sink.transports:
            transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0)


@asynccontextmanager
async def pool_to(sink: Sink, **options: Any) -> AsyncIterator[SmtpPool]:
    async with serving(sink) as port:
        pool = SmtpPool(Relay("127.0.0.1", port), helo="helpdesk.example", patience=options.pop("patience", SHORT), **options)
        try:
            yield pool
        finally:
            await pool.close()


async def test_a_mail_arrives_byte_for_byte_and_the_relays_words_are_kept() -> None:
    sink = Sink()
    async with pool_to(sink) as pool:
        assert await pool.send(SENDER, RECIPIENT, RAW) == Accepted("250 2.0.0 Queued as 7")
    assert sink.seen == [(SENDER, [RECIPIENT], RAW)]


async def test_a_rendered_mail_in_vietnamese_survives_the_journey() -> None:
    answer = event(AnswerGiven)
    (delivery,) = plan(answer)
    raw = Renderer(Letterhead(SENDER, "Hải quan", lambda reference, _ticket, _at: f"https://x.example/{reference}")).render(
        delivery, answer
    )
    sink = Sink()
    async with pool_to(sink) as pool:
        assert isinstance(await pool.send(SENDER, delivery.address, raw), Accepted)
    mail = email.message_from_bytes(sink.seen[0][2], policy=email.policy.default)
    assert sink.seen[0][2] == raw
    assert mail["Subject"] == "[HQ-7K3M-9P2X] Trả lời yêu cầu: Vướng mắc về mã HS của tôm đông lạnh"


async def test_addresses_travel_in_ascii_and_the_null_sender_is_possible() -> None:
    sink = Sink()
    async with pool_to(sink) as pool:
        await pool.send("", "anh@thư.vn", RAW)
    assert sink.seen == [("<>", ["anh@xn--th-e0a.vn"], RAW)], "aiosmtpd's way to show an empty one"


@pytest.mark.parametrize(
    "address", ["lan@halong.example\r\nRCPT TO:<eve@evil.example>", "lan@x.example> AUTH=<y", "ánh@x.example\r\nDATA", "lan"]
)
async def test_an_address_that_cannot_be_sent_to_never_reaches_the_relay(address: str) -> None:
    sink = Sink()
    async with pool_to(sink) as pool:
        assert isinstance(await pool.send(SENDER, address, RAW), Never)
    assert sink.connections == 0


async def test_letters_before_the_at_sign_travel_as_they_are_where_the_relay_can_do_that() -> None:
    sink = Sink()
    raw = "To: Nguyễn@xn--v-d-rma6749a.vn\r\nSubject: x\r\n\r\nbody\r\n".encode()
    async with serving(sink, enable_SMTPUTF8=True) as port:
        pool = SmtpPool(Relay("127.0.0.1", port), patience=SHORT, connections=1)
        assert await pool.send(SENDER, "Nguyễn@ví-dụ.vn", raw) == Accepted("250 2.0.0 Queued as 7")
        assert await pool.send(SENDER, "anh@thư.vn", RAW) == Accepted("250 2.0.0 Queued as 7")
        await pool.close()
    assert sink.seen == [(SENDER, ["Nguyễn@xn--v-d-rma6749a.vn"], raw), (SENDER, ["anh@xn--th-e0a.vn"], RAW)]
    assert [("SMTPUTF8" in options, "BODY=8BITMIME" in options) for options in sink.options] == [(True, True), (False, False)]


async def test_a_relay_that_cannot_take_such_letters_gets_no_mail_for_them_and_keeps_its_connection() -> None:
    sink = Sink()
    async with pool_to(sink, connections=1) as pool:
        assert await pool.send(SENDER, "Nguyễn@ví-dụ.vn", RAW) == Never(NO_SMTPUTF8)
        assert isinstance(await pool.send(SENDER, RECIPIENT, RAW), Accepted)
    assert (sink.connections, len(sink.seen), sink.options) == (1, 1, [[f"SIZE={len(RAW)}"]])


@pytest.mark.parametrize(
    ("sink", "expected"),
    [
        (Sink(rcpt={RECIPIENT: "450 4.2.0 Greylisted"}), Later("450 4.2.0 Greylisted")),
        (Sink(rcpt={RECIPIENT: "550 5.1.1 No such user"}), Never("550 5.1.1 No such user")),
        (
            Sink(rcpt={RECIPIENT: "554 5.7.1 <lan@halong.example>: Relay access denied"}),
            Later("554 5.7.1 <lan@halong.example>: Relay access denied"),
        ),
        (Sink(rcpt={RECIPIENT: "421 4.7.0 Too many for this one"}), Later("421 4.7.0 Too many for this one")),
        (Sink(rcpt={RECIPIENT: "530 5.7.0 Authentication required"}), RelayTrouble("530 5.7.0 Authentication required")),
        (Sink(mail="451 4.3.0 Try again"), Later("451 4.3.0 Try again")),
        (Sink(mail="550 5.7.1 Not allowed to send as this"), RelayTrouble("550 5.7.1 Not allowed to send as this")),
        (Sink(mail="552 5.3.4 Too big"), Never("552 5.3.4 Too big")),
        (Sink(data="451 4.3.0 Disk full"), Later("451 4.3.0 Disk full")),
        (Sink(data="554 5.6.0 Spam"), Never("554 5.6.0 Spam")),
        (Sink(data="421 4.3.2 Shutting down"), Later("421 4.3.2 Shutting down")),
        (Sink(mail="421 4.3.2 Shutting down"), RelayTrouble("421 4.3.2 Shutting down")),
        (Sink(hang_up_at="mail"), RelayTrouble("sender: the connection was lost")),
        (Sink(hang_at="mail"), RelayTrouble("sender: no answer in time")),
        (Sink(hang_up_at="rcpt"), Later("recipient: the connection was lost")),
        (Sink(hang_at="rcpt"), Later("recipient: no answer in time")),
        (Sink(hang_up_at="data"), Unknown("data: the connection was lost after the mail was handed over")),
        (Sink(hang_at="data"), Unknown("data: no answer in time after the mail was handed over")),
    ],
    ids=lambda value: "" if isinstance(value, Sink) else f"{type(value).__name__}-{value.reason}",
)
async def test_each_way_to_fail_asks_for_its_own_remedy(sink: Sink, expected: object) -> None:
    async with pool_to(sink) as pool:
        assert await pool.send(SENDER, RECIPIENT, RAW) == expected


async def test_a_relay_that_is_down_is_trouble_and_mail_flows_when_it_is_back() -> None:
    async with serving(Sink()) as port:
        pass
    pool = SmtpPool(Relay("127.0.0.1", port), patience=SHORT, connections=1)
    outcome = await pool.send(SENDER, RECIPIENT, RAW)
    assert isinstance(outcome, RelayTrouble)
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Counting(sink, loop=loop), "127.0.0.1", port)
    assert isinstance(await pool.send(SENDER, RECIPIENT, RAW), Accepted)
    await pool.close()
    server.close()
    await server.wait_closed()


async def test_a_server_that_never_greets_or_refuses_at_once_is_trouble() -> None:
    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)
        writer.close()

    async def busy(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.3.2 No service here\r\n")
        await writer.drain()
        writer.close()

    for behaviour in (mute, busy):
        server = await asyncio.start_server(behaviour, "127.0.0.1", 0)
        pool = SmtpPool(Relay("127.0.0.1", server.sockets[0].getsockname()[1]), patience=SHORT, connections=1)
        assert isinstance(await pool.send(SENDER, RECIPIENT, RAW), RelayTrouble)
        await pool.close()
        server.close()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_a_wrong_password_is_trouble_with_the_relay_and_the_right_one_works() -> None:
    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == b"p@ss", handled=False)

    async with serving(Sink(), authenticator=authenticate, auth_require_tls=False, auth_required=True) as port:
        for password, response in (
            ("wrong", RelayTrouble("535 5.7.8 Authentication credentials invalid")),
            ("p%40ss", Accepted("250 2.0.0 Queued as 7")),
        ):
            pool = SmtpPool(Relay.from_url(f"smtp://user:{password}@127.0.0.1:{port}"), patience=SHORT, connections=1)
            assert await pool.send(SENDER, RECIPIENT, RAW) == response
            await pool.close()
        anonymous = SmtpPool(Relay("127.0.0.1", port), patience=SHORT)
        assert await anonymous.send(SENDER, RECIPIENT, RAW) == RelayTrouble("530 5.7.0 Authentication required")
        await anonymous.close()


async def test_a_relay_without_the_encryption_we_demand_gets_no_mail() -> None:
    sink = Sink()
    async with serving(sink) as port:
        pool = SmtpPool(Relay.from_url(f"smtp://127.0.0.1:{port}?starttls=1"), patience=SHORT)
        assert isinstance(await pool.send(SENDER, RECIPIENT, RAW), RelayTrouble)
        await pool.close()
    assert sink.seen == []


async def test_one_refused_recipient_costs_neither_the_connection_nor_the_next_mail() -> None:
    sink = Sink(rcpt={"gone@halong.example": "550 5.1.1 No such user"})
    async with pool_to(sink, connections=1) as pool:
        assert isinstance(await pool.send(SENDER, "gone@halong.example", RAW), Never)
        assert isinstance(await pool.send(SENDER, RECIPIENT, RAW), Accepted)
    assert sink.connections == 1
    assert [recipients for _, recipients, _ in sink.seen] == [[RECIPIENT]]


async def test_many_mails_at_once_share_few_connections() -> None:
    sink = Sink()
    async with pool_to(sink, connections=3, patience=Patience(5, 5, 5)) as pool:
        outcomes = await asyncio.gather(*(pool.send(SENDER, f"lan{number}@halong.example", RAW) for number in range(40)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert {recipients[0] for _, recipients, _ in sink.seen} == {f"lan{number}@halong.example" for number in range(40)}
    assert sink.connections <= 3


async def test_a_connection_is_given_up_after_a_hundred_mails() -> None:
    sink = Sink()
    async with pool_to(sink, connections=1, patience=Patience(5, 5, 5)) as pool:
        for _ in range(101):
            await pool.send(SENDER, RECIPIENT, RAW)
    assert sink.connections == 2


async def test_a_connection_is_given_up_after_five_minutes_and_asked_after_thirty_seconds_of_silence() -> None:
    now = [0.0]
    sink = Sink()
    async with pool_to(sink, connections=1, clock=lambda: now[0]) as pool:
        for at, connections, noops in ((0, 1, 0), (30, 1, 0), (61, 1, 1), (90, 1, 1), (299, 1, 2), (301, 2, 2)):
            now[0] = float(at)
            assert isinstance(await pool.send(SENDER, RECIPIENT, RAW), Accepted)
            assert (sink.connections, sink.noops) == (connections, noops), at


@pytest.mark.parametrize("silence", [0.0, 60.0])
async def test_a_connection_that_died_while_idle_is_replaced_without_a_failed_attempt(silence: float) -> None:
    now = [0.0]
    sink = Sink()
    async with pool_to(sink, connections=1, clock=lambda: now[0]) as pool:
        await pool.send(SENDER, RECIPIENT, RAW)
        sink.transports[-1].abort()
        now[0] += silence
        assert isinstance(await pool.send(SENDER, RECIPIENT, RAW), Accepted)
    assert sink.connections == 2


async def test_after_a_mail_without_an_answer_the_next_one_starts_on_a_new_connection() -> None:
    sink = Sink(hang_at="data")
    async with pool_to(sink, connections=1) as pool:
        assert isinstance(await pool.send(SENDER, RECIPIENT, RAW), Unknown)
        sink.hang_at = None
        assert isinstance(await pool.send(SENDER, RECIPIENT, RAW), Accepted)
    assert sink.connections == 2
    assert sink.seen[0] == sink.seen[1], "the repeat is byte for byte the same"


async def test_a_cancelled_send_leaves_a_pool_that_works() -> None:
    sink = Sink(hang_at="data")
    async with pool_to(sink, connections=1, patience=Patience(5, 5, 5)) as pool:
        task = asyncio.create_task(pool.send(SENDER, RECIPIENT, RAW))
        await sink.got_data.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        sink.hang_at = None
        assert isinstance(await pool.send(SENDER, RECIPIENT, RAW), Accepted)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://relay.example", Relay("relay.example", 25)),
        ("smtp://relay.example:2525?starttls=0", Relay("relay.example", 2525)),
        ("smtp://relay.example?starttls=1", Relay("relay.example", 587, "starttls")),
        ("smtps://u%40x:p%2Fw@relay.example", Relay("relay.example", 465, "tls", "u@x", "p/w")),
        ("smtp://[::1]:25", Relay("::1", 25)),
    ],
)
def test_the_relay_is_read_from_one_url(url: str, expected: Relay) -> None:
    assert Relay.from_url(url) == expected


@pytest.mark.parametrize("url", ["", "relay.example:25", "http://relay.example", "smtp://", "smtp://relay.example:port"])
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"smtp://|[Pp]ort"):
        Relay.from_url(url)


def test_the_password_is_not_shown() -> None:
    assert "hunter2" not in repr(Relay.from_url("smtp://user:hunter2@relay.example"))
