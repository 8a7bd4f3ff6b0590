"""Routing, put together."""

import asyncio
from collections.abc import Collection
from functools import partial
from importlib.metadata import version
from typing import Final

from kit.consuming import add_inlet
from kit.journal import Journal
from kit.leases import Slots
from kit.log import get_logger
from kit.loops import Loop
from kit.mongo import Mongo
from kit.organisation import OrganisationStore, knowing
from kit.publishing import RENEW_EVERY, add_relay, process_name
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
from services.routing.repository import TicketRepository
from services.routing.settings import RoutingSettings
from services.routing.storage import ROUTING, TICKER_LEASES
from services.routing.ticker import Ticker

ROLES: Final = ("web", "consumer", "relay", "ticker")

TICK: Final = 0.5
"""Seconds between two looks for deadlines that came due."""


def build(settings: RoutingSettings, only: Collection[str] = ROLES) -> Service:
    """The service with the roles named; nothing is started yet. ValueError: the web role lacks its signing secret."""
    if "web" in only:
        settings.secrets()  # refused before anything is opened that would have to be closed again
    logger = get_logger("routing")
    service = Service("routing", logger)
    mongo = Mongo(settings.mongodb_uri.get_secret_value(), application="helpdesk-routing")
    service.closers.append(mongo.close)
    database = mongo.database(f"{settings.mongodb_database_prefix}_routing")
    store = OrganisationStore(database)
    ensure = partial(mongo.ensure, database, ROUTING)
    service.preparations.append(ensure)
    service.loops.append(Loop("organisation", knowing(ensure, store), every=2.0, logger=logger))
    service.checks += [mongo_answers(mongo), organisation_loaded(store)]
    journal = add_relay(service, settings, mongo, database, topics.TICKETS) if "relay" in only else Journal(database, topics.TICKETS)
    tickets = TicketRepository(mongo, database, journal)
    directory = Directory(store)
    if "consumer" in only:
        handlers = Handlers(tickets, directory, mongo.now)
        add_inlet(service, settings, topics.REQUESTS, "routing", request_events, handlers.on_requests)
        add_inlet(service, settings, topics.NOTIFICATIONS, "routing", notification_events, handlers.on_notifications)
    if "ticker" in only:
        slots = Slots(mongo, database[TICKER_LEASES.name], process_name())
        add_ticker(service, slots, Ticker(tickets, directory, slots, mongo.now, logger=logger, batch=settings.ticker_batch))
    app = web_app("Helpdesk: routing", description="Health and metrics.", version=version("helpdesk"), logger=logger, max_body=1_000)
    if "web" in only:
        app = api(database, tickets, directory, FileLinks(settings.public_url, settings.secrets()), mongo.now, logger)
    add_health(app, alive=service.stuck, missing=service.missing)
    service.parts.append(WebServer(app, settings.host, settings.routing_port))
    return service


def add_ticker(service: Service, slots: Slots, ticker: Ticker) -> None:
    service.loops.append(Loop("ticker slots", slots.renew, every=RENEW_EVERY, logger=service.logger))
    service.loops.append(Loop("ticker", ticker.step, every=TICK, logger=service.logger))
    service.closers.append(slots.release)


async def main(settings: RoutingSettings, only: Collection[str], stop: asyncio.Event) -> None:
    """Run until `stop` is set."""
    await build(settings, only).run(stop)
