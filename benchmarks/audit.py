"""What the journal says of deadlines that passed, held against what was to happen, and when the database wrote it."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks.figures import percentile
from benchmarks.population import LADDER, STEP_AFTER, TARGET, WARN_PERCENT
from kit.mongo import Database, Document


@dataclass(frozen=True)
class Verdict:
    missing: int
    doubled: int
    early: int
    untrue: int
    """Misses whose recorded instant is not the one their ticket was loaded with."""
    lags: Sequence[float]

    @property
    def kept(self) -> bool:
        return not (self.missing or self.doubled or self.early or self.untrue)

    def figures(self) -> dict[str, Any]:
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
        lag = {name: round(percentile(list(self.lags), share), 3) for name, share in shares.items()} if self.lags else {}
        return {"missing": self.missing, "doubled": self.doubled, "early": self.early, "untrue": self.untrue, "lag_s": lag}


def expected(documents: Sequence[Document]) -> dict[tuple[str, str], datetime]:
    """The instant of everything that has to be journalled once, by ticket and type."""
    found = {}
    for row in documents:
        (due_at,) = (datetime.fromisoformat(clock["due_at"]) for clock in row["state"]["clocks"] if clock["kind"] == "first_response")
        found[row["_id"], "deadline_missed"] = due_at
        if row["topic"] == LADDER:
            found[row["_id"], "deadline_warned"] = due_at - TARGET * (100 - WARN_PERCENT) / 100
            found[row["_id"], "ticket_escalated"] = due_at + STEP_AFTER
    return found


async def journalled(database: Database, loaded: dict[tuple[str, str], datetime]) -> Verdict:
    # The entries first: what is in them is in the log by the time that is read, and not the other way round.
    entries = await database["journal"].find({}, {"stream": 1, "type": 1, "body": 1}).to_list(None)
    written = await _written(database)
    seen: Counter[tuple[str, str]] = Counter()
    lags: list[float] = []
    early = untrue = 0
    for row in entries:
        key = row["stream"], row["type"]
        seen[key] += 1
        true_at = loaded[key]  # whatever else is in the journal should not be there: let it fail
        untrue += row["type"] == "deadline_missed" and datetime.fromisoformat(json.loads(row["body"])["due_at"]) != true_at
        lag = (written[row["_id"]] - true_at).total_seconds()
        early += lag < 0
        lags.append(lag)
    return Verdict(len(loaded.keys() - seen.keys()), sum(count > 1 for count in seen.values()), early, untrue, sorted(lags))


async def _written(database: Database) -> dict[str, datetime]:
    """When the database committed each entry, by its own clock (the log it replicates from), not when a ticker says it decided."""
    space = f"{database.name}.journal"
    pipeline = [
        {"$match": {"o.applyOps.ns": space}},
        {"$unwind": "$o.applyOps"},
        {"$match": {"o.applyOps.ns": space, "o.applyOps.op": "i"}},
        {"$project": {"_id": 0, "id": "$o.applyOps.o._id", "wall": 1}},
    ]
    rows = database.client["local"]["oplog.rs"].aggregate(pipeline)
    return {row["id"]: row["wall"] async for row in rows}
