"""The API keeps to its own OpenAPI document, whatever is sent: never a 5xx, never an answer that is not documented."""

from collections.abc import Iterator
from typing import Any, cast

import httpx
import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.specs.openapi.checks import positive_data_acceptance

from services.intake.api import add_api
from services.intake.desk import Desk
from services.intake.documented import document
from services.intake.hooks import hook_routes
from tests.support.intake_running import RunningIntake, intake_settings, load_organisation, running_intake
from tests.support.servers import KafkaServer, MongoServer, run_apart
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def intake(kafka_server: KafkaServer, mongo_server: MongoServer) -> Iterator[RunningIntake]:
    settings = intake_settings(kafka_server.bootstrap_servers, mongo_server.uri)
    run_apart(load_organisation(settings))
    with running_intake(settings) as running:
        run_apart(until_ready(running))
        yield running


async def until_ready(running: RunningIntake) -> None:
    async with httpx.AsyncClient() as http:

        async def ready() -> httpx.Response:
            try:
                response = await http.get(f"{running.url}/readyz")
            except httpx.TransportError as error:
                raise LookupError(str(error)) from error
            assert response.status_code == 200
            return response

        answer: httpx.Response = await wait_until(ready, "intake is ready")
        assert answer.json() == {"status": "ready"}


def openapi() -> dict[str, Any]:
    """The document, made without a server: the routes ask for their desk only when something comes in."""
    app, nobody = FastAPI(), cast("Desk", None)
    add_api(app, nobody)
    app.include_router(hook_routes(nobody))
    document(app)
    return app.openapi()


schema = schemathesis.openapi.from_dict(openapi())


def test_what_reads_an_idempotency_key_says_so_and_nothing_else_does() -> None:
    reading = {
        path
        for path, methods in openapi()["paths"].items()
        for route in methods.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in route.get("parameters", ()))
    }
    assert reading == {"/api/v1/requests", "/api/v1/requests/{reference}/messages"}


def test_the_document_served_is_the_one_tested(intake: RunningIntake) -> None:
    served = httpx.get(f"{intake.url}/openapi.json").json()
    assert (served["paths"], served["components"]) == (openapi()["paths"], openapi()["components"])


@schema.parametrize()
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")  # intake's jitter
@hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_every_answer_is_one_the_document_knows(intake: RunningIntake, case: Any) -> None:
    # Which topics, units, accounts and tokens there are, no document can know: what fits the schema may still be refused.
    case.call_and_validate(base_url=intake.url, excluded_checks=[positive_data_acceptance], timeout=30)
