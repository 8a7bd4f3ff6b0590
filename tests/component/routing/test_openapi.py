"""The API keeps what its OpenAPI document promises, whatever is sent to it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
import structlog
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from helpdesk.embedded.ports import free_ports
from kit.journal import Journal
from kit.mongo import Mongo
from kit.organisation import OrganisationStore
from kit.web import WebServer
from schemas import topics
from services.routing.api.app import api
from services.routing.api.links import FileLinks
from services.routing.directory import Directory
from services.routing.repository import TicketRepository
from tests.component.routing.conftest import PUBLIC_URL, SECRET, Clock, Routing, signed
from tests.support.servers import MongoServer

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 25
"""Per operation; 18 operations take half a minute on two busy cores."""


@contextmanager
def serving(uri: str, database: str) -> Iterator[str]:
    """The API on a port of its own, in a thread with its own loop, as the tester calls it from outside."""
    (port,) = free_ports(1)
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        mongo = Mongo(uri)
        store = OrganisationStore(mongo.database(database))
        await store.refresh()
        tickets = TicketRepository(mongo, mongo.database(database), Journal(mongo.database(database), topics.TICKETS))
        links = FileLinks(PUBLIC_URL, (SECRET,))
        server = WebServer(
            api(mongo.database(database), tickets, Directory(store), links, Clock(), structlog.get_logger()), "127.0.0.1", port
        )
        await server.start()
        ready.set()
        await stop.wait()
        await server.stop()
        await mongo.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


def explore(address: str, headers: dict[str, str]) -> list[str]:
    """Every operation with good and bad requests, the same ones every time. What was found wrong."""
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    found: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @schemathesis_given(operation, mode)
            def check(case: Any) -> None:
                response = case.call(headers=headers)
                case.validate_response(response, checks=CHECKS)

            try:
                check()
            except AssertionError as error:
                found.append(f"{operation.label}: {error}")
    return found


def schemathesis_given(operation: Any, mode: GenerationMode) -> Any:
    from hypothesis import given  # noqa: PLC0415

    return given(case=operation.as_strategy(generation_mode=mode))


@pytest.mark.parametrize("who", ["hong"])
async def test_every_answer_is_one_the_document_promises_and_none_is_our_fault(
    routing: Routing, mongo_server: MongoServer, who: str
) -> None:
    await routing.handlers.on_requests([routing.opening() for _ in range(5)])
    with serving(mongo_server.uri, routing.database.name) as address:
        found = await asyncio.to_thread(explore, address, signed(who))
    assert found == []
