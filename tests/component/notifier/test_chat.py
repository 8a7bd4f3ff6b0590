"""Chat out against a real HTTP server in this process."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from kit.webhooks import verify
from schemas.organisation import ChatAccountSpec
from schemas.tickets import AnswerGiven
from schemas.values import ChatAddress, Contact
from services.notifier import chat
from services.notifier.domain.audience import plan
from services.notifier.domain.outcome import Accepted, Later, Never
from tests.unit.notifier.examples import TICKET_ID, event, ticket

NOW = datetime(2026, 11, 20, 3, 16, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ANSWER = event(AnswerGiven, ticket=ticket(contact=Contact(chat=ChatAddress(account="demo", conversation="room:7"))))
(DELIVERY,) = plan(ANSWER)


@dataclass
class Callback:
    """An HTTP server that answers everything alike and keeps what it got."""

    status: int = 204
    location: str | None = None
    silent: bool = False
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while line := await reader.readline():
                headers = await self._headers(reader)
                self.requests.append((headers | {":line": line.decode().strip()}, await reader.readexactly(int(headers["content-length"]))))
                if self.silent:
                    await asyncio.sleep(30)
                location = f"Location: {self.location}\r\n" if self.location else ""
                writer.write(f"HTTP/1.1 {self.status} X\r\n{location}Content-Length: 0\r\n\r\n".encode())
                await writer.drain()
        finally:
            writer.close()

    async def _headers(self, reader: asyncio.StreamReader) -> dict[str, str]:
        headers: dict[str, str] = {}
        while (line := (await reader.readline()).decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return headers


@asynccontextmanager
async def serving(callback: Callback) -> AsyncIterator[ChatAccountSpec]:
    server = await asyncio.start_server(callback, "127.0.0.1", 0)
    try:
        yield account(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/answers")
    finally:
        server.close()


def account(callback_url: str | None) -> ChatAccountSpec:
    return ChatAccountSpec(key="demo", group="hon-gai", secret=SECRET, callback_url=callback_url)


async def post(to: ChatAccountSpec, **options: Any) -> object:
    async with httpx.AsyncClient(trust_env=False, **options) as client:
        return await chat.post(client, to, DELIVERY, "HQ-7K3M-9P2X", text="Mã HS là 0306.17", now=NOW)


async def test_the_callback_gets_a_signed_message_that_it_can_believe() -> None:
    callback = Callback()
    async with serving(callback) as to:
        assert await post(to) == Accepted("HTTP 204")
    ((headers, body),) = callback.requests
    assert headers[":line"] == "POST /answers HTTP/1.1"
    assert verify([SECRET], headers, body, NOW) == DELIVERY.id
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {
        "type": "message",
        "reference": "HQ-7K3M-9P2X",
        "ticket_id": TICKET_ID,
        "conversation": "room:7",
        "message_id": "m-1",
        "text": "Mã HS là 0306.17",
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Accepted) for status in (200, 201, 202, 204, 409)),
        *((status, Later) for status in (408, 425, 429, 500, 502, 503, 504)),
        *((status, Never) for status in (301, 302, 307, 308, 400, 401, 403, 404, 410, 422)),
    ],
)
async def test_each_status_asks_for_its_remedy(status: int, kind: type) -> None:
    async with serving(Callback(status)) as to:
        assert isinstance(await post(to), kind)


async def test_a_redirect_is_not_followed_even_by_a_client_that_would() -> None:
    elsewhere = Callback()
    async with serving(elsewhere) as other, serving(Callback(307, location=other.callback_url)) as to:
        assert isinstance(await post(to, follow_redirects=True), Never)
    assert elsewhere.requests == []


async def test_a_repeat_carries_the_same_id_and_body() -> None:
    callback = Callback(503)
    async with serving(callback) as to:
        await post(to)
        await post(to)
    (first_headers, first), (second_headers, second) = callback.requests
    assert first == second
    assert first_headers["webhook-id"] == second_headers["webhook-id"] == DELIVERY.id


async def test_one_connection_serves_several_posts() -> None:
    callback = Callback()
    async with serving(callback) as to, httpx.AsyncClient(trust_env=False) as client:
        for _ in range(3):
            await chat.post(client, to, DELIVERY, "HQ-7K3M-9P2X", text="x", now=NOW)
    assert callback.connections == 1


async def test_a_callback_that_is_down_or_silent_is_tried_later() -> None:
    async with serving(Callback()) as to:
        pass
    assert isinstance(await post(to), Later)
    async with serving(Callback(silent=True)) as to:
        assert isinstance(await post(to, timeout=0.2), Later)


@pytest.mark.parametrize("url", [None, "http://"])
async def test_an_account_that_cannot_be_written_back_to_is_refused(url: str | None) -> None:
    assert isinstance(await post(account(url)), Never)
