"""The embedded MongoDB is a real one: a replica set with transactions that keeps what it committed."""

import os
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from helpdesk.embedded.errors import DataInUseError, PortTakenError
from helpdesk.embedded.mongod import Mongod
from tests.support.ports import free_ports
from tests.support.servers import MongoFactory, MongoServer

Client = AsyncMongoClient[dict[str, Any]]


async def commit(uri: str, key: str) -> None:
    """Two documents of two collections in one transaction."""
    async with Client(uri) as client, client.start_session() as session, await session.start_transaction():
        await client["kept"]["tickets"].insert_one({"_id": key}, session=session)
        await client["kept"]["journal"].insert_one({"_id": key}, session=session)


async def kept(uri: str) -> list[str]:
    async with Client(uri) as client:
        tickets = [ticket["_id"] async for ticket in client["kept"]["tickets"].find(sort=[("_id", 1)])]
        assert await client["kept"]["journal"].count_documents({}) == len(tickets)
        return tickets


async def test_commits_survive_a_stop_a_sigkill_and_another_port(tmp_path: Path, own_mongo: MongoFactory) -> None:
    mongo = await own_mongo(data=tmp_path)
    await commit(mongo.uri, "1 before the stop")
    await mongo.stop()
    await mongo.stop()  # again: nothing happens

    await mongo.start()
    await commit(mongo.uri, "2 before the kill")
    await mongo.kill()

    moved = await own_mongo(data=tmp_path)
    assert moved.uri != mongo.uri
    await commit(moved.uri, "3 after")
    assert await kept(moved.uri) == ["1 before the stop", "2 before the kill", "3 after"]


async def test_the_shared_server_commits(mongo_server: MongoServer) -> None:
    async with Client(mongo_server.uri) as client, client.start_session() as session:
        async with await session.start_transaction():
            await client["embedded_shared"]["tickets"].insert_one({"_id": 1}, session=session)
        assert await client["embedded_shared"]["tickets"].count_documents({}) == 1


async def test_a_running_server_guards_its_folder_and_its_port_and_a_wiped_one_is_empty(tmp_path: Path, own_mongo: MongoFactory) -> None:
    mongo = await own_mongo(data=tmp_path)
    await commit(mongo.uri, "lost with the disk")
    with pytest.raises(DataInUseError, match=f"is in use by process {os.getpid()}"):
        await Mongod(tmp_path, port=1).start()
    with pytest.raises(PortTakenError, match=r"is taken by mongod \(process \d+\); choose another with --mongo-port"):
        await Mongod(tmp_path / "other", mongo.base_port).start()
    with pytest.raises(DataInUseError, match="stop MongoDB before"):
        mongo.wipe()

    await mongo.stop()
    mongo.wipe()
    await mongo.start()
    assert await kept(mongo.uri) == []


async def test_a_folder_of_one_member_is_not_started_as_three(tmp_path: Path, own_mongo: MongoFactory) -> None:
    mongo = await own_mongo(data=tmp_path)
    await mongo.stop()
    with pytest.raises(DataInUseError, match="holds the data of 1 MongoDB members, not 3"):
        await own_mongo(nodes=3, data=tmp_path)


async def test_a_mongod_that_cannot_start_says_what_it_wrote(tmp_path: Path) -> None:
    (tmp_path / "mongo" / "1" / "WiredTiger").mkdir(parents=True)  # its storage engine expects a file of this name
    with pytest.raises(RuntimeError, match=r"(?s)MongoDB ended while it was starting. Its last lines:.*WiredTiger"):
        await Mongod(tmp_path, port=free_ports(1)[0]).start()


async def test_three_members_commit_while_one_is_dead(own_mongo: MongoFactory) -> None:
    mongo = await own_mongo(nodes=3)
    await commit(mongo.uri, "1 all three")
    await mongo.kill_node(1)  # the primary, as a rule: it founded the set
    await commit(mongo.uri, "2 two of three")
    await mongo.start_node(1)
    assert await kept(mongo.uri) == ["1 all three", "2 two of three"]
