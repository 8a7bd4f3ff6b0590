"""Intake's mail role as a process that tests may kill, with a database of its own and the mailroom's mailboxes."""

import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.crashpoints import VARIABLE as CRASH_AT
from kit.crashpoints import Point
from kit.mongo import Database, Document, Mongo
from kit.organisation import OrganisationStore
from services.intake.storage import INTAKE
from tests.support.mailroom import SENDER, with_mailboxes
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


@dataclass
class IntakeProcess:
    """`start` begins a new life of it on the same ports; `log` collects all lives."""

    mongo: Mongo
    database: Database
    variables: dict[str, str]
    log: Path
    mail_port: int
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self, crash_at: Point | None = None, **settings: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "KAFKA_", "MONGODB_"))}
        variables = inherited | self.variables | settings | ({CRASH_AT: crash_at} if crash_at else {})
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "helpdesk", "run", "intake", "--only", "mail"]
            self._process = subprocess.Popen(command, env=variables, stdout=log, stderr=log, cwd=ROOT)

    def kill(self) -> None:
        """As `kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=20)
            self.kill()

    async def died(self) -> None:
        """By its own hand, at the crash point it was started with."""
        assert self._process is not None
        process = self._process
        await wait_until(lambda: process.poll() is not None, "intake dies", 40, pause=0.05)
        assert process.returncode == -9, self.log.read_text()[-3000:]

    async def rows(self, **query: Any) -> list[Document]:
        return await self.database["mails"].find(query, {"raw": 0}).sort("_id", 1).to_list(None)

    async def read(self, count: int) -> list[Document]:
        """When so many mails are read, all there are."""

        async def all_read() -> list[Document] | None:
            rows = await self.rows()
            return rows if len(rows) >= count and all(row["state"] != "received" for row in rows) else None

        return await wait_until(all_read, f"{count} mails are read", 40)

    async def tickets(self) -> int:
        return int(await self.database["conversations"].count_documents({}))


@asynccontextmanager
async def intake_process(mongodb_uri: str, folder: Path, **settings: str) -> AsyncIterator[IntakeProcess]:
    """Not started yet; its organisation is loaded."""
    mongo, prefix = Mongo(mongodb_uri), f"mail{secrets.token_hex(4)}"
    database = mongo.database(f"{prefix}_intake")
    await mongo.ensure(database, INTAKE)
    await OrganisationStore(database).save(with_mailboxes())
    web, mail = free_ports(2)
    variables = {
        "MONGODB_URI": mongodb_uri,
        "HELPDESK_MONGODB_DATABASE_PREFIX": prefix,
        "HELPDESK_SECRET": "s" * 32,
        "HELPDESK_INTAKE_PORT": str(web),
        "HELPDESK_MAIL_PORT": str(mail),
        "HELPDESK_MAIL_FROM": SENDER,
        **settings,
    }
    process = IntakeProcess(mongo, database, variables, folder / "intake.log", mail)
    try:
        yield process
    finally:
        process.stop()
        with suppress(Exception):
            await database.client.drop_database(database.name)
        await mongo.close()
