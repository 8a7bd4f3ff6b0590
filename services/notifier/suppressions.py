"""Addresses that nothing is sent to any more, because a mail to them came back for good: visible, and lifted by hand."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from kit.mongo import Database, Document, Session, translated
from services.notifier.storage import SUPPRESSIONS

SUPPRESSED: Final = "suppressed: "
"""How the reason of a delivery begins that was not even tried because of its address."""


def spelt(address: str) -> str:
    """The one spelling an address is kept under: nobody has two mailboxes that differ in case."""
    return address.strip().casefold()


class Suppressions:
    def __init__(self, database: Database) -> None:
        self._rows = database[SUPPRESSIONS.name]

    async def of(self, addresses: Collection[str]) -> dict[str, str]:
        """Which of these are suppressed, as they are written here, with the reason."""
        wanted = {spelt(address): address for address in addresses}
        if not wanted:
            return {}
        with translated():
            rows = self._rows.find({"_id": {"$in": list(wanted)}, "lifted_at": None}, {"reason": 1})
            held = {row["_id"]: row["reason"] async for row in rows}
        return {address: held[spelt(address)] for address in addresses if spelt(address) in held}

    async def suppress(self, row: Document, reason: str, at: datetime, session: Session) -> None:
        """The address of this delivery, from now on; one that is suppressed already keeps its first reason."""
        key = spelt(row["address"])
        if await self._rows.find_one({"_id": key, "lifted_at": None}, {"_id": 1}, session=session):
            return
        officer = row["recipient"] if row["audience"] == "staff" else None
        now = {
            "reason": reason,
            "officer": officer,
            "since": at,
            "delivery_id": row["_id"],
            "ticket_id": row["ticket_id"],
            "reference": row["reference"] or row["template"],
        }
        await self._rows.replace_one({"_id": key}, {**now, "lifted_at": None}, upsert=True, session=session)

    async def listed(self) -> list[Document]:
        """Those in force, the newest first."""
        with translated():
            return await self._rows.find({"lifted_at": None}).sort([("since", -1), ("_id", 1)]).to_list(None)

    async def lift(self, address: str, at: datetime) -> bool:
        """Send there again; what it was suppressed for stays on record. False: it was not suppressed."""
        with translated():
            result = await self._rows.update_one({"_id": spelt(address), "lifted_at": None}, {"$set": {"lifted_at": at}})
        return bool(result.modified_count)
