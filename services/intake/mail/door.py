"""The SMTP and LMTP dialogue: aiosmtpd, with mail of any line length, bounded memory, and replies that never lose a mail.

aiosmtpd's own DATA refuses long lines for good, keeps a line without an end in memory whatever its size, and answers an LMTP client once
where RFC 2033 section 4.2 wants one reply per recipient; so the reading of the mail is ours. So is that of addresses: aiosmtpd refuses for
good (553) what its parser does not know, and the mail with it.
"""

import asyncio
import re
from typing import AnyStr, Final, Protocol

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, syntax

from services.intake.mail.paths import path_of

READ_AT_ONCE: Final = 2**17
"""Bytes read in one go. A line longer than that comes in pieces and is kept all the same."""

DRAINED: Final = 3
"""Times the size limit that a client may send after it was exceeded, before we hang up on it."""

BLOCK_SILENCE: Final = 180.0
"""Seconds without anything of a mail that has begun (RFC 5321 section 4.5.3.2.5)."""

LONGEST_MAIL: Final = 3600.0
"""Seconds for a whole mail; 25 MB in that time are 7 KB a second. Who sends a byte now and then keeps no connection for longer."""

_END: Final = b".\r\n"
_PARAMETER: Final = re.compile(r"[A-Za-z0-9]+(?:=[!-<>-~]+)?")
"""RFC 5321 section 4.1.2, esmtp-param."""


class House(Protocol):
    """What all connections of one receiver share."""

    max_bytes: int

    def refusal(self, door: SMTP) -> str | None: ...
    def take_room(self, size: int) -> bool: ...
    def give_room(self, size: int) -> None: ...
    def turned_away(self, reason: str) -> None: ...


class TooMuch(Exception):
    """The mail is larger than we said we accept."""


class NoRoom(Exception):
    """All the mails that are coming in now are more than we keep in memory."""


class _Door(SMTP):
    """One connection."""

    line_length_limit = READ_AT_ONCE

    def __init__(self, handler: object, house: House, *, hostname: str, silence: float) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            handler,
            data_size_limit=house.max_bytes,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="helpdesk",
            timeout=silence,
            loop=loop,
        )
        self.house = house
        self._block_silence = min(silence, BLOCK_SILENCE)
        self._reading_until = 0.0
        self.settled = asyncio.Event()
        """Not set while a mail is whole and being stored: the client waits for the reply that decides who owns it."""
        self.settled.set()

    def _getaddr(self, arg: str) -> tuple[str, str]:
        """Overrides aiosmtpd's. What follows an address that makes no sense is not taken for parameters: they would be refused for good."""
        address, rest = path_of(arg)
        return address, rest if all(_PARAMETER.fullmatch(word) for word in rest.split()) else ""

    async def _handle_client(self) -> None:
        refusal = self.house.refusal(self)
        if refusal is None:
            await super()._handle_client()
        else:
            await self.push(refusal)
            self.hang_up()

    def data_received(self, data: bytes) -> None:
        """Within a mail the patience is for the next block of it, not for the whole, which on a slow line may take long."""
        super().data_received(data)
        if self.loop.time() < self._reading_until:
            self._reset_timeout(self._block_silence)

    async def push(self, status: AnyStr) -> None:
        """552 is for a mail that is too large, whether its client says so beforehand or we find out."""
        if status[:3] in {"552", b"552"}:
            self.house.turned_away("too_large")
        await super().push(status)

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def say_goodbye(self, reply: str) -> None:
        """The last words to a client whose mail is not in our hands."""
        if self.transport is not None:
            self._writer.write(f"{reply}\r\n".encode("ascii"))
            self.transport.close()

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 (aiosmtpd's name)
        if await self.check_helo_needed():
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
        elif arg:
            await self.push("501 5.5.4 Syntax: DATA")
        else:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._take()

    async def _take(self) -> None:
        """Read the mail and have it stored. What goes wrong inside becomes a reply; a client that goes away ends it."""
        taken = _Taken(self.house)
        try:
            await self._read(taken)
            self.settled.clear()
            await self._settle(bytes(taken.content))
        except TooMuch:
            await self._answer("552 5.3.4 The message is larger than we accept")
            if taken.runaway:
                self.hang_up()
        except NoRoom:
            await self._answer("452 4.3.1 Too much mail at once, try again later")
        finally:
            self.settled.set()
            taken.release()

    async def _read(self, taken: "_Taken") -> None:
        self._reading_until = self.loop.time() + LONGEST_MAIL
        self._reset_timeout(self._block_silence)
        try:
            await taken.read(self._reader)
        finally:
            self._reading_until = 0.0

    async def _settle(self, content: bytes) -> None:
        if self.envelope is None:
            return
        self.envelope.content = self.envelope.original_content = content
        await self._answer(await self._call_handler_hook("DATA"))

    async def _answer(self, reply: str) -> None:
        """The same for every recipient (RFC 2033 section 4.2), which for SMTP is one reply."""
        recipients = len(self.envelope.rcpt_tos) if self.envelope is not None and self.each_recipient else 1
        self._set_post_data_state()  # type: ignore[no-untyped-call]  # so written in aiosmtpd
        await self.push("\r\n".join([reply] * max(recipients, 1)))

    each_recipient = False


class SmtpDoor(_Door):
    """SMTP, RFC 5321."""


class LmtpDoor(_Door, LMTP):
    """LMTP, RFC 2033."""

    each_recipient = True


class _Taken:
    """The content of one mail as it comes in."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.content = bytearray()
        self._seen = 0
        self._room = 0
        self._failure: type[Exception] | None = None
        self.runaway = False

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Up to the line with a single dot; only CR LF ends a line, so that nobody can smuggle a second mail. Raises TooMuch or NoRoom."""
        beginning = True
        while not self.runaway:
            piece, whole = await _piece(reader)
            if beginning and whole and piece == _END:
                break
            self._add(piece[1:] if beginning and piece.startswith(b".") else piece)
            beginning = whole
        if self._failure is not None:
            raise self._failure

    def _add(self, piece: bytes) -> None:
        self._seen += len(piece)
        if self._failure is None:
            self._failure = self._reason_to_stop(len(piece))
        if self._failure is None:
            self.content += piece
        else:
            self.release()
            self.runaway = self._seen > DRAINED * self._house.max_bytes

    def _reason_to_stop(self, size: int) -> type[Exception] | None:
        if self._seen > self._house.max_bytes:
            return TooMuch
        if not self._house.take_room(size):
            return NoRoom
        self._room += size
        return None

    def release(self) -> None:
        self.content = bytearray()
        self._house.give_room(self._room)
        self._room = 0


async def _piece(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    """A line, or the next part of one that is longer than the buffer."""
    try:
        return await reader.readuntil(b"\r\n"), True
    except asyncio.LimitOverrunError as error:
        return await reader.readexactly(max(error.consumed, 1)), False
