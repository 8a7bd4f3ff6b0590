"""Mail that comes in at the doors of a small installation, read by the real code."""

from email.message import EmailMessage
from typing import Any

from kit.log import get_logger
from kit.mail_tokens import bounce_address
from kit.mongo import Database, Mongo
from kit.organisation import OrganisationStore
from services.intake.acceptance import Acceptance
from services.intake.domain.mailboxes import Mailbox
from services.intake.mail.arrivals import Arrivals, Arrived, Door
from services.intake.mail.filing import Filing
from services.intake.mail.parser import Parser
from services.intake.mail.threads import Threads
from services.intake.mail.wiring import current_mailboxes
from services.intake.mail.worker import Worker
from services.intake.storing import FileStore

SECRET = "mail-threads-are-signed-with-this-secret"
SENDER = "helpdesk@customs.example"
BOUNCES = "bounces@customs.example"
LAN = "lan@anbinh.example"


def written(number: int, text: str = "Chúng tôi không rõ.", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = LAN, SENDER, f"Trị giá lô tôm {number}"
    message["Message-ID"] = f"<{number}@anbinh.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def returned(ticket_id: str, delivery_id: str) -> tuple[bytes, str]:
    """A report that a mail of ours could not be delivered, and the address it comes to."""
    message = EmailMessage()
    message["From"], message["Subject"] = "MAILER-DAEMON@anbinh.example", "Undelivered Mail Returned to Sender"
    message["Content-Type"] = 'multipart/report; report-type=delivery-status; boundary="=_b"'
    status = f"Reporting-MTA: dns; mx.anbinh.example\n\nFinal-Recipient: rfc822; {LAN}\nAction: failed\nStatus: 5.2.2\n"
    message.set_payload(f"--=_b\nContent-Type: message/delivery-status\n\n{status}\n--=_b--\n")
    return message.as_bytes(), bounce_address(SECRET, BOUNCES, ticket_id, delivery_id) or BOUNCES


class Post:
    """`arrives` at a door, then `read` until nothing is left to read."""

    def __init__(self, mongo: Mongo, database: Database, acceptance: Acceptance, organisation: OrganisationStore, slots: Any) -> None:
        mailboxes = current_mailboxes(organisation, SENDER, BOUNCES)
        self.arrivals = Arrivals(mongo, database)
        self.parser = Parser()
        filing = Filing(database, acceptance, FileStore(database), Threads(database, [SECRET]), mailboxes)
        self.worker = Worker(mongo, self.arrivals, slots, self.parser, filing, get_logger("intake"))

    async def arrives(self, content: bytes, *, to: str = SENDER, door: Door = "imap", sender: str = LAN, **more: Any) -> str:
        mailbox = Mailbox(SENDER, "hon-gai")
        return await self.arrivals.keep(Arrived(content, sender, (to,), (mailbox,), "mail.example", "", door, **more))

    async def read(self) -> None:
        while await self.worker.step():
            pass
