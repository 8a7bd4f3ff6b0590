"""Reports at size, on this machine: a year of finished clocks counted one by one, and read from the rollups.

    python -m benchmarks.reports --facts 1000000

The clocks are spread as at a large organisation: 150 groups in 35 departments, nine topics, four channels, members of two
tiers, each with fewer of the next. MongoDB shares this machine's cores.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from helpdesk.demo import ORGANISATION
from helpdesk.embedded.ports import free_ports
from helpdesk.embedded.servers import mongo_of
from helpdesk.organisation import read
from kit.mongo import Database, Document, Mongo
from services.routing.reports import Dimension, ReportRepository, Scope, Verdict
from services.routing.rollups import Rollups
from services.routing.storage import OUTCOMES, ROLLUPS, ROUTING

YEAR = date(2025, 1, 1), date(2025, 12, 31)
TOGETHER = 5_000
ROUNDS = 7

GROUPS = [f"group-{number}" for number in range(150)]
WEIGHTS: dict[str, tuple[list[Any], list[float]]] = {
    "group": (GROUPS, [1 / (number + 1) ** 0.7 for number in range(150)]),
    "topic": ([f"topic-{number}" for number in range(9)], [1 / (number + 1) for number in range(9)]),
    "kind": (["first_response", "next_response", "resolution", "hand_over"], [25, 15, 30, 30]),
    "channel": (["form", "email", "chat", "api"], [60, 30, 8, 2]),
    "member_tier": ([None, "gold", "silver"], [85, 5, 10]),
    "verdict": (["met", "missed", "cancelled"], [90, 8, 2]),
}


def facts(count: int) -> Iterator[Document]:
    chance = random.Random(1)
    columns = zip(*(chance.choices(values, weights, k=count) for values, weights in WEIGHTS.values()), strict=True)
    for number, column in enumerate(columns):
        at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(365 * 86_400))
        drawn = dict(zip(WEIGHTS, column, strict=True))
        group = drawn["group"]
        yield {
            "_id": f"{number:032x}:{drawn['kind']}:1:{at.isoformat()}",
            "ticket_id": f"{number:032x}",
            "reference": "HD-234-567-89A",
            "cycle": 1,
            "started_at": at - timedelta(days=2),
            "due_at": at,
            "finished_at": at,
            "worked_ms": chance.randrange(10**8),
            "day": at.date().isoformat(),
            "zone": "Asia/Ho_Chi_Minh",
            "policy": "standard",
            "revision": 1,
            "unit": group,
            "units": [group, f"department-{int(group[6:]) % 35}", "general"],
            "officer": f"{group}-{chance.randrange(8)}",
            "priority": "normal",
            "pending": True,
            **drawn,
        }


async def fill(database: Database, count: int) -> None:
    rows: list[Document] = []
    for row in facts(count):
        rows.append(row)
        if len(rows) == TOGETHER:
            await database[OUTCOMES.name].insert_many(rows, ordered=False)
            rows = []
    if rows:
        await database[OUTCOMES.name].insert_many(rows)


async def fold(mongo: Mongo, database: Database) -> float:
    began, rollups = time.perf_counter(), Rollups(mongo, database)
    while await rollups.fold():
        pass
    return time.perf_counter() - began


async def timed(database: Database, scope: Scope, by: tuple[Dimension, ...]) -> dict[str, float]:
    """Milliseconds, the first time left out."""
    reports, org, took = ReportRepository(database), read(ORGANISATION), []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await reports.on_time(scope, org, datetime(2025, 12, 31, tzinfo=UTC), by)
        took.append((time.perf_counter() - began) * 1000)
    return {"p50": round(statistics.median(took[1:]), 1), "max": round(max(took[1:]), 1)}


async def counted(database: Database) -> dict[str, float]:
    """The same year counted from the facts, by the index on kind and day."""
    verdicts: tuple[Verdict, ...] = ("met", "missed", "cancelled")
    sums: dict[str, Any] = {name: {"$sum": {"$cond": [{"$eq": ["$verdict", name]}, 1, 0]}} for name in verdicts}
    match = {"kind": "resolution", "day": {"$gte": str(YEAR[0]), "$lte": str(YEAR[1])}}
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        stages = [{"$match": match}, {"$group": {"_id": "$topic", **sums, "worked_ms": {"$sum": "$worked_ms"}}}]
        await database[OUTCOMES.name].aggregate(stages).to_list(None)
        took.append((time.perf_counter() - began) * 1000)
    return {"p50": round(statistics.median(took[1:]), 1), "max": round(max(took[1:]), 1)}


async def measured(uri: str, count: int) -> dict[str, Any]:
    mongo = Mongo(uri)
    database = mongo.database("bench_routing")
    await fill(database, count)
    await mongo.ensure(database, ROUTING)
    seconds = await fold(mongo, database)
    year = Scope("resolution", *YEAR)
    month = Scope("resolution", date(2025, 3, 10), date(2025, 4, 8))
    found = {
        "facts": count,
        "rollups": await database[ROLLUPS.name].count_documents({}),
        "folded_per_second": round(count / seconds),
        "year by topic, facts counted": await counted(database),
        "year, whole": await timed(database, year, ()),
        "year by topic": await timed(database, year, ("topic",)),
        "year by unit and month": await timed(database, year, ("unit", "month")),
        "year of one department by group": await timed(database, Scope("resolution", *YEAR, unit="department-1"), ("group",)),
        "30 days by topic": await timed(database, month, ("topic",)),
    }
    await mongo.close()
    return found


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = mongo_of(Path(folder) / "mongo", free_ports(1)[0], 1)
        await server.start()
        try:
            print(json.dumps(await measured(server.uri, count), indent=2))
        finally:
            await server.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=1_000_000)
    asyncio.run(main(parser.parse_args().facts))
