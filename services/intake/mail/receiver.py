"""The mail receiver: knows our mailboxes, and says `250` only to what is stored for good.

Put a mail server (Postfix) in front of it: it does TLS, queueing, rate limits and checks of the sender, and its queue is what holds mail
while we cannot. So every trouble of ours is answered `4xx`: never a `5xx`, on which a mail server gives up.
"""

import asyncio
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session
from prometheus_client import Counter
from structlog.typing import FilteringBoundLogger

from kit.web import listening_socket
from services.intake.domain.mailboxes import Mailboxes, one_per_group
from services.intake.mail.arrivals import Arrivals, Arrived
from services.intake.mail.door import LmtpDoor, SmtpDoor
from services.intake.mail.paths import NULL
from services.intake.mail.turned_away import TurnedAway

RECEIVED = Counter("helpdesk_mails_received", "Answers to mails and recipients at the mail port", ["answer"])

TRY_AGAIN: Final = "451 4.3.0 Temporary failure, try again later"
GOODBYE: Final = "421 4.3.2 Shutting down, try again later"
BUSY: Final = "421 4.3.2 Too many connections, try again later"

PATIENCE: Final = 30.0
"""Seconds to store a mail. Clients wait ten minutes for the reply (RFC 5321 section 4.5.3.2.6); the sooner they hear, the better."""

MOST_CONNECTIONS: Final = 100
MOST_RECIPIENTS: Final = 100
MOST_AT_ONCE: Final = 8
"""Mails of the largest size that may be in memory together."""

SILENCE: Final = 300.0
"""Seconds without a command (RFC 5321 section 4.5.3.2.7); the door says how long within a mail."""

FAREWELL: Final = 10.0
"""Seconds that mails being stored get when we stop."""


@dataclass(frozen=True)
class Place:
    """Where the receiver listens and what it says of itself."""

    host: str
    port: int
    hostname: str
    max_bytes: int
    lmtp: bool = False


class Porter:
    """aiosmtpd's hooks; each returns the reply to the client. `authserv_ids`: names of the mail server in front, in lower case."""

    def __init__(
        self,
        arrivals: Arrivals,
        mailboxes: Callable[[], Mailboxes],
        logger: FilteringBoundLogger,
        *,
        refused: TurnedAway | None = None,
        authserv_ids: Iterable[str] = (),
    ) -> None:
        self._arrivals = arrivals
        self._mailboxes = mailboxes
        self._logger = logger
        self._refused = refused
        self._authserv_ids = tuple(sorted(authserv_ids))

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return self._counted("many_recipients", "452 4.5.3 Too many recipients, send the rest in another message")
        if self._mailboxes().find(address) is None:
            self.turned_away("unknown_mailbox")
            return self._counted("unknown_mailbox", "550 5.1.1 No such mailbox here")
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        try:
            async with asyncio.timeout(PATIENCE):
                mail_id = await self._arrivals.keep(self._arrived(session, envelope))
        except Exception as error:  # noqa: BLE001 (whatever it is, the sender keeps the mail and comes again)
            return await self.handle_exception(error)
        self._logger.info("mail.received", mail=mail_id, size=len(envelope.original_content or b""), recipients=len(envelope.rcpt_tos))
        return self._counted("accepted", f"250 2.0.0 Queued as {mail_id}")

    async def handle_exception(self, error: Exception) -> str:
        """Without this aiosmtpd answers 500, with the text of the error in it, and the mail is lost."""
        self._logger.warning("mail.not_received", error=repr(error)[:300])
        return self._counted("try_again", TRY_AGAIN)

    def _arrived(self, session: Session, envelope: Envelope) -> Arrived:
        """TransientError while no organisation is loaded."""
        known = self._mailboxes()
        mailboxes = one_per_group(known.find(address) for address in envelope.rcpt_tos)
        if not mailboxes:
            raise LookupError("the mailboxes were taken away while the mail was coming in")
        return Arrived(
            content=envelope.original_content or b"",
            sender=_sender(envelope.mail_from),
            recipients=tuple(_clean(address) for address in envelope.rcpt_tos),
            mailboxes=mailboxes,
            peer=_peer(session.peer),
            helo=_clean(session.host_name),
            authserv_ids=self._authserv_ids,
        )

    def turned_away(self, reason: str) -> None:
        """A mail, or one recipient of it, was refused for good."""
        if self._refused is not None:
            self._refused.note(reason)

    def _counted(self, answer: str, reply: str) -> str:
        RECEIVED.labels(answer).inc()
        return reply


class MailReceiver:
    """SMTP or LMTP on one port. A part of the service: `start` listens, `stop` lets no accepted mail go unanswered."""

    def __init__(self, place: Place, porter: Porter, *, connections: int = MOST_CONNECTIONS, silence: float = SILENCE) -> None:
        self.max_bytes = place.max_bytes
        self.port = place.port
        self._place = place
        self._porter = porter
        self._most = connections
        self._silence = silence
        self._room = MOST_AT_ONCE * place.max_bytes
        self._doors: weakref.WeakSet[SmtpDoor | LmtpDoor] = weakref.WeakSet()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listening when it returns, on `port`. OSError when the port is taken."""
        listener = listening_socket(self._place.host, self._place.port)
        self.port = int(listener.getsockname()[1])
        self._server = await asyncio.get_running_loop().create_server(self._door, sock=listener)

    async def stop(self) -> None:
        """Mails that are whole get their reply; everybody else hears 421 and keeps theirs."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        waiting = [door for door in self._doors if not door.settled.is_set()]
        for door in set(self._doors) - set(waiting):
            door.say_goodbye(GOODBYE)
        if waiting:
            await asyncio.wait([asyncio.create_task(door.settled.wait()) for door in waiting], timeout=FAREWELL)
        for door in waiting:
            door.say_goodbye(GOODBYE)

    def refusal(self, door: SMTP) -> str | None:
        """Why this connection is not served."""
        if self._server is None:
            return GOODBYE
        others = sum(other is not door and other.transport is not None for other in self._doors)
        return BUSY if others >= self._most else None

    def take_room(self, size: int) -> bool:
        if size > self._room:
            return False
        self._room -= size
        return True

    def give_room(self, size: int) -> None:
        self._room += size

    def turned_away(self, reason: str) -> None:
        self._porter.turned_away(reason)

    def _door(self) -> SmtpDoor | LmtpDoor:
        make = LmtpDoor if self._place.lmtp else SmtpDoor
        door = make(self._porter, self, hostname=self._place.hostname, silence=self._silence)
        self._doors.add(door)
        return door


def _sender(path: str | None) -> str | None:
    """Empty is the null return path alone: mail that comes by it is taken for a machine's. What says nothing is nobody known."""
    return "" if path == NULL else _clean(path).strip("<> ") or None


def _peer(name: object) -> str:
    """The client's IP address; a socket has no other name for it than a tuple or a path."""
    return str(name[0]) if isinstance(name, tuple) and name else str(name or "")


def _clean(text: str | None) -> str:
    """What a client sends in the dialogue may hold bytes that are no UTF-8, which MongoDB refuses."""
    return (text or "").encode("utf-8", "replace").decode()
