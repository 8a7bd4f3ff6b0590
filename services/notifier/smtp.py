"""Mail out: a few long-lived connections to one relay, one recipient per transaction."""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import aiosmtplib

from services.notifier.domain.address import BadAddress, ascii_address, recipient_address
from services.notifier.domain.outcome import Accepted, Later, Never, Outcome, RelayTrouble, Unknown
from services.notifier.relay import Relay

Stage = Literal["connecting", "sender", "recipient", "data"]

MAILS_PER_CONNECTION: Final = 100
SECONDS_PER_CONNECTION: Final = 300.0
"""Relays close what lives too long; a load balancer in front of several gets a chance to move us."""
IDLE_SECONDS: Final = 30.0
"""After that long a silence the connection is asked whether it is still there (NOOP)."""

_CLOSING: Final = 421
_TOO_LARGE: Final = 552
_OUR_CREDENTIALS: Final = frozenset({530, 534, 535, 538})
_WONT_RELAY: Final = re.compile(r"relay", re.IGNORECASE)
"""Postfix "Relay access denied", Exchange "Unable to relay", Exim "relay not permitted", Sendmail "Relaying denied"."""

NO_SMTPUTF8: Final = (
    "Địa chỉ có chữ có dấu hoặc ký tự đặc biệt trước @ mà máy chủ gửi thư không hỗ trợ: đề nghị xin doanh nghiệp một địa chỉ khác. / "
    "The address has letters outside a-z before the @, which the mail relay cannot send to (it has no SMTPUTF8): ask for another address."
)
"""For whoever has to find another way to the recipient; read in either language."""


class _NoSmtpUtf8(Exception):
    """The relay takes seven-bit addresses alone."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for an answer. RFC 5321 section 4.5.3.2 allows a server ten minutes after the data."""

    connect: float = 15.0
    command: float = 60.0
    data: float = 600.0


