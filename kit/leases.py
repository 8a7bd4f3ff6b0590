"""Who does which part of the background work: leased slots, shared out evenly, no leader.

A lease only avoids double work; correctness always rests on unique keys and versions in the database.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from kit.ids import SLOTS
from kit.mongo import Collection, DuplicateKey, Mongo, translated

LEASE = timedelta(seconds=6)
"""Long enough for three missed renewals (every 2 s), short enough that the work of a killed process is soon taken up."""


class Slots:
    """The slots of one kind of work that this process holds now."""

    def __init__(self, mongo: Mongo, collection: Collection, owner: str) -> None:
        self._mongo = mongo
        self._collection = collection
        self._owner = owner
        self._held: frozenset[int] = frozenset()
        self._held_until = mongo.now()
        self._leaving: frozenset[int] = frozenset()
        self._busy: Counter[int] = Counter()

    @property
    def mine(self) -> frozenset[int]:
        """Empty as soon as the lease may have run out, even if nobody could be asked."""
        return self._held if self._mongo.now() < self._held_until else frozenset()

    async def renew(self) -> bool:
        """Announce this process, renew what it holds, give back what is above its share, take what is free."""
        await self._mongo.measure_clock()
        now = self._mongo.now()
        until = now + LEASE
        with translated():
            await self._collection.update_one({"_id": f"member:{self._owner}"}, {"$set": {"until": until, "kind": "member"}}, upsert=True)
            await self._collection.delete_many({"kind": "member", "until": {"$lt": now - 10 * LEASE}})
            members = await self._collection.count_documents({"kind": "member", "until": {"$gte": now}})
            await self._collection.update_many({"owner": self._owner, "until": {"$gte": now}}, {"$set": {"until": until}})
            held = [row["slot"] async for row in self._collection.find({"owner": self._owner, "until": until})]
        share = -(-SLOTS // max(members, 1))
        held = await self._give_back(sorted(held), share)
        held += await self._take(share - len(held), set(held) | self._leaving, now, until)
        self._held, self._held_until = frozenset(held), until
        return False

    @contextmanager
    def working(self, slot: int) -> Iterator[None]:
        """Something that may take longer than a lease is under way in this slot: it is given to nobody else before that has ended."""
        self._busy[slot] += 1
        try:
            yield
        finally:
            self._busy[slot] -= 1

    async def _give_back(self, held: list[int], share: int) -> list[int]:
        """Surplus slots are left in two rounds: first no new work is begun in them, then, a renewal later, others may have them."""
        unfinished = frozenset(slot for slot in self._leaving if self._busy[slot])
        gone = self._leaving - unfinished
        if gone:
            with translated():
                await self._collection.delete_many({"owner": self._owner, "slot": {"$in": sorted(gone)}})
        staying = [slot for slot in held if slot not in self._leaving]
        self._leaving = frozenset(staying[share:]) | unfinished
        # At once, not at the end of this renewal: when the rest of it fails, the next one deletes what this process would still work on.
        self._held -= self._leaving
        return staying[:share]

    async def _take(self, count: int, held: set[int], now: datetime, until: datetime) -> list[int]:
        if count <= 0:
            return []
        with translated():
            busy = {row["slot"] async for row in self._collection.find({"kind": "slot", "until": {"$gte": now}})}
            taken = []
            for slot in [slot for slot in range(SLOTS) if slot not in busy and slot not in held][:count]:
                try:
                    result = await self._collection.update_one(
                        {"_id": f"slot:{slot}", "until": {"$lt": now}},
                        {"$set": {"slot": slot, "kind": "slot", "owner": self._owner, "until": until}, "$inc": {"fence": 1}},
                        upsert=True,
                    )
                except DuplicateKey:
                    continue  # somebody else was faster
                if result.modified_count or result.upserted_id:
                    taken.append(slot)
            return taken

    async def release(self) -> None:
        """Give everything back at once, so that others need not wait for the lease to run out."""
        self._held = self._leaving = frozenset()
        with translated():
            await self._collection.delete_many({"owner": self._owner})
            await self._collection.delete_one({"_id": f"member:{self._owner}"})

    def now(self) -> datetime:
        """The database server's time."""
        return self._mongo.now()
