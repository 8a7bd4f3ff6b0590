"""What the record still knows of keys that the organisation may no longer have: a filter may name those too."""

from collections.abc import Collection
from typing import Any, Final, Literal, get_args

from kit.mongo import Database, translated
from services.routing.storage import OUTCOMES, ROLLUPS, TICKETS

Carried = Literal["topic", "member_tier", "officer"]
CARRIED: Final[tuple[Carried, ...]] = get_args(Carried)

SUMMED: Final[frozenset[Carried]] = frozenset({"topic", "member_tier"})
"""What the sums of reports tell apart; officers stand in the facts alone."""


class Record:
    def __init__(self, database: Database) -> None:
        self._tickets = database[TICKETS.name]
        self._facts = database[OUTCOMES.name]
        self._rollups = database[ROLLUPS.name]

    async def remembers(self, name: Literal["group", "units"], key: str) -> bool:
        """Whether something is credited to a group or a unit that may no longer be there."""
        return await self._credited({name: key})

    async def carries(self, name: Carried, key: str, groups: Collection[str] | None) -> bool:
        """Whether an open ticket or a finished clock of these groups carries the key; None: of any group.

        Cheap also where nothing does: read are open tickets, sums of months, and what is not folded; of an officer, theirs alone.
        """
        seen: dict[str, Any] = {name: key} if groups is None else {name: key, "group": {"$in": sorted(groups)}}
        with translated():
            among = seen if "group" in seen or name == "officer" else {**seen, "group": {"$in": await self._tickets.distinct("group")}}
            if await self._tickets.find_one({**among, "open": True}, {"_id": 1}):
                return True
            if name not in SUMMED:
                return await self._facts.find_one(seen, {"_id": 1}, hint="officer") is not None
        return await self._credited(seen)

    async def _credited(self, match: dict[str, Any]) -> bool:
        """In the sums, or in what is not folded into them yet."""
        with translated():
            folded = await self._rollups.find_one(match, {"_id": 1})
            return bool(folded or await self._facts.find_one({"pending": True, **match}, {"_id": 1}))
