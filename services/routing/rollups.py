"""Sums of finished clocks by month, so that a report over years reads thousands of rows and not millions.

A fact is `pending` until it is folded, in one transaction with its mark: rollups and pending facts together are exact at
any moment, and whoever dies in the middle leaves either both or neither. Tickets' transactions write facts only, so that
no two of them meet on one sum.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, Final, Protocol, get_args

from pymongo import UpdateOne

from kit.mongo import Database, Document, DuplicateKey, Mongo, Session, at_one_instant
from schemas.values import ClockKind
from services.routing.outcomes import COUNTED
from services.routing.storage import OUTCOMES, ROLLUPS

SUMS: Final = ("met", "missed", "cancelled", "worked_ms")
"""`worked_ms`: working time of the met and the missed ones."""

KINDS: Final[tuple[ClockKind, ...]] = get_args(ClockKind)

BATCH: Final = 1_000
"""Facts a transaction: far from the server's limit of 60 s, and read by a report without a fold in under 10 ms."""

FOLD: Final = 5.0
"""Seconds between two looks for facts that are not folded; reports count those themselves."""

CHUNK: Final = 500
"""Sums a transaction when they are made anew."""

LANE: Final = 0
"""The slot whose holder folds: one process does it. Two would only disturb each other."""

EMPTY: Final = (0, 0, 0, 0)

Sums = tuple[int, ...]
"""In the order of `SUMS`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a sum is of."""

    month: str
    kind: str
    group: str
    unit: str
    units: tuple[str, ...]
    topic: str
    channel: str
    member_tier: str | None

    @property
    def id(self) -> str:
        """Keys have no `|`, `/` or capitals in them."""
        parts = (self.month, self.kind, self.group, "/".join(self.units), self.topic, self.channel, self.member_tier or "-")
        return "|".join(parts)

    @property
    def fields(self) -> Document:
        return {
            "month": self.month,
            "kind": self.kind,
            "group": self.group,
            "unit": self.unit,
            "units": list(self.units),
            "topic": self.topic,
            "channel": self.channel,
            "member_tier": self.member_tier,
        }


class Share(Protocol):
    """The part of the work that is this process's own; `kit.leases.Slots` in real use."""

    @property
    def mine(self) -> Collection[int]: ...


class Rollups:
    def __init__(self, mongo: Mongo, database: Database, *, batch: int = BATCH) -> None:
        self._mongo = mongo
        self._database = database
        self._facts = database[OUTCOMES.name]
        self._rollups = database[ROLLUPS.name]
        self._batch = batch

    async def step(self, share: Share) -> bool:
        """Fold one batch, if that is this process's work; True when there is more."""
        return LANE in share.mine and await self.fold()

    async def fold(self) -> bool:
        """Add a batch of facts to the sums; True when there may be more. Safe with any number at once: all but one start over."""
        try:
            return await self._mongo.transaction(self._fold) == self._batch
        except DuplicateKey:
            return True  # somebody else has just begun the same sum

    async def _fold(self, session: Session) -> int:
        fields = dict.fromkeys((*COUNTED, "was"), 1)
        rows = await self._facts.find({"pending": True}, fields, session=session).limit(self._batch).to_list(self._batch)
        if rows:
            changes = [_added(cell, sums) for cell, sums in _folded(rows).items() if any(sums)]
            if changes:
                await self._rollups.bulk_write(changes, ordered=False, session=session)
            ids = [row["_id"] for row in rows]
            await self._facts.update_many({"_id": {"$in": ids}}, {"$unset": {"pending": "", "was": ""}}, session=session)
        return len(rows)

    async def months(self) -> list[str]:
        """Every month there is a fact or a sum of, in order."""
        days: set[str] = set()
        for kind in KINDS:
            found = {"kind": kind, "day": {"$gt": ""}}
            for order in (1, -1):
                edge = await self._facts.find_one(found, {"day": 1}, sort=[("kind", order), ("day", order), ("_id", order)])
                days |= {edge["day"]} if edge else set()
        summed = set(await self._rollups.distinct("month")) | set(await self._facts.distinct("was.day", {"pending": True}))
        months = {day[:7] for day in days | summed}
        return list(_between(min(months), max(months))) if months else []

    async def rebuild(self, month: str) -> int:
        """Set each sum of a month that differs to what its facts say; how many did."""
        wrong = [cell for cell, _, _ in await at_one_instant(self._database, partial(differences, self._database, month))]
        for start in range(0, len(wrong), CHUNK):
            await self._mongo.transaction(partial(self._set, month, frozenset(wrong[start : start + CHUNK])))
        return len(wrong)

    async def _set(self, month: str, cells: Collection[Cell], session: Session) -> None:
        """Counted again in this transaction: whatever folds meanwhile changes the same documents, and one of the two starts over."""
        found = await differences(self._database, month, session, {cell.group for cell in cells})
        changes = [_replaced(cell, right) for cell, right, _ in found if cell in cells]
        if changes:
            await self._rollups.bulk_write(changes, ordered=False, session=session)


