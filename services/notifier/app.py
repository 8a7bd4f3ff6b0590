"""The notifier, put together."""

import asyncio
from collections.abc import Collection, Sequence
from functools import partial
from importlib.metadata import version
from typing import Final

import httpx

from kit.consuming import add_inlet
from kit.documentation import add_pointer
from kit.journal import Journal
from kit.leases import Slots
from kit.links import staff_thread_id, status_url, thread_id
from kit.log import get_logger
from kit.loops import Loop
from kit.mail_tokens import delivery_message_id, loop_mark, reply_address
from kit.mongo import Document, Mongo
from kit.organisation import OrganisationStore
from kit.publishing import RENEW_EVERY, add_relay, process_name
from kit.readiness import mongo_answers, organisation_loaded
from kit.service import Service
from kit.web import WebServer, add_health, web_app
from schemas import topics
from schemas.requests import request_events
from schemas.tickets import ticket_events
from services.notifier import chat
from services.notifier.digest_mail import DigestMail
from services.notifier.digests import Digests, Gatherer
from services.notifier.dkim import Signer, keys_of
from services.notifier.domain.address import ascii_address
from services.notifier.domain.audience import Delivery
from services.notifier.domain.floods import Floods
from services.notifier.domain.outcome import Never, Outcome
from services.notifier.handlers import CaughtUp, Handlers, HandOver
from services.notifier.limits import Limits
from services.notifier.notice_links import notice_url
from services.notifier.notice_pages import NoticePages
from services.notifier.preferences import Preferences
from services.notifier.relay import Relay
from services.notifier.rendering import Letterhead, Renderer
from services.notifier.reported import REPORTS, Reported
from services.notifier.repository import DeliveryRepository
from services.notifier.return_path import ReturnPaths
from services.notifier.screening import Screening
from services.notifier.sender import Send, Sender
from services.notifier.settings import NotifierSettings
from services.notifier.smtp import SmtpPool
from services.notifier.storage import NOTIFIER, SENDER_LEASES
from services.notifier.suppressions import Suppressions

GATHER_EVERY: Final = 2.0
"""Seconds between looks for what has been gathered long enough."""

LONGEST_BOUNCE_LOCAL: Final = 15
"""64 characters a local part may have, less the token of 48 and its plus sign."""

ROLES: Final = ("web", "consumer", "relay", "sender")

SEND_EVERY: Final = 0.5
"""Seconds between looks for deliveries whose time has come; new ones ring."""


def build(settings: NotifierSettings, only: Collection[str] = ROLES) -> Service:
    """The service with the roles named; nothing is started yet. ValueError: a setting that can't be used."""
    settings.secrets()  # refused before anything is opened that would have to be closed again
    Relay.from_url(settings.smtp_url.get_secret_value())
    return_paths(settings)
    heading = letterhead(settings)
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
        add_relay(service, settings, mongo, database, topics.NOTIFICATIONS, unhurried=True)
        if "relay" in only
        else Journal(database, topics.NOTIFICATIONS, mongo.now)
    )
    deliveries = DeliveryRepository(mongo, database, journal)
    digests = Digests(mongo, database, DigestMail(heading))
    preferences, suppressions = Preferences(database), Suppressions(database)
    hand_over: HandOver = left_to_others
    caught_up: CaughtUp | None = None
    if "sender" in only:
        slots = Slots(mongo, database[SENDER_LEASES.name], process_name())
        sender = add_sender(service, settings, mongo, slots, deliveries, digests, channels(service, settings, mongo, store))
        hand_over, caught_up = sender.hand_over, sender.caught_up
    if "consumer" in only:
        screening = Screening(suppressions, Limits(database, per_minute=settings.acknowledgements_per_minute), preferences)
        renderer, floods = Renderer(heading), Floods(settings.new_work_per_minute)
        telling = Handlers(mongo, deliveries, digests, renderer, store, screening, hand_over, floods, caught_up)
        add_consumers(service, settings, telling, Reported(mongo, database, journal, suppressions, logger))
    add_web(service, settings, NoticePages(preferences, settings.secrets(), mongo.now, logger))
    return service


