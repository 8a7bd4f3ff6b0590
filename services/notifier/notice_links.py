"""The link in a notice that turns notices of its kind off for its reader, or on again: signed, and good for as long as the mail is kept."""

import hmac
from collections.abc import Sequence
from typing import Final

from kit.tokens import base32, hmac_sha256
from schemas.values import Language
from services.notifier.domain.notices import NOTICES, Notice

_PURPOSE: Final = b"notices-1\x00"
_MAC: Final = 15
"""120 bits in 24 characters: the address is open to the Internet."""

LABEL: Final[dict[Language, str]] = {
    "vi": "Tắt loại thông báo này, hoặc bật lại",
    "en": "Turn notices of this kind off, or on again",
}


def notice_url(base: str, secret: str, officer: str, notice: Notice) -> str:
    """Equal inputs give equal links. `base`: the public address of the notifier's pages."""
    return f"{base.rstrip('/')}/notices/{notice}/{officer}/{_token(secret, officer, notice)}"


def notice_signed(secrets: Sequence[str], officer: str, notice: str, token: str) -> Notice | None:
    """The notice that the link is for; None: no secret of ours made it."""
    known = next((name for name in NOTICES if name == notice), None)
    made = [_token(secret, officer, notice).encode() for secret in secrets]
    ours = [hmac.compare_digest(one, token.lower().encode()) for one in made]  # every secret takes its time
    return known if any(ours) else None


def unsubscribe_headers(url: str) -> list[str]:
    """RFC 2369, and RFC 8058 where a mail program may do it with one click, which it may by https alone."""
    one_click = ["List-Unsubscribe-Post: List-Unsubscribe=One-Click"] if url.startswith("https://") else []
    return [f"List-Unsubscribe: <{url}>", *one_click]


def _token(secret: str, officer: str, notice: str) -> str:
    return base32(hmac_sha256(secret, _PURPOSE + f"{notice}\x00{officer}".encode())[:_MAC])
