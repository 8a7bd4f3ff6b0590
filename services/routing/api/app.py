"""The API as one application."""

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from typing import Final

from fastapi import Depends, FastAPI
from structlog.typing import FilteringBoundLogger

from kit.mongo import Database
from kit.web import web_app
from services.routing.api import explain, queues, repairs, reports, tickets
from services.routing.api.desk import Desk
from services.routing.api.documented import documented
from services.routing.api.links import FileLinks
from services.routing.api.signing_in import signing_in
from services.routing.directory import Directory
from services.routing.history import HistoryRepository
from services.routing.queue import QueueRepository
from services.routing.record import Record
from services.routing.reports import ReportRepository
from services.routing.repository import TicketRepository
from services.routing.tokens import TokenRepository

MAX_BODY: Final = 1_000_000
"""Bytes; an officer's text has at most 20,000 characters."""


def api(
    database: Database,
    repository: TicketRepository,
    directory: Directory,
    links: FileLinks,
    now: Callable[[], datetime],
    logger: FilteringBoundLogger,
) -> FastAPI:
    """`now` is the database server's time."""
    app = web_app(
        "Helpdesk: officers",
        description="Queues, tickets and reports for officers and supervisors. Sign in with a token from `helpdesk token create`.",
        version=version("helpdesk"),
        logger=logger,
        max_body=MAX_BODY,
    )
    signed_in = signing_in(TokenRepository(database), directory, now)
    history = HistoryRepository(database, logger)
    desk = Desk(repository, history, directory, links, now)
    record = Record(database)
    routers = (
        queues.routes(QueueRepository(database), record, directory, now, signed_in),
        tickets.reading_routes(desk, history, directory, signed_in),
        explain.routes(desk, history, directory, now, signed_in),
        tickets.handing_routes(desk, signed_in),
        tickets.saying_routes(desk, signed_in),
        tickets.ending_routes(desk, signed_in),
        repairs.routes(desk, signed_in),
        reports.routes(ReportRepository(database), record, directory, now, signed_in),
    )
    for router in routers:
        app.include_router(router, dependencies=[Depends(documented(signed_in))])
    return app
