"""Routing, put together."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Final

from kit.consuming import add_inlet
from kit.documentation import add_pointer
from kit.journal import Journal
from kit.leases import Slots
from kit.log import get_logger
from kit.loops import Loop
from kit.mongo import Database, Mongo
from kit.organisation import OrganisationStore, knowing
from kit.publishing import add_relay, process_name
from kit.readiness import mongo_answers, organisation_loaded
from kit.service import Service
from kit.web import WebServer, add_health, web_app
from schemas import topics
from schemas.notifications import notification_events
from schemas.requests import request_events
from services.routing.api.app import api
from services.routing.api.links import FileLinks
from services.routing.directory import Directory
from services.routing.handlers import Handlers
from services.routing.repository import TicketRepository, oldest_in_use
from services.routing.retimer import LOOK, Retimer
from services.routing.rollups import FOLD, Rollups
from services.routing.settings import RoutingSettings
from services.routing.storage import ROUTING, TICKER_LEASES
from services.routing.ticker import Ticker

ROLES: Final = ("web", "consumer", "relay", "ticker")

TICKER_LEASE: Final = timedelta(seconds=2.5)
TICKER_RENEW_EVERY: Final = 0.5
"""Seconds. Shorter than other leases: a second after a killed ticker's last renewal others stand in for it."""


def build(settings: RoutingSettings, only: Collection[str] = ROLES) -> Service:
    """The service with the roles named; nothing is started yet. ValueError: the web role lacks its signing secret."""
    if "web" in only:
        settings.secrets()  # refused before anything is opened that would have to be closed again
    logger = get_logger("routing")
    service = Service("routing", logger)
    mongo = Mongo(settings.mongodb_uri.get_secret_value(), application="helpdesk-routing")
    service.closers.append(mongo.close)
    database = mongo.database(f"{settings.mongodb_database_prefix}_routing")
    store = OrganisationStore(database, partial(oldest_in_use, database))
    ensure = partial(mongo.ensure, database, ROUTING)
    service.preparations.append(ensure)
    service.loops.append(Loop("organisation", knowing(ensure, store), every=2.0, logger=logger))
    service.checks += [mongo_answers(mongo), organisation_loaded(store)]
    journal = (
        add_relay(service, settings, mongo, database, topics.TICKETS) if "relay" in only else Journal(database, topics.TICKETS, mongo.now)
    )
    tickets = TicketRepository(mongo, database, journal)
    directory = Directory(store)
    if "consumer" in only:
        handlers = Handlers(tickets, directory, mongo.now)
        add_inlet(service, settings, topics.REQUESTS, "routing", request_events, handlers.on_requests)
        add_inlet(service, settings, topics.NOTIFICATIONS, "routing", notification_events, handlers.on_notifications, unhurried=True)
    if "ticker" in only:
        add_time(service, settings, mongo, database, tickets, directory)
    app = web_app("Helpdesk: routing", description="Health and metrics.", version=version("helpdesk"), logger=logger, max_body=1_000)
    if "web" in only:
        app = api(database, tickets, directory, FileLinks(settings.public_url, settings.secrets()), mongo.now, logger)
    add_pointer(app)
    add_health(app, alive=service.stuck, missing=service.missing)
    service.parts.append(WebServer(app, settings.host, settings.routing_port))
    return service


def add_time(
    service: Service, settings: RoutingSettings, mongo: Mongo, database: Database, tickets: TicketRepository, directory: Directory
) -> None:
    """What time passing does: deadlines, newer revisions, the sums of reports; all on the same leased slots."""
    logger = service.logger
    slots = Slots(mongo, database[TICKER_LEASES.name], process_name(), TICKER_LEASE)
    ticker = Ticker(tickets, directory, slots, mongo.now, logger=logger, batch=settings.ticker_batch)
    retimer = Retimer(tickets, directory, slots, mongo.now, logger=logger)
    service.loops += [
        Loop("rollups", partial(Rollups(mongo, database).step, slots), every=FOLD, logger=logger),
        Loop("ticker slots", slots.renew, every=TICKER_RENEW_EVERY, logger=logger),
        Loop("ticker", ticker.step, every=ticker.rest, logger=logger),
        Loop("retimer", retimer.step, every=LOOK, logger=logger),
    ]
    service.closers.append(slots.release)


async def main(settings: RoutingSettings, only: Collection[str], stop: asyncio.Event) -> None:
    """Run until `stop` is set."""
    await build(settings, only).run(stop)
