"""SendGrid Inbound Parse with "POST the raw, full MIME message" switched on.

A security policy makes it sign what it posts (twilio.com, "Securing your Inbound Parse webhooks"): ECDSA with SHA-256 over the timestamp
and the body. Without one the URL holds user and password.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kit.webhooks import BadSignature, Replayed
from services.intake.mail.providers.forms import fields_of
from services.intake.mail.providers.posted import Posted, Unreadable, Unset, address, addresses, has_credentials, no_credentials

KEY_VARIABLE: Final = "HELPDESK_SENDGRID_PUBLIC_KEY"
CREDENTIALS_VARIABLE: Final = "HELPDESK_SENDGRID_CREDENTIALS"
SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"

TOLERANCE: Final = timedelta(days=4)
"""How old a signature may be: SendGrid goes on trying for three days. A repeat is stored once, whenever it comes."""

_SECONDS: Final = re.compile(r"[0-9]{1,11}")


class SendGrid:
    """What is set is asked for: the signature, the credentials, or both."""

    def __init__(self, public_key: str, credentials: str) -> None:
        """ValueError when the key is none."""
        self._key = _key(public_key) if public_key else None
        self._credentials = credentials

    async def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Posted:
        if self._key is None and not self._credentials:
            raise Unset("SendGrid", f"{KEY_VARIABLE} or {CREDENTIALS_VARIABLE}")
        if self._credentials and not has_credentials(headers, self._credentials):
            raise no_credentials("SendGrid", CREDENTIALS_VARIABLE)
        if self._key is not None:
            _verify(self._key, headers, body, now)
        fields = await fields_of(headers, body)
        content = fields.get("email")
        if not content:
            raise Unreadable('There is no `email`: switch on "POST the raw, full MIME message" for this host at SendGrid.')
        sender, recipients = _envelope(fields.get("envelope", b""))
        return Posted(content, sender, recipients)


def _key(written: str) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(base64.b64decode(written, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError(f"{KEY_VARIABLE} must be the public key as SendGrid shows it: base64 that begins with MFkw")  # noqa: TRY004
    return key


def _verify(key: EllipticCurvePublicKey, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    timestamp = headers.get(TIMESTAMP, "")
    if not _SECONDS.fullmatch(timestamp):
        raise BadSignature(f"The header {TIMESTAMP} must be there: attach the security policy to this host at SendGrid.")
    try:
        signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
        key.verify(signature, timestamp.encode() + body, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        raise BadSignature(f"{SIGNATURE} doesn't match: set {KEY_VARIABLE} to the public key of the policy of this host.") from None
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > TOLERANCE:
        raise Replayed(f"{TIMESTAMP} is more than {TOLERANCE.days} days away from our clock.")


def _envelope(written: bytes) -> tuple[str | None, tuple[str, ...]]:
    try:
        data = orjson.loads(written)
    except orjson.JSONDecodeError:
        return None, ()
    if not isinstance(data, dict):
        return None, ()
    to = data.get("to")
    return address(data.get("from")), addresses(to if isinstance(to, list) else [to])
