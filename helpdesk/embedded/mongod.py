"""A real mongod on this machine: a replica set of one member, or of several."""

import asyncio
import time
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from helpdesk.embedded import parts
from helpdesk.embedded.errors import DataInUseError
from helpdesk.embedded.group import Progress, ServerGroup
from helpdesk.embedded.ports import LOOPBACK, require_free

READY_SECONDS = 60  # 1 s on two idle cores; recovery of a large journal takes longer
CACHE_GB = 0.25  # the smallest mongod takes; unbounded it would claim half of the machine
OPLOG_MB = 512  # unbounded it would be 5 % of the disk
REPLICA_SET = "helpdesk"
ELECTION_MS = 3_000  # on loopback a member silent for so long is dead; MongoDB's own 10 s are for networks
PARAMETERS = (
    "diagnosticDataCollectionEnabled=false",
    # What a killed process left in the middle of a transaction stays locked for so long; MongoDB's own 60 s would delay its successor.
    "transactionLifetimeLimitSeconds=10",
)
PORT_OPTION = "--mongo-port"
NOT_YET_INITIALIZED = 94
Client = MongoClient[dict[str, Any]]


class MongodSet(ServerGroup):
    """The driver finds the primary by itself and waits for one while there is none; the log is `<data>/mongod.log`."""

    title = "MongoDB"
    name = "mongo"
    log_name = "mongod"

    def __init__(self, data: Path, nodes: int = 3, base_port: int = 27017, cache_gb: float = CACHE_GB) -> None:
        super().__init__(data, nodes, base_port)
        self._cache_gb = cache_gb

    @property
    def uri(self) -> str:
        """The members by the names they know each other by."""
        return f"mongodb://{','.join(self._hosts())}/?replicaSet={REPLICA_SET}"

    def _hosts(self) -> list[str]:
        return [f"{LOOPBACK}:{port}" for port in self.ports]

    def _prepare(self, _progress: Progress) -> None:
        for port in self.ports:
            require_free(port, PORT_OPTION)
        made = len(list(self.folder.glob("[0-9]*")))
        if made not in {0, self.count}:
            raise DataInUseError(
                f"{self.folder} holds the data of {made} MongoDB members, not {self.count}; "
                f"choose another folder with --data, or --nodes {made}"
            )
        parts.mongod()  # refuse before the folders exist
        for number in range(1, self.count + 1):
            (self.folder / str(number)).mkdir(parents=True, exist_ok=True)

    def _command(self, number: int) -> list[str]:
        options = {
            "--dbpath": self.folder / str(number),
            "--port": self.ports[number - 1],
            "--bind_ip": LOOPBACK,
            "--replSet": REPLICA_SET,
            "--wiredTigerCacheSizeGB": self._cache_gb,
            "--oplogSize": OPLOG_MB,
            "--slowms": 500,
        }
        words = [str(word) for pair in options.items() for word in pair]
        return [str(parts.mongod()), "--quiet", "--nounixsocket", *words, *(f"--setParameter={name}" for name in PARAMETERS)]

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not await asyncio.to_thread(self._has_primary):
            self._require_alive("while it was starting")
            if time.monotonic() > deadline:
                raise self._not_ready(READY_SECONDS, self._children.values())
            await asyncio.sleep(0.05)

    def _has_primary(self) -> bool:
        """Whether one of the members takes writes; founds the replica set the first time."""
        return any(self._takes_writes(host) for host in self._hosts())

    def _takes_writes(self, host: str) -> bool:
        with Client(host, directConnection=True, serverSelectionTimeoutMS=300) as client:
            try:
                if host == self._hosts()[0]:
                    self._agree_on_members(client)
                return bool(client.admin.command("hello")["isWritablePrimary"])
            except PyMongoError:
                return False

    def _agree_on_members(self, client: Client) -> None:
        """Found the replica set, or move it when its data was last served on other ports."""
        members = [{"_id": n, "host": host} for n, host in enumerate(self._hosts())]
        try:
            config = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as refused:
            if refused.code == NOT_YET_INITIALIZED:
                settings = {"electionTimeoutMillis": ELECTION_MS}
                client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members, "settings": settings})
            return
        if [member["host"] for member in config["members"]] != self._hosts():
            moved = [old | new for old, new in zip(config["members"], members, strict=True)]
            client.admin.command("replSetReconfig", config | {"members": moved, "version": config["version"] + 1}, force=True)


class Mongod(MongodSet):
    """One member: what `helpdesk up`, the tests and the benchmarks use."""

    def __init__(self, data: Path, port: int, cache_gb: float = CACHE_GB) -> None:
        super().__init__(data, 1, port, cache_gb)

    @property
    def pid(self) -> int:
        """Process id of the member."""
        return self._children[1].pid
