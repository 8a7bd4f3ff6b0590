"""Chat out: a message posted to the account's callback URL, signed as a Standard Webhook."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import httpx
import orjson

from kit import webhooks
from schemas.organisation import ChatAccountSpec
from services.notifier.domain.audience import Delivery, chat_address
from services.notifier.domain.outcome import Accepted, Later, Never, Outcome

PATIENCE: Final = timedelta(seconds=5)
"""From connecting to the end of the answer. A callback that needs longer must answer first and work afterwards."""

_CONFLICT: Final = 409
_TRANSIENT: Final = frozenset({408, 425, 429})
_WORTH_READING: Final = 64 * 1024
"""A short answer is read to its end, so that the connection can be used again; what it says is ignored."""


async def post(
    client: httpx.AsyncClient, account: ChatAccountSpec, delivery: Delivery, reference: str, *, text: str, now: datetime
) -> Outcome:
    """Hand `text` to the conversation of a chat delivery.

    `webhook-id` is the delivery's id: a repeat of a post whose answer was lost carries the same one, and 409 says it was known already.
    """
    if account.callback_url is None:
        return Never("the chat account has no callback URL")
    body = _body(delivery, reference, text)
    headers = {"content-type": "application/json", **webhooks.signed_headers(account.secret, delivery.id, now, body)}
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return _classify(await _status(client, account.callback_url, body, headers))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        return Never("the callback URL of the chat account is not usable")
    except (httpx.HTTPError, TimeoutError) as error:
        return Later(f"the callback of the chat account can't be reached: {type(error).__name__}")


def _body(delivery: Delivery, reference: str, text: str) -> bytes:
    return orjson.dumps(
        {
            "type": "message",
            "reference": reference,
            "ticket_id": delivery.ticket_id,
            "conversation": chat_address(delivery).conversation,
            "message_id": delivery.message_id,
            "text": text,
        }
    )


async def _status(client: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> int:
    async with client.stream("POST", url, content=body, headers=headers, follow_redirects=False) as response:
        if response.headers.get("content-length", "").isdigit() and int(response.headers["content-length"]) <= _WORTH_READING:
            await response.aread()
        return response.status_code


def _classify(status: int) -> Outcome:
    if httpx.codes.is_success(status) or status == _CONFLICT:
        return Accepted(f"HTTP {status}")
    if httpx.codes.is_server_error(status) or status in _TRANSIENT:
        return Later(f"the callback of the chat account answered HTTP {status}")
    return Never(f"the callback of the chat account answered HTTP {status}")
