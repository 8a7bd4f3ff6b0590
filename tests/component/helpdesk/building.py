"""Small installations whose past was lived by the real code: accepted, routed, told, answered, missed. Only time and Kafka are ours."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
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
from services.intake.acceptance import Acceptance, Receipt
from services.intake.accepted import Opening, Saying
from services.intake.storing import FileStore
from services.notifier.digest_mail import DigestMail
from services.notifier.digests import Digests, Gatherer
from services.notifier.domain.floods import Floods
from services.notifier.domain.outcome import Accepted
from services.notifier.handlers import Handlers as Telling
from services.notifier.limits import Limits
from services.notifier.preferences import Preferences
from services.notifier.rendering import Letterhead, Renderer
from services.notifier.reported import Reported
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
from tests.component.helpdesk.post import Post, returned, written
from tests.support.organisations import organisation

HAI, CAM = Actor("hai", "Hai"), Actor("cam", "Cam")
ALL = range(SLOTS)


class Everything:
    """The share of the only process there is."""

    mine = frozenset(ALL)
    turns = (mine,)

    def working(self, _: int) -> AbstractContextManager[None]:
        return nullcontext()


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
        self.journals = {service: Journal(database, names[service], self.mongo.now) for service, database in self.databases.items()}
        self.files = FileStore(self.databases["intake"])
        self.acceptance = Acceptance(self.mongo, self.databases["intake"], self.journals["intake"])
        self.stores = {service: OrganisationStore(database) for service, database in self.databases.items()}
        self.post = Post(self.mongo, self.databases["intake"], self.acceptance, self.stores["intake"], Everything())
        self.directory = Directory(self.stores["routing"])
        self.tickets = TicketRepository(self.mongo, self.databases["routing"], self.journals["routing"])
        self.routing = Routing(self.tickets, self.directory, self.mongo.now)
        self.ticker = Ticker(self.tickets, self.directory, Everything(), self.mongo.now, logger=get_logger("routing"))
        self.deliveries = DeliveryRepository(self.mongo, self.databases["notifier"], self.journals["notifier"])
        letterhead = Letterhead(
            "helpdesk@customs.example", "Helpdesk", lambda reference, _ticket, _at: f"https://helpdesk.example/{reference}"
        )
        digests = Digests(self.mongo, self.databases["notifier"], DigestMail(letterhead))
        self.gatherer = Gatherer(digests, lambda: ALL, self.mongo.now, lambda: None, get_logger("notifier"))
        suppressions = Suppressions(self.databases["notifier"])
        screening = Screening(suppressions, Limits(self.databases["notifier"], per_minute=600), Preferences(self.databases["notifier"]))
        self.reported = Reported(
            self.mongo, self.databases["notifier"], self.journals["notifier"], suppressions, logger=get_logger("notifier")
        )
        self.telling = Telling(
            self.mongo,
            self.deliveries,
            digests,
            Renderer(letterhead),
            self.stores["notifier"],
            screening,
            lambda _rows, _begun: None,
            Floods(5),
        )

    async def prepare(self, spec: Organisation) -> None:
        for service, specs in provision.COLLECTIONS.items():
            await self.mongo.ensure(self.databases[service], specs)
        await provision.load(self.settings, self.mongo, spec)
        for store in self.stores.values():
            await store.refresh()

    async def destroy(self) -> None:
        await self.post.parser.close()
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
            moved = await self._published("intake", request_events, self._on_requests)
            moved += await self._published("routing", ticket_events, telling.on_tickets)
            moved += await self._published("notifier", notification_events, routing.on_notifications)
            moved += await self.gatherer.step()
            moved += await self._sent() if send else 0
            if not moved:
                return

    async def _on_requests(self, events: Sequence[Any]) -> None:
        await self.routing.on_requests(events)
        await self.reported.on_requests(events)

    async def _published(self, service: str, adapter: Any, apply: Callable[[Sequence[Any]], Any]) -> int:
        entries = await self.journals[service].unpublished(ALL, 300)
        await apply([adapter.validate_json(entry["body"]) for entry in entries])
        await self.journals[service].mark_published(entries)
        return len(entries)

    async def _sent(self) -> int:
        """Every server takes everything at once."""
        rows = await self.databases["notifier"]["deliveries"].find({"state": "pending"}).sort("order", 1).to_list(None)
        if rows:
            await self.deliveries.record([judged(row, Accepted("250 ok"), self.mongo.now(), 0.0) for row in rows])
        return len(rows)


class Story(Building):
    """A past with everything in it that an installation knows.

    Requests: `answered` in time, long closed, and an answer came back; `late`, told by chat and up the ladder; `hurried`, done
    before anybody was told that it was late; `fresh` from ten minutes ago; `asleep`, whose group will be told; two more whose
    group is just being told in one mail; and mails of every kind.
    """

    answered: Receipt
    late: Receipt
    hurried: Receipt
    fresh: Receipt
    asleep: Receipt

    async def live(self) -> None:
        await self.prepare(with_chat())
        self.mongo.ago = timedelta(days=30)
        self.answered = await self.opens(attachments=(await self.attachment(b"x" * 600_000), await self.attachment(b"y")))
        chat = Contact(name="Minh", chat=ChatAddress(account="zalo", conversation="7"))
        self.late = await self.opens(unit="cau-treo", contact=chat, channel="chat")
        self.hurried = await self.opens(unit="cau-treo")
        await self.flow()
        await self.officer(self.answered, Claim())
        await self.officer(self.answered, Reply("answer-1", "Xem Điều 6."))
        await self.flow()
        await self.says(self.answered, "Cảm ơn.")
        await self.flow()
        await self.officer(self.answered, Resolve("answer-2", "Đã giải quyết."))
        await self.flow()
        await self._days_pass()
        await self._two_are_late()
        self.mongo.ago = timedelta(minutes=10)
        await self._mails_come()
        self.fresh = await self.opens(unit="cau-treo", contact=Contact(phone="0900000000"))
        await self.flow(send=False)
        await self._falls_asleep()
        self.mongo.ago = timedelta()

    async def _days_pass(self) -> None:
        for days in (29.9, 28, 20):
            self.mongo.ago = timedelta(days=days)
            await self.tick()
            await self.flow()
            if days > 29:
                await self.officer(self.hurried, Resolve("answer-4", "Xong."), await self._whoever_has(self.hurried))
                await self.flow()
        await self.officer(self.late, Reply("answer-3", "Xin lỗi vì chậm trễ."), await self._whoever_has(self.late))
        await self.flow()
        self.mongo.ago = timedelta(days=10)
        await self.tick()
        await self.flow()

    async def _two_are_late(self) -> None:
        self.mongo.ago = timedelta(hours=3)
        for _ in range(2):
            await self.opens(unit="cau-treo")
        await self.flow()
        self.mongo.ago = timedelta(hours=1)
        await self.tick()
        await self.flow()

    async def _mails_come(self) -> None:
        """A request, the same again by another door, more on it, one for nobody, one nobody can read, and an answer that came back."""
        await self.post.arrives(written(1), key="imap:1")
        await self.post.read()
        await self.post.arrives(written(1), door="ses", key="ses:1")
        await self.post.arrives(written(2, "Thêm nữa.", in_reply_to="<1@anbinh.example>"), door="smtp")
        await self.post.arrives(written(3, auto_submitted="auto-replied"), door="mailgun", key="mailgun:3")
        await self.post.arrives(written(4), key="imap:4", unfit="too_large")
        query = {"ticket_id": self.answered.ticket_id, "template": "answer"}
        delivery = await self.databases["notifier"]["deliveries"].find_one(query)
        assert delivery is not None
        content, address = returned(self.answered.ticket_id, delivery["_id"])
        await self.post.arrives(content, to=address, sender="", door="smtp")
        await self.post.read()

    async def _falls_asleep(self) -> None:
        """Its group begins work in an hour."""
        self.mongo.ago = timedelta(hours=2)
        self.asleep = await self.opens(unit="cau-treo")
        await self.flow(send=False)
        self.mongo.ago = timedelta(minutes=2)
        await self.tick()
        await self.flow(send=False)
        later = self.mongo.now() + timedelta(hours=1)
        await self.databases["notifier"]["deliveries"].update_many({"state": "gathering"}, {"$set": {"next_at": later}})
        await self.databases["notifier"]["deliveries"].update_many({"state": "pending"}, {"$max": {"next_at": self.mongo.now()}})

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