def left_to_others(_rows: Sequence[Document], _begun: Collection[str]) -> None:
    """The senders are in other processes, and look."""


def add_web(service: Service, settings: NotifierSettings, notices: NoticePages) -> None:
    about, release = "Health and metrics.", version("helpdesk")
    app = web_app("Helpdesk: notifier", description=about, version=release, logger=service.logger, max_body=1_000)
    add_pointer(app)
    notices.add_to(app)
    add_health(app, alive=service.stuck, missing=service.missing)
    service.parts.append(WebServer(app, settings.host, settings.notifier_port))


def add_consumers(service: Service, settings: NotifierSettings, telling: Handlers, reported: Reported) -> None:
    add_inlet(service, settings, topics.TICKETS, "notifier", ticket_events, telling.on_tickets)
    add_inlet(service, settings, topics.REQUESTS, "notifier", request_events, reported.on_requests, only=REPORTS, unhurried=True)


def add_sender(  # noqa: PLR0913, PLR0917 (each is one collaborator)
    service: Service,
    settings: NotifierSettings,
    mongo: Mongo,
    slots: Slots,
    deliveries: DeliveryRepository,
    digests: Digests,
    sending: dict[str, Send],
) -> Sender:
    wake, logger = asyncio.Event(), service.logger
    sender = Sender(mongo, deliveries, slots, sending, wake, logger, settings.smtp_per_domain)
    gatherer = Gatherer(digests, lambda: slots.mine, mongo.now, wake.set, logger)
    loop = partial(Loop, logger=logger)
    service.loops += [
        loop("sender slots", slots.renew, every=RENEW_EVERY),
        loop("sender", sender.step, every=SEND_EVERY, wake=wake),
        loop("gatherer", gatherer.step, every=GATHER_EVERY),
    ]
    service.closers += [slots.release, sender.close]
    return sender


def letterhead(settings: NotifierSettings) -> Letterhead:
    secret = settings.secrets()[0]
    domain = ascii_address(settings.mail_from).rpartition("@")[2]
    return Letterhead(
        address=settings.mail_from,
        name=settings.mail_from_name,
        status_url=partial(status_url, settings.public_url, secret),
        thread_id=partial(thread_id, secret, domain=domain),
        message_id=partial(delivery_message_id, secret, domain=domain),
        staff_thread_id=partial(staff_thread_id, secret, domain=domain),
        staff_message_id=partial(delivery_message_id, secret, domain=domain, staff=True),
        reply_to=partial(reply_address, secret) if settings.plus_addressing else None,
        loop_mark=partial(loop_mark, secret, domain=domain),
        digest_id=partial(delivery_message_id, secret, domain=domain, alone=False),
        notice_url=partial(notice_url, settings.notices_url, secret) if settings.notices_url else None,
        sign=Signer(domain, keys_of(settings.dkim_keys)).sign,
    )


def return_paths(settings: NotifierSettings) -> ReturnPaths:
    """ValueError: the address for bounces can't be used."""
    bounces = ascii_address(settings.bounce_address) if settings.bounce_address else None
    if bounces and len(bounces.rpartition("@")[0]) > LONGEST_BOUNCE_LOCAL:
        raise ValueError(f"HELPDESK_BOUNCE_ADDRESS may have at most {LONGEST_BOUNCE_LOCAL} characters before the @, for a token is added")
    return ReturnPaths(settings.mail_from, bounces, settings.secrets()[0], null_for_automatic=settings.null_return_path)


def channels(service: Service, settings: NotifierSettings, mongo: Mongo, store: OrganisationStore) -> dict[str, Send]:
    """How each channel sends one delivery."""
    relay = Relay.from_url(settings.smtp_url.get_secret_value())
    pool = SmtpPool(relay, connections=settings.smtp_connections, helo=settings.mail_from.rpartition("@")[2])
    paths = return_paths(settings)
    client = httpx.AsyncClient(follow_redirects=False, trust_env=False)
    service.closers += [pool.close, client.aclose]

    async def by_mail(row: Document) -> Outcome:
        return await pool.send(paths.of(row), row["address"], row["content"])

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
