"""A whole installation: real Kafka, real MongoDB, the services as processes that can be killed, and a mail server that can be pulled out.

It has servers of its own, for topic names are fixed and tests kill, wipe and duplicate what is in them.
"""

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import aiosmtplib
import httpx
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from helpdesk import provision
from helpdesk.embedded.process import Child
from helpdesk.embedded.servers import KAFKA_VARIABLE, MONGO_VARIABLE, kafka_of, mongo_of
from kit.crashpoints import VARIABLE as CRASH_AT
from kit.ids import new_id
from kit.settings import ServiceSettings
from schemas.organisation import Organisation
from schemas.topics import SERVICES
from tests.support.mail_sink import MailSink
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

GRACE_SECONDS: Final = 30
MAILBOX: Final = "helpdesk@customs.example"
"""The demo's focal point."""

SESSION_SECONDS: Final = "6"
"""The least Kafka allows: a test need not wait 45 s for a killed consumer's partitions."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """What a business is told with 202. `key` is the Idempotency-Key it sent, empty for what came by mail."""

    key: str
    ticket_id: str
    reference: str
    status_url: str


class Refused(AssertionError):
    """The answer was not the one a test needs."""


class EndedError(Exception):
    """A service that was to get ready has ended; the message holds its last lines."""


class Installation:
    """Everything of one `helpdesk up`, each part in the test's hand. `async with` starts the servers, not the services."""

    def __init__(self, data: Path, organisation: Organisation) -> None:
        self.data, self.organisation = data, organisation
        kafka, mongo, smtp, mail, *web = free_ports(4 + len(SERVICES))
        self.kafka, self.mongo, self.sink = kafka_of(data, kafka, 1), mongo_of(data, mongo, 1), MailSink(smtp)
        self.mail_port, self._web = mail, dict(zip(SERVICES, web, strict=True))
        self.prefix = f"t{secrets.token_hex(4)}"
        self.children: dict[str, Child] = {}
        self.ended: list[tuple[str, float]] = []
        """Services that died or were killed, with the monotonic time at which it was noticed."""
        self._tokens: dict[str, str] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with self._stack:
            self._stack.callback(self.mongo.wipe)
            self._stack.callback(self.kafka.wipe)
            self._stack.push_async_callback(self.mongo.kill)
            self._stack.push_async_callback(self.kafka.kill)
            await asyncio.gather(self.kafka.start(), self.mongo.start())
            await self._provide()
            self._client: AsyncMongoClient[Row] = await self._stack.enter_async_context(AsyncMongoClient(self.mongo.uri, tz_aware=True))
            # A connection for each request: one kept open to a killed process would fail the next.
            apart = httpx.Limits(max_keepalive_connections=0)
            self.http = await self._stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=40, limits=apart))
            self._stack.push_async_callback(self.sink.off)
            await self.sink.on()
            self._stack.push_async_callback(self.stop)
            self._stack = self._stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        for child in self.children.values():
            await asyncio.to_thread(child.kill)
        await self._stack.aclose()

    def settings(self) -> ServiceSettings:
        return ServiceSettings(
            kafka_bootstrap_servers=self.kafka.bootstrap_servers,
            mongodb_uri=self.mongo.uri,  # type: ignore[arg-type]
            mongodb_database_prefix=self.prefix,
        )

    async def _provide(self) -> None:
        """Topics, collections, the organisation, and a token for every officer."""
        settings = self.settings()
        mongo = provision.connected(settings)
        try:
            await provision.init(settings, mongo)
            await provision.load(settings, mongo, self.organisation)
            for officer in self.organisation.officers:
                self._tokens[officer.key], _ = await provision.create_token(settings, mongo, officer.key)
        finally:
            await mongo.close()

    # Processes

    def address(self, service: str) -> str:
        return f"http://127.0.0.1:{self._web[service]}"

    def environment(self, **more: str) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HELPDESK_")}
        ours = {
            KAFKA_VARIABLE: self.kafka.bootstrap_servers,
            MONGO_VARIABLE: self.mongo.uri,
            "HELPDESK_MONGODB_DATABASE_PREFIX": self.prefix,
            "HELPDESK_SECRET": "of-this-test-installation-and-nobody-else",
            "HELPDESK_PUBLIC_URL": self.address("intake"),
            "HELPDESK_SMTP_URL": f"smtp://127.0.0.1:{self.sink.port}",
            "HELPDESK_MAIL_FROM": "helpdesk@customs.example",
            "HELPDESK_MAIL_PORT": str(self.mail_port),
            "HELPDESK_PLUS_ADDRESSING": "true",
            "HELPDESK_BOUNCE_ADDRESS": "bounces@customs.example",
            "HELPDESK_KAFKA_SESSION_TIMEOUT_SECONDS": SESSION_SECONDS,
            "HELPDESK_NEW_WORK_PER_MINUTE": "0",  # else whoever waits until all is told waits for the minute
        }
        ours |= {f"HELPDESK_{service.upper()}_PORT": str(port) for service, port in self._web.items()}
        return clean | ours | more

    def start(self, *services: str, crash_at: str | None = None, **settings: str) -> None:
        """Start these (all when none is named) unless they run, with these variables on top; does not wait."""
        armed = {CRASH_AT: crash_at} if crash_at else {}
        for service in services or SERVICES:
            if service in self.children and self.children[service].alive:
                continue
            command = [sys.executable, "-m", "helpdesk", "run", service]
            self.children[service] = Child(command, self.data / f"{service}.log", env=self.environment(**armed, **settings))
            self.children[service].start()

    async def stop(self, *services: str) -> None:
        """As SIGTERM does it."""
        children = [self.children[service] for service in services or tuple(self.children)]
        await asyncio.gather(*(asyncio.to_thread(child.stop, GRACE_SECONDS) for child in children))

    async def kill9(self, *services: str) -> None:
        """SIGKILL; nothing is tidied up."""
        for service in services:
            self.ended.append((service, time.monotonic()))
            await asyncio.to_thread(self.children[service].kill)

    async def restart(self, *services: str, **settings: str) -> None:
        """Stop, start, and wait until ready."""
        await self.stop(*services)
        self.start(*services, **settings)
        await self.ready(*services)

    async def ready(self, *services: str) -> None:
        for service in services or SERVICES:
            await wait_until(partial(self._is_ready, service), f"{service} is ready", 90)

    async def _is_ready(self, service: str) -> bool:
        if not self.children[service].alive:
            raise EndedError(f"{service} ended:\n{self.children[service].last_lines()}")
        return not await self.missing(service)

    async def missing(self, service: str) -> list[str]:
        """What /readyz lacks; empty when it is ready."""
        try:
            answer = await self.http.get(f"{self.address(service)}/readyz")
        except httpx.HTTPError as error:
            return [f"no answer: {error!r}"]
        return [] if answer.status_code == 200 else list(answer.json()["missing"])

    async def calm(self) -> None:
        """Everything up and as it should be, whatever the test before has broken."""
        self.sink.calm()
        await asyncio.gather(self.kafka.start(), self.mongo.start(), self.sink.on())
        self.start()
        for service in SERVICES:
            if any("dead letters" in lacking for lacking in await self.missing(service)):
                await self.stop(service)
                # As whoever has looked does: a burst that came in one batch would stop it again and again.
                self.start(service, HELPDESK_DEAD_LETTER_BURST="1000")
        await self.ready()

    def log(self, service: str) -> str:
        """Everything the service has written."""
        return (self.data / f"{service}.log").read_text(errors="replace")

    # Businesses

    async def post(self, body: Mapping[str, Any], key: str | None = None) -> httpx.Response:
        """One request by the API."""
        return await self.http.post(f"{self.address('intake')}/api/v1/requests", json=body, headers={"Idempotency-Key": key or new_id()})

    async def ask(self, key: str | None = None, **body: Any) -> Accepted:
        """A request that must be accepted at once."""
        key = key or new_id()
        answer = await self.post(request(**body), key)
        if answer.status_code != 202:
            raise Refused(f"{answer.status_code}: {answer.text}")
        return Accepted(key, **answer.json())

    async def insist(self, key: str, **body: Any) -> Accepted:
        """As a client that repeats the same request, under the same key, until it is accepted."""

        async def once() -> Accepted | None:
            try:
                return await self.ask(key, **body)
            except (httpx.HTTPError, Refused):
                return None

        return await wait_until(once, f"the request {key} is accepted", 90, pause=0.3)

    async def mail(self, sender: str, text: str, message_id: str | None = None, *, to: str = MAILBOX, **headers: str) -> None:
        """One mail to a mailbox of ours. Raises aiosmtplib.SMTPException or OSError when it was not taken."""
        await self.hand_in(letter(sender, text, message_id, to=to, **headers))

    async def hand_in(self, message: EmailMessage) -> None:
        """A mail as it is. Raises as `mail` does."""
        await aiosmtplib.send(message, hostname="127.0.0.1", port=self.mail_port, timeout=20)

    async def asked_by(self, sender: str) -> Accepted | None:
        """What became of the first mail of this sender; its mail is its key."""
        row = await self.database("intake")["conversations"].find_one({"email": sender}, sort=[("_id", 1)])
        return Accepted("", row["_id"], row["reference"], "") if row else None

    async def say(self, accepted: Accepted, text: str) -> httpx.Response:
        """One more message on a request by the API."""
        address = f"{self.address('intake')}/api/v1/requests/{accepted.reference}/messages"
        token = httpx.URL(accepted.status_url).params["k"]
        return await self.http.post(address, params={"k": token}, json={"text": text}, headers={"Idempotency-Key": new_id()})

    # Officers

    def officer(self, key: str) -> "Officer":
        return Officer(self, self._tokens[key])

    async def ticket(self, accepted: Accepted) -> Row | None:
        """Routing's document."""
        return await self.database("routing")["tickets"].find_one({"_id": accepted.ticket_id})

    async def tickets(self, asked: Iterable[Accepted], seconds: float = 90) -> None:
        """Wait until each of them is a ticket."""
        ids = {accepted.ticket_id for accepted in asked}

        async def lacking() -> bool:
            return await self.database("routing")["tickets"].count_documents({"_id": {"$in": list(ids)}}) == len(ids)

        await wait_until(lacking, f"{len(ids)} requests are tickets", seconds)

    def database(self, service: str) -> "AsyncDatabase[Row]":
        return self._client[f"{self.prefix}_{service}"]


