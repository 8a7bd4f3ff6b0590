"""Which dead letters somebody has decided about. Kafka can't delete one record, so the decision is remembered beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from helpdesk.deadletters.letter import DeadLetter
from kit.mongo import Database, UpdateOne, translated

HANDLED: Final = "dead_letters"
"""In the database of the service whose dead letters they are."""

Action = Literal["replayed", "discarded"]


@dataclass(frozen=True)
class Decision:
    action: Action
    at: datetime
    why: str | None

    def __str__(self) -> str:
        return f"{self.action} {self.at:%Y-%m-%d %H:%M:%S} UTC" + (f": {self.why}" if self.why else "")


class Decisions:
    """Remembered by place and Kafka's timestamp: in a topic made anew the offsets begin again, and must not hide new letters."""

    def __init__(self, databases: Mapping[str, Database]) -> None:
        self._databases = databases

    async def of(self, letters: Sequence[DeadLetter]) -> dict[str, Decision]:
        """Those of these letters that were decided about, by id."""
        written = {letter.id: letter.written for letter in letters}
        decided: dict[str, Decision] = {}
        for service in {letter.place.topic for letter in letters}:
            with translated():
                rows = await self._databases[service][HANDLED].find({"_id": {"$in": list(written)}}).to_list(None)
            decided |= {
                row["_id"]: Decision(row["action"], row["at"], row.get("why")) for row in rows if row.get("written") == written[row["_id"]]
            }
        return decided

    async def remember(self, letters: Sequence[DeadLetter], decision: Decision) -> None:
        """The last decision counts."""
        for service in {letter.place.topic for letter in letters}:
            writes = [_write(letter, decision) for letter in letters if letter.place.topic == service]
            with translated():
                await self._databases[service][HANDLED].bulk_write(writes, ordered=False)


def _write(letter: DeadLetter, decision: Decision) -> UpdateOne:
    said = {"action": decision.action, "at": decision.at, "why": decision.why, "written": letter.written}
    return UpdateOne({"_id": letter.id}, {"$set": said}, upsert=True)
