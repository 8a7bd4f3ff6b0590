"""The officers' queue: what is open, the soonest due first, page by page without counting or skipping."""

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kit.mongo import Database, Document, translated
from schemas.values import Priority, TicketStatus
from services.routing.documents import FAR
from services.routing.domain.ticket import OVER
from services.routing.storage import TICKETS

COLUMNS: Final = (
    *("reference", "version", "status", "group", "unit", "officer", "topic", "channel", "language", "subject", "business"),
    *("priority", "member_tier"),
)
FIELDS: Final = (*COLUMNS, "opened_at", "due_sort")


class BadCursor(ValueError):
    """Not a cursor of ours."""


@dataclass(frozen=True)
class Page:
    rows: list[Document]
    next: str | None


@dataclass(frozen=True)
class Wanted:
    """What an officer asked to see. `officer` is a key, or empty for tickets nobody has; `overdue` is judged at `now`."""

    now: datetime
    status: Sequence[TicketStatus] = ()
    officer: str | None = None
    topic: str | None = None
    priority: Sequence[Priority] = ()
    overdue: bool | None = None

    def query(self) -> dict[str, Any]:
        """`open` is always there: the index of the queue begins with group and open.

        Tickets stored before there were priorities have none and are normal.
        """
        states = {status not in OVER and status != "resolved" for status in self.status} or {True}
        query: dict[str, Any] = {"open": {"$in": sorted(states)}}
        if self.status:
            query["status"] = {"$in": list(self.status)}
        if self.officer is not None:
            query["officer"] = self.officer or None
        if self.topic is not None:
            query["topic"] = self.topic
        if self.priority:
            query["priority"] = {"$in": [*self.priority, *([None] if "normal" in self.priority else [])]}
        if self.overdue is not None:
            query["due_sort"] = {"$lt" if self.overdue else "$gte": self.now}
        return query


@dataclass(frozen=True)
class Load:
    """What lies in a group's queue."""

    open: int = 0
    unassigned: int = 0
    overdue: int = 0


def encode(row: Mapping[str, Any]) -> str:
    place = [row["due_sort"].isoformat(), row["_id"]]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, str]:
    """Where a page ended. Raises BadCursor."""
    try:
        due, ticket_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(ticket_id, str) or not ticket_id.isascii():
            raise BadCursor(cursor)
        return datetime.fromisoformat(due).astimezone(UTC), ticket_id
    except (ValueError, TypeError, binascii.Error, OverflowError, RecursionError) as error:
        raise BadCursor(cursor) from error


class QueueRepository:
    def __init__(self, database: Database) -> None:
        self._tickets = database[TICKETS.name]

    async def page(self, groups: Collection[str], wanted: Wanted, cursor: str | None, limit: int) -> Page:
        """Sorted by the soonest running deadline; tickets without one come last. Raises BadCursor."""
        query: dict[str, Any] = {"group": {"$in": sorted(groups)}, **wanted.query()}
        if cursor:
            due, ticket_id = decode(cursor)
            query["$or"] = [{"due_sort": {"$gt": due}}, {"due_sort": due, "_id": {"$gt": ticket_id}}]
        with translated():
            found = self._tickets.find(query, dict.fromkeys(FIELDS, 1)).sort([("due_sort", 1), ("_id", 1)])
            rows = await found.limit(limit + 1).to_list(limit + 1)
        return Page(rows[:limit], encode(rows[limit - 1]) if len(rows) > limit else None)

    async def loads(self, groups: Collection[str], now: datetime) -> dict[str, Load]:
        """Open tickets by group; a group without any is not in it."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"group": {"$in": sorted(groups)}, "open": True}},
            {
                "$group": {
                    "_id": "$group",
                    "open": {"$sum": 1},
                    "unassigned": {"$sum": {"$cond": [{"$eq": ["$officer", None]}, 1, 0]}},
                    "overdue": {"$sum": {"$cond": [{"$lt": ["$due_sort", now]}, 1, 0]}},
                }
            },
        ]
        with translated():
            return {row.pop("_id"): Load(**row) async for row in self._tickets.aggregate(pipeline)}

    async def gone(self, known: Collection[str]) -> set[str]:
        """Groups that have tickets and are no longer in the organisation. The index gives it in one step a group."""
        with translated():
            return set(await self._tickets.distinct("group")) - set(known)


def due_at(row: Document) -> datetime | None:
    return None if row["due_sort"] == FAR else row["due_sort"]
