"""Links that let the person who holds them see one page: signed, expiring, and saying nothing about that person; and signed mail threads.

A token is base32 (lower case, so that it survives being typed or re-cased) of version, id, expiry and a 128-bit
HMAC-SHA256. Whoever signs uses the newest secret; whoever reads may accept older ones, so that secrets can be changed
without breaking links that were already sent.
"""

import base64
import binascii
import hmac
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from kit.tokens import base32, hmac_sha256, id_bytes

LIFETIME: Final = timedelta(days=90)

_VERSION: Final = b"\x01"
_PURPOSE: Final = b"status-link\x00"
"""Signed with every token, so that another kind of token under the same secret is never taken for this one."""

_THREAD_PURPOSE: Final = b"mail-thread\x00"
_THREAD: Final = re.compile(r"<?ticket\.([a-z2-7]{42})@[^<>@\s]+>?", re.IGNORECASE)

_STAFF_PURPOSE: Final = b"mail-thread-of-staff\x00"
_STAFF_THREAD: Final = re.compile(r"<?staff\.([a-z2-7]{42})@[^<>@\s]+>?", re.IGNORECASE)
"""Another name, so that no mail program joins what staff are told with what the asker is; another purpose, for a name is anybody's."""

_THREAD_MAC_BYTES: Final = 10
"""80 bits: each guess is a mail. With more, the id fills a line of 78 characters, and some programs tear or re-code longer ones."""

_MAC_BYTES: Final = 16
_EXPIRY_BYTES: Final = 5
_LENGTH: Final = 1 + 16 + _EXPIRY_BYTES + _MAC_BYTES


class BadLink(ValueError):
    """The token was not made with any of our secrets, or was changed."""


class ExpiredLink(ValueError):
    """The token was ours, and its time has passed."""


def status_token(secret: str, ticket_id: str, expires_at: datetime) -> str:
    """The token for one ticket; equal inputs give equal tokens. `ticket_id` is a UUID; the expiry is cut to whole seconds."""
    expiry = int(expires_at.timestamp()).to_bytes(_EXPIRY_BYTES)
    payload = _VERSION + id_bytes(ticket_id) + expiry
    return base32(payload + _mac(secret, payload))


def read_token(secrets: str | Sequence[str], token: str, now: datetime) -> str:
    """The ticket's id. `secrets`: one, or all that are still accepted. Raises BadLink or ExpiredLink."""
    payload, mac = _split(token)
    accepted = (secrets,) if isinstance(secrets, str) else secrets
    if not any([hmac.compare_digest(_mac(secret, payload), mac) for secret in accepted]):  # noqa: C419 (every secret takes its time)
        raise BadLink("This link is not valid. Use the link exactly as it was sent to you.")
    ticket_id, expiry = payload[1:17], payload[17:]
    if now >= datetime.fromtimestamp(int.from_bytes(expiry), UTC):
        raise ExpiredLink("This link has expired. Use the link in the latest message about your request.")
    return str(uuid.UUID(bytes=ticket_id))


def status_url(public_url: str, secret: str, reference: str, ticket_id: str, now: datetime, *, lifetime: timedelta = LIFETIME) -> str:
    """The address of the status page of one request; it works until `now + lifetime`."""
    return f"{public_url.rstrip('/')}/requests/{reference}?k={status_token(secret, ticket_id, now + lifetime)}"


def thread_id(secret: str, ticket_id: str, domain: str) -> str:
    """The message id (RFC 5322 section 3.6.4) that all our mail to the asker of a ticket refers to, so that answers bring it back.

    Equal inputs give equal ids. `ticket_id` is a UUID. The domain only makes it an id of ours; it is not signed, for it may change.
    """
    return f"<ticket.{_signed(secret, ticket_id, _THREAD_PURPOSE)}@{domain}>"


def staff_thread_id(secret: str, ticket_id: str, domain: str) -> str:
    """The same of our mail to staff: what answers it is never the asker's."""
    return f"<staff.{_signed(secret, ticket_id, _STAFF_PURPOSE)}@{domain}>"


def ticket_of_thread(secrets: str | Sequence[str], message_ids: Sequence[str]) -> str | None:
    """The ticket of the first of these ids that we signed. It never expires: people answer old mail."""
    return _ticket(secrets, message_ids, _THREAD, _THREAD_PURPOSE)


def ticket_of_staff_thread(secrets: str | Sequence[str], message_ids: Sequence[str]) -> str | None:
    """The ticket of the first of these ids that we signed for staff."""
    return _ticket(secrets, message_ids, _STAFF_THREAD, _STAFF_PURPOSE)


def _ticket(secrets: str | Sequence[str], message_ids: Sequence[str], written: "re.Pattern[str]", purpose: bytes) -> str | None:
    accepted = (secrets,) if isinstance(secrets, str) else tuple(secrets)
    for match in filter(None, map(written.fullmatch, message_ids)):
        raw = base64.b32decode(match[1].upper() + "======")
        ticket, mac = raw[:16], raw[16:]
        if any([hmac.compare_digest(_thread_mac(secret, ticket, purpose), mac) for secret in accepted]):  # noqa: C419 (as above)
            return str(uuid.UUID(bytes=ticket))
    return None


def _signed(secret: str, ticket_id: str, purpose: bytes) -> str:
    ticket = id_bytes(ticket_id)
    return base32(ticket + _thread_mac(secret, ticket, purpose))


def _thread_mac(secret: str, ticket: bytes, purpose: bytes) -> bytes:
    return _mac(secret, ticket, purpose)[:_THREAD_MAC_BYTES]


def _mac(secret: str, payload: bytes, purpose: bytes = _PURPOSE) -> bytes:
    if not secret:
        raise ValueError("the secret for links is empty")
    return hmac_sha256(secret, purpose + payload)[:_MAC_BYTES]


def _split(token: str) -> tuple[bytes, bytes]:
    """Payload and MAC; refuses every spelling but our own, so that one link has one form."""
    try:
        raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _LENGTH or raw[:1] != _VERSION or base32(raw) != token.lower():
        raise BadLink("This link is not valid. Use the link exactly as it was sent to you.")
    return raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
