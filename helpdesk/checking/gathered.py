"""Alarms that are told later are told: none waits past its time, and a mail that tells many is the end of each of them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.journals import came_back
from helpdesk.checking.reading import PAGE, found, rows
from kit.mongo import Document, Session
from services.notifier.domain.gathering import WINDOW
from services.notifier.storage import DELIVERIES

FOLDED_WITHIN: Final = WINDOW + timedelta(minutes=3)
"""After its time: a lane whose mail could not be made rests for `WINDOW`, the rest is room for a restart."""

_FIELDS: Final = {"state": 1, "digest": 1, "parts": 1, "reason": 1, "returned.action": 1}
_NAMED: Final = {name: 1 for name in _FIELDS if name != "parts"}
_TIES: Final = {"$or": [{"digest": {"$exists": True}}, {"parts.0": {"$exists": True}}]}
_GATHERER: Final = "see whether the notifier's sender role runs (/readyz) and whether its log says digest.failed of this lane"
_REMEDY: Final = "a transaction was not kept whole: compare with the backup, and see whether documents were changed by hand"


async def _waiting(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    deliveries = installation.database("notifier")[DELIVERIES.name]
    tally.add(await deliveries.count_documents({"state": "gathering", "lane": {"$gt": ""}}))
    async for row in rows(deliveries, _forgotten(installation), {"_id": 1}, by=None):
        yield row["_id"]


async def _judge_waiting(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    query = _forgotten(installation) | {"_id": {"$in": list(keys)}}
    left = installation.database("notifier")[DELIVERIES.name].find(query, {"next_at": 1, "template": 1, "recipient": 1, "ticket_id": 1})
    return [
        Finding(
            row["_id"],
            f"notifier/deliveries/{row['_id']}",
            f"{row['template']} to {row['recipient']} on ticket {row['ticket_id']} was to be told {row['next_at']:%Y-%m-%d %H:%M:%S} UTC"
            " and is still gathering",
            _GATHERER,
        )
        for row in await left.to_list(None)
    ]


def _forgotten(installation: Installation) -> dict[str, Any]:
    return {"state": "gathering", "next_at": {"$lt": installation.mongo.now() - FOLDED_WITHIN}}


async def _untied(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    async for group in _groups(rows(installation.database("notifier")[DELIVERIES.name], _TIES, _FIELDS, by=None)):
        tally.add(len(group))
        for finding in await _compared(installation, group, None):
            yield finding.key


async def _groups(deliveries: AsyncIterator[Document]) -> AsyncIterator[list[Document]]:
    """As many as name a page of others: one mail may tell ten thousand alarms."""
    group: list[Document] = []
    named = 0
    async for row in deliveries:
        group.append(row)
        named += 1 + len(row.get("parts", ()))
        if named >= PAGE:
            yield group
            group, named = [], 0
    if group:
        yield group


async def _judge_untied(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    """As of one instant: a mail and what it tells end together."""

    async def read(session: Session) -> list[Finding]:
        named = await found(installation.database("notifier")[DELIVERIES.name], keys, _FIELDS, session=session)
        return await _compared(installation, named, session)

    return await installation.mongo.transaction(read)


async def _compared(installation: Installation, group: Sequence[Document], session: Session | None) -> list[Finding]:
    names = {name for row in group for name in (*row.get("parts", ()), *([row["digest"]] if "digest" in row else ()))}
    rows_named = await found(installation.database("notifier")[DELIVERIES.name], names, _NAMED, session=session)
    others = {row["_id"]: row for row in rows_named}
    return [Finding(row["_id"], f"notifier/deliveries/{row['_id']}", what, _REMEDY) for row in group for what in _faults(row, others)]


def _faults(row: Document, others: dict[str, Document]) -> Iterator[str]:
    if "digest" in row and (what := _as_part(row, others.get(row["digest"]))):
        yield what
    lost = [part for part in row.get("parts", ()) if others.get(part, {}).get("digest") != row["_id"]]
    if lost:
        yield f"tells {len(row['parts'])} alarms, {len(lost)} of which are not there, or not told by it: {lost[0]}"


def _as_part(row: Document, whole: Document | None) -> str | None:
    """A part waits while the mail that tells it waits, and has its end."""
    if whole is None:
        return f"is told in {row['digest']}, which is not there"
    wanted = "folded" if whole["state"] == "pending" else "delivered" if came_back(whole) else whole["state"]
    return None if row["state"] == wanted else f"is {row['state']}, and the mail {whole['_id']} that tells it is {whole['state']}"


GATHERED: Final = (
    Invariant("gathered", "no alarm that is told later waits longer than it should", _waiting, _judge_waiting),
    Invariant("digests", "alarms told together in one mail share its end", _untied, _judge_untied),
)
