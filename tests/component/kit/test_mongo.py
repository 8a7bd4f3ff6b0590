"""MongoDB through the one module that knows it, on a real replica set."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from kit.mongo import (
    CollectionSpec,
    Conflict,
    Database,
    Document,
    DriverError,
    DuplicateKey,
    Files,
    IndexModel,
    Mongo,
    Session,
    UpdateOne,
    Writes,
)
from tests.support.servers import MongoServer

FRUIT = CollectionSpec(
    "fruit",
    indexes=(IndexModel([("name", 1)], name="name", unique=True),),
    schema={"bsonType": "object", "required": ["name"], "properties": {"name": {"bsonType": "string"}}},
)


@pytest.fixture
async def fruit(mongo: Mongo, database: Database) -> Database:
    await mongo.ensure(database, [FRUIT])
    return database


async def test_a_transaction_writes_everything_and_returns_what_the_work_returns(mongo: Mongo, fruit: Database) -> None:
    async def work(session: Session) -> str:
        await fruit["fruit"].insert_one({"_id": 1, "name": "apple"}, session=session)
        await fruit["baskets"].insert_one({"_id": 1}, session=session)
        return "done"

    assert await mongo.transaction(work) == "done"
    assert await fruit["fruit"].count_documents({}) == await fruit["baskets"].count_documents({}) == 1


async def test_a_transaction_that_fails_leaves_nothing_and_raises_what_the_work_raised(mongo: Mongo, fruit: Database) -> None:
    async def work(session: Session) -> None:
        await fruit["fruit"].insert_one({"_id": 1, "name": "apple"}, session=session)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await mongo.transaction(work)
    assert await fruit["fruit"].count_documents({}) == 0


@pytest.mark.parametrize("many", [False, True])
async def test_a_duplicate_key_surfaces_from_single_and_from_many_inserts(mongo: Mongo, fruit: Database, many: bool) -> None:
    await fruit["fruit"].insert_one({"_id": 1, "name": "apple"})

    async def work(session: Session) -> None:
        await fruit["baskets"].insert_one({"_id": 1}, session=session)
        if many:
            await fruit["fruit"].insert_many([{"_id": 2, "name": "pear"}, {"_id": 3, "name": "apple"}], session=session)
        else:
            await fruit["fruit"].insert_one({"_id": 3, "name": "apple"}, session=session)

    with pytest.raises(DuplicateKey, match="apple"):
        await mongo.transaction(work)
    assert await fruit["baskets"].count_documents({}) == 0


async def test_collected_writes_are_all_there_and_then_whoever_asked_for_it_is_told(mongo: Mongo, fruit: Database) -> None:
    told: list[str] = []
    await fruit["baskets"].insert_one({"_id": 1, "full": False})
    writes = Writes()
    writes.insert(fruit["fruit"], [{"_id": 1, "name": "apple"}, {"_id": 2, "name": "pear"}])
    writes.insert(fruit["fruit"], [])
    writes.update(fruit["baskets"], [UpdateOne({"_id": 1}, {"$set": {"full": True}})], unmatched=ZeroDivisionError)
    writes.after_commit(lambda: told.append("committed"))
    await mongo.write(writes)
    assert await fruit["fruit"].count_documents({}) == 2
    assert (await fruit["baskets"].find_one({}), told) == ({"_id": 1, "full": True}, ["committed"])


@pytest.mark.parametrize("fault", ["a key that is taken", "a document that is not there"])
async def test_when_one_of_the_collected_writes_cannot_be_made_none_is(mongo: Mongo, fruit: Database, fault: str) -> None:
    told: list[str] = []
    await fruit["fruit"].insert_one({"_id": 1, "name": "apple"})
    writes = Writes()
    writes.insert(fruit["baskets"], [{"_id": 1}])
    if fault == "a key that is taken":
        writes.insert(fruit["fruit"], [{"_id": 2, "name": "pear"}, {"_id": 3, "name": "apple"}])
    else:
        change = {"$set": {"eaten": True}}
        writes.update(fruit["fruit"], [UpdateOne({"_id": 1}, change), UpdateOne({"_id": 9}, change)], unmatched=ZeroDivisionError)
    writes.after_commit(lambda: told.append("committed"))
    with pytest.raises(DuplicateKey if fault == "a key that is taken" else ZeroDivisionError):
        await mongo.write(writes)
    assert (await fruit["baskets"].count_documents({}), await fruit["fruit"].find().to_list(None), told) == (
        0,
        [{"_id": 1, "name": "apple"}],
        [],
    )


async def test_collected_writes_wait_for_whoever_holds_a_document_and_say_so_when_it_takes_too_long(mongo: Mongo, fruit: Database) -> None:
    await fruit["baskets"].insert_one({"_id": 1, "by": None})

    def by(name: str) -> Writes:
        writes = Writes()
        writes.update(fruit["baskets"], [UpdateOne({"_id": 1}, {"$set": {"by": name}})])
        return writes

    async def hold(session: Session) -> asyncio.Task[None]:
        await fruit["baskets"].update_one({"_id": 1}, {"$set": {"by": "first"}}, session=session)
        with pytest.raises(Conflict):
            await mongo.write(by("impatient"), retry_for=0.05)
        return asyncio.create_task(mongo.write(by("patient")))

    await (await mongo.transaction(hold))
    assert await fruit["baskets"].find_one({}) == {"_id": 1, "by": "patient"}


async def test_the_work_runs_again_when_somebody_else_wrote_the_same_document_first(mongo: Mongo, fruit: Database) -> None:
    counters = fruit["counters"]
    await counters.insert_one({"_id": "apples", "count": 0})
    runs = 0

    async def one_more(session: Session) -> None:
        nonlocal runs
        runs += 1
        row: Document = await counters.find_one({"_id": "apples"}, session=session) or {}
        await asyncio.sleep(0.01)  # long enough for the others to read the same count
        await counters.update_one({"_id": "apples"}, {"$set": {"count": row["count"] + 1}}, session=session)

    await asyncio.gather(*(mongo.transaction(one_more) for _ in range(5)))
    assert [row["count"] async for row in counters.find()] == [5]
    assert runs > 5


async def test_a_cancelled_caller_leaves_no_half_transaction(mongo: Mongo, fruit: Database) -> None:
    reached = asyncio.Event()

    async def work(session: Session) -> None:
        await fruit["fruit"].insert_one({"_id": 1, "name": "apple"}, session=session)
        reached.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(mongo.transaction(work))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await fruit["fruit"].insert_one({"_id": 1, "name": "pear"})  # no lock is left on it
    assert [row["name"] async for row in fruit["fruit"].find()] == ["pear"]


async def test_ensure_may_run_again_and_by_several_processes_at_once(mongo: Mongo, fruit: Database) -> None:
    await asyncio.gather(*(mongo.ensure(fruit, [FRUIT, CollectionSpec("nuts")]) for _ in range(4)))
    assert set(await fruit["fruit"].index_information()) == {"_id_", "name"}
    assert "nuts" in await fruit.list_collection_names()


async def test_ensure_drops_the_indexes_of_earlier_releases_and_leaves_those_of_the_operators(mongo: Mongo, fruit: Database) -> None:
    await fruit["fruit"].create_indexes([IndexModel([("colour", 1)], name="by_colour"), IndexModel([("size", 1)], name="theirs")])
    now = dataclasses.replace(FRUIT, retired=("by_colour", "by_weight"))
    for _ in range(3):
        await asyncio.gather(*(mongo.ensure(fruit, [now]) for _ in range(4)))
    assert set(await fruit["fruit"].index_information()) == {"_id_", "name", "theirs"}


@pytest.mark.parametrize("document", [{"_id": 1}, {"_id": 1, "name": 7}])
async def test_the_validator_refuses_a_bad_document(fruit: Database, document: dict[str, object]) -> None:
    with pytest.raises(DriverError, match="Document failed validation"):
        await fruit["fruit"].insert_one(document)


async def test_a_file_comes_back_as_it_was_stored_and_storing_it_again_changes_nothing(database: Database) -> None:
    files, data = Files(database), bytes(range(256)) * 2_500  # several chunks
    await files.put("f1", "tờ khai.pdf", data, {"sha256": "x"})
    await files.put("f1", "another name", b"other bytes", {})
    assert await files.get("f1") == data
    assert [row["metadata"] async for row in database["files.files"].find()] == [{"sha256": "x"}]


async def test_a_file_that_is_stored_by_two_at_once_is_whole(database: Database) -> None:
    files, data = Files(database), bytes(1_000_000)
    await asyncio.gather(*(files.put("f1", "a", data, {}) for _ in range(2)))
    assert await files.get("f1") == data


async def test_a_file_whose_first_upload_died_half_way_is_stored_by_the_next_one(database: Database) -> None:
    files, data = Files(database), bytes(600_000)
    await files.put("f1", "a", data, {})
    await database["files.files"].delete_one({"_id": "f1"})  # as if the process had died before the last write
    await database["files.chunks"].delete_one({"files_id": "f1", "n": 2})
    assert await files.get("f1") is None
    await files.put("f1", "a", data, {})
    assert await files.get("f1") == data


async def test_a_deleted_file_is_gone_and_may_be_deleted_again(database: Database) -> None:
    files = Files(database)
    await files.put("f1", "a", b"data", {})
    await files.delete("f1")
    await files.delete("f1")
    assert await files.get("f1") is None
    assert await database["files.chunks"].count_documents({}) == 0


async def test_the_servers_clock_is_measured_and_used(mongo: Mongo) -> None:
    offset = await mongo.measure_clock()
    assert abs(offset) < timedelta(seconds=1)  # the server runs on this machine
    assert abs(mongo.now() - offset - datetime.now(UTC)) < timedelta(milliseconds=100)  # noqa: TID251 (the clock is what is tested)
    assert mongo.now().tzinfo is UTC


async def test_instants_come_back_aware_and_in_utc(database: Database) -> None:
    at = datetime(2026, 11, 20, 2, 15, 30, 123_000, tzinfo=UTC)
    await database["instants"].insert_one({"_id": 1, "at": at})
    [read] = [row["at"] async for row in database["instants"].find()]
    assert read == at
    assert read.utcoffset() == timedelta(0)


@pytest.mark.parametrize("seconds", [2, -2])
async def test_a_process_with_a_wrong_clock_knows_the_servers_time(mongo: Mongo, mongo_server: MongoServer, seconds: int) -> None:
    wrong = Mongo(mongo_server.uri, clock=lambda: mongo.now() + timedelta(seconds=seconds))
    assert abs(wrong.now() - mongo.now()) > timedelta(seconds=1.9)
    offset = await wrong.measure_clock()
    assert abs(offset + timedelta(seconds=seconds)) < timedelta(milliseconds=100)
    assert abs(wrong.now() - mongo.now()) < timedelta(milliseconds=100)
    await wrong.close()


async def test_a_document_in_somebody_elses_open_transaction_is_a_conflict_at_once(mongo: Mongo, fruit: Database) -> None:
    held, done = asyncio.Event(), asyncio.Event()

    async def hold(session: Session) -> None:
        await fruit["fruit"].insert_one({"_id": "held", "name": "held"}, session=session)
        held.set()
        await done.wait()

    holder = asyncio.create_task(mongo.transaction(hold))
    await held.wait()
    began = asyncio.get_running_loop().time()
    with pytest.raises(Conflict):
        await mongo.transaction(lambda session: fruit["fruit"].insert_one({"_id": "held", "name": "held"}, session=session), retry_for=0)
    assert asyncio.get_running_loop().time() - began < 1
    done.set()
    await holder
