"""Intake, put together: the front door that says yes only to what is stored for good."""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from kit.consuming import add_inlet
from kit.journal import Journal
from kit.log import get_logger
from kit.loops import Loop
from kit.mongo import Database, Mongo
from kit.organisation import OrganisationStore, knowing
from kit.publishing import add_relay
from kit.readiness import mongo_answers, organisation_loaded
from kit.service import Service
from kit.web import WebServer, add_health, web_app
from schemas import topics
from schemas.tickets import ticket_events
from services.intake.acceptance import Acceptance
from services.intake.api import add_api
from services.intake.browsers import ForBrowsers, current_pages
from services.intake.desk import LARGEST_JSON, Desk
from services.intake.documented import document
from services.intake.following import following_routes
from services.intake.form import form_routes
from services.intake.hooks import hook_routes
from services.intake.mail.imap.accounts import accounts_of
from services.intake.mail.providers.routes import providers_of
from services.intake.mail.wiring import add_mail, build_mail_hooks
from services.intake.pages.rendering import STATIC_DIRECTORY
from services.intake.projection import Projection
from services.intake.settings import IntakeSettings
from services.intake.status import Conversations, Links
from services.intake.storage import CONVERSATIONS, INTAKE
from services.intake.storing import FileStore

ROLES: Final = ("web", "mail", "consumer", "relay")

REFRESH_EVERY: Final = 2.0
"""Seconds after which a newly loaded organisation is known."""

SWEEP_EVERY: Final = 3600.0


def build(settings: IntakeSettings, only: Collection[str] = ()) -> Service:
    """The service with the roles of `only`, all when it is empty. ValueError for an unknown role or a missing secret."""
    roles = set(only or ROLES)
    if unknown := roles - set(ROLES):
        raise ValueError(f"intake has no role {', '.join(sorted(unknown))}; it has {', '.join(ROLES)}")
    providers = providers_of(settings, get_logger("intake"))
    accounts_of(settings.imap_urls.get_secret_value())
    settings.secrets()  # refused before anything is opened that would have to be closed again
    service = Service("intake", get_logger("intake"))
    mongo = Mongo(settings.mongodb_uri.get_secret_value(), application="helpdesk-intake")
    service.closers.append(mongo.close)
    database = mongo.database(f"{settings.mongodb_database_prefix}_intake")
    journal = (
        add_relay(service, settings, mongo, database, topics.REQUESTS)
        if "relay" in roles
        else Journal(database, topics.REQUESTS, mongo.now)
    )
    desk = build_desk(settings, mongo, database, journal)
    add_housekeeping(service, mongo, database, desk)
    if "consumer" in roles:
        projection = Projection(mongo, database[CONVERSATIONS.name])
        add_inlet(service, settings, topics.TICKETS, "intake", ticket_events, projection.apply, unhurried=True)
    if "mail" in roles:
        add_mail(service, settings, mongo, database, desk.acceptance, desk.files, desk.organisation)
    if "web" in roles:
        app = build_web(service, desk, build_mail_hooks(service, settings, mongo, database, desk, providers))
    else:
        app = build_health(service)
    service.parts.append(WebServer(app, settings.host, settings.intake_port))
    return service


async def main(settings: IntakeSettings, only: Collection[str], stop: asyncio.Event) -> None:
    """Run until `stop` is set."""
    await build(settings, only).run(stop)


def build_desk(settings: IntakeSettings, mongo: Mongo, database: Database, journal: Journal) -> Desk:
    return Desk(
        acceptance=Acceptance(mongo, database, journal),
        files=FileStore(database),
        organisation=OrganisationStore(database),
        conversations=Conversations(database),
        links=Links(settings.public_url, settings.secrets()),
        now=partial(to_the_millisecond, mongo.now),
    )


def to_the_millisecond(now: Callable[[], datetime]) -> datetime:
    """As MongoDB keeps it, so that what is answered at once and what is read later are equal."""
    at = now()
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def add_housekeeping(service: Service, mongo: Mongo, database: Database, desk: Desk) -> None:
    """Collections, the organisation, old files, and what readiness asks for."""
    loop = partial(Loop, logger=service.logger)
    service.loops += [
        loop("organisation", knowing(partial(mongo.ensure, database, INTAKE), desk.organisation), every=REFRESH_EVERY),
        loop("file sweep", lambda: desk.files.sweep(desk.now()), every=SWEEP_EVERY),
    ]
    service.checks += [mongo_answers(mongo), organisation_loaded(desk.organisation)]


def build_web(service: Service, desk: Desk, *more: APIRouter) -> ASGIApp:
    """The web part, with pages instead of problem JSON for browsers."""
    pages = current_pages(desk.organisation)
    app = web_app(
        "Helpdesk intake",
        description="Send a business difficulty request, say more on it, see where it stands.",
        version=version("helpdesk"),
        logger=service.logger,
        max_body=LARGEST_JSON,
    )
    add_health(app, alive=service.stuck, missing=service.missing)
    add_api(app, desk)
    for router in (hook_routes(desk), form_routes(desk, pages), following_routes(desk, pages), *more):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC_DIRECTORY), name="static")
    document(app)
    return ForBrowsers(app, pages)


def build_health(service: Service) -> ASGIApp:
    """What a process without the web role answers."""
    app = web_app("Helpdesk intake", description="Health and metrics.", version=version("helpdesk"), logger=service.logger, max_body=1_000)
    add_health(app, alive=service.stuck, missing=service.missing)
    return app
