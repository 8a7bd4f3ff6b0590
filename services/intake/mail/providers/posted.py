"""What every provider's post comes down to, and how it is refused."""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from kit.errors import RefusedError
from kit.webhooks import BadSignature
from schemas.values import Trust

LONGEST_FIELD: Final = 500
MOST_RECIPIENTS: Final = 100


@dataclass(frozen=True)
class Posted:
    """A mail with what the provider knows of its envelope. `key`: what the provider knows this one post by, where it says so."""

    content: bytes
    sender: str | None
    recipients: tuple[str, ...] = ()
    key: str | None = None
    unfit: str | None = None
    verdict: Trust | None = None
    """How far the sender's address is proven, where the provider says so and signs it."""


class Provider(Protocol):
    """Understands one provider's posts."""

    async def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Posted | None:
        """Verified; None when there is nothing to store. Raises BadSignature, Unset, or RefusedError for what can't be understood."""


class Unset(RefusedError):
    """Our own fault: the provider shall come again, so this is no 4xx."""

    def __init__(self, name: str, variable: str) -> None:
        super().__init__(
            f"Mail from {name} is not set up here: set {variable}, then it is taken.",
            status=503,
            title="Not set up",
            headers={"Retry-After": "300"},
        )


class Unreadable(RefusedError):
    """Well signed, but not the form we asked the provider for."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, status=422, title="Not a mail as it came")


def split_secrets(text: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


def has_credentials(headers: Mapping[str, str], wanted: str) -> bool:
    """HTTP basic authentication (RFC 7617) with exactly this user:password."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    try:
        offered = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(offered, wanted.encode())


def no_credentials(name: str, variable: str) -> BadSignature:
    return BadSignature(f"Put the user and password of {variable} into the webhook's URL at {name}: https://user:password@host/…")


def addresses(listed: Sequence[object]) -> tuple[str, ...]:
    """Those that are text, cut to what an address may be long."""
    return tuple(each.strip().strip("<>")[:LONGEST_FIELD] for each in listed if isinstance(each, str))[:MOST_RECIPIENTS]


def address(value: object) -> str | None:
    """None where the provider said nothing; empty is the null return path."""
    return value.strip().strip("<>")[:LONGEST_FIELD] if isinstance(value, str) else None
