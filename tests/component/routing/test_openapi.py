"""The API keeps what its OpenAPI document promises, whatever is sent to it."""

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from typing import Any

import httpx
import schemathesis
import structlog
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

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
from tests.support.ports import free_ports
from tests.support.servers import MongoServer

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 20
"""Per operation and mode; 21 operations in two modes take a minute on two busy cores."""

Tally = dict[str, Counter[int]]


async def serve(uri: str, database: str, port: int, ready: threading.Event, stop: asyncio.Event) -> None:
    mongo = Mongo(uri)
    store = OrganisationStore(mongo.database(database))
    await store.refresh()
    tickets = TicketRepository(mongo, mongo.database(database), Journal(mongo.database(database), topics.TICKETS))
    app = api(mongo.database(database), tickets, Directory(store), FileLinks(PUBLIC_URL, (SECRET,)), Clock(), structlog.get_logger())
    server = WebServer(app, "127.0.0.1", port)
    await server.start()
    ready.set()
    await stop.wait()
    await server.stop()
    await mongo.close()


@contextmanager
def serving(uri: str, database: str) -> Iterator[str]:
    """The API on a port of its own, in a thread with its own loop: the tester calls it from outside."""
    (port,) = free_ports(1)
    ready, stop, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=[serve(uri, database, port, ready, stop)])
    thread.start()
    try:
        assert ready.wait(30)
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


def explore(address: str, headers: dict[str, str], tickets: Sequence[str]) -> Tally:
    """Every operation with good and bad requests, the same ones every time. Returns the statuses of the good ones."""
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    tally: Tally = defaultdict(Counter)
    turns = cycle(tickets)
    with httpx.Client(base_url=address, headers=headers, trust_env=False) as client:
        for result in schema.get_all_operations():
            operation: Any = result.ok()  # type: ignore[union-attr]
            tried(partial(good, client, headers, tally, turns), operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
            tried(partial(bad, headers), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    return tally


def good(client: httpx.Client, headers: dict[str, str], tally: Tally, turns: Iterator[str], case: Any) -> None:
    about_a_ticket(client, case, next(turns))
    response = case.call(headers=headers)
    case.validate_response(response, checks=CHECKS)
    tally[case.operation.label][response.status_code] += 1


def bad(headers: dict[str, str], case: Any) -> None:
    case.validate_response(case.call(headers=headers), checks=CHECKS)


def about_a_ticket(client: httpx.Client, case: Any, ticket: str) -> None:
    """A ticket that is there, as it is now: made-up names and versions would all be refused at the door."""
    if "name" in (case.path_parameters or {}):
        case.path_parameters["name"] = ticket
        if "clock" in case.path_parameters:
            case.path_parameters["clock"] = "resolution-1"
        if isinstance(case.body, dict) and case.body.get("due_at"):
            case.body["due_at"] = "2025-06-02T09:00:00+07:00"  # made-up years are too far away
        if case.method == "POST":
            case.headers["If-Match"] = client.get(f"/api/v1/tickets/{ticket}").headers["ETag"]


def tried(check: Callable[[Any], None], cases: Any) -> None:
    def once(case: Any) -> None:
        check(case)

    limits = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    limits(given(case=cases)(once))()


async def test_every_answer_is_one_the_document_promises_and_none_is_our_fault(routing: Routing, mongo_server: MongoServer) -> None:
    tickets = [await routing.open() for _ in range(12)]
    with serving(mongo_server.uri, routing.database.name) as address:
        tally = await asyncio.to_thread(explore, address, signed("quan"), tickets)
    never = {operation for operation, statuses in tally.items() if not statuses[200]}
    # Made-up groups and officers are never ours, and a made-up repair seldom changes anything.
    assert never <= {"POST /api/v1/tickets/{name}/assign", "POST /api/v1/tickets/{name}/clocks/{clock}/repair"}, tally
    assert len(tally) == 21, sorted(tally)
