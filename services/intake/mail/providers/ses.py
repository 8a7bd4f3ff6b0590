"""Amazon SES: a receipt rule with an SNS action, encoding Base64, posts each mail inside a notification of an SNS topic.

SNS carries mails up to 150 KB; SES bounces larger ones to their sender. A rule with an S3 action posts only where the mail lies: that is
stored too, as a mail that cannot be read, so that somebody fetches it.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from structlog.typing import FilteringBoundLogger

from kit.webhooks import BadSignature
from schemas.values import Trust
from services.intake.mail.providers.posted import Posted, Unreadable, Unset, address, addresses
from services.intake.mail.providers.sns import NOTIFICATION, Fetch, Signatures, fetch, is_amazons

VARIABLE: Final = "HELPDESK_SES_TOPICS"

_VERDICTS: Final[Mapping[str, Trust]] = {"PASS": "pass", "FAIL": "fail"}


class Ses:
    """`topics`: the ARNs that are listened to; a stranger's topic is signed as well as ours."""

    def __init__(self, topics: Sequence[str], logger: FilteringBoundLogger, ask: Fetch = fetch) -> None:
        self._topics = frozenset(topics)
        self._logger = logger
        self._ask = ask
        self._signatures = Signatures(ask)

    async def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Posted | None:  # noqa: ARG002 (all of it is in the body)
        if not self._topics:
            raise Unset("Amazon SES", VARIABLE)
        message = _loaded(body)
        if message.get("TopicArn") not in self._topics:
            raise BadSignature(f"`TopicArn` is not one of {VARIABLE}.")
        await self._signatures.verify(message, now)
        if message["Type"] == NOTIFICATION:
            return _posted(message["Message"])
        await self._answer(message)
        return None

    async def _answer(self, message: Mapping[str, Any]) -> None:
        """Say yes to a subscription to one of our topics. That it was ended is for a person to know."""
        topic = message["TopicArn"]
        if message["Type"] != "SubscriptionConfirmation":
            self._logger.warning("mail.ses_unsubscribed", topic=topic)
            return
        if not is_amazons(message["SubscribeURL"]):
            raise BadSignature("`SubscribeURL` is no address of Amazon SNS.")
        await self._ask(message["SubscribeURL"])
        self._logger.info("mail.ses_subscribed", topic=topic)


def _loaded(body: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        data = None
    if not isinstance(data, dict):
        raise Unreadable("The body is no JSON object of Amazon SNS.")
    return data


def _posted(written: str) -> Posted | None:
    """None for what SES and SNS say of themselves, such as that the topic was connected."""
    try:
        data = _loaded(written.encode("utf-8", "surrogatepass"))
    except Unreadable:
        return None
    if data.get("notificationType") != "Received":
        return None
    mail, receipt = _part(data, "mail"), _part(data, "receipt")
    recipients = receipt.get("recipients") or mail.get("destination")
    envelope = (address(mail.get("source")), addresses(recipients if isinstance(recipients, list) else []))
    content = data.get("content")
    if not isinstance(content, str) or not content:
        return Posted(_where(mail, receipt), *envelope, unfit="content_elsewhere")
    return Posted(_decoded(content, str(_part(receipt, "action").get("encoding"))), *envelope, verdict=_verdict(receipt))


def _verdict(receipt: Mapping[str, Any]) -> Trust:
    """DMARC's, which is about the address in From; what SES found out by SPF and DKIM may stand for another."""
    return _VERDICTS.get(str(_part(receipt, "dmarcVerdict").get("status")), "none")


def _decoded(content: str, encoding: str) -> bytes:
    """In UTF-8 what was none is lost already; it is the setting to avoid."""
    if encoding.upper() != "BASE64":
        return content.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("`content` is said to be Base64 and is not.") from error


def _where(mail: Mapping[str, Any], receipt: Mapping[str, Any]) -> bytes:
    """The header as SES passes it on, and where the mail lies."""
    action = _part(receipt, "action")
    listed = mail.get("headers")
    lines = [
        f"X-Helpdesk-Content-At: s3://{action.get('bucketName')}/{action.get('objectKey')}",
        f"X-Helpdesk-Ses-Id: {mail.get('messageId')}",
        *(f"{each.get('name')}: {each.get('value')}" for each in (listed if isinstance(listed, list) else []) if isinstance(each, dict)),
    ]
    return "".join(f"{' '.join(line.split())}\r\n" for line in lines).encode("utf-8", "replace") + b"\r\n"


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}
