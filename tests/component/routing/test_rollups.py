"""Rollups and facts together are exact at any moment: while clocks finish, are repaired and folded, and whoever dies meanwhile."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Any

import pytest

from helpdesk.checking.examining import examine
from helpdesk.checking.installation import Installation
from helpdesk.checking.rollups import ROLLED_UP
from kit.crashpoints import VARIABLE
from kit.errors import TransientError
from kit.mongo import Document
from services.routing.outcomes import correction
from services.routing.reports import FINISHED, Dimension, ReportRepository, Scope, part_of
from services.routing.rollups import BATCH, Rollups, edges, whole_months
from services.routing.storage import OUTCOMES, ROLLUPS
from tests.component.routing.conftest import Routing, organisation
from tests.component.routing.reporting import fact, figures, finished, fold
from tests.support.organisations import local
from tests.support.servers import MongoServer

ZONES = ("Asia/Ho_Chi_Minh", "Europe/Paris", "America/Los_Angeles", "Pacific/Apia")
PLACES = (("hon-gai", "hon-gai"), ("quang-ninh", "quang-ninh"), ("legal", "legal"), ("dissolved", "dissolved"))
SINCE = datetime(2025, 1, 28, 12, tzinfo=UTC)


class History:
    """Facts as they should be by now, in plain Python, beside those in the database."""

    def __init__(self, routing: Routing, seed: int) -> None:
        self.routing = routing
        self.chance = random.Random(seed)
        self.rows: dict[str, Document] = {}
        self.steps: list[Callable[[], Any]] = [self.finish] * 5 + [self.repair] * 3 + [self.fold] * 2

    async def live(self, steps: int) -> None:
        for _ in range(steps):
            await self.chance.choice(self.steps)()

    async def finish(self) -> None:
        rows = [self._some() for _ in range(self.chance.randrange(1, 9))]
        self.rows |= {row["_id"]: row for row in rows}
        await self.routing.database[OUTCOMES.name].insert_many([dict(row) for row in rows])

    async def repair(self) -> None:
        """A verdict, an end, or both; the day follows in the zone the fact was written in."""
        if not self.rows:
            return
        key = self.chance.choice(sorted(self.rows))
        row, at = self.rows[key], self._instant()
        verdict = self.chance.choice(["met", "missed", "cancelled"])
        measured = {"verdict": verdict, "finished_at": at, "worked_ms": self.chance.randrange(10**7), "due_at": None}
        self.rows[key] = {**fact(at, verdict, row["zone"]), **row, **measured, "day": fact(at, verdict, row["zone"])["day"]}
        await self.routing.database[OUTCOMES.name].bulk_write([correction(key, measured)])

    async def fold(self) -> None:
        await Rollups(self.routing.mongo, self.routing.database, batch=self.chance.randrange(1, 12)).fold()

    def _instant(self) -> datetime:
        """Around month ends and both changes of clocks, to the minute."""
        near = self.chance.choice(
            [SINCE, datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 3, 30, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)]
        )
        return near + timedelta(minutes=self.chance.randrange(-3000, 3000))

    def _some(self) -> Document:
        choose = self.chance.choice
        group, unit = choose(PLACES)
        return fact(
            self._instant(),
            choose(["met", "met", "missed", "cancelled"]),
            choose(ZONES),
            group=group,
            unit=unit,
            kind=choose(["resolution", "resolution", "hand_over"]),
            cycle=choose([1, 2]),
            worked_ms=self.chance.randrange(10**7),
            topic=choose(["valuation", "origin"]),
            channel=choose(["form", "email"]),
            member_tier=choose([None, "gold"]),
            officer=choose([None, "hai"]),
        )

    def counted(self, first: date, last: date, by: str, **wanted: Any) -> dict[Any, list[int]]:
        """The definition, written down once more in the plainest way."""
        found: dict[Any, list[int]] = {}
        for row in self.rows.values():
            if (
                row["kind"] == "resolution"
                and first <= date.fromisoformat(row["day"]) <= last
                and all(row[k] == v for k, v in wanted.items())
            ):
                names = {"unit": part_of(row["units"], None), "month": row["day"][:7]}
                sums = found.setdefault(names.get(by, row.get(by)), [0, 0, 0, 0])
                sums[["met", "missed", "cancelled"].index(row["verdict"])] += 1
                sums[3] += row["worked_ms"] if row["verdict"] != "cancelled" else 0
        return found


PERIODS = (
    (date(2025, 1, 1), date(2025, 12, 31)),
    (date(2025, 2, 1), date(2025, 2, 28)),
    (date(2025, 1, 28), date(2025, 3, 31)),
    (date(2025, 3, 1), date(2025, 4, 1)),
    (date(2025, 3, 30), date(2025, 3, 30)),
)


DIMENSIONS: tuple[Dimension, ...] = ("unit", "group", "topic", "channel", "member_tier", "officer", "month")
FILTERS: tuple[dict[str, Any], ...] = ({}, {"topic": "origin"}, {"member_tier": None, "channel": "form"})


@pytest.mark.parametrize("seed", range(8))
async def test_any_history_counts_as_if_each_fact_were_counted_by_hand(routing: Routing, seed: int) -> None:
    history, reports, org = History(routing, seed), ReportRepository(routing.database), organisation()
    for _ in range(4):
        await history.live(12)
        for first, last in PERIODS:
            for by, wanted in zip(DIMENSIONS, cycle(FILTERS), strict=False):
                scope = Scope("resolution", first, last, fields=wanted)
                found = await reports.on_time(scope, org, SINCE, (by,))
                sums = {row.keys[0]: [row.met, row.missed, row.cancelled, row.worked // timedelta(milliseconds=1)] for row in found}
                assert sums == history.counted(first, last, by, **wanted), (first, last, by, wanted)
            rows = await reports.behind(Scope("resolution", first, last), FINISHED, None, 10_000)
            assert len(rows) == sum(sums[0] + sums[1] for sums in history.counted(first, last, "kind").values())
    assert await drift(routing) == []


async def drift(routing: Routing) -> list[str]:
    """What the check finds."""

    class Here(Installation):
        def database(self, service: str) -> Any:
            assert service == "routing"
            return routing.database

    (result,) = await examine(Here(routing.mongo), [ROLLED_UP], pause=0.0)
    return [finding.what for finding in result.shown]


async def some(routing: Routing, count: int = 40) -> None:
    await routing.database[OUTCOMES.name].insert_many(
        [
            fact(local("2025-03-05 10:00") + timedelta(hours=n), ("met", "missed")[n % 4 == 0], topic=("valuation", "origin")[n % 2])
            for n in range(count)
        ]
    )


async def test_two_that_fold_at_once_count_each_fact_once(routing: Routing) -> None:
    await some(routing, 200)
    folders = [Rollups(routing.mongo, routing.database, batch=10) for _ in range(3)]

    async def until_done(rollups: Rollups) -> None:
        while await rollups.fold():
            pass

    await asyncio.gather(*(until_done(rollups) for rollups in folders))
    while await folders[0].fold():
        pass
    assert (await figures(routing))[None]["finished"] == 200
    assert await routing.database[OUTCOMES.name].count_documents({"pending": True}) == 0
    assert await drift(routing) == []


async def test_the_report_is_exact_while_others_finish_and_fold(routing: Routing) -> None:
    """No report sees a fact in neither place or in both."""
    await some(routing, 300)
    rollups, stop = Rollups(routing.mongo, routing.database, batch=7), asyncio.Event()

    async def folding() -> None:
        while await rollups.fold():
            pass
        stop.set()

    task, seen = asyncio.create_task(folding()), 0
    while not stop.is_set():
        assert (await figures(routing))[None]["finished"] == 300
        seen += 1
    await task
    assert seen > 3


async def eventually(work: Callable[[], Awaitable[None]]) -> None:
    """As a loop does: what a killed process left open gives way when the server ends it."""
    for _ in range(10):
        try:
            return await work()
        except TransientError:
            continue
    raise AssertionError("the killed one's transaction is still open")


DYING = """
import asyncio, sys
from kit.mongo import Mongo
from services.routing.rollups import Rollups

