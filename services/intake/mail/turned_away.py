"""Mails that the doors refused for good: counted, since nothing else is left of them here."""

from collections import Counter

from kit.errors import TransientError
from kit.ids import new_id
from kit.mongo import Database, translated
from services.intake.storage import MAIL_TALLIES


class TurnedAway:
    """`note` costs nothing, however many strangers knock; `write` is a step for a loop. What a killed process had not written is lost."""

    def __init__(self, database: Database) -> None:
        self._tallies = database[MAIL_TALLIES.name]
        self._tally = new_id()
        self._counts: Counter[str] = Counter()

    def note(self, reason: str) -> None:
        """`reason`: a short word."""
        self._counts[reason] += 1

    async def write(self) -> bool:
        """TransientError, and then the counts are written the next time."""
        counts, self._counts = self._counts, Counter()
        if counts:
            change = {"$inc": {f"refused.{reason}": count for reason, count in counts.items()}}
            try:
                with translated():
                    await self._tallies.update_one({"_id": self._tally}, change, upsert=True)
            except TransientError:
                self._counts.update(counts)
                raise
        return False

    async def close(self) -> None:
        await self.write()
