"""On time: of the clocks of a kind that finished in a period, met / (met + missed). One definition, here alone.

A clock finished on the local day of the unit that is credited with it. Whole months are read from the rollups with what is
not folded yet, the days beside them from the facts: all at one instant, so that a sum is exact while others fold and finish.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from kit.mongo import Collection, Database, Document, Session, at_one_instant, translated
from schemas.organisation import Organisation
from schemas.values import ClockKind
from services.routing.access import subtree
from services.routing.rollups import EMPTY, MONTH, SUMMED, SUMS, Sums, edges, whole_months
from services.routing.storage import OUTCOMES, ROLLUPS, TICKETS

TOO_FEW: Final = 10
"""Fewer finished clocks than this are not rated."""

Dimension = Literal["unit", "group", "topic", "channel", "member_tier", "officer", "month"]
Verdict = Literal["met", "missed", "cancelled"]

FINISHED: Final[tuple[Verdict, ...]] = ("met", "missed")

Keys = tuple[str | None, ...]


@dataclass(frozen=True)
class Scope:
    """The part of the record a report is about: what finished from `first` to `last`, local days, both included.

    `unit`: it and everything below it, as the tree was then. `part`: only what stands below this child of `unit`, or
    with `unit` itself only what its own groups did. `groups` are those the reader sees, None
    means all, those no longer in the organisation too; `group` is one of them.
    """

    kind: ClockKind
    first: date
    last: date
    groups: frozenset[str] | None = None
    group: str | None = None
    unit: str | None = None
    part: str | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)
    """Values of topic, channel, member_tier and officer; None stands for none."""

    def match(self) -> dict[str, Any]:
        """Of facts and rollups alike."""
        wanted: dict[str, Any] = {"kind": self.kind, **self.fields}
        if self.group is not None:
            wanted["group"] = self.group
        elif self.groups is not None:
            wanted["group"] = {"$in": sorted(self.groups)}
        if self.unit is not None:
            wanted["units"] = self.unit
        if self.part is not None and self.part == self.unit:
            wanted["unit"] = self.unit
        elif self.part is not None:
            wanted["$expr"] = {"$eq": [_child_of(self.unit), self.part]}
        return wanted

    def of_tickets(self, org: Organisation) -> dict[str, Any]:
        """Of tickets as they are now, in the tree as it is now."""
        wanted: dict[str, Any] = dict(self.fields)
        if self.group is not None:
            wanted["group"] = self.group
        elif self.groups is not None:
            wanted["group"] = {"$in": sorted(self.groups)}
        if self.part is not None and self.part == self.unit:
            wanted["unit"] = self.unit
        elif self.part or self.unit:
            wanted["unit"] = {"$in": sorted(subtree(org, self.part or self.unit or ""))}
        return wanted


@dataclass(frozen=True)
class Figure:
    """`rate` is None when there are too few to rate. `overdue` tickets are still open and in none of the other figures."""

    keys: Keys
    met: int
    missed: int
    cancelled: int
    worked: timedelta
    overdue: int

    @property
    def finished(self) -> int:
        return self.met + self.missed

    @property
    def rate(self) -> float | None:
        return self.met / self.finished if self.finished >= TOO_FEW else None

    @property
    def average(self) -> timedelta | None:
        """Working time from start to finish, without the pauses."""
        return self.worked / self.finished if self.finished else None


class ReportRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._facts = database[OUTCOMES.name]
        self._rollups = database[ROLLUPS.name]
        self._tickets = database[TICKETS.name]

    async def on_time(self, scope: Scope, org: Organisation, now: datetime, by: Sequence[Dimension] = ()) -> list[Figure]:
        """One figure for all, or one for each combination of values of `by`."""

        async def counted(session: Session) -> tuple[dict[Keys, Sums], dict[Keys, int]]:
            return await self._finished(scope, by, session), await self._overdue(scope, org, now, by, session)

        sums, overdue = await at_one_instant(self._database, counted)
        keys = sorted(sums.keys() | overdue.keys(), key=_order) or ([] if by else [()])
        return [_figure(key, sums.get(key, EMPTY), overdue.get(key, 0)) for key in keys]

    async def behind(self, scope: Scope, verdicts: Sequence[Verdict], after: tuple[str, str] | None, limit: int) -> list[Document]:
        """The finished clocks that make the numbers, by day and id; `after` the day and id of the last one seen."""
        match: dict[str, Any] = {**scope.match(), "day": _days(scope.first, scope.last), "verdict": {"$in": list(verdicts)}}
        if after:
            match["day"] |= {"$gte": max(after[0], match["day"]["$gte"])}
            match["$or"] = [{"day": {"$gt": after[0]}}, {"_id": {"$gt": after[1]}}]
        with translated():
            return await self._facts.find(match).sort([("day", 1), ("_id", 1)]).limit(limit).to_list(limit)

    async def overdue(self, scope: Scope, org: Organisation, now: datetime, after: str | None, limit: int) -> list[Document]:
        """The open tickets whose clock of the kind is past due, by id."""
        match = await self._late(scope, org, now)
        if after:
            match["_id"] = {"$gt": after}
        with translated():
            return await self._tickets.find(match, {"state": 0}).sort("_id", 1).limit(limit).to_list(limit)

    async def _finished(self, scope: Scope, by: Sequence[Dimension], session: Session) -> dict[Keys, Sums]:
        facts = _Reading(self._facts, scope.match(), by, MONTH, SUMMED, session)
        if "officer" in by or "officer" in scope.fields:
            return await facts.sums({"day": _days(scope.first, scope.last)})
        found: defaultdict[Keys, Sums] = defaultdict(lambda: EMPTY)
        for first, last in edges(scope.first, scope.last):
            _add(found, await facts.sums({"day": _days(first, last)}))
        months = whole_months(scope.first, scope.last)
        if months is not None:
            rollups = _Reading(self._rollups, scope.match(), by, "$month", {name: {"$sum": f"${name}"} for name in SUMS}, session)
            _add(found, await rollups.sums({"month": {"$gte": months[0], "$lte": months[1]}}))
            days = {"$gte": f"{months[0]}-01", "$lte": f"{months[1]}-31"}
            _add(found, await facts.sums({"pending": True, "day": days}, hint="pending"))
            _add(found, await facts.sums({"day": days}, hint="pending", corrected=True), sign=-1)
        return {keys: sums for keys, sums in found.items() if any(sums)}

    async def _overdue(self, scope: Scope, org: Organisation, now: datetime, by: Sequence[Dimension], session: Session) -> dict[Keys, int]:
        if "month" in by:
            return {}
        grouping = {"$group": {"_id": {name: f"${name}" for name in by}, "count": {"$sum": 1}}}
        found: defaultdict[Keys, int] = defaultdict(int)
        async for row in self._tickets.aggregate([{"$match": await self._late(scope, org, now)}, grouping], session=session):
            values = {**row["_id"], "unit": org.ancestors(row["_id"].get("unit", "")) or (row["_id"].get("unit"),)}
            found[_keys(values, by, scope.unit)] += row["count"]
        return found

    async def _late(self, scope: Scope, org: Organisation, now: datetime) -> dict[str, Any]:
        """`due_sort` is the soonest deadline of any kind: with the group it lets the queue's index find them."""
        match: dict[str, Any] = {"open": True, "due_sort": {"$lt": now}, **scope.of_tickets(org)}
        if "group" not in match:
            with translated():
                match["group"] = {"$in": await self._tickets.distinct("group")}
        return match | {"running": {"$elemMatch": {"kind": scope.kind, "due_at": {"$lt": now}}}}


