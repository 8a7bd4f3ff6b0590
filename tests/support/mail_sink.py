"""A mail server for tests: keeps every mail it took, can be switched off, and refuses what it is told to refuse."""

import asyncio
import time
import weakref
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property

from aiosmtpd.smtp import SMTP, Envelope, Session

GREYLISTED = "450 4.7.1 Greylisted, try again later"


@dataclass(frozen=True)
class Mail:
    """One mail to one recipient, as it was taken; `at` is the monotonic clock."""

    at: float
    recipient: str
    content: bytes = field(repr=False)
    sender: str = ""
    """Of the envelope; empty is the null return path."""

    @cached_property
    def parsed(self) -> EmailMessage:
        message = message_from_bytes(self.content, policy=default)
        assert isinstance(message, EmailMessage)
        return message

    @cached_property
    def message_id(self) -> str:
        return str(self.parsed["Message-ID"])

    @cached_property
    def subject(self) -> str:
        return str(self.parsed["Subject"])

    @cached_property
    def text(self) -> str:
        body = self.parsed.get_body(("plain",))
        return str(body.get_content()) if body else ""


class MailSink:
    """Listens on one port, the same one after it was off. `take_seconds`: how long it thinks before it takes a mail."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[Mail] = []
        self.take_seconds = 0.0
        self._greylist: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._lines: weakref.WeakSet[SMTP] = weakref.WeakSet()

    def refuse(self, recipient: str, times: int = 1) -> None:
        """Answer 450 to the next mails for this recipient."""
        self._greylist[recipient] += times

    def to(self, recipient: str) -> list[Mail]:
        """What this recipient got, in the order of arrival."""
        return [mail for mail in self.mails if mail.recipient == recipient]

    def about(self, reference: str) -> list[Mail]:
        """Every mail about a ticket, to whomever."""
        return [mail for mail in self.mails if reference in mail.subject]

    async def on(self) -> None:
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(self._line, "127.0.0.1", self.port)

    async def off(self) -> None:
        """As a mail server that was pulled out: connections break, new ones are refused."""
        if self._server is None:
            return
        self._server.close()
        for line in list(self._lines):
            if line.transport is not None:
                line.transport.close()
        await self._server.wait_closed()
        self._server = None

    def calm(self) -> None:
        """Forget what it was told to do to the next mails."""
        self._greylist.clear()
        self.take_seconds = 0.0

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802 (aiosmtpd's name)
        if self._greylist[address] > 0:
            self._greylist[address] -= 1
            return GREYLISTED
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        await asyncio.sleep(self.take_seconds)
        content = envelope.content
        assert isinstance(content, bytes)
        sender = (envelope.mail_from or "").strip("<>")
        self.mails += [Mail(time.monotonic(), recipient, content, sender) for recipient in envelope.rcpt_tos]
        return "250 2.0.0 Taken"

    def _line(self) -> SMTP:
        loop = asyncio.get_running_loop()
        line = SMTP(self, data_size_limit=32 * 1024 * 1024, hostname="sink.example", loop=loop)
        self._lines.add(line)
        return line
