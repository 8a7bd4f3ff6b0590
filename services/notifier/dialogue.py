"""What is said on an open SMTP connection: commands go out, replies come back in the same order (RFC 5321 section 4.2)."""

import asyncio
from dataclasses import dataclass
from typing import Final

MALFORMED: Final = -1
"""The code of a reply that has none."""

LOST: Final = "the connection was lost"
LATE: Final = "no answer in time"
OUT_OF_STEP: Final = "the server does not keep to SMTP"

_LONGEST: Final = 64 * 1024
"""Octets of one reply; RFC 5321 section 4.5.3.1.5 asks for lines of 512."""


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    text: str
    """Of several lines where the server has sent several."""

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Dialogue(asyncio.Protocol):
    """Takes over a connection on which everything was answered; one question at a time."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._rest = b""
        self._text: list[str] = []
        self._replies: list[Reply] = []
        self._wanted = 0
        self._came: asyncio.Future[None] | None = None
        self.trouble: str | None = None
        """Why it can't be used any more: a reply that is still owed, or comes unasked, would be taken for that to the next question."""
        transport.set_protocol(self)

    async def ask(self, *commands: bytes, patience: float) -> list[Reply]:
        """A reply to each command, in order; fewer when the connection is lost or they take longer than `patience` seconds.

        Several go out together, which only a server with PIPELINING has to take (RFC 2920).
        """
        if any(b"\r" in command or b"\n" in command for command in commands):
            raise ValueError("a command is one line")
        return await self._exchange(b"\r\n".join((*commands, b"")), len(commands), patience)

    async def hand_over(self, raw: bytes, patience: float) -> Reply | None:
        """The mail, after a 354, with its line ends normalised (RFC 5321 section 4.1.1.4) and its dots doubled (section 4.5.2)."""
        stuffed = b"\r\n".join(raw.splitlines()).replace(b"\r\n.", b"\r\n..")
        replies = await self._exchange(b"".join((b"." if raw.startswith(b".") else b"", stuffed, b"\r\n.\r\n")), 1, patience)
        if self._transport.get_write_buffer_size():
            self._give_up(OUT_OF_STEP)  # answered before the end: what is still to go out would be taken for commands
        return replies[0] if replies else None

    async def _exchange(self, sent: bytes, replies: int, patience: float) -> list[Reply]:
        self._replies, self._wanted = [], replies
        if self.trouble is None:
            loop = asyncio.get_running_loop()
            self._came = loop.create_future()
            self._transport.write(sent)
            late = loop.call_later(patience, self._late)  # every mail comes here twice: `asyncio.timeout` costs three times as much
            try:
                await self._came
            finally:
                late.cancel()
        self._came = None
        return self._replies

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.rstrip(b" \t\r"))
        if len(self._rest) > _LONGEST or sum(map(len, self._text)) + len(self._text) > _LONGEST:
            self._give_up(OUT_OF_STEP)

    def _take(self, line: bytes) -> None:
        self._text.append(line[4:].strip().decode("utf-8", "surrogateescape"))
        if not line[:3].isdigit():
            self._answered(Reply(MALFORMED, line[:200].decode("utf-8", "replace")))
        elif line[3:4] != b"-":
            self._answered(Reply(int(line[:3]), "\n".join(self._text)))

    def _answered(self, reply: Reply) -> None:
        self._text = []
        if self._came is None or self._came.done():
            return self._give_up(OUT_OF_STEP)
        self._replies.append(reply)
        if reply.code == MALFORMED:
            return self._give_up(OUT_OF_STEP)
        if len(self._replies) == self._wanted:
            self._came.set_result(None)
        return None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's own)
        self._give_up(LOST)

    def hang_up(self) -> None:
        """At once: of a mail that is half out, the rest must not follow."""
        self._transport.abort()

    def _late(self) -> None:
        if self._came is not None and not self._came.done():
            self._give_up(LATE)

    def _give_up(self, trouble: str) -> None:
        """The first trouble is the one that counts."""
        self.trouble = self.trouble or trouble
        self.hang_up()
        if self._came is not None and not self._came.done():
            self._came.set_result(None)
