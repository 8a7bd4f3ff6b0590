"""Mail out: a few long-lived connections to one relay, one recipient per transaction.

aiosmtplib connects, encrypts and signs in. It waits for the reply to each command, which is four journeys a mail; where the relay takes
several at once (RFC 2920) a mail is two: what introduces it, and the mail.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, Literal, cast

import aiosmtplib

from services.notifier.dialogue import LOST, MALFORMED, Dialogue, Reply
from services.notifier.domain.address import BadAddress, ascii_address, recipient_address
from services.notifier.domain.outcome import Accepted, Later, Never, Outcome, RelayTrouble, Unknown
from services.notifier.relay import Relay

Stage = Literal["sender", "recipient", "data", "mail"]
"""What the relay was asked last: MAIL, RCPT, DATA, or to take the mail itself."""

_AGREED: Final = 2
"""The first digit of a reply that grants what was asked."""

_INTRODUCTION: Final[tuple[tuple[Stage, int], ...]] = (("sender", _AGREED), ("recipient", _AGREED), ("data", 3))
"""MAIL, RCPT and DATA, each with the first digit of a reply that lets the next one follow."""

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
        self._dialogue: Dialogue | None = None
        self._opened_at = self._used_at = 0.0
        self._sent = 0

    async def send(self, sender: str, recipient: str, raw: bytes) -> Outcome:
        try:
            outcome = await self._send(sender, recipient, raw)
        except _NoSmtpUtf8:
            return Never(NO_SMTPUTF8)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            self._drop()
            return _not_connected(error)
        except BaseException:
            self._drop()
            raise
        if not isinstance(outcome, Accepted | Later | Never):
            self._drop()
        self._used_at = self._clock()
        return outcome

    async def _send(self, sender: str, recipient: str, raw: bytes) -> Outcome:
        """Raises what keeps it from connecting, or _NoSmtpUtf8."""
        used = self._dialogue
        dialogue = await self._ready()
        together = self._can("pipelining")
        replies = await self._introduce(dialogue, sender, recipient, len(raw), together=together)
        if not replies and (together or (dialogue is used and dialogue.trouble == LOST)):
            # It had died while nobody used it; or the relay gives its replies together, and nobody knows at which command it stopped.
            self._drop()
            dialogue = await self._connect()
            replies = await self._introduce(dialogue, sender, recipient, len(raw), together=False)
        for (stage, good), reply in zip_longest(_INTRODUCTION, replies):
            if reply is None or reply.code // 100 != good:
                await self._start_over(dialogue, replies)
                return _judge_reply(stage, reply) if reply else _judge_silence(stage, dialogue)
        if dialogue.trouble:
            return _judge_silence("data", dialogue)
        reply = await dialogue.hand_over(raw, self._patience.data)
        if reply is None:
            return Unknown(f"data: {dialogue.trouble} after the mail was handed over")
        self._sent += 1
        return Accepted(str(reply)) if reply.code // 100 == _AGREED else _judge_reply("mail", reply)

    async def _introduce(self, dialogue: Dialogue, sender: str, recipient: str, size: int, *, together: bool) -> list[Reply]:
        """Replies to MAIL, RCPT and DATA; where they do not go `together`, up to the first that is a refusal."""
        parameters = self._parameters(size, international=not recipient.isascii())
        commands = (" ".join((f"MAIL FROM:<{sender}>", *parameters)).encode(), f"RCPT TO:<{recipient}>".encode(), b"DATA")
        if together:
            return await dialogue.ask(*commands, patience=self._patience.command)
        replies: list[Reply] = []
        for command, (_, good) in zip(commands, _INTRODUCTION, strict=True):
            answer = await dialogue.ask(command, patience=self._patience.command)
            replies += answer
            if not answer or answer[0].code // 100 != good:
                break
        return replies

    def _parameters(self, size: int, *, international: bool) -> list[str]:
        """Of MAIL FROM. Raises `_NoSmtpUtf8`."""
        if international and not self._can("smtputf8"):
            raise _NoSmtpUtf8
        # RFC 6531 section 3.6: a server with the one has the other.
        return [*([f"SIZE={size}"] if self._can("size") else []), *(["BODY=8BITMIME", "SMTPUTF8"] if international else [])]

    def _can(self, extension: str) -> bool:
        return self._client is not None and self._client.supports_extension(extension)

    async def _start_over(self, dialogue: Dialogue, replies: Sequence[Reply]) -> None:
        """Back to a clean envelope; a server that waits for a mail all the same can only be left (RFC 2920 section 3.1)."""
        in_data = replies[-1].code // 100 == _INTRODUCTION[-1][1] if len(replies) == len(_INTRODUCTION) else False
        if in_data or not await self._agrees(dialogue, b"RSET"):
            self._drop()

    async def _agrees(self, dialogue: Dialogue, command: bytes) -> bool:
        return [reply.code // 100 for reply in await dialogue.ask(command, patience=self._patience.connect)] == [_AGREED]

    async def _ready(self) -> Dialogue:
        now = self._clock()
        if self._dialogue and self._dialogue.trouble:
            self._drop()
        if self._dialogue and (self._sent >= MAILS_PER_CONNECTION or now - self._opened_at >= SECONDS_PER_CONNECTION):
            await self.quit()
        if self._dialogue and now - self._used_at > IDLE_SECONDS and not await self._agrees(self._dialogue, b"NOOP"):
            self._drop()
        return self._dialogue or await self._connect()

    async def _connect(self) -> Dialogue:
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
        self._dialogue = Dialogue(cast("asyncio.Transport", client.transport))
        self._opened_at = self._used_at = self._clock()
        self._sent = 0
        return self._dialogue

    def _drop(self) -> None:
        if self._dialogue is not None:
            self._dialogue.hang_up()
        if self._client is not None:
            self._client.close()
        self._client = self._dialogue = None

    async def quit(self) -> None:
        if self._dialogue is not None:
            await self._dialogue.ask(b"QUIT", patience=self._patience.connect)
        self._drop()


def _not_connected(error: Exception) -> Outcome:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return RelayTrouble(f"{error.code} {error.message}")
    return RelayTrouble(f"connecting: {type(error).__name__}")


def _judge_silence(stage: Stage, dialogue: Dialogue) -> Outcome:
    """Before the mail was handed over."""
    reason = f"{stage}: {dialogue.trouble}"
    # A relay that hangs up on one recipient may serve the next: pausing them all would let one address stop everybody.
    return RelayTrouble(reason) if stage == "sender" else Later(reason)


def _judge_reply(stage: Stage, reply: Reply) -> Outcome:
    """What a reply other than success asks for, by where in the dialogue it came (RFC 5321 section 4.2.1)."""
    code, reason = reply.code, str(reply)
    if code == MALFORMED:
        return Unknown(reason) if stage == "mail" else RelayTrouble(reason)
    # After the recipient a 421 is often a limit or a policy about that one alone: pausing everybody for it would pause them for ever.
    if code in _OUR_CREDENTIALS or (code == _CLOSING and stage == "sender"):
        return RelayTrouble(reason)
    if code < 500:  # noqa: PLR2004 (the border between transient and permanent)
        return Later(reason)
    if stage == "sender":
        # The sender is ours and the same for every mail, only the size differs.
        return Never(reason) if code == _TOO_LARGE else RelayTrouble(reason)
    if stage == "recipient" and _WONT_RELAY.search(reply.text):
        return Later(reason)
    return Never(reason)