class Officer:
    """Somebody with a token at the officers' API."""

    def __init__(self, installation: Installation, token: str) -> None:
        self._http, self._address = installation.http, f"{installation.address('routing')}/api/v1"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **query: Any) -> Row:
        answer = await self._http.get(f"{self._address}/{path}", params=query, headers=self._headers)
        if answer.status_code != 200:
            raise Refused(f"{answer.status_code}: {answer.text}")
        return dict(answer.json())

    async def queue(self, **filters: Any) -> list[Row]:
        return list((await self.get("queue", limit=200, **filters))["items"])

    async def ticket(self, reference: str) -> Row:
        return await self.get(f"tickets/{reference}")

    async def do(self, action: str, reference: str, **body: Any) -> Row:
        """Read the ticket, act on what was read; again when somebody (the ticker, a delivery) was faster."""
        answer: httpx.Response | None = None
        while answer is None or answer.status_code == httpx.codes.PRECONDITION_FAILED:
            seen = (await self.ticket(reference))["ticket"]["version"]
            headers = self._headers | {"If-Match": f'"{seen}"'}
            answer = await self._http.post(f"{self._address}/tickets/{reference}/{action}", json=body, headers=headers)
        if answer.status_code != 200:
            raise Refused(f"{answer.status_code}: {answer.text}")
        return dict(answer.json())