@dataclass(frozen=True)
class _Reading:
    """Sums over a collection, one for each combination of values."""

    collection: Collection
    match: Mapping[str, Any]
    by: Sequence[Dimension]
    month: object
    summed: Mapping[str, Any]
    session: Session

    async def sums(self, more: Mapping[str, Any], *, hint: str | None = None, corrected: bool = False) -> dict[Keys, Sums]:
        """With `corrected`, over what facts that are to be counted anew were counted as."""
        names: dict[str, object] = {"unit": "$units", "month": self.month}
        stages: list[dict[str, Any]] = [{"$match": {**self.match, **more}}]
        if corrected:
            stages = [{"$match": {"pending": True, "was": {"$exists": True}}}, {"$replaceRoot": {"newRoot": "$was"}}, *stages]
        grouping = {"$group": {"_id": {name: names.get(name, f"${name}") for name in self.by}, **self.summed}}
        found: defaultdict[Keys, Sums] = defaultdict(lambda: EMPTY)
        async for row in self.collection.aggregate([*stages, grouping], session=self.session, **({"hint": hint} if hint else {})):
            keys = _keys(row["_id"], self.by, self.match.get("units"))
            _add(found, {keys: tuple(row[name] for name in SUMS)})
        return found


def part_of(path: Sequence[str], unit: str | None) -> str | None:
    """The row, as `UNIT/PART`, of a unit with these ancestors: the child of `unit` (else of the root) above it, or `unit` itself."""
    if not path:
        return None
    place = path.index(unit) if unit in path else len(path) - 1
    return f"{path[place]}/{path[max(place - 1, 0)]}"


def _child_of(unit: str | None) -> dict[str, Any]:
    return {"$arrayElemAt": ["$units", {"$subtract": [{"$indexOfArray": ["$units", unit]}, 1]}]}


def _keys(values: Mapping[str, Any], by: Sequence[Dimension], unit: str | None) -> Keys:
    return tuple(part_of(values.get("unit") or (), unit) if name == "unit" else values.get(name) for name in by)


def _days(first: date, last: date) -> dict[str, str]:
    return {"$gte": first.isoformat(), "$lte": last.isoformat()}


def _add(found: defaultdict[Keys, Sums], more: Mapping[Keys, Sums], sign: int = 1) -> None:
    for keys, sums in more.items():
        found[keys] = tuple(one + sign * other for one, other in zip(found[keys], sums, strict=True))


def _order(keys: Keys) -> tuple[tuple[bool, str], ...]:
    """By their keys, none at the end."""
    return tuple((key is None, key or "") for key in keys)


def _figure(keys: Keys, sums: Sums, overdue: int) -> Figure:
    met, missed, cancelled, worked_ms = sums
    return Figure(keys, met, missed, cancelled, timedelta(milliseconds=worked_ms), overdue)
