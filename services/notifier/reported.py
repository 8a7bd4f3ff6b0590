"""Events in: what mail servers reported about our mail ends the delivery, tells the officer, and stops what can't arrive."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal

from structlog.typing import FilteringBoundLogger

from kit.ids import derived_id
from kit.journal import Journal
from kit.mongo import Database, Document, Mongo, Session
from schemas.notifications import NotificationFailed
from schemas.requests import DeliveryBounced
from services.notifier.domain.address import BadAddress, recipient_address
from services.notifier.repository import DIGEST, failed
from services.notifier.storage import DELIVERIES
from services.notifier.suppressions import Suppressions

BOUNCED: Final = "bounced ("
"""How the reason of a delivery begins that was accepted and came back."""

REPORTS: Final = ("delivery_bounced",)
"""The types of events it is for, among all that is requested."""


class Reported:
    """Only deliveries of ours by mail change, and only their own addresses are suppressed, where the report is about these.

    A report to the return path of a mail may be about somebody it was passed on to, and whoever got the mail may read that path in it.
    """

    def __init__(
        self, mongo: Mongo, database: Database, journal: Journal, suppressions: Suppressions, logger: FilteringBoundLogger
    ) -> None:
        self._mongo = mongo
        self._deliveries = database[DELIVERIES.name]
        self._journal = journal
        self._suppressions = suppressions
        self._logger = logger

    async def on_requests(self, events: Sequence[Any]) -> None:
        """Each report in a transaction of its own; there are few."""
        for event in events:
            if isinstance(event, DeliveryBounced):
                await self._mongo.transaction(partial(self._apply, event))

    async def _apply(self, event: DeliveryBounced, session: Session) -> None:
        now = self._mongo.now()
        query = {"ticket_id": event.ticket_id, "channel": "email"}
        rows = await self._deliveries.find(query, {"content": 0, "alarm": 0}, session=session).to_list(None)
        row = next((row for row in rows if row["_id"].replace("-", "").startswith(event.delivery)), None)
        if row is None or (row.get("returned") or {}).get("action") == "failed" or not _about(event, row):
            self._logger.info("report.of_nothing", ticket=event.ticket_id, delivery=event.delivery, again=row is not None)
            return
        change: Document = {"returned": _returned(event, now)}
        if event.action == "failed":
            change |= await self._failed(row, event, now, session)
        await self._deliveries.update_one({"_id": row["_id"]}, {"$set": change}, session=session)
        self._logger.info("report.noted", delivery=row["_id"], action=event.action, hard=event.hard, status=event.status)

    async def _failed(self, row: Document, event: DeliveryBounced, now: datetime, session: Session) -> Document:
        """What else changes in the row. One that was given up has been told; one still under way will be accepted, or not."""
        if _suppresses(event, row):
            await self._suppressions.suppress(row, event.diagnostic or event.status, now, session)
        if row["state"] != "delivered":
            return {}
        reason = f"{BOUNCED}{_kind(event, row)}): {_said(event, row)}"[:500]
        if row["template"] == DIGEST:  # nobody is told of a digest itself
            return {"state": "failed", "reason": reason}
        await self._journal.append([bounced(row, reason, event, now)], session, streams=[row["_id"]])
        return {"state": "failed", "reason": reason}


def bounced(row: Document, reason: str, event: DeliveryBounced, at: datetime) -> NotificationFailed:
    """The second end of a delivery: it was accepted, and came back."""
    change = {"id": derived_id(row["_id"], "returned"), "sequence": 2, "caused_by": event.id, "bounced": _kind(event, row)}
    change |= {"suppressed": _suppresses(event, row)}
    return failed(row, reason, at).model_copy(update=change)


def _about(event: DeliveryBounced, row: Document) -> bool:
    """Whether it can be believed: without the proof it must at least name the address that was written to."""
    return event.proven or _names_it(event, row)


def _suppresses(event: DeliveryBounced, row: Document) -> bool:
    return event.hard and event.proven and _names_it(event, row)


def _kind(event: DeliveryBounced, row: Document) -> Literal["hard", "soft"]:
    """What is no good about another address says nothing about the one that was written to."""
    return "hard" if event.hard and _names_it(event, row) else "soft"


def _said(event: DeliveryBounced, row: Document) -> str:
    said = event.diagnostic or event.status
    return said if _names_it(event, row) else f"the report is about {event.recipient or 'an address it does not name'}: {said}"


def _names_it(event: DeliveryBounced, row: Document) -> bool:
    """Whether it is about the address that was written to, whatever was made of it on the way."""
    return _spelt(row["address"]) in {_spelt(each) for each in (event.recipient, event.original_recipient) if each}


def _spelt(address: str) -> str:
    try:
        return recipient_address(address).casefold()
    except BadAddress:
        return address.strip().casefold()


def _returned(event: DeliveryBounced, at: datetime) -> Document:
    return {"at": at, "action": event.action, "hard": event.hard, "status": event.status, "diagnostic": event.diagnostic}
