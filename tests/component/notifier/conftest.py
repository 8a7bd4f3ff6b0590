"""A notifier on a real database with a real mail server, without Kafka: what became of deliveries is read in the journal."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from helpdesk.organisation import read
from kit.ids import SLOTS
from kit.journal import Journal
from kit.leases import Slots
from kit.mongo import Database, Document, Mongo
from kit.organisation import OrganisationStore
from schemas import topics
from schemas.notifications import NotificationDelivered, NotificationFailed, notification_events
from schemas.tickets import AnswerGiven, Known
from services.notifier.digest_mail import DigestMail
from services.notifier.digests import Digests, Gatherer
from services.notifier.domain.floods import Floods
from services.notifier.domain.outcome import Accepted, Outcome
from services.notifier.handlers import Handlers
from services.notifier.limits import Limits
from services.notifier.preferences import Preferences
from services.notifier.relay import Relay
from services.notifier.rendering import Letterhead, Renderer
from services.notifier.repository import DeliveryRepository
from services.notifier.screening import Screening
from services.notifier.sender import Send, Sender
from services.notifier.smtp import Patience, SmtpPool
from services.notifier.storage import NOTIFIER
from services.notifier.suppressions import Suppressions
from tests.component.notifier.test_smtp import Sink, serving
from tests.support.servers import MongoServer
from tests.unit.notifier.examples import event

SENDER = "helpdesk@customs.example"
ORGANISATION = """
name: {vi: Hải quan thử nghiệm, en: Test Customs}
units:
  - {key: general, level: general_department, name: {vi: Tổng cục, en: General Department}}
topics:
  - {key: tax, name: {vi: Thuế, en: Tax}}
calendars:
  - {key: office, timezone: Asia/Ho_Chi_Minh, week: {mon: [["08:00", "17:00"]]}}
policies:
  - {key: usual, targets: [{clock: first_response, hours: 8}, {clock: resolution, days: 5}]}
groups:
  - {key: focal, name: {vi: Đầu mối, en: Focal point}, unit: general, calendar: office, lead: lan}
officers:
  - {key: lan, name: Lan, groups: [focal]}
focal_point: focal
competent_authority: {name: {vi: Bộ, en: Ministry}}
chat_accounts:
  - {key: zalo, group: focal, secret: a-secret-of-this-chat-account, callback_url: "https://chat.example/hook"}
  - {key: mute, group: focal, secret: a-secret-of-another-account}
