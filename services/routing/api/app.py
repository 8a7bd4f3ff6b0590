"""The API as one application."""

from importlib.metadata import version

from fastapi import FastAPI
from structlog.typing import FilteringBoundLogger

from kit.mongo import Database, Mongo
from kit.web import web_app
from services.routing.api import reports, tickets
from services.routing.api.signing_in import signing_in
from services.routing.directory import Directory
from services.routing.queue import QueueRepository
from services.routing.reports import ReportRepository
from services.routing.repository import TicketRepository
from services.routing.tokens import TokenRepository

MAX_BODY = 1_000_000
"""Bytes; an officer's text has at most 20,000 characters."""


def api(mongo: Mongo, database: Database, repository: TicketRepository, directory: Directory, logger: FilteringBoundLogger) -> FastAPI:
    app = web_app(
        "Helpdesk: officers",
        description="Queues, tickets and reports for officers and supervisors. Sign in with a token from `helpdesk token create`.",
        version=version("helpdesk"),
        logger=logger,
        max_body=MAX_BODY,
    )
    signed_in = signing_in(mongo, TokenRepository(database), directory)
    app.include_router(tickets.routes(tickets.Desk(mongo, repository, directory), QueueRepository(database), mongo, signed_in))
    app.include_router(reports.routes(ReportRepository(database), directory, mongo, signed_in))
    return app
