"""Deliveries that waited for others become the parts of one: its end is that of each of them."""

from collections.abc import Sequence
from datetime import datetime

from kit.ids import derived_id
from kit.mongo import Collection, Document, Session
from services.notifier.repository import DIGEST


def digest_row(last: Document, parts: Sequence[str], now: datetime) -> Document:
    """The delivery that tells `parts`, to whoever `last`, the latest of them, was for. The same parts make the same id.

    It goes under the ticket of `last`, by whose name a report of a mail server finds it.
    """
    identifier = derived_id(DIGEST, last["recipient"], *sorted(parts))
    return {
        "_id": identifier,
        "event_id": identifier,
        "ticket_id": last["ticket_id"],
        "lane": last["lane"],
        "template": DIGEST,
        "audience": last["audience"],
        "recipient": last["recipient"],
        "channel": last["channel"],
        "address": last["address"],
        "language": last["language"],
        "message_id": None,
        "name": last["name"],
        "reference": "",
        "slot": last["slot"],
        "order": int(now.timestamp() * 1000),
        "state": "pending",
        "attempts": 0,
        "planned_at": now,
        "next_at": now,
        "trace": last.get("trace"),
        "parts": list(parts),
    }


async def mark_folded(deliveries: Collection, ids: Sequence[str], into: str, session: Session) -> None:
    change = {"$set": {"state": "folded", "digest": into}, "$unset": {"content": "", "alarm": "", "work": ""}}
    if ids:
        await deliveries.update_many({"_id": {"$in": list(ids)}}, change, session=session)