async def differences(
    database: Database, month: str, session: Session, groups: Collection[str] | None = None
) -> list[tuple[Cell, Sums, Sums]]:
    """Sums of a month, of these groups or of all, that are not those of its folded facts: what the facts say, what the sum says."""
    facts, rollups = database[OUTCOMES.name], database[ROLLUPS.name]
    wanted: dict[str, Any] = {"kind": {"$in": list(KINDS)}} | ({"group": {"$in": sorted(groups)}} if groups is not None else {})
    right: dict[Cell, Sums] = {}
    folded = {**wanted, "day": {"$gte": f"{month}-01", "$lte": f"{month}-31"}, "pending": {"$ne": True}}
    corrected = [
        {"$match": {"pending": True, "was.day": {"$gte": f"{month}-01", "$lte": f"{month}-31"}}},
        {"$replaceRoot": {"newRoot": "$was"}},
        {"$match": wanted},
    ]
    for stages in ([{"$match": folded}], corrected):
        grouping = {"$group": {"_id": {"month": MONTH, **{name: f"${name}" for name in _DIMENSIONS}}, **SUMMED}}
        async for row in facts.aggregate([*stages, grouping], session=session):
            cell = _cell(row["_id"])
            right[cell] = _plus(right.get(cell, EMPTY), tuple(row[name] for name in SUMS))
    rows = rollups.find({**wanted, "month": month}, session=session)
    summed: dict[Cell, Sums] = {}
    async for row in rows:
        summed[_cell(row)] = _plus(summed.get(_cell(row), EMPTY), tuple(row[name] for name in SUMS))
    cells = sorted(right.keys() | summed.keys(), key=lambda cell: cell.id)
    pairs = ((cell, right.get(cell, EMPTY), summed.get(cell, EMPTY)) for cell in cells)
    return [(cell, one, other) for cell, one, other in pairs if one != other]


def whole_months(first: date, last: date) -> tuple[str, str] | None:
    """The first and the last month that lie wholly between two days, both included."""
    begin = first if first.day == 1 else _next_month(first)
    end = (last + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    return (begin.isoformat()[:7], end.isoformat()[:7]) if begin <= end else None


def edges(first: date, last: date) -> list[tuple[date, date]]:
    """The days beside the whole months."""
    months = whole_months(first, last)
    if months is None:
        return [(first, last)]
    begin, end = date.fromisoformat(f"{months[0]}-01"), _next_month(date.fromisoformat(f"{months[1]}-01"))
    beside = ((first, begin - timedelta(days=1)), (end, last))
    return [(one, other) for one, other in beside if one <= other]


MONTH: Final = {"$substrBytes": ["$day", 0, 7]}


def _counted(verdict: str) -> Document:
    return {"$sum": {"$cond": [{"$eq": ["$verdict", verdict]}, 1, 0]}}


SUMMED: Final[Mapping[str, Any]] = {
    **{name: _counted(name) for name in SUMS[:3]},
    "worked_ms": {"$sum": {"$cond": [{"$eq": ["$verdict", "cancelled"]}, 0, "$worked_ms"]}},
}
"""The sums over facts, in MongoDB's words."""

_DIMENSIONS: Final = ("kind", "group", "unit", "units", "topic", "channel", "member_tier")


def _cell(row: Mapping[str, Any], month: str | None = None) -> Cell:
    values = {name: row.get(name) for name in _DIMENSIONS}
    return Cell(month or row["month"], **{**values, "units": tuple(row["units"])})  # type: ignore[arg-type]  # as written


def _folded(rows: Iterable[Document]) -> dict[Cell, Sums]:
    """What these facts add to each sum; one that was corrected takes away what it was counted as."""
    changes: defaultdict[Cell, Sums] = defaultdict(lambda: EMPTY)
    for row in rows:
        for counted, sign in ((row, 1), (row.get("was"), -1)):
            if counted:
                cell = _cell(counted, counted["day"][:7])
                changes[cell] = _plus(changes[cell], tuple(sign * value for value in _one(counted)))
    return changes


def _one(fact: Mapping[str, Any]) -> Sums:
    verdict = fact["verdict"]
    return (*(int(verdict == name) for name in SUMS[:3]), 0 if verdict == "cancelled" else fact["worked_ms"])


def _plus(one: Sequence[int], other: Sequence[int]) -> Sums:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _added(cell: Cell, sums: Sums) -> UpdateOne:
    change = {"$inc": dict(zip(SUMS, sums, strict=True)), "$setOnInsert": cell.fields}
    return UpdateOne({"_id": cell.id}, change, upsert=True)


def _replaced(cell: Cell, sums: Sums) -> UpdateOne:
    return UpdateOne({"_id": cell.id}, {"$set": {**cell.fields, **dict(zip(SUMS, sums, strict=True))}}, upsert=True)


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _between(first: str, last: str) -> Iterable[str]:
    day = date.fromisoformat(f"{first}-01")
    while day.isoformat()[:7] <= last:
        yield day.isoformat()[:7]
        day = _next_month(day)
