"""What is no contradiction in the data and still keeps people from being told: mail that waits, and why."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from helpdesk.checking.installation import Installation
from helpdesk.deadletters.printable import printable
from kit.mongo import Collection, Document
from services.notifier.storage import DELIVERIES, RELAY_TROUBLE, SUPPRESSIONS

PATIENCE: Final = timedelta(minutes=15)
"""A delivery is sent in seconds; greylisting is over in this time."""

LATELY: Final = timedelta(minutes=5)
"""While mail waits for a relay in trouble, it is tried every half minute, and an attempt may last a minute."""

_REASON: Final = 200
_NAMED: Final = 5
"""Officers that one warning names."""


async def delivery_warnings(installation: Installation) -> list[str]:
    now, database = installation.mongo.now(), installation.database("notifier")
    deliveries, before = database[DELIVERIES.name], now - PATIENCE
    troubles = await database[RELAY_TROUBLE.name].find({"at": {"$gt": now - LATELY}}).to_list(None)
    due = {"state": "pending", "next_at": {"$lt": before}}
    put_off = {"state": "pending", "first_at": {"$lt": before}, "next_at": {"$gte": before}}
    warnings = [await _paused(deliveries, trouble, now) for trouble in troubles]
    if oldest := await _oldest(deliveries, due, "next_at"):
        many, since = _deliveries(await deliveries.count_documents(due)), _said(oldest["next_at"])
        warnings.append(
            f"{many} due for more than 15 minutes, the first since {since}, and not tried: does the notifier's sender run (/readyz)?"
        )
    if oldest := await _oldest(deliveries, put_off, "first_at"):
        many, since = _deliveries(await deliveries.count_documents(put_off)), _said(oldest["first_at"])
        why = printable(str(oldest.get("reason", ""))[:_REASON])
        warnings.append(f"{many} being put off for more than 15 minutes, the first since {since} ({oldest['_id']}): {why}")
    if silenced := await database[SUPPRESSIONS.name].find({"lifted_at": None, "officer": {"$ne": None}}).sort("since", 1).to_list(None):
        warnings.append(_unreachable(silenced))
    return warnings


def _unreachable(silenced: Sequence[Document]) -> str:
    named = ", ".join(f"{row['officer']} ({row['_id']}, since {_said(row['since'])})" for row in silenced[:_NAMED])
    more = f" and {len(silenced) - _NAMED} more" if len(silenced) > _NAMED else ""
    return f"no mail goes to these of the staff, because it came back: {named}{more}; see `helpdesk mail suppressed`"


async def _paused(deliveries: Collection, trouble: Document, now: datetime) -> str:
    waiting = await deliveries.count_documents({"state": "pending", "channel": "email", "next_at": {"$lte": now}})
    mails = "1 mail waits" if waiting == 1 else f"{waiting:,} mails wait"
    since = f"{_said(trouble['since'])}, last tried {_said(trouble['at'])}"
    why = printable(trouble["reason"][:_REASON])
    return f"all mail is paused, the mail relay is in trouble since {since}: {why} ({mails}; see HELPDESK_SMTP_URL)"


async def _oldest(deliveries: Collection, query: dict[str, Any], field: str) -> Document | None:
    return await deliveries.find_one(query, {field: 1, "reason": 1}, sort=[(field, 1)])


def _deliveries(count: int) -> str:
    return "1 delivery is" if count == 1 else f"{count:,} deliveries are"


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
