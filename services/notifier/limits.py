"""How many acknowledgements go out for mail that came in: what ends two machines answering each other when no header gives them away.

One for each ticket and address follows from the deliveries' ids, and one for each later mail of which files were not kept. Counted
are those that were not held back, so that whoever writes more than that gets the next one when the first is a day old.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from prometheus_client import Counter as Metric

from kit.mongo import Database, translated
from schemas.tickets import BusinessReplied, TicketEventBase
from services.notifier.domain.audience import Delivery
from services.notifier.storage import ACKNOWLEDGED
from services.notifier.suppressions import spelt

A_DAY: Final = timedelta(days=1)
A_MINUTE: Final = timedelta(minutes=1)
PER_ADDRESS: Final = 5
"""In a day: more than a person asks about in one; a machine that answers ours stops there."""

HELD_BACK = Metric("helpdesk_acknowledgements_held_back", "Acknowledgements not sent because there were too many", ["limit"])


def limited(delivery: Delivery, event: TicketEventBase) -> bool:
    """Whether it is an acknowledgement by mail of a mail: where nobody wrote a mail, no machine can answer one."""
    of_mail = event.ticket.channel == "email" or isinstance(event, BusinessReplied)
    return delivery.template == "acknowledgement" and delivery.channel == "email" and of_mail


class Limits:
    def __init__(self, database: Database, *, per_minute: int, per_address: int = PER_ADDRESS) -> None:
        self._acknowledged = database[ACKNOWLEDGED.name]
        self._per_minute = per_minute
        self._per_address = per_address

    async def exceeded(self, deliveries: Sequence[Delivery], now: datetime) -> dict[str, str]:
        """Ids of those that are not to be sent, with the reason; the others are sent, and count for what comes later."""
        if not deliveries:
            return {}
        by_address = await self._sent_today({spelt(delivery.address) for delivery in deliveries}, now)
        lately = await self._sent_lately(now)
        over: dict[str, str] = {}
        for delivery in deliveries:
            address = spelt(delivery.address)
            if by_address[address] >= self._per_address:
                over[delivery.id] = f"this address had {self._per_address} acknowledgements within a day"
                HELD_BACK.labels("address").inc()
            elif lately >= self._per_minute:
                over[delivery.id] = f"{self._per_minute} acknowledgements went out within a minute"
                HELD_BACK.labels("all").inc()
            else:
                by_address[address] += 1
                lately += 1
        return over

    async def _sent_today(self, addresses: set[str], now: datetime) -> Counter[str]:
        query = {"address": {"$in": sorted(addresses)}, "at": {"$gt": now - A_DAY}}
        pipeline: list[Mapping[str, Any]] = [{"$match": query}, {"$group": {"_id": "$address", "count": {"$sum": 1}}}]
        with translated():
            return Counter({row["_id"]: row["count"] async for row in self._acknowledged.aggregate(pipeline)})

    async def _sent_lately(self, now: datetime) -> int:
        with translated():
            return int(await self._acknowledged.count_documents({"at": {"$gt": now - A_MINUTE}}, limit=self._per_minute))