def letter(sender: str, text: str, message_id: str | None = None, *, to: str = MAILBOX, **headers: str) -> EmailMessage:
    """A mail that nobody sent yet."""
    message = EmailMessage()
    for name, value in ({"From": sender, "To": to, "Subject": "Hỏi về thủ tục"} | headers).items():
        message[name] = value
    message["Message-ID"] = message_id or f"<{new_id()}@doanhnghiep.example>"
    message.set_content(text)
    return message


def request(**changed: Any) -> Row:
    """A request as a business sends it; `email` is the asker's address."""
    email = changed.pop("email", "mai@doanhnghiep.example")
    return {
        "topic": "customs-valuation",
        "unit": "hon-gai-seaport",
        "subject": "Trị giá lô hàng",
        "text": "Tờ khai của chúng tôi bị bác trị giá, xin hướng dẫn.",
        "language": "vi",
        "business": {"name": "Công ty TNHH Bình Minh", "tax_code": "0100109106"},
        "contact": {"name": "Phạm Thị Mai", "email": email},
    } | changed


def died_by_itself(child: Child) -> bool:
    """Whether the process ended by SIGKILL, as a crash point ends it."""
    return not child.alive and child._running().returncode == -signal.SIGKILL  # noqa: SLF001 (a Child is not asked how it ended anywhere else)
