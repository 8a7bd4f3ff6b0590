"""The officers' queue: what is open, the soonest due first, page by page without counting or skipping."""

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kit.errors import FieldError, RefusedError
from kit.mongo import Database, Document, translated
from services.routing.repository import FAR
from services.routing.storage import TICKETS

FIELDS: Final = ("reference", "version", "status", "group", "unit", "officer", "topic", "channel", "language", "subject", "business", "opened_at", "due_sort", "running")


@dataclass(frozen=True)
class Page:
    rows: list[Document]
    next: str | None


def encode(row: Mapping[str, Any]) -> str:
    place = [row["due_sort"].isoformat(), row["_id"]]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, str]:
    """RefusedError when it is not one of ours."""
    try:
        due, ticket_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return datetime.fromisoformat(due).astimezone(UTC), str(ticket_id)
    except (ValueError, TypeError, binascii.Error, OverflowError) as error:
        message = "This is not a cursor of ours. Take `next` from the page before, or leave it out to begin at the top."
        raise RefusedError("The cursor is not valid.", errors=[FieldError("cursor", message)]) from error


class QueueRepository:
    def __init__(self, database: Database) -> None:
        self._tickets = database[TICKETS.name]

    async def page(self, groups: Collection[str], filters: Mapping[str, Any], cursor: str | None, limit: int) -> Page:
        """Sorted by the soonest running deadline; tickets without one come last."""
        query: dict[str, Any] = {"group": {"$in": sorted(groups)}, **filters}
        if cursor:
            due, ticket_id = decode(cursor)
            query["$or"] = [{"due_sort": {"$gt": due}}, {"due_sort": due, "_id": {"$gt": ticket_id}}]
        with translated():
            found = self._tickets.find(query, dict.fromkeys(FIELDS, 1)).sort([("due_sort", 1), ("_id", 1)])
            rows = await found.limit(limit + 1).to_list(limit + 1)
        return Page(rows[:limit], encode(rows[limit - 1]) if len(rows) > limit else None)


def due_at(row: Document) -> datetime | None:
    return None if row["due_sort"] == FAR else row["due_sort"]
