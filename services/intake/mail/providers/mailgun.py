"""Mailgun routes: `forward("https://…/hooks/mail/mailgun/GROUP/mime")`, where the last word makes it post the mail as it came.

Signed is only a time and a token, not the mail, so each token is good for one mail (documentation.mailgun.com, "Securing webhooks").
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from kit.webhooks import BadSignature, Replayed
from services.intake.mail.providers.forms import fields_of, text
from services.intake.mail.providers.posted import Posted, Unreadable, Unset, address, addresses

VARIABLE: Final = "HELPDESK_MAILGUN_SIGNING_KEY"

TOLERANCE: Final = timedelta(hours=24)
"""How old a signature may be. Mailgun goes on trying for eight hours and does not say whether it signs each try anew; the token, good
for one mail, is what stops a replay."""

_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_TOKEN: Final = re.compile(r"[\x21-\x7e]{8,200}")


class Mailgun:
    """`keys`: HTTP webhook signing keys, any of which will do."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    async def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Posted:
        if not self._keys:
            raise Unset("Mailgun", VARIABLE)
        fields = await fields_of(headers, body)
        token = self._verified(fields, now)
        content = fields.get("body-mime")
        if not content:
            raise Unreadable(
                "There is no `body-mime`: let the URL of the route's forward() end in /mime, then Mailgun posts the mail as it came."
            )
        recipients = addresses(text(fields, "recipient").split(","))
        return Posted(content, address(text(fields, "sender")) if "sender" in fields else None, recipients, key=f"mailgun:{token}")

    def _verified(self, fields: Mapping[str, bytes], now: datetime) -> str:
        timestamp, token, signature = (text(fields, name) for name in ("timestamp", "token", "signature"))
        if not _SECONDS.fullmatch(timestamp) or not _TOKEN.fullmatch(token):
            raise BadSignature("`timestamp`, `token` and `signature` must be there: this is no post of Mailgun's.")
        if not any(_signed(key, timestamp, token, signature) for key in self._keys):
            raise BadSignature(f"`signature` doesn't match: set {VARIABLE} to the HTTP webhook signing key of this Mailgun account.")
        if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > TOLERANCE:
            raise Replayed("`timestamp` is more than a day away from our clock.")
        return token


def _signed(key: str, timestamp: str, token: str, signature: str) -> bool:
    expected = hmac.new(key.encode(), f"{timestamp}{token}".encode(), sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
