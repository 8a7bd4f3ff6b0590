"""State and events agree: a document's version is the number of its events, and none of them is missing."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import found, merged, rows
from kit.journal import JOURNAL
from kit.mongo import Document, Session
from services.intake.storage import CONVERSATIONS
from services.notifier.reported import BOUNCED
from services.notifier.repository import DIGEST
from services.notifier.storage import DELIVERIES
from services.routing.storage import TICKETS

_REMEDY = "a transaction was not kept whole: compare with the backup, and see whether documents were changed by hand"
_SHOWN: Final = 5
_ENDED: Final = frozenset({"delivered", "failed"})


class Extent(NamedTuple):
    """The sequence numbers of one stream; `seq` is unique within it, so they are contiguous when they start at 1 and end at `total`."""

    first: int
    last: int
    total: int


class Kept(NamedTuple):
    """Where a service keeps what its streams belong to, and how many events a document says it has."""

    service: str
    collection: str
    fields: dict[str, int]
    events: Callable[[Document], int]


def _version(row: Document) -> int:
    return int(row.get("version", 0))


def _ends(row: Document) -> int:
    """Nobody is told of a digest itself: its end is journalled for each delivery it tells. What was dropped has no end to tell."""
    if row.get("template") == DIGEST or row.get("state") not in _ENDED:
        return 0
    return 2 if came_back(row) else 1


def came_back(row: Document) -> bool:
    """Whether it was accepted first, and failed when a mail server returned it; such a delivery has two events."""
    returned = (row.get("returned") or {}).get("action") == "failed"
    return row.get("state") == "failed" and returned and str(row.get("reason", "")).startswith(BOUNCED)


async def _suspects(kept: Kept, installation: Installation, tally: Tally) -> AsyncIterator[str]:
    database = installation.database(kept.service)
    entries = rows(database[JOURNAL.name], {}, {"_id": 0, "stream": 1, "seq": 1}, by="stream", then="seq")
    documents = rows(database[kept.collection], {}, kept.fields)
    looked = 0
    async for key, events, extent in merged(_counted(documents, kept), _extents(entries)):
        looked += 1
        if looked % 1_000 == 0:
            tally.add(1_000)
        if events is None or (extent or Extent(1, 0, 0)) != Extent(1, events, events):
            yield key
    tally.add(looked % 1_000)


async def _counted(documents: AsyncIterator[Document], kept: Kept) -> AsyncIterator[tuple[str, int]]:
    async for row in documents:
        yield row["_id"], kept.events(row)


async def _extents(entries: AsyncIterator[Document]) -> AsyncIterator[tuple[str, Extent]]:
    stream, extent = None, Extent(0, 0, 0)
    async for row in entries:
        if row["stream"] == stream:
            extent = Extent(extent.first, row["seq"], extent.total + 1)
            continue
        if stream is not None:
            yield stream, extent
        stream, extent = row["stream"], Extent(row["seq"], row["seq"], 1)
    if stream is not None:
        yield stream, extent


async def _judge(kept: Kept, installation: Installation, keys: Sequence[str]) -> list[Finding]:
    """Both sides as of one instant: a snapshot, because at work they change together all the time."""
    database = installation.database(kept.service)

    async def read(session: Session) -> tuple[list[Document], list[Document]]:
        documents = await found(database[kept.collection], keys, kept.fields, session=session)
        fields = {"_id": 0, "stream": 1, "seq": 1}
        return documents, await found(database[JOURNAL.name], keys, fields, field="stream", session=session)

    documents, entries = await installation.mongo.transaction(read)
    events = {row["_id"]: kept.events(row) for row in documents}
    numbers: dict[str, list[int]] = defaultdict(list)
    for row in entries:
        numbers[row["stream"]].append(row["seq"])
    wrong = ((key, _what(events.get(key), sorted(numbers[key]))) for key in dict.fromkeys(keys))
    return [Finding(key, f"{kept.service}/{kept.collection}/{key}", what, _REMEDY) for key, what in wrong if what]


def _what(events: int | None, numbers: list[int]) -> str | None:
    if events is None:
        return f"does not exist, but the journal has {len(numbers)} events of it" if numbers else None
    wanted = range(1, events + 1)
    lacking = [number for number in range(1, max([events, *numbers]) + 1) if number not in set(numbers)]
    if numbers == list(wanted):
        return None
    if lacking:
        return f"says it has {_events(events)}; in its journal {_listed(lacking)} of {max([events, *numbers])} is missing"
    return f"says it has {_events(events)}; its journal has {len(numbers)}"


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"


def _listed(numbers: list[int]) -> str:
    listed = ", ".join(str(number) for number in numbers[:_SHOWN])
    return f"number {listed}{' and more' if len(numbers) > _SHOWN else ''}"


def _invariant(kept: Kept, meaning: str) -> Invariant:
    suspects: Any = partial(_suspects, kept)
    return Invariant(f"{kept.service}_journal", meaning, suspects, partial(_judge, kept))


JOURNALS: Final = (
    _invariant(
        Kept("intake", CONVERSATIONS.name, {"version": 1}, _version), "intake's journal is without gaps and agrees with every conversation"
    ),
    _invariant(Kept("routing", TICKETS.name, {"version": 1}, _version), "routing's journal is without gaps and agrees with every ticket"),
    _invariant(
        Kept("notifier", DELIVERIES.name, {"state": 1, "template": 1, "reason": 1, "returned.action": 1}, _ends),
        "every delivery that ended has exactly one event, and one more if it came back; others none",
    ),
)
