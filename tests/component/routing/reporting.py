"""Finished clocks as the repository writes them, and what the API says of them."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from kit.ids import new_id
from kit.mongo import Document
from services.routing.rollups import Rollups
from services.routing.storage import OUTCOMES
from tests.component.routing.conftest import Routing, organisation

MARCH = {"first": "2025-03-01", "last": "2025-03-31"}


def fact(at: datetime, verdict: str = "met", zone: str = "Asia/Ho_Chi_Minh", **changed: Any) -> Document:
    unit = changed.get("unit", "hon-gai")
    return {
        "_id": new_id(),
        "ticket_id": new_id(),
        "reference": "HD-234-567-89A",
        "kind": "resolution",
        "cycle": 1,
        "verdict": verdict,
        "started_at": at - timedelta(days=1),
        "due_at": at,
        "finished_at": at,
        "worked_ms": 3_600_000,
        "day": at.astimezone(ZoneInfo(zone)).date().isoformat(),
        "zone": zone,
        "policy": "standard",
        "revision": 1,
        "group": "hon-gai",
        "unit": unit,
        "units": list(organisation().ancestors(unit) or (unit,)),
        "officer": "hai",
        "topic": "valuation",
        "channel": "form",
        "priority": "normal",
        "member_tier": None,
        "repaired": False,
        "pending": True,
    } | changed


async def finished(routing: Routing, at: datetime, verdict: str = "met", **changed: Any) -> Document:
    row = fact(at, verdict, **changed)
    await routing.database[OUTCOMES.name].insert_one(row)
    return row


async def fold(routing: Routing, batch: int = 1000) -> None:
    rollups = Rollups(routing.mongo, routing.database, batch=batch)
    while await rollups.fold():
        pass


async def report(routing: Routing, who: str = "quan", **query: Any) -> list[dict[str, Any]]:
    answer = await routing.get("/reports/on-time", who, **{**MARCH, **query})
    assert answer.status == 200, answer.body
    rows: list[dict[str, Any]] = answer.body["rows"]
    return rows


async def figures(routing: Routing, who: str = "quan", **query: Any) -> dict[Any, dict[str, Any]]:
    """By key; by a tuple of keys where there are two dimensions, under None for the whole."""
    found = {}
    for row in await report(routing, who, **query):
        keys = tuple(row["keys"].values())
        found[keys if len(keys) > 1 else keys[0] if keys else None] = row
    return found


async def followed(routing: Routing, link: str, who: str = "quan", **more: Any) -> list[dict[str, Any]]:
    """All pages behind a link of a report."""
    path, query = urlsplit(link).path.removeprefix("/api/v1"), dict(parse_qsl(urlsplit(link).query))
    return await listed(routing, path, who, **{**query, **more})


async def behind(routing: Routing, who: str = "quan", **query: Any) -> list[dict[str, Any]]:
    return await listed(routing, "/reports/on-time/clocks", who, **{**MARCH, **query})


async def listed(routing: Routing, path: str, who: str, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await routing.get(path, who, **{"limit": 3, **query, **cursor})
        assert answer.status == 200, answer.body
        rows += answer.body["items"]
        if answer.body["next"] is None:
            assert len({row["id"] for row in rows}) == len(rows)
            return rows
        cursor = {"cursor": answer.body["next"]}


def table(text: str) -> list[Mapping[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))
