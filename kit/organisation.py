"""The organisation as one service knows it: its own copy of the loaded document, by revision."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo import DESCENDING

from kit.errors import TransientError
from kit.mongo import CollectionSpec, Database, DuplicateKey, translated
from schemas.organisation import Organisation

ORGANISATION = CollectionSpec("organisation")


@dataclass(frozen=True)
class Revision:
    """One loaded organisation; numbers grow with every change."""

    number: int
    organisation: Organisation


class OrganisationStore:
    """Keeps every revision; `current` is what was last read."""

    def __init__(self, database: Database) -> None:
        self._revisions = database[ORGANISATION.name]
        self._current: Revision | None = None

    @property
    def current(self) -> Revision:
        """TransientError while none is loaded: whoever asks comes again."""
        if self._current is None:
            raise TransientError("no organisation is loaded yet: run `helpdesk load FILE.yaml`")
        return self._current

    @property
    def loaded(self) -> bool:
        return self._current is not None

    async def refresh(self) -> bool:
        """Read the newest revision if it is not the one at hand. A step for a loop."""
        with translated():
            newest = await self._revisions.find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)])
            if newest is None or (self._current is not None and newest["_id"] == self._current.number):
                return False
            row: Any = await self._revisions.find_one({"_id": newest["_id"]})
        self._current = Revision(row["_id"], Organisation.model_validate_json(row["document"]))
        return False

    async def save(self, organisation: Organisation) -> int:
        """Add a revision unless the newest is the same already. Returns its number."""
        document = organisation.model_dump_json()
        digest = hashlib.sha256(document.encode()).hexdigest()
        with translated():
            newest = await self._revisions.find_one({}, sort=[("_id", DESCENDING)])
            if newest is not None and newest["digest"] == digest:
                return int(newest["_id"])
            number = (newest["_id"] if newest else 0) + 1
            try:
                await self._revisions.insert_one({"_id": number, "digest": digest, "document": document, "loaded_at": datetime.now(UTC)})
            except DuplicateKey:
                return await self.save(organisation)
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
