"""The SMTP side: takes every mail for every address."""

import asyncio
import weakref
from collections.abc import Callable
from datetime import datetime
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session
from structlog.typing import FilteringBoundLogger

from helpdesk.catcher.mailbox import Mailbox
from kit.web import listening_socket

MAX_BYTES: Final = 32 * 1024 * 1024
TRY_AGAIN: Final = "451 4.3.0 Temporary failure, try again later"


class Door(SMTP):
    """Real mail has longer lines than RFC 5321, section 4.5.3.1.6, allows; aiosmtpd refuses those for good."""

    line_length_limit = 2**17


class Taker:
    """aiosmtpd's hooks; each returns the reply to the client."""

    def __init__(self, mailbox: Mailbox, clock: Callable[[], datetime], logger: FilteringBoundLogger) -> None:
        self._mailbox = mailbox
        self._clock = clock
        self._log = logger

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        raw = envelope.content
        content = raw if isinstance(raw, bytes) else (raw or "").encode("utf-8", "surrogateescape")
        caught = await self._mailbox.add(content, _sender(envelope.mail_from), envelope.rcpt_tos, self._clock())
        self._log.info("catcher.mail_caught", id=caught.id, recipients=len(caught.recipients), size=caught.size)
        return f"250 2.0.0 Caught as {caught.id}"

    async def handle_exception(self, error: Exception) -> str:
        """Our own trouble is never the sender's fault for good: without this, aiosmtpd answers 500 and the mail is lost."""
        self._log.error("catcher.mail_refused", error=type(error).__name__)
        return TRY_AGAIN


def _sender(path: str | None) -> str:
    """The null path stands in the envelope as it came."""
    return "" if path in {None, "<>"} else str(path)


class Sink:
    """Listens for mail on one port."""

    def __init__(self, taker: Taker, host: str, port: int) -> None:
        self._taker = taker
        self._address = (host, port)
        self._server: asyncio.Server | None = None
        self._doors: weakref.WeakSet[Door] = weakref.WeakSet()

    async def start(self) -> int:
        """The port it listens on, the given one unless that was 0. OSError naming it when it is taken."""
        listener = listening_socket(*self._address)
        self._server = await asyncio.get_running_loop().create_server(self._door, sock=listener)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Clients keep connections open for the next mail; they are closed too, or waiting would not end."""
        if self._server is None:
            return
        self._server.close()
        for door in self._doors:
            if door.transport is not None:
                door.transport.close()
        await self._server.wait_closed()
        self._server = None

    def _door(self) -> Door:
        loop = asyncio.get_running_loop()
        door = Door(self._taker, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, hostname="catcher", ident="mail catcher", loop=loop)
        self._doors.add(door)
        return door
