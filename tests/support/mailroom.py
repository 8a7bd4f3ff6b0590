"""Intake's mail side on a real MongoDB: the receiver on a free port, and its reader, run step by step."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, TypeVar

from kit.ids import new_id
from kit.journal import JOURNAL, Journal
from kit.leases import Slots
from kit.log import get_logger
from kit.mongo import Database, Document, Mongo
from kit.organisation import OrganisationStore
from schemas import topics
from schemas.organisation import Organisation
from services.intake.acceptance import Acceptance
from services.intake.mail.arrivals import Arrivals
from services.intake.mail.filing import Filing
from services.intake.mail.parser import Parser
from services.intake.mail.receiver import MailReceiver, Place, Porter
from services.intake.mail.threads import Threads
from services.intake.mail.turned_away import TurnedAway
from services.intake.mail.wiring import current_mailboxes
from services.intake.mail.worker import Worker
from services.intake.storage import INTAKE, MAIL_LEASES
from services.intake.storing import FileStore
from tests.support.organisations import as_written, organisation

T = TypeVar("T")
SECRET = "mail-threads-are-signed-with-this-secret"
SENDER = "helpdesk@customs.example"
BOUNCES = "bounces@customs.example"
AUTHSERV = "mx.customs.example"
"""Name of the mail server whose word about a sender counts."""
FOCAL, HON_GAI = "focal@customs.example", "HonGai@customs.example"
LAN = "Lan@anbinh.example"


def with_mailboxes() -> Organisation:
    groups = as_written()["groups"]
    boxes = {"focal": FOCAL, "hon-gai": HON_GAI}
    return organisation(groups=[{**group, "mailbox": boxes.get(group["key"])} for group in groups])


def mail(subject: str = "Trị giá lô tôm", text: str = "Chúng tôi không rõ cách tính.", **headers: str) -> EmailMessage:
    """A person's mail with a fresh id; headers as `in_reply_to="<…>"`."""
    message = EmailMessage()
    message["From"] = headers.pop("from_", f"Nguyễn Thị Lan <{LAN}>")
    message["To"] = headers.pop("to", FOCAL)
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime(2025, 3, 3, 2, 0, tzinfo=UTC))
    message["Message-ID"] = headers.pop("message_id", f"<{new_id()}@anbinh.example>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


@dataclass
class Mailroom:
    """`deliver` speaks SMTP; `read` does what the loop does until nothing is left to do."""

    mongo: Mongo
    database: Database
    organisation: OrganisationStore
    acceptance: Acceptance
    arrivals: Arrivals
    slots: Slots
    parser: Parser
    worker: Worker
    receiver: MailReceiver
    refused: TurnedAway

    async def deliver(self, content: EmailMessage | bytes, *to: str, sender: str = LAN) -> dict[str, tuple[int, bytes]]:
        """The recipients that were refused. smtplib's exceptions for everything else."""
        raw = content.as_bytes() if isinstance(content, EmailMessage) else content
        return await self.talk(lambda client: client.sendmail(sender, list(to or [FOCAL]), raw))

    async def talk(self, dialogue: Callable[[smtplib.SMTP], T]) -> T:
        def speak() -> T:
            with smtplib.SMTP("127.0.0.1", self.receiver.port, timeout=40) as client:
                client.ehlo()
                return dialogue(client)

        return await asyncio.to_thread(speak)

    async def read(self) -> None:
        await self.slots.renew()
        while await self.worker.step():
            pass

    async def rows(self, **query: Any) -> list[Document]:
        return await self.database["mails"].find(query).sort("_id", 1).to_list(None)

    async def row(self) -> Document:
        """The newest."""
        return (await self.rows())[-1]

    async def events(self, ticket_id: str | None = None) -> list[str]:
        """Types of the journalled events, of one ticket or of all, in their order."""
        query = {"stream": ticket_id} if ticket_id else {}
        return [entry["type"] for entry in await self.database[JOURNAL.name].find(query).sort([("at", 1), ("seq", 1)]).to_list(None)]

    async def bodies(self, ticket_id: str) -> list[str]:
        return [entry["body"] for entry in await self.database[JOURNAL.name].find({"stream": ticket_id}).sort("seq", 1).to_list(None)]

    async def deliver_and_read(self, content: EmailMessage | bytes, *to: str, sender: str = LAN) -> Document:
        await self.deliver(content, *to, sender=sender)
        await self.read()
        return await self.row()


@asynccontextmanager
async def open_mailroom(uri: str, *, loaded: bool = True, parser: Parser | None = None, **place: Any) -> AsyncIterator[Mailroom]:
    """A mailroom with a database of its own, which is gone afterwards."""
    mongo = Mongo(uri)
    database = mongo.database(f"mailroom_{new_id().replace('-', '')}")
    await mongo.ensure(database, INTAKE)
    store = OrganisationStore(database)
    if loaded:
        await store.save(with_mailboxes())
        await store.refresh()
    acceptance = Acceptance(mongo, database, Journal(database, topics.REQUESTS))
    mailboxes = current_mailboxes(store, SENDER, BOUNCES)
    arrivals, slots, reader, logger = (
        Arrivals(mongo, database),
        Slots(mongo, database[MAIL_LEASES.name], new_id()),
        parser or Parser(),
        get_logger("test"),
    )
    filing = Filing(database, acceptance, FileStore(database), Threads(database, [SECRET]), mailboxes)
    worker = Worker(mongo, arrivals, slots, reader, filing, logger)
    where = Place(**{"host": "127.0.0.1", "port": 0, "hostname": "mail.customs.example", "max_bytes": 2_000_000, **place})
    refused = TurnedAway(database)
    receiver = MailReceiver(where, Porter(arrivals, mailboxes, logger, refused=refused, authserv_ids={AUTHSERV}))
    await receiver.start()
    await slots.renew()
    try:
        yield Mailroom(mongo, database, store, acceptance, arrivals, slots, reader, worker, receiver, refused)
    finally:
        await receiver.stop()
        await worker.close()
        await reader.close()
        await database.client.drop_database(database.name)
        await mongo.close()
