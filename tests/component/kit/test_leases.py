"""Leased slots: every one has at most one owner, and together they have them all."""

import asyncio
import random
from datetime import timedelta
from itertools import combinations

import pytest

from kit.ids import SLOTS
from kit.leases import LEASE, Slots, ranks
from kit.mongo import Collection, CollectionSpec, Database, Mongo
from tests.support.servers import MongoServer

ALL = frozenset(range(SLOTS))


@pytest.fixture
async def leases(mongo: Mongo, database: Database) -> Collection:
    await mongo.ensure(database, [CollectionSpec("leases")])
    return database["leases"]


async def rounds(members: list[Slots], count: int) -> None:
    for _ in range(count):
        for member in members:
            await member.renew()


async def lapse(leases: Collection, mongo: Mongo, owner: str) -> None:
    """As if the process had been killed a lease ago."""
    past = mongo.now() - timedelta(milliseconds=1)
    await leases.update_many({"owner": owner}, {"$set": {"until": past}})
    await leases.update_one({"_id": f"member:{owner}"}, {"$set": {"until": past}})


def shares(members: list[Slots]) -> list[int]:
    return sorted(len(member.mine) for member in members)


async def test_a_member_alone_takes_every_slot(mongo: Mongo, leases: Collection) -> None:
    alone = Slots(mongo, leases, "a")
    assert alone.mine == frozenset()
    await alone.renew()
    assert alone.mine == ALL


@pytest.mark.parametrize(("count", "expected"), [(2, [32, 32]), (3, [20, 22, 22]), (5, [12, 13, 13, 13, 13])])
async def test_members_share_the_slots_evenly(mongo: Mongo, leases: Collection, count: int, expected: list[int]) -> None:
    members = [Slots(mongo, leases, f"m{number}") for number in range(count)]
    await rounds(members, 5)
    assert shares(members) == expected
    assert frozenset().union(*(member.mine for member in members)) == ALL


async def test_surplus_is_given_up_in_two_rounds(mongo: Mongo, leases: Collection) -> None:
    old, new = Slots(mongo, leases, "old"), Slots(mongo, leases, "new")
    await old.renew()
    await new.renew()
    assert (len(old.mine), len(new.mine)) == (64, 0)  # all are taken
    await old.renew()
    await new.renew()
    assert (len(old.mine), len(new.mine)) == (32, 0)  # no new work is begun in them, nobody has them yet
    await old.renew()
    await new.renew()
    assert (len(old.mine), len(new.mine)) == (32, 32)


async def test_a_slot_in_which_something_is_under_way_is_kept_until_it_has_ended(mongo: Mongo, leases: Collection) -> None:
    old, new = Slots(mongo, leases, "old"), Slots(mongo, leases, "new")
    await old.renew()
    with old.working(60), old.working(60):
        await rounds([new, old, new, old, new, old, new], 1)
        assert 60 not in old.mine | new.mine
        assert len(new.mine) == 31
    await rounds([old, new], 1)
    assert 60 in new.mine
    assert (len(old.mine), len(new.mine)) == (32, 32)


async def test_a_killed_members_slots_are_taken_up_when_its_lease_has_run_out(mongo: Mongo, leases: Collection) -> None:
    killed, survivor = Slots(mongo, leases, "killed"), Slots(mongo, leases, "survivor")
    await rounds([killed, survivor], 3)
    await survivor.renew()
    assert len(survivor.mine) == 32
    await lapse(leases, mongo, "killed")
    await survivor.renew()
    assert survivor.mine == ALL


async def test_a_member_that_slept_too_long_does_not_take_back_what_others_have(mongo: Mongo, leases: Collection) -> None:
    sleeper, other = Slots(mongo, leases, "sleeper"), Slots(mongo, leases, "other")
    await sleeper.renew()
    await lapse(leases, mongo, "sleeper")
    await other.renew()
    assert other.mine == ALL
    await sleeper.renew()
    assert sleeper.mine == frozenset()


async def test_what_is_released_can_be_taken_at_once(mongo: Mongo, leases: Collection) -> None:
    first, second = Slots(mongo, leases, "first"), Slots(mongo, leases, "second")
    await first.renew()
    await first.release()
    assert first.mine == frozenset()
    await second.renew()
    assert second.mine == ALL
    assert {row["_id"] async for row in leases.find({"kind": "member"})} == {"member:second"}


