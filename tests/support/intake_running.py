"""Intake running for real, on an event loop of its own, so that tests of any kind can talk to it over HTTP."""

import asyncio
import secrets
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from helpdesk.organisation import read
from kit.mongo import Mongo
from kit.organisation import OrganisationStore
from services.intake.app import main
from services.intake.settings import IntakeSettings
from tests.support.ports import free_ports

DEMO = Path(__file__).parents[2] / "helpdesk" / "demo" / "organisation.yaml"


@dataclass(frozen=True)
class RunningIntake:
    """Where it is and what it was told."""

    url: str
    settings: IntakeSettings


def intake_settings(bootstrap_servers: str, mongodb_uri: str) -> IntakeSettings:
    """A database of its own and free ports."""
    web, mail = free_ports(2)
    return IntakeSettings(
        kafka_bootstrap_servers=bootstrap_servers,
        kafka_partitions=3,
        mongodb_uri=SecretStr(mongodb_uri),
        mongodb_database_prefix=f"test{secrets.token_hex(4)}",
        secret=SecretStr("s" * 32),
        public_url=f"http://127.0.0.1:{web}",
        intake_port=web,
        mail_port=mail,
    )


async def load_organisation(settings: IntakeSettings) -> None:
    """The demo's, as `helpdesk load` would."""
    mongo = Mongo(settings.mongodb_uri.get_secret_value())
    await OrganisationStore(mongo.database(f"{settings.mongodb_database_prefix}_intake")).save(read(DEMO))
    await mongo.close()


@contextmanager
def running_intake(settings: IntakeSettings, roles: Collection[str] = ()) -> Iterator[RunningIntake]:
    """Started (all roles when none is named), perhaps not ready yet; stopped in good order afterwards."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    def run() -> None:
        loop.run_until_complete(main(settings, roles, stop))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run, name="intake")
    thread.start()
    try:
        yield RunningIntake(settings.public_url, settings)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=60)
    assert not thread.is_alive(), "intake did not stop"
