"""The notifier, put together."""

import asyncio
from collections.abc import Collection
from functools import partial
from importlib.metadata import version
from typing import Final

import httpx

from kit.consuming import add_inlet
from kit.journal import Journal
from kit.leases import Slots
from kit.links import status_url, thread_id
from kit.log import get_logger
from kit.loops import Loop
from kit.mongo import Document, Mongo
from kit.organisation import OrganisationStore
from kit.publishing import RENEW_EVERY, add_relay, process_name
from kit.readiness import mongo_answers, organisation_loaded
from kit.service import Service
from kit.web import WebServer, add_health, web_app
from schemas import topics
from schemas.tickets import ticket_events
from services.notifier import chat
from services.notifier.domain.address import ascii_address
from services.notifier.domain.audience import Delivery
from services.notifier.domain.outcome import Never, Outcome
from services.notifier.handlers import Handlers
from services.notifier.rendering import Letterhead, Renderer
from services.notifier.repository import DeliveryRepository
from services.notifier.sender import Send, Sender
from services.notifier.settings import NotifierSettings
from services.notifier.smtp import Relay, SmtpPool
from services.notifier.storage import NOTIFIER, SENDER_LEASES

ROLES: Final = ("web", "consumer", "relay", "sender")

SEND_EVERY: Final = 0.5
"""Seconds between looks for deliveries whose time has come; new ones ring."""


def build(settings: NotifierSettings, only: Collection[str] = ROLES) -> Service:
    """The service with the roles named; nothing is started yet. ValueError: a setting that can't be used."""
    settings.secrets()  # refused before anything is opened that would have to be closed again
    Relay.from_url(settings.smtp_url.get_secret_value())
    logger = get_logger("notifier")
    service = Service("notifier", logger)
    mongo = Mongo(settings.mongodb_uri.get_secret_value(), application="helpdesk-notifier")
    service.closers.append(mongo.close)
    database = mongo.database(f"{settings.mongodb_database_prefix}_notifier")
    service.preparations.append(partial(mongo.ensure, database, NOTIFIER))
    store = OrganisationStore(database)
    service.loops.append(Loop("organisation", store.refresh, every=2.0, logger=logger))
    service.checks += [mongo_answers(mongo), organisation_loaded(store)]
    journal = (
        add_relay(service, settings, mongo, database, topics.NOTIFICATIONS) if "relay" in only else Journal(database, topics.NOTIFICATIONS)
    )
    deliveries = DeliveryRepository(mongo, database, journal)
    wake = asyncio.Event()
    if "consumer" in only:
        handlers = Handlers(mongo, deliveries, Renderer(letterhead(settings)), store, wake)
        add_inlet(service, settings, topics.TICKETS, "notifier", ticket_events, handlers.on_tickets)
    if "sender" in only:
        slots = Slots(mongo, database[SENDER_LEASES.name], process_name())
        sender = Sender(mongo, deliveries, slots, channels(service, settings, mongo, store), wake, logger)
        service.loops.append(Loop("sender slots", slots.renew, every=RENEW_EVERY, logger=logger))
        service.loops.append(Loop("sender", sender.step, every=SEND_EVERY, logger=logger, wake=wake))
        service.closers += [slots.release, sender.close]
    app = web_app("Helpdesk: notifier", description="Health and metrics.", version=version("helpdesk"), logger=logger, max_body=1_000)
    add_health(app, alive=service.stuck, missing=service.missing)
    service.parts.append(WebServer(app, settings.host, settings.notifier_port))
    return service


def letterhead(settings: NotifierSettings) -> Letterhead:
    secret = settings.secrets()[0]
    domain = ascii_address(settings.mail_from).rpartition("@")[2]
    return Letterhead(
        address=settings.mail_from,
        name=settings.mail_from_name,
        status_url=partial(status_url, settings.public_url, secret),
        thread_id=partial(thread_id, secret, domain=domain),
    )


def channels(service: Service, settings: NotifierSettings, mongo: Mongo, store: OrganisationStore) -> dict[str, Send]:
    """How each channel sends one delivery."""
    relay = Relay.from_url(settings.smtp_url.get_secret_value())
    pool = SmtpPool(relay, connections=settings.smtp_connections, helo=settings.mail_from.rpartition("@")[2])
    client = httpx.AsyncClient(follow_redirects=False, trust_env=False)
    service.closers += [pool.close, client.aclose]

    async def by_mail(row: Document) -> Outcome:
        return await pool.send(settings.mail_from, row["address"], row["content"])

    async def by_chat(row: Document) -> Outcome:
        delivery = Delivery(id=row["_id"], **{name: row[name] for name in Delivery.__dataclass_fields__ if name != "id"})
        account = store.current.organisation.chat_account(delivery.address.partition(":")[0])
        if account is None:
            return Never("the chat account is no longer there")
        return await chat.post(client, account, delivery, row["reference"], text=row["content"].decode(), now=mongo.now())

    return {"email": by_mail, "chat": by_chat}


async def main(settings: NotifierSettings, only: Collection[str], stop: asyncio.Event) -> None:
    """Run until `stop` is set."""
    await build(settings, only).run(stop)