async def main():
    mongo = Mongo(sys.argv[1])
    await Rollups(mongo, mongo.database(sys.argv[2]), batch=15).fold()

asyncio.run(main())
"""


@pytest.mark.parametrize(("point", "folded"), [("transaction.before_commit", 0), ("transaction.after_commit", 15)])
async def test_one_killed_while_it_folds_leaves_all_of_its_batch_or_nothing(
    routing: Routing, mongo_server: MongoServer, point: str, folded: int
) -> None:
    await some(routing)
    name = routing.database.name
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, mongo_server.uri, name, env={**os.environ, VARIABLE: point, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert await process.wait() == -signal.SIGKILL
    facts = routing.database[OUTCOMES.name]
    assert (await figures(routing))[None]["finished"] == 40
    assert await facts.count_documents({"pending": {"$ne": True}}) == folded
    await eventually(partial(fold, routing))
    assert (await figures(routing))[None]["finished"] == 40
    assert await drift(routing) == []


async def test_only_the_holder_of_one_slot_folds(routing: Routing) -> None:
    await some(routing)
    rollups = Rollups(routing.mongo, routing.database)

    class Holder:
        def __init__(self, *slots: int) -> None:
            self.mine = slots

    assert not await rollups.step(Holder(1, 2))
    assert await routing.database[OUTCOMES.name].count_documents({"pending": True}) == 40
    assert not await rollups.step(Holder(0))
    assert await routing.database[OUTCOMES.name].count_documents({"pending": True}) == 0
    assert BATCH > 40


@pytest.mark.parametrize(
    "change",
    [{"$inc": {"met": 1}}, {"$set": {"missed": 77, "worked_ms": 0}}, None],
    ids=["one more", "other figures", "gone"],
)
async def test_a_sum_that_is_wrong_is_found_explained_and_made_anew(routing: Routing, change: Document | None) -> None:
    await some(routing)
    await finished(routing, local("2025-05-05 10:00"), group="legal", unit="legal")
    await fold(routing)
    right = await routing.database[ROLLUPS.name].find({}).sort("_id").to_list(None)
    assert await drift(routing) == []
    if change is None:
        await routing.database[ROLLUPS.name].delete_one({"_id": right[0]["_id"]})
    else:
        await routing.database[ROLLUPS.name].update_one({"_id": right[0]["_id"]}, change)
    (what,) = await drift(routing)
    assert "resolution clocks of the group hon-gai in 2025-03 (" in what
    assert " and not " in what
    rollups = Rollups(routing.mongo, routing.database)
    assert [await rollups.rebuild(month) for month in await rollups.months()] == [1, 0, 0]
    assert await routing.database[ROLLUPS.name].find({}).sort("_id").to_list(None) == right
    assert [await rollups.rebuild(month) for month in await rollups.months()] == [0, 0, 0]


async def test_rollups_that_are_lost_are_made_anew_while_folding_goes_on(routing: Routing) -> None:
    history = History(routing, 5)
    await history.live(30)
    await routing.database[ROLLUPS.name].delete_many({})
    rollups = Rollups(routing.mongo, routing.database)
    await asyncio.gather(history.live(15), *(rollups.rebuild(month) for month in await rollups.months()))
    for month in await rollups.months():
        await rollups.rebuild(month)
    assert await drift(routing) == []
    scope = Scope("resolution", date(2025, 1, 1), date(2025, 12, 31))
    (row,) = await ReportRepository(routing.database).on_time(scope, organisation(), SINCE)
    [[met, missed, cancelled, _]] = history.counted(scope.first, scope.last, "kind").values()
    assert (row.met, row.missed, row.cancelled) == (met, missed, cancelled)


def months(first: str, last: str) -> tuple[tuple[str, str] | None, list[tuple[str, str]]]:
    days = date.fromisoformat(first), date.fromisoformat(last)
    return whole_months(*days), [(str(one), str(other)) for one, other in edges(*days)]


PERIODS_CUT: tuple[tuple[str, str, tuple[str, str] | None, list[tuple[str, str]]], ...] = (
    ("2025-01-01", "2025-12-31", ("2025-01", "2025-12"), []),
    ("2024-02-01", "2024-02-29", ("2024-02", "2024-02"), []),
    ("2024-02-01", "2024-02-28", None, [("2024-02-01", "2024-02-28")]),
    ("2025-02-02", "2025-03-30", None, [("2025-02-02", "2025-03-30")]),
    ("2025-01-31", "2025-03-01", ("2025-02", "2025-02"), [("2025-01-31", "2025-01-31"), ("2025-03-01", "2025-03-01")]),
    ("2024-12-31", "2025-01-31", ("2025-01", "2025-01"), [("2024-12-31", "2024-12-31")]),
    ("2025-12-01", "2026-01-15", ("2025-12", "2025-12"), [("2026-01-01", "2026-01-15")]),
    ("2025-03-30", "2025-03-30", None, [("2025-03-30", "2025-03-30")]),
)


@pytest.mark.parametrize(("first", "last", "whole", "beside"), PERIODS_CUT)
def test_a_period_is_whole_months_and_the_days_beside_them(
    first: str, last: str, whole: tuple[str, str] | None, beside: list[tuple[str, str]]
) -> None:
    assert months(first, last) == (whole, beside)