"""


@dataclass
class Postbox(Sink):
    """A mail server that can also hold the mails of one recipient back."""

    held: dict[str, asyncio.Event] = field(default_factory=dict)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if gate := self.held.get(envelope.rcpt_tos[0]):
            await gate.wait()
        return answer

    @property
    def recipients(self) -> list[str]:
        return [recipient for _, [recipient], _ in self.seen]


@dataclass
class Chat:
    """The chat accounts, as a channel: takes everything at once."""

    said: list[Document] = field(default_factory=list)

    async def __call__(self, row: Document) -> Outcome:
        self.said.append(row)
        return Accepted("HTTP 200")


@dataclass
class Office:
    """One notifier with a database of its own."""

    mongo: Mongo
    database: Database
    deliveries: DeliveryRepository
    digests: Digests
    handlers: Handlers
    wake: asyncio.Event
    box: Postbox
    mail: Send
    telling: Callable[..., Handlers]
    """The same handlers with another screening, other floods."""
    chat: Chat = field(default_factory=Chat)
    senders: list[Sender] = field(default_factory=list)

    async def plan(self, *events: Known) -> None:
        await self.handlers.on_tickets(events)

    async def rows(self, **query: Any) -> list[Document]:
        found: list[Document] = await self.database["deliveries"].find(query).sort([("lane", 1), ("order", 1)]).to_list(None)
        return found

    async def ended(self) -> list[NotificationDelivered | NotificationFailed]:
        """What the journal says became of deliveries."""
        rows = await self.database["journal"].find().sort("at").to_list(None)
        return [notification_events.validate_json(row["body"]) for row in rows]  # type: ignore[misc]

    async def make_due(self, **query: Any) -> None:
        await self.database["deliveries"].update_many(
            {"state": "pending", **query}, {"$set": {"next_at": self.mongo.now() - timedelta(seconds=1)}}
        )

    def slots(self, owner: str) -> Slots:
        return Slots(self.mongo, self.database["sender_leases"], owner)

    def sender(
        self, slots: Slots, *, deliveries: DeliveryRepository | None = None, channels: Mapping[str, Send] | None = None, **options: int
    ) -> Sender:
        ways: dict[str, Send] = {"email": self.mail, "chat": self.chat, **(channels or {})}
        made = Sender(self.mongo, deliveries or self.deliveries, slots, ways, self.wake, structlog.get_logger(), **options)
        self.senders.append(made)
        return made

    async def gather(self, digests: Digests | None = None) -> bool:
        """One look of a gatherer that has every slot."""
        return await Gatherer(digests or self.digests, lambda: range(SLOTS), self.mongo.now, self.wake.set, structlog.get_logger()).step()

    async def alone(self, **options: Any) -> Sender:
        """The only sender there is."""
        slots = self.slots("alone")
        await slots.renew()
        return self.sender(slots, **options)


async def settle(sender: Sender, *, steps: int = 1, within: float = 10.0) -> None:
    """Steps, each until nothing is under way any more."""
    for _ in range(steps):
        await sender.step()
        await at_rest(sender, within=within)


async def at_rest(*senders: Sender, within: float = 10.0) -> None:
    await until(lambda: not any(sender.under_way for sender in senders), within=within)


async def until(true: Callable[[], bool], *, within: float = 10.0) -> None:
    """TimeoutError when it is not true by then."""
    async with asyncio.timeout(within):
        while True:
            if true():
                return
            await asyncio.sleep(0.005)


def answer(ticket_id: str, number: int, /, **changed: Any) -> Known:
    """Event number `number` of a ticket: an officer's answer, by mail to lan@halong.example unless the ticket says otherwise."""
    return event(AnswerGiven, id=f"{ticket_id}-{number}", ticket_id=ticket_id, sequence=number, **changed)


@pytest.fixture(scope="session")
async def prepared(mongo_server: MongoServer) -> AsyncIterator[tuple[Mongo, Database]]:
    """Collections are made once a run and emptied for each test."""
    mongo = Mongo(mongo_server.uri)
    await mongo.measure_clock()
    database = mongo.database(f"test{secrets.token_hex(4)}_notifier")
    await mongo.ensure(database, NOTIFIER)
    await OrganisationStore(database).save(read(ORGANISATION))
    yield mongo, database
    await database.client.drop_database(database.name)
    await mongo.close()


@pytest.fixture
async def office(prepared: tuple[Mongo, Database]) -> AsyncIterator[Office]:
    mongo, database = prepared
    for name in ("deliveries", "acknowledged", "journal", "sender_leases", "suppressions", "preferences"):
        await database[name].delete_many({})
    store, wake, box = OrganisationStore(database), asyncio.Event(), Postbox()
    await store.refresh()
    deliveries = DeliveryRepository(mongo, database, Journal(database, topics.NOTIFICATIONS))
    letterhead = Letterhead(SENDER, "Helpdesk", status_url)
    renderer = Renderer(letterhead)
    async with serving(box) as port:
        pool = SmtpPool(Relay("127.0.0.1", port), connections=4, helo="helpdesk.example", patience=Patience(2, 2, 5))

        async def mail(row: Document) -> Outcome:
            return await pool.send(SENDER, row["address"], row["content"])

        digests = Digests(mongo, database, DigestMail(letterhead))
        screening = Screening(Suppressions(database), Limits(database, per_minute=600), Preferences(database))
        telling = partial(Handlers, mongo, deliveries, digests, renderer, store, hand_over=lambda _rows, _begun: wake.set())
        made = Office(mongo, database, deliveries, digests, telling(screening, floods=Floods(5)), wake, box, mail, telling)
        yield made
        for gate in box.held.values():
            gate.set()
        for sender in made.senders:
            await sender.close()
        await pool.close()


def status_url(reference: str, ticket_id: str, _at: Any) -> str:
    return f"https://hotro.example/status?reference={reference}&k={ticket_id}"
