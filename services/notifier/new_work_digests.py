"""Requests given to one address in a flood become one mail; none of them was rendered before."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from kit.ids import slot_of
from kit.mongo import Database, Document, Session
from schemas.tickets import TicketEventBase
from services.notifier.digest_mail import DigestMail
from services.notifier.domain.address import recipient_address
from services.notifier.domain.audience import Delivery
from services.notifier.domain.new_work import GivesWork, NewWork, new_work_digest, new_work_of, still_new
from services.notifier.folding import digest_row, mark_folded
from services.notifier.storage import DELIVERIES

NEW_WORK: Final = "new_work"
"""How the lanes begin in which it waits."""

MOST: Final = 500
"""Requests of one mail: read, and their ends written, in one transaction. Of 2,000 that took 30 MB for a moment."""

_work: Final = TypeAdapter(NewWork)


def put_off(delivery: Delivery, event: GivesWork, until: datetime) -> Document:
    """What a delivery has instead of a mail to be told of with others. Raises `BadAddress`, which rendering would have found."""
    recipient_address(delivery.address)
    lane = f"{NEW_WORK}:{delivery.recipient}"
    work = _work.dump_python(new_work_of(delivery, event))
    return {"state": "gathering", "lane": lane, "slot": slot_of(lane), "next_at": until, "work": work}


def left_to_tell(row: Document, event: TicketEventBase) -> bool:
    """What a later event of its ticket makes of a request that nobody was told of yet."""
    work = _work.validate_python(row["work"])
    return event.sequence <= work.sequence or still_new(work, event.ticket)


class NewWorkDigests:
    def __init__(self, database: Database, mail: DigestMail) -> None:
        self._deliveries = database[DELIVERIES.name]
        self._mail = mail

    async def fold(self, lane: str, now: datetime, session: Session) -> int:
        """Make one delivery of what is due in the lane, at most `MOST`; returns of how many."""
        query = {"lane": lane, "state": "gathering", "next_at": {"$lte": now}}
        found = self._deliveries.find(query, {"work": 1, "planned_at": 1}, session=session).sort("next_at", 1).limit(MOST)
        rows: Sequence[Document] = await found.to_list(MOST)
        if not rows:
            return 0  # somebody else was faster
        latest, parts = max(rows, key=lambda row: (row["planned_at"], row["_id"])), [row["_id"] for row in rows]
        [last] = await self._deliveries.find({"_id": latest["_id"]}, session=session).to_list(1)
        made = digest_row(last, parts, now)
        told = new_work_digest([_work.validate_python(row["work"]) for row in rows], now)
        made["content"] = self._mail.render_new_work(made, told)
        await self._deliveries.insert_one(made, session=session)
        await mark_folded(self._deliveries, parts, made["_id"], session)
        return len(rows)
