"""Who does which part of the background work: leased slots, shared out evenly, no leader.

A lease only avoids double work; correctness always rests on unique keys and versions in the database. Work that cannot wait
until a killed process's lease has run out, and that harms nobody when two do it, is done by stand-ins: see `Slots.turns`.
"""

from collections import Counter
from collections.abc import Collection as Some
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import blake2b

from pymongo import UpdateMany

from kit.ids import SLOTS
from kit.mongo import Collection, DuplicateKey, Mongo, UpdateOne, translated

LEASE = timedelta(seconds=6)
"""Long enough for three missed renewals (every 2 s), short enough that the work of a killed process is soon taken up."""


SUSPECT_AFTER = 0.4
"""Share of a lease without a renewal after which its owner may be dead: two missed renewals, if five fit into it."""


class Slots:
    """The slots of one kind of work that this process holds now."""

    def __init__(self, mongo: Mongo, collection: Collection, owner: str, lease: timedelta = LEASE) -> None:
        """Whoever gives another `lease` renews at least three times in it."""
        self._mongo = mongo
        self._collection = collection
        self._owner = owner
        self._lease = lease
        self._stand_in: Sequence[frozenset[int]] | None = None
        self._held: frozenset[int] = frozenset()
        self._held_until = mongo.now()
        self._leaving: frozenset[int] = frozenset()
        self._busy: Counter[int] = Counter()

    @property
    def mine(self) -> frozenset[int]:
        """Empty as soon as the lease may have run out, even if nobody could be asked."""
        return self._held if self._mongo.now() < self._held_until else frozenset()

    @property
    def turns(self) -> Sequence[frozenset[int]]:
        """What it holds first; then, by turns, slots whose owner seems dead, in which it is the first, the second… to stand in.

        In every slot the members have different turns, so that two stand in together only when the first of them is late.
        For work that two may do at once without harm: what it is giving back is its own until others may have it. Empty while
        this process is nobody, which also means that it never asked for the server's time.
        """
        if self._stand_in is None or self._mongo.now() >= self._held_until:
            return []
        mine = self._held | self._leaving
        return [mine, *(slots - mine for slots in self._stand_in)]

    async def renew(self) -> bool:
        """Announce this process, renew what it holds, give back what is above its share, take what is free."""
        await self._mongo.measure_clock()
        now = self._mongo.now()
        until = now + self._lease
        announce = UpdateOne({"_id": f"member:{self._owner}"}, {"$set": {"until": until, "kind": "member"}}, upsert=True)
        extend = UpdateMany({"owner": self._owner, "until": {"$gte": now}}, {"$set": {"until": until}})
        with translated():
            await self._collection.bulk_write([announce, extend])
            rows = await self._collection.find({}).to_list(None)
            if any(row["kind"] == "member" and row["until"] < now - 10 * self._lease for row in rows):
                await self._collection.delete_many({"kind": "member", "until": {"$lt": now - 10 * self._lease}})
        members = [row["_id"] for row in rows if row["kind"] == "member" and row["until"] >= now]
        leases = [row for row in rows if row["kind"] == "slot"]
        held = [row["slot"] for row in leases if row["owner"] == self._owner and row["until"] == _stored(until)]
        renewed = {row["slot"] for row in leases if row["until"] >= until - SUSPECT_AFTER * self._lease}
        share = -(-SLOTS // max(len(members), 1))
        held = await self._give_back(sorted(held), share)
        held += await self._take(share - len(held), set(held) | self._leaving, now, until)
        self._held, self._held_until = frozenset(held), until
        self._stand_in = [slots - renewed for slots in ranks(f"member:{self._owner}", members)]
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
        self._stand_in = None
        with translated():
            await self._collection.delete_many({"owner": self._owner})
            await self._collection.delete_one({"_id": f"member:{self._owner}"})

    def now(self) -> datetime:
        """The database server's time."""
        return self._mongo.now()


def _stored(at: datetime) -> datetime:
    """As the database keeps it: to the millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def ranks(member: str, members: Some[str]) -> list[frozenset[int]]:
    """The slots in which this member comes first, second… among all of them, the same in every process (rendezvous hashing)."""
    places: list[set[int]] = [set() for _ in members]
    for slot in range(SLOTS):
        order = sorted(members, key=lambda name: blake2b(f"{slot}:{name}".encode()).digest())
        if member in order:
            places[order.index(member)].add(slot)
    return [frozenset(place) for place in places]