async def test_a_renewal_keeps_the_slots_for_a_whole_lease(mongo: Mongo, leases: Collection) -> None:
    slots = Slots(mongo, leases, "a")
    await slots.renew()
    await leases.update_many({"owner": "a"}, {"$set": {"until": mongo.now() + timedelta(seconds=1)}})
    await slots.renew()
    [until] = [row["until"] async for row in leases.find({"_id": "slot:7"})]
    assert LEASE - timedelta(seconds=1) < until - mongo.now() <= LEASE


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_slot_is_ever_held_by_two_whatever_the_interleaving(mongo_server: MongoServer, database: Database, seed: int) -> None:
    """Members come, renew at any moment, stop renewing and are killed; after every step the sets are disjoint."""
    chance = random.Random(seed)
    clients = [Mongo(mongo_server.uri) for _ in range(4)]
    members = [Slots(client, database["leases"], f"m{number}") for number, client in enumerate(clients)]
    overlaps: list[frozenset[int]] = []

    def look() -> None:
        overlaps.extend(one.mine & other.mine for one, other in combinations(members, 2) if one.mine & other.mine)

    async def live(member: Slots) -> None:
        for _ in range(12):
            await asyncio.sleep(chance.uniform(0, 0.02))
            await (member.release() if chance.random() < 0.15 else member.renew())
            look()

    async def watch() -> None:
        while True:
            look()
            await asyncio.sleep(0)

    watcher = asyncio.create_task(watch())
    await asyncio.gather(*(live(member) for member in members))
    watcher.cancel()
    assert overlaps == []
    await rounds(members, 6)
    assert shares(members) == [16, 16, 16, 16]
    for client in clients:
        await client.close()


async def test_when_one_seems_dead_the_others_stand_in_by_different_turns(mongo: Mongo, leases: Collection) -> None:
    members = [Slots(mongo, leases, f"m{number}") for number in range(4)]
    assert [list(member.turns) for member in members] == [[], [], [], []]  # nobody yet
    await rounds(members, 5)
    assert [member.turns[0] for member in members] == [member.mine for member in members]
    assert not any(slots for member in members for slots in member.turns[1:])  # all are well
    silent, others = members[0].mine, members[1:]
    await leases.update_many({"owner": "m0"}, {"$set": {"until": mongo.now() + LEASE / 2}})  # renewed half a lease ago
    await rounds(others, 1)
    for slot in ALL:
        places = [place for member in others for place, slots in enumerate(member.turns) if slot in slots]
        assert len(set(places)) == len(places) == (3 if slot in silent else 1)
        assert (0 in places) == (slot not in silent)


async def test_what_is_being_given_back_is_worked_on_until_others_may_have_it(mongo: Mongo, leases: Collection) -> None:
    old, new = Slots(mongo, leases, "old"), Slots(mongo, leases, "new")
    await rounds([old, new, old], 1)
    assert (len(old.mine), old.turns[0]) == (32, ALL)
    await rounds([old], 1)
    assert old.turns[0] == old.mine
    await rounds([new, old], 1)
    assert old.turns[0].isdisjoint(new.turns[0])
    assert old.turns[0] | new.turns[0] == ALL


async def test_whoever_may_have_lost_its_lease_or_gave_it_back_has_no_turn(mongo: Mongo, leases: Collection) -> None:
    one, brief = Slots(mongo, leases, "one"), Slots(mongo, leases, "brief", timedelta(milliseconds=1))
    await brief.renew()
    await asyncio.sleep(0.002)
    assert list(brief.turns) == []
    await one.renew()
    assert one.turns[0] == ALL
    await one.release()
    assert list(one.turns) == []


def test_the_work_of_one_that_died_is_spread_over_all_others() -> None:
    members = [f"member:m{number}" for number in range(4)]
    first = {member: ranks(member, members)[0] for member in members}
    assert frozenset().union(*first.values()) == ALL
    assert all(8 <= len(slots) <= 24 for slots in first.values())
    for member in members[1:]:  # without the first, everybody keeps what it was the first to do
        assert ranks(member, members[1:])[0] >= first[member]
