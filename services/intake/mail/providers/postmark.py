"""Postmark inbound, with "Include raw email content in JSON payload" switched on. It signs nothing: the URL holds user and password."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson

from services.intake.mail.envelopes import envelope_of
from services.intake.mail.providers.posted import Posted, Unreadable, Unset, addresses, has_credentials, no_credentials

VARIABLE: Final = "HELPDESK_POSTMARK_CREDENTIALS"


class Postmark:
    """`credentials`: user:password, empty when there are none."""

    def __init__(self, credentials: str) -> None:
        self._credentials = credentials

    async def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Posted:  # noqa: ARG002 (nothing is dated)
        if not self._credentials:
            raise Unset("Postmark", VARIABLE)
        if not has_credentials(headers, self._credentials):
            raise no_credentials("Postmark", VARIABLE)
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"The body is no JSON: {str(error)[:200]}") from error
        raw = data.get("RawEmail") if isinstance(data, dict) else None
        if not isinstance(raw, str) or not raw:
            raise Unreadable(
                'There is no `RawEmail`: switch on "Include raw email content in JSON payload" for Postmark\'s inbound stream.'
            )
        content = raw.encode("utf-8", "surrogatepass")
        return Posted(content, envelope_of(content)[0], addresses([data.get("OriginalRecipient")]))
