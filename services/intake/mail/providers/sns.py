"""Amazon SNS messages: is this really one (docs.aws.amazon.com/sns, "Verifying the signatures of Amazon SNS messages").

The message names the certificate it is signed with, so the address of that is checked before anything is fetched: https, Amazon's own
host for SNS, no redirects.
"""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from kit.errors import TransientError
from kit.webhooks import BadSignature

LARGEST_ANSWER: Final = 64 * 1024
ANSWER_WITHIN: Final = 8.0
"""Seconds; SNS itself waits fifteen for us."""

MOST_CERTIFICATES: Final = 20

NOTIFICATION: Final = "Notification"
_SIGNED: Final = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES: Final = {"1": SHA1, "2": SHA256}
_HOST: Final = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-[0-9]{1,2}\.amazonaws\.com(\.cn)?")

Fetch = Callable[[str], Awaitable[bytes]]


def is_amazons(url: object) -> bool:
    """Whether this is an address of SNS itself: nothing in it is left to whoever sent the message but region and path."""
    if not isinstance(url, str) or len(url) > 2_000 or not url.isascii() or not url.isprintable():  # noqa: PLR2004 (longer than any)
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and _HOST.fullmatch(parts.netloc) is not None
    except ValueError:
        return False


async def fetch(url: str) -> bytes:
    """What stands at an address of SNS. TransientError when it cannot be had; ValueError for any other address."""
    if not is_amazons(url):
        raise ValueError("not an address of SNS")
    try:
        async with httpx.AsyncClient(timeout=ANSWER_WITHIN, follow_redirects=False) as client, client.stream("GET", url) as answer:
            found = await _beginning(answer)
    except httpx.HTTPError as error:
        raise TransientError(f"Amazon SNS could not be asked: {type(error).__name__}") from error
    if answer.status_code != httpx.codes.OK or len(found) > LARGEST_ANSWER:
        raise TransientError(f"Amazon SNS answers {answer.status_code} with {len(found)} bytes or more")
    return found


async def _beginning(answer: httpx.Response) -> bytes:
    found = b""
    async for part in answer.aiter_bytes():
        found += part
        if len(found) > LARGEST_ANSWER:
            break
    return found


class Signatures:
    """Checks messages; certificates are fetched once."""

    def __init__(self, fetch_certificate: Fetch = fetch) -> None:
        self._fetch = fetch_certificate
        self._known: dict[str, Certificate] = {}

    async def verify(self, message: Mapping[str, Any], now: datetime) -> None:
        """Raises BadSignature; TransientError when the certificate cannot be had."""
        signed, algorithm = string_to_sign(message), _HASHES.get(str(message.get("SignatureVersion")))
        url = message.get("SigningCertURL")
        if signed is None or algorithm is None:
            raise BadSignature("This is no message of Amazon SNS: its type, a field or its signature version is not known.")
        if not is_amazons(url) or not urlsplit(str(url)).path.endswith(".pem"):
            raise BadSignature("`SigningCertURL` is no address of a certificate of Amazon SNS.")
        key = (await self._certificate(str(url), now)).public_key()
        if not isinstance(key, RSAPublicKey):
            raise BadSignature("The certificate of `SigningCertURL` holds no RSA key.")
        try:
            key.verify(base64.b64decode(str(message.get("Signature")), validate=True), signed, PKCS1v15(), algorithm())
        except (InvalidSignature, binascii.Error, ValueError):
            raise BadSignature("`Signature` doesn't match the message.") from None

    async def _certificate(self, url: str, now: datetime) -> Certificate:
        certificate = self._known.get(url)
        if certificate is None:
            try:
                certificate = load_pem_x509_certificate(await self._fetch(url))
            except ValueError as error:
                raise TransientError("what Amazon SNS answers is no certificate") from error
            if len(self._known) >= MOST_CERTIFICATES:
                self._known.clear()
            self._known[url] = certificate
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise BadSignature("The certificate of `SigningCertURL` has run out or is not valid yet.")
        return certificate


def string_to_sign(message: Mapping[str, Any]) -> bytes | None:
    """Name and value of the signed fields, each on its line, in the order of their names; `Subject` where there is one."""
    fields = _SIGNED.get(str(message.get("Type")))
    if fields is None:
        return None
    lines = ""
    for name in fields:
        value = message.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            return None
        lines += f"{name}\n{value}\n"
    return lines.encode("utf-8", "surrogatepass")
