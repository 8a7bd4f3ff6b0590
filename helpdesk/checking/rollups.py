"""Reports tell the truth, also where they read sums: each rollup is the sum of its facts."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from kit.mongo import at_one_instant
from services.routing.rollups import SUMS, Cell, Rollups, Sums, differences
from services.routing.storage import ROLLUPS

_REMEDY = "`helpdesk rollups rebuild` makes the sums anew from the facts"
_WORDS: Final = dict(zip(SUMS, ("met", "missed", "cancelled", "ms of working time"), strict=True))


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    database = installation.database("routing")
    for month in await Rollups(installation.mongo, database).months():
        tally.add(await database[ROLLUPS.name].count_documents({"month": month}))
        for cell, _, _ in await _wrong(installation, month):
            yield cell.id


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    """Both sides at one instant: facts are folded at any moment."""
    months = sorted({key.partition("|")[0] for key in keys})
    found = [change for month in months for change in await _wrong(installation, month)]
    wanted = frozenset(keys)
    return [_finding(*change) for change in found if change[0].id in wanted]


async def _wrong(installation: Installation, month: str) -> list[tuple[Cell, Sums, Sums]]:
    database = installation.database("routing")
    return await at_one_instant(database, partial(differences, database, month))


def _finding(cell: Cell, facts: Sums, rollup: Sums) -> Finding:
    pairs = zip(_WORDS.values(), facts, rollup, strict=True)
    differing = ", ".join(f"{word}: {said} and not {right}" for word, right, said in pairs if right != said)
    of = f"{cell.kind} clocks of the group {cell.group} in {cell.month} ({cell.topic}, {cell.channel}, {cell.member_tier or 'no member'})"
    return Finding(cell.id, f"routing/rollups/{cell.id}", f"says of the {of} {differing}", _REMEDY)


ROLLED_UP = Invariant("rollups", "every sum that reports read is the sum of its facts", _suspects, _judge)
