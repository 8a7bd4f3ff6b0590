"""Small installations whose past was lived by the real code: accepted, routed, told, answered, missed. Only time and Kafka are ours."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from helpdesk import provision
from helpdesk.checking.installation import Installation
from kit.ids import SLOTS, new_id
from kit.journal import Journal
from kit.log import get_logger
from kit.mongo import Mongo
from kit.organisation import OrganisationStore
from kit.settings import ServiceSettings
from schemas import topics
from schemas.notifications import notification_events
from schemas.organisation import Organisation
from schemas.requests import request_events
from schemas.tickets import ticket_events
from schemas.values import Attachment, Business, ChatAddress, Contact
from services.intake.acceptance import Acceptance, Opening, Receipt, Saying
from services.intake.storing import FileStore
from services.notifier.digest_mail import DigestMail
from services.notifier.digests import Digests
from services.notifier.domain.outcome import Accepted
from services.notifier.handlers import Handlers as Telling
from services.notifier.limits import Limits
from services.notifier.rendering import Letterhead, Renderer
from services.notifier.repository import DeliveryRepository
from services.notifier.screening import Screening
from services.notifier.sender import judged
from services.notifier.suppressions import Suppressions
from services.routing.deciding import change_of
from services.routing.directory import Directory
from services.routing.domain.commands import Actor, Claim, Command, Reply, Resolve
from services.routing.domain.decide import decide
from services.routing.handlers import Handlers as Routing
from services.routing.repository import TicketRepository
from services.routing.ticker import Ticker
from tests.support.organisations import organisation

HAI, CAM = Actor("hai", "Hai"), Actor("cam", "Cam")
ALL = range(SLOTS)


class Everything:
    """The share of the only process there is."""

    mine = frozenset(ALL)
    turns = (mine,)


class Past(Mongo):
    """A database whose clock shows how late it was `ago`."""

    ago = timedelta()

    def now(self) -> datetime:
        return super().now() - self.ago


def with_chat() -> Organisation:
    account = {"key": "zalo", "group": "cau-treo", "secret": "x" * 24, "callback_url": "http://127.0.0.1:1/"}
    return organisation(chat_accounts=[account])


class Building:
    """The three services in one process; `flow` is Kafka between them."""

    def __init__(self, uri: str) -> None:
        self.prefix = f"check_{uuid4().hex[:12]}"
        self.settings = ServiceSettings(mongodb_uri=uri, mongodb_database_prefix=self.prefix)  # type: ignore[arg-type]
        self.mongo = Past(uri)
        self.installation = Installation(Mongo(uri), self.prefix)
        names = {topics.WRITER[topic]: topic for topic in topics.WRITER}
        self.databases = {service: self.mongo.database(f"{self.prefix}_{service}") for service in names}
        self.journals = {service: Journal(database, names[service]) for service, database in self.databases.items()}
        self.files = FileStore(self.databases["intake"])
        self.acceptance = Acceptance(self.mongo, self.databases["intake"], self.journals["intake"])
        self.stores = {service: OrganisationStore(database) for service, database in self.databases.items()}
        self.directory = Directory(self.stores["routing"])
        self.tickets = TicketRepository(self.mongo, self.databases["routing"], self.journals["routing"])
        self.routing = Routing(self.tickets, self.directory, self.mongo.now)
        self.ticker = Ticker(self.tickets, self.directory, Everything(), self.mongo.now, logger=get_logger("routing"))
        self.deliveries = DeliveryRepository(self.mongo, self.databases["notifier"], self.journals["notifier"])
        letterhead = Letterhead(
            "helpdesk@customs.example", "Helpdesk", lambda reference, _ticket, _at: f"https://helpdesk.example/{reference}"
        )
        digests = Digests(self.mongo, self.databases["notifier"], DigestMail(letterhead))
        screening = Screening(Suppressions(self.databases["notifier"]), Limits(self.databases["notifier"], per_minute=600))
        self.telling = Telling(
            self.mongo, self.deliveries, digests, Renderer(letterhead), self.stores["notifier"], asyncio.Event(), screening
        )

    async def prepare(self, spec: Organisation) -> None:
        for service, specs in provision.COLLECTIONS.items():
            await self.mongo.ensure(self.databases[service], specs)
        await provision.load(self.settings, self.mongo, spec)
        for store in self.stores.values():
            await store.refresh()

    async def destroy(self) -> None:
        for service in self.databases:
            await self.mongo._client.drop_database(f"{self.prefix}_{service}")  # noqa: SLF001 (nothing else ever drops one)
        await self.mongo.close()
        await self.installation.mongo.close()

    async def opens(self, **changed: Any) -> Receipt:
        fields: dict[str, Any] = {
            "source": f"form:{uuid4()}",
            "fingerprint": "f",
            "channel": "form",
            "topic": "valuation",
            "unit": "hon-gai",
            "subject": "Trị giá lô hàng",
            "text": "Chúng tôi không rõ cách tính trị giá.",
            "language": "vi",
            "business": Business(name="Công ty An Bình"),
            "contact": Contact(name="Lan", email="lan@anbinh.example"),
            "received_at": self.mongo.now(),
        }
        return await self.acceptance.open(Opening(**{**fields, **changed}))

    async def says(self, receipt: Receipt, text: str) -> Receipt:
        saying = Saying(f"form:{uuid4()}", "f", receipt.ticket_id, "form", text, self.mongo.now())
        return await self.acceptance.say(saying)

    async def attachment(self, content: bytes) -> Attachment:
        file = Attachment(id=new_id(), filename="tờ khai.pdf", content_type="application/pdf", size=len(content), sha256="0" * 64)
        await self.files.put(file, content)
        return file

    async def officer(self, receipt: Receipt, command: Command, actor: Actor = HAI) -> None:
        ticket = (await self.tickets.load([receipt.ticket_id]))[receipt.ticket_id]
        ctx = self.directory.context()
        decision = decide(ticket, command, actor, ctx, self.mongo.now())
        await self.tickets.save([change_of(ticket, decision, ctx, cause=new_id())], now=self.mongo.now())

    async def tick(self) -> None:
        while await self.ticker.step():
            pass

    async def flow(self, *, send: bool = True) -> None:
        """Publish and consume until nothing is left to do; without `send` deliveries stay pending."""
        routing, telling = self.routing, self.telling
        while True:
            moved = await self._published("intake", request_events, routing.on_requests)
            moved += await self._published("routing", ticket_events, telling.on_tickets)
            moved += await self._published("notifier", notification_events, routing.on_notifications)
            moved += await self._sent() if send else 0
            if not moved:
                return

    async def _published(self, service: str, adapter: Any, apply: Callable[[Sequence[Any]], Any]) -> int:
        entries = await self.journals[service].unpublished(ALL, 300)
        await apply([adapter.validate_json(entry["body"]) for entry in entries])
        await self.journals[service].mark_published([entry["_id"] for entry in entries])
        return len(entries)

    async def _sent(self) -> int:
        """Every server takes everything at once."""
        rows = await self.databases["notifier"]["deliveries"].find({"state": "pending"}).sort("order", 1).to_list(None)
        if rows:
            await self.deliveries.record([judged(row, Accepted("250 ok"), self.mongo.now(), 0.0) for row in rows])
        return len(rows)


class Story(Building):
    """Three requests: `answered` in time and long closed, `late` told by chat and up the ladder, `fresh` from ten minutes ago."""

    answered: Receipt
    late: Receipt
    fresh: Receipt

    async def live(self) -> None:
        await self.prepare(with_chat())
        self.mongo.ago = timedelta(days=30)
        self.answered = await self.opens(attachments=(await self.attachment(b"x" * 600_000), await self.attachment(b"y")))
        chat = Contact(name="Minh", chat=ChatAddress(account="zalo", conversation="7"))
        self.late = await self.opens(unit="cau-treo", contact=chat, channel="chat")
        await self.flow()
        await self.officer(self.answered, Claim())
        await self.officer(self.answered, Reply("answer-1", "Xem Điều 6."))
        await self.flow()
        await self.says(self.answered, "Cảm ơn.")
        await self.flow()
        await self.officer(self.answered, Resolve("answer-2", "Đã giải quyết."))
        await self.flow()
        for days in (29.9, 28, 20):
            self.mongo.ago = timedelta(days=days)
            await self.tick()
            await self.flow()
        await self.officer(self.late, Reply("answer-3", "Xin lỗi vì chậm trễ."), await self._whoever_has(self.late))
        await self.flow()
        self.mongo.ago = timedelta(days=10)
        await self.tick()
        await self.flow()
        self.mongo.ago = timedelta(minutes=10)
        self.fresh = await self.opens(unit="cau-treo", contact=Contact(phone="0900000000"))
        await self.flow(send=False)
        self.mongo.ago = timedelta()

    async def _whoever_has(self, receipt: Receipt) -> Actor:
        """The ladder may have given it to another group by now."""
        ticket = (await self.tickets.load([receipt.ticket_id]))[receipt.ticket_id]
        lead = self.directory.context().group(ticket.group).lead
        return Actor(lead, lead)


@asynccontextmanager
async def built(uri: str) -> AsyncIterator[Building]:
    """An installation in which nothing has happened yet; gone afterwards."""
    building = Building(uri)
    try:
        await building.prepare(with_chat())
        yield building
    finally:
        await building.destroy()


@asynccontextmanager
async def lived(uri: str) -> AsyncIterator[Story]:
    story = Story(uri)
    try:
        await story.live()
        yield story
    finally:
        await story.destroy()
