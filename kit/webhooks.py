"""Standard Webhooks 1.0: sign what we post, and check what is posted to us (standardwebhooks.com, "Webhook Signatures").

The signature covers `ID.TIMESTAMP.BODY` over the raw bytes of the body, so verify before decoding anything.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from kit.errors import RefusedError
from schemas.values import Language, LocalText

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"

TOLERANCE: Final = timedelta(minutes=5)
"""How far the two clocks may differ; the specification's own reference libraries use the same."""

_PREFIX: Final = "whsec_"
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_SHORTEST_ID, _LONGEST_ID = 1, 256

_NOT_SIGNED: Final = LocalText(vi="Chữ ký không hợp lệ", en="The signature is not valid")
_TOO_OLD: Final = LocalText(vi="Tin nhắn nằm ngoài khoảng thời gian cho phép", en="The message is outside the time window")
_MISSING: Final = LocalText(vi="Thiếu tiêu đề `{name}`.", en="The header `{name}` is missing.")
_BAD_ID: Final = LocalText(
    vi=f"`{ID}` phải có từ {_SHORTEST_ID} đến {_LONGEST_ID} ký tự.",
    en=f"`{ID}` must have between {_SHORTEST_ID} and {_LONGEST_ID} characters.",
)
_BAD_TIMESTAMP: Final = LocalText(
    vi=f"`{TIMESTAMP}` phải là số giây tính từ năm 1970.", en=f"`{TIMESTAMP}` must be a number of seconds since 1970."
)
_NO_MATCH: Final = LocalText(
    vi=f"`{SIGNATURE}` không khớp: vui lòng ký `ID.TIMESTAMP.BODY` bằng khóa bí mật của tài khoản, HMAC-SHA256, rồi ghi `v1,` và base64.",
    en=f"`{SIGNATURE}` doesn't match: sign `ID.TIMESTAMP.BODY` with the account's secret, HMAC-SHA256, `v1,` and base64.",
)
_FAR_AWAY: Final = LocalText(
    vi=f"`{TIMESTAMP}` lệch hơn {{seconds}} giây so với đồng hồ của chúng tôi: vui lòng kiểm tra đồng hồ của bên gửi rồi ký lại.",
    en=f"`{TIMESTAMP}` is more than {{seconds}} seconds away from our clock: sign again and check yours.",
)


class BadSignature(RefusedError):
    """Not signed with a secret of ours, or not signed at all."""

    def __init__(self, detail: str, language: Language = "en") -> None:
        super().__init__(detail, status=401, title=_NOT_SIGNED.in_language(language))


class Replayed(RefusedError):
    """Signed, but too long ago (or from the future) to be believed."""

    def __init__(self, detail: str, language: Language = "en") -> None:
        super().__init__(detail, status=401, title=_TOO_OLD.in_language(language))


def secret_bytes(secret: str) -> bytes:
    """The key of a secret: base64 after `whsec_`, otherwise the text itself. Raises `ValueError`."""
    if not secret.startswith(_PREFIX):
        key = secret.encode()
    else:
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise ValueError("a secret that starts with `whsec_` must go on in base64") from None
    if not key:
        raise ValueError("the webhook secret is empty")
    return key


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:  # noqa: A002 (the specification's word)
    """The value of `webhook-signature`; `timestamp` in seconds since 1970, as in `webhook-timestamp`."""
    digest = hmac.new(secret_bytes(secret), f"{id}.{timestamp}.".encode() + body, sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def signed_headers(secret: str, id: str, at: datetime, body: bytes) -> dict[str, str]:  # noqa: A002
    """The three headers that go with `body`, sent at `at`."""
    timestamp = int(at.timestamp())
    return {ID: id, TIMESTAMP: str(timestamp), SIGNATURE: sign(secret, id, timestamp, body)}


def verify(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
    *,
    language: Language = "en",
) -> str:
    """The id of a message that one of `secrets` signed within `tolerance` of `now`.

    Several secrets serve while one is being replaced, several signatures likewise. The id is what to recognise a repeat by: within the
    window the same message verifies again. Raises `BadSignature` or `Replayed`; without any secret nothing is believed.
    """
    webhook_id, timestamp, signatures = (_header(headers, name, language) for name in (ID, TIMESTAMP, SIGNATURE))
    if not _SHORTEST_ID <= len(webhook_id) <= _LONGEST_ID:
        raise BadSignature(_BAD_ID.in_language(language), language)
    if not _SECONDS.fullmatch(timestamp):
        raise BadSignature(_BAD_TIMESTAMP.in_language(language), language)
    if not _any_matches(secrets, f"{webhook_id}.{timestamp}.".encode("utf-8", "replace") + body, signatures):
        raise BadSignature(_NO_MATCH.in_language(language), language)
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > tolerance:
        raise Replayed(_FAR_AWAY.in_language(language).format(seconds=int(tolerance.total_seconds())), language)
    return webhook_id


def _header(headers: Mapping[str, str], name: str, language: Language) -> str:
    value = headers.get(name)
    if value is None:
        raise BadSignature(_MISSING.in_language(language).format(name=name), language)
    return value


def _any_matches(secrets: Sequence[str], signed: bytes, signatures: str) -> bool:
    """Compares every pair, each in constant time, so that the time taken tells nothing."""
    offered = [part.removeprefix("v1,").encode("utf-8", "replace") for part in signatures.split(" ") if part.startswith("v1,")]
    matched = False
    for secret in secrets:
        expected = base64.b64encode(hmac.new(secret_bytes(secret), signed, sha256).digest())
        for candidate in offered:
            matched |= hmac.compare_digest(expected, candidate)
    return matched