class SmtpPool:
    """At most `connections` connections to one relay, opened when needed, the most recently used one first."""

    def __init__(
        self,
        relay: Relay,
        *,
        connections: int = 4,
        patience: Patience | None = None,
        helo: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lines: asyncio.LifoQueue[_Line] = asyncio.LifoQueue()
        self._all = tuple(_Line(relay, patience or Patience(), helo, clock) for _ in range(connections))
        for line in self._all:
            self._lines.put_nowait(line)

    async def send(self, sender: str, recipient: str, raw: bytes) -> Outcome:
        """One mail to one recipient; waits for a free connection. Raises nothing but cancellation.

        `raw` goes out as it is (line ends normalised), so it must be seven-bit, but for headers that name a recipient who is not: then, and
        only then, SMTPUTF8 is asked for, and a relay without it gets nothing. An empty `sender` is the null return path.
        """
        try:
            envelope = (ascii_address(sender) if sender else "", recipient_address(recipient))
        except BadAddress as error:
            return Never(str(error))
        line = await self._lines.get()
        try:
            return await line.send(*envelope, raw)
        finally:
            self._lines.put_nowait(line)

    async def close(self) -> None:
        """Say goodbye on every connection that nobody is using; call it after the last `send` has come back."""
        for line in self._all:
            await line.quit()


class _Line:
    """One connection, opened again whenever it has served its time or broke."""

    def __init__(self, relay: Relay, patience: Patience, helo: str | None, clock: Callable[[], float]) -> None:
        self._relay = relay
        self._patience = patience
        self._helo = helo
        self._clock = clock
        self._client: aiosmtplib.SMTP | None = None
        self._stage: Stage = "connecting"
        self._opened_at = self._used_at = 0.0
        self._sent = 0

    async def send(self, sender: str, recipient: str, raw: bytes) -> Outcome:
        self._stage = "connecting"
        try:
            response = await self._transact(sender, recipient, raw)
        except (aiosmtplib.SMTPException, OSError, ValueError, _NoSmtpUtf8) as error:
            outcome = self._judge(error)
            await self._recover(outcome)
            return outcome
        except BaseException:
            self._drop()
            raise
        self._sent += 1
        self._used_at = self._clock()
        return Accepted(f"{response.code} {response.message}")

    async def _transact(self, sender: str, recipient: str, raw: bytes) -> aiosmtplib.SMTPResponse:
        client = await self._introduce(sender, len(raw), international=not recipient.isascii())
        self._stage = "recipient"
        await client.rcpt(recipient, encoding="utf-8")
        self._stage = "data"
        return await client.data(raw, timeout=self._patience.data)

    async def _introduce(self, sender: str, size: int, *, international: bool) -> aiosmtplib.SMTP:
        """MAIL FROM; once more on a new connection when a used one turns out to be dead."""
        used = self._client
        client = await self._ready()
        self._stage = "sender"
        options = _parameters(client, size, international=international)
        try:
            await client.mail(sender, options=options)
        except aiosmtplib.SMTPServerDisconnected:
            if client is not used:
                raise
            self._drop()
            self._stage = "connecting"
            client = await self._connect()
            self._stage = "sender"
            await client.mail(sender, options=options)
        return client

    async def _ready(self) -> aiosmtplib.SMTP:
        now = self._clock()
        if self._client is not None and (self._sent >= MAILS_PER_CONNECTION or now - self._opened_at >= SECONDS_PER_CONNECTION):
            await self.quit()
        if self._client is not None and now - self._used_at > IDLE_SECONDS and not await self._alive(self._client):
            self._drop()
        return self._client or await self._connect()

    async def _alive(self, client: aiosmtplib.SMTP) -> bool:
        try:
            await client.noop(timeout=self._patience.connect)
        except (aiosmtplib.SMTPException, OSError):
            return False
        return True

    async def _connect(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self._relay.host,
            port=self._relay.port,
            username=self._relay.username,
            password=self._relay.password,
            use_tls=self._relay.encryption == "tls",
            start_tls=self._relay.encryption == "starttls",
            local_hostname=self._helo,
            timeout=self._patience.command,
        )
        self._client = client
        await client.connect(timeout=self._patience.connect)
        if client.is_ehlo_or_helo_needed:  # now, so that the first mail knows what the relay can do
            try:
                await client.ehlo()
            except aiosmtplib.SMTPHeloError:
                await client.helo()
        self._opened_at = self._used_at = self._clock()
        self._sent = 0
        return client

    def _judge(self, error: Exception) -> Outcome:
        if isinstance(error, _NoSmtpUtf8):
            return Never(NO_SMTPUTF8)
        if isinstance(error, aiosmtplib.SMTPResponseException):
            return _judge_reply(self._stage, error.code, str(error.message))
        reason = f"{self._stage}: {type(error).__name__}"
        if self._stage == "data":
            return Unknown(f"{reason} after the mail was handed over")
        # A relay that hangs up on one recipient may serve the next: pausing them all would let one address stop everybody.
        return Later(reason) if self._stage == "recipient" else RelayTrouble(reason)

    async def _recover(self, outcome: Outcome) -> None:
        """Back to a clean envelope after a refusal; anything else ends the connection."""
        client = self._client
        if client is None or not isinstance(outcome, Later | Never):
            return self._drop()
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._drop()
        self._used_at = self._clock()
        return None

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    async def quit(self) -> None:
        if self._client is not None:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await self._client.quit(timeout=self._patience.connect)
        self._drop()


def _parameters(client: aiosmtplib.SMTP, size: int, *, international: bool) -> list[str]:
    """Of MAIL FROM. Raises `_NoSmtpUtf8`."""
    if international and not client.supports_extension("smtputf8"):
        raise _NoSmtpUtf8
    # RFC 6531 section 3.6: a server with the one has the other.
    return [*([f"SIZE={size}"] if client.supports_extension("size") else []), *(["BODY=8BITMIME", "SMTPUTF8"] if international else [])]


def _judge_reply(stage: Stage, code: int, message: str) -> Outcome:
    """What a reply other than success asks for, by where in the dialogue it came (RFC 5321 section 4.2.1)."""
    reason = f"{code} {message}"
    if code < 0:
        return Unknown(reason) if stage == "data" else RelayTrouble(reason)
    # After the recipient a 421 is often a limit or a policy about that one alone: pausing everybody for it would pause them for ever.
    if stage == "connecting" or code in _OUR_CREDENTIALS or (code == _CLOSING and stage == "sender"):
        return RelayTrouble(reason)
    if code < 500:  # noqa: PLR2004 (the border between transient and permanent)
        return Later(reason)
    if stage == "sender":
        # The sender is ours and the same for every mail, only the size differs.
        return Never(reason) if code == _TOO_LARGE else RelayTrouble(reason)
    if stage == "recipient" and _WONT_RELAY.search(message):
        return Later(reason)
    return Never(reason)
