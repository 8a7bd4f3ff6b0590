"""On time: of the clocks of a kind that finished in a period, met / (met + missed). One definition, here alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from kit.mongo import Database, Document, translated
from schemas.values import ClockKind
from services.routing.storage import OUTCOMES, TICKETS

TOO_FEW: Final = 10
"""Fewer finished clocks than this are not rated."""

Dimension = Literal["unit", "group", "topic", "channel"]


@dataclass(frozen=True)
class Period:
    """Whole local days, both included."""

    first: date
    last: date
    zone: str

    def instants(self) -> tuple[datetime, datetime]:
        zone = ZoneInfo(self.zone)
        return datetime.combine(self.first, time(), zone), datetime.combine(self.last + timedelta(days=1), time(), zone)


@dataclass(frozen=True)
class Figure:
    """`rate` is None when there are too few to rate. `overdue` clocks are still open and in none of the other figures."""

    key: str | None
    met: int
    missed: int
    overdue: int

    @property
    def finished(self) -> int:
        return self.met + self.missed

    @property
    def rate(self) -> float | None:
        return self.met / self.finished if self.finished >= TOO_FEW else None


class ReportRepository:
    def __init__(self, database: Database) -> None:
        self._outcomes = database[OUTCOMES.name]
        self._tickets = database[TICKETS.name]

    async def on_time(
        self, kind: ClockKind, period: Period, filters: Mapping[str, Any], now: datetime, by: Dimension | None = None
    ) -> list[Figure]:
        """One figure for all, or one for each value of `by`."""
        name = f"${by}" if by else None
        match = {**_finished(kind, period), **filters}
        grouped = [{"$match": match}, {"$group": {"_id": {"key": name, "verdict": "$verdict"}, "count": {"$sum": 1}}}]
        late = [
            {"$match": {"open": True, "running": {"$elemMatch": {"kind": kind, "due_at": {"$lt": now}}}, **filters}},
            {"$group": {"_id": name, "count": {"$sum": 1}}},
        ]
        with translated():
            counts = {(row["_id"].get("key"), row["_id"]["verdict"]): row["count"] async for row in self._outcomes.aggregate(grouped)}
            overdue = {row["_id"]: row["count"] async for row in self._tickets.aggregate(late)}
        keys = sorted({key for key, _ in counts} | set(overdue), key=str) or ([] if by else [None])
        return [Figure(key, counts.get((key, "met"), 0), counts.get((key, "missed"), 0), overdue.get(key, 0)) for key in keys]

    async def behind(self, kind: ClockKind, period: Period, filters: Mapping[str, Any], after: str | None, limit: int) -> list[Document]:
        """The finished clocks that make the number, in the order of their ids."""
        match: dict[str, Any] = {**_finished(kind, period), **filters}
        if after:
            match["_id"] = {"$gt": after}
        with translated():
            return await self._outcomes.find(match).sort("_id", 1).limit(limit).to_list(limit)


def _finished(kind: ClockKind, period: Period) -> dict[str, Any]:
    since, until = period.instants()
    return {"kind": kind, "verdict": {"$in": ["met", "missed"]}, "finished_at": {"$gte": since, "$lt": until}}
