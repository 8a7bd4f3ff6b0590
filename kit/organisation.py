"""The organisation as one service knows it: its own copy of the loaded document, by revision."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING

from kit.errors import TransientError
from kit.mongo import CollectionSpec, Database, DuplicateKey, translated
from schemas.organisation import Organisation

ORGANISATION = CollectionSpec("organisation")

EARLIER: Final = 3
"""Earlier editions at hand even when nothing seems to need them: a replica that has not read the newest one yet may write by them."""

InUse = Callable[[], Awaitable[int | None]]


@dataclass(frozen=True)
class Revision:
    """One loaded organisation; numbers grow with every change."""

    number: int
    organisation: Organisation
    loaded_at: datetime


@dataclass(frozen=True)
class Loaded(Revision):
    """The newest revision. `editions` are the first revisions of the runs that measure deadlines alike, the present run's last."""

    editions: tuple[Revision, ...]


class OrganisationStore:
    """Keeps every revision; `current` is what was last read.

    `in_use` names the oldest revision that something is still measured by; the editions since then are read with the newest
    one. Without it there are none.
    """

    def __init__(self, database: Database, in_use: InUse | None = None) -> None:
        self._revisions = database[ORGANISATION.name]
        self._in_use = in_use
        self._current: Loaded | None = None
        self._reading = asyncio.Lock()

    @property
    def current(self) -> Loaded:
        """TransientError while none is loaded: whoever asks comes again."""
        if self._current is None:
            raise TransientError("no organisation is loaded yet: run `helpdesk load FILE.yaml`")
        return self._current

    @property
    def loaded(self) -> bool:
        return self._current is not None

    async def refresh(self) -> bool:
        """Read the newest revision if it is not the one at hand. A step for a loop."""
        async with self._reading:  # whoever read first must not be the last to say what is current
            return await self._refresh()

    async def _refresh(self) -> bool:
        with translated():
            newest = await self._revisions.find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)])
            if newest is None or (self._current is not None and newest["_id"] == self._current.number):
                return False
        revision = await self._read(newest["_id"])
        editions = await self._editions(revision) if self._in_use else ()
        self._current = Loaded(revision.number, revision.organisation, revision.loaded_at, editions)
        return False

    async def revision(self, number: int) -> Revision | None:
        """One that was loaded, however long ago."""
        with translated():
            known = await self._revisions.find_one({"_id": number}, {"_id": 1})
        return await self._read(number) if known else None

    async def _read(self, number: int) -> Revision:
        with translated():
            row: Any = await self._revisions.find_one({"_id": number})
        return Revision(row["_id"], Organisation.model_validate_json(row["document"]), row["loaded_at"])

    async def _editions(self, newest: Revision) -> tuple[Revision, ...]:
        """Of revisions without a digest, from before it was kept, each is an edition of its own."""
        oldest = await self._in_use() if self._in_use else None
        with translated():
            fields = {"measures": 1}
            rows: list[Any] = await self._revisions.find({"_id": {"$lte": newest.number}}, fields).sort("_id", ASCENDING).to_list(None)
        numbers = [
            row["_id"] for before, row in zip([{}, *rows], rows, strict=False) if before.get("measures", before) != row.get("measures", row)
        ]
        in_force = sum(number <= oldest for number in numbers) if oldest is not None else len(numbers)
        wanted = numbers[max(0, min(in_force - 1, len(numbers) - 1 - EARLIER)) :]
        return tuple([newest if number == newest.number else await self._read(number) for number in wanted])

    async def save(self, organisation: Organisation, now: datetime | None = None) -> int:
        """Add a revision unless the newest is the same already. Returns its number. `now` is the database server's time."""
        document = organisation.model_dump_json()
        digest = hashlib.sha256(document.encode()).hexdigest()
        with translated():
            newest = await self._revisions.find_one({}, sort=[("_id", DESCENDING)])
            if newest is not None and newest["digest"] == digest:
                return int(newest["_id"])
            number = (newest["_id"] if newest else 0) + 1
            try:
                await self._revisions.insert_one(
                    {
                        "_id": number,
                        "digest": digest,
                        "measures": organisation.measures(),
                        "document": document,
                        "loaded_at": now or datetime.now(UTC),
                    }
                )
            except DuplicateKey:
                return await self.save(organisation, now)
        return number


def knowing(ensure: Callable[[], Awaitable[None]], store: OrganisationStore) -> Callable[[], Awaitable[bool]]:
    """A step for a loop: the collections first, once; then the organisation.

    Whatever accepts or decides asks for the organisation, so nothing is written before the unique indexes it relies on are there.
    """
    ensured = False

    async def step() -> bool:
        nonlocal ensured
        if not ensured:
            await ensure()
            ensured = True
        return await store.refresh()

    return step
