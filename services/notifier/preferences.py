"""Which notices staff have turned off: each by the link in a notice or by an administrator, visible, and back on in the same ways."""

from collections.abc import Collection
from datetime import datetime

from kit.mongo import Database, Document, translated
from services.notifier.domain.notices import Notice
from services.notifier.storage import PREFERENCES

OFF = "its recipient has turned such notices off"
"""Why a notice was not sent."""


class Preferences:
    def __init__(self, database: Database) -> None:
        self._rows = database[PREFERENCES.name]

    async def off(self, officers: Collection[str]) -> set[tuple[str, Notice]]:
        """What these people don't want."""
        with translated():
            rows = self._rows.find({"officer": {"$in": sorted(officers)}, "on": False}, {"officer": 1, "notice": 1})
            return {(row["officer"], row["notice"]) async for row in rows} if officers else set()

    async def turn(self, officer: str, notice: Notice, *, on: bool, by: str, at: datetime) -> bool:
        """From the next event on. False: it was so already."""
        key, change = f"{officer}:{notice}", {"officer": officer, "notice": notice, "on": on, "by": by, "since": at}
        with translated():
            before = await self._rows.find_one({"_id": key}, {"on": 1})
            if on is (before is None or before["on"]):
                return False
            await self._rows.update_one({"_id": key}, {"$set": change}, upsert=True)
        return True

    async def listed(self) -> list[Document]:
        """What is turned off, the newest first."""
        with translated():
            return await self._rows.find({"on": False}).sort([("since", -1), ("_id", 1)]).to_list(None)
