"""MongoDB: the only module that knows the driver (Motor).

All writes are majority writes; state and the events it causes are written by `Mongo.transaction`.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, TypeAlias, TypeVar, cast

from gridfs.errors import FileExists, NoFile
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
    AsyncIOMotorGridFSBucket,
)
from pymongo import IndexModel, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    CollectionInvalid,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from kit.crashpoints import crash_point
from kit.errors import TransientError

Document = dict[str, Any]
Collection: TypeAlias = "AsyncIOMotorCollection[Any]"
Database: TypeAlias = "AsyncIOMotorDatabase[Any]"
Session = AsyncIOMotorClientSession
DuplicateKey = DuplicateKeyError
DriverError = PyMongoError
T = TypeVar("T")

__all__ = [
    "Collection",
    "CollectionSpec",
    "Conflict",
    "Database",
    "Document",
    "DriverError",
    "DuplicateKey",
    "Files",
    "IndexModel",
    "Mongo",
    "Session",
    "UpdateOne",
    "Writes",
    "after_commit",
    "at_one_instant",
    "is_passing",
    "translated",
]

_PASSING_LABELS = ("TransientTransactionError", "RetryableWriteError", "UnknownTransactionCommitResult")
_NOT_PRIMARY = frozenset({91, 189, 11600, 11602, 10107, 13435, 13436})
"""Server error codes of a node that shuts down or steps down."""

_NAMESPACE_EXISTS = 48
_WRITE_CONFLICT = 112
_INDEX_NOT_FOUND = 27

THREADS = 8
"""Transactions written in one go at a time, in one process; more of them wait for a thread."""

_AFTER_COMMIT = "helpdesk_after_commit"
"""Attribute of a session: it lives exactly as long as what it is for."""

RETRY_FOR = 10.0
"""Seconds for which a transaction is tried again. The driver's own `with_transaction` goes on for two minutes, in which a person waits
for an answer, a consumer holds its batch and a loop counts as stuck; everything here comes again anyway."""


class Conflict(TransientError):
    """Somebody else's open transaction has written one of the same documents; a killed process's stays open until the server ends it."""


def is_passing(error: BaseException) -> bool:
    """Whether the database's trouble is of the kind that passes."""
    if isinstance(error, ConnectionFailure | ExecutionTimeout | WTimeoutError):
        return True
    if isinstance(error, OperationFailure) and error.code in _NOT_PRIMARY:
        return True
    return isinstance(error, PyMongoError) and any(error.has_error_label(label) for label in _PASSING_LABELS)


@contextmanager
def translated() -> Iterator[None]:
    """Turn passing driver trouble into `TransientError`, and a bulk's duplicate key into `DuplicateKey`."""
    try:
        yield
    except BulkWriteError as error:
        first: dict[str, Any] = next(iter((error.details or {}).get("writeErrors", [])), {})
        if first.get("code") == 11000:  # noqa: PLR2004 (MongoDB's code of a duplicate key)
            raise DuplicateKey(str(first.get("errmsg")), 11000, first) from error
        if is_passing(error):
            raise TransientError(f"MongoDB: {error}") from error
        raise
    except PyMongoError as error:
        if isinstance(error, OperationFailure) and error.code == _WRITE_CONFLICT:
            raise Conflict(f"MongoDB: {error}") from error
        if is_passing(error):
            raise TransientError(f"MongoDB: {error}") from error
        raise


def after_commit(session: Session, act: Callable[[], None]) -> None:
    """Do it once the transaction of this session is known to be committed; never when it is tried again in another one, or fails."""
    vars(session).setdefault(_AFTER_COMMIT, []).append(act)


class Writes:
    """What one transaction writes, when nothing has to be read for it.

    `Mongo.write` does it all in one thread, where each step by itself would change threads twice: half of a small transaction's cost.
    """

    def __init__(self) -> None:
        self.steps: list[Callable[[Any], None]] = []
        self.acts: list[Callable[[], None]] = []

    def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        """DuplicateKey: one of their keys is there already."""
        if documents:
            self.steps.append(partial(_insert, collection.delegate, documents))

    def update(self, collection: Collection, writes: Sequence[Any], *, unmatched: Callable[[], Exception] | None = None) -> None:
        """`unmatched` makes the error to raise when not every write has found its document."""
        if writes:
            self.steps.append(partial(_update, collection.delegate, writes, unmatched))

    def after_commit(self, act: Callable[[], None]) -> None:
        """See `after_commit`."""
        self.acts.append(act)


def _insert(collection: Any, documents: Sequence[Document], session: Any) -> None:  # noqa: ANN401 (the driver's own)
    collection.insert_many(documents, session=session)


def _update(collection: Any, writes: Sequence[Any], unmatched: Callable[[], Exception] | None, session: Any) -> None:  # noqa: ANN401
    found = collection.bulk_write(writes, session=session).matched_count
    if unmatched is not None and found != len(writes):
        raise unmatched()


async def at_one_instant(database: Database, read: Callable[[Session], Awaitable[T]]) -> T:
    """What `read(session)` finds, all of it as it was at one instant, however much is written meanwhile. It may only read."""
    with translated():
        async with await database.client.start_session(snapshot=True) as session:
            return await read(session)


@dataclass(frozen=True)
class CollectionSpec:
    """A collection with its indexes and, where given, its `$jsonSchema` validator."""

    name: str
    indexes: Sequence[IndexModel] = ()
    retired: Sequence[str] = ()
    """Indexes that earlier releases made."""
    schema: Mapping[str, Any] | None = None
    shard_key: Mapping[str, Any] = field(default_factory=lambda: {"_id": "hashed"})


class Mongo:
    """One client for one event loop."""

    def __init__(self, uri: str, *, application: str = "helpdesk", clock: Callable[[], datetime] | None = None) -> None:
        """`clock` is this process's own time, however wrong; the machine's when none is given."""
        self._clock = clock or partial(datetime.now, UTC)
        self._client: Any = AsyncIOMotorClient(
            uri,
            appname=application,
            tz_aware=True,
            tzinfo=UTC,
            w="majority",
            readConcernLevel="majority",
            retryWrites=True,
            serverSelectionTimeoutMS=5_000,
            connectTimeoutMS=5_000,
            socketTimeoutMS=30_000,
            maxPoolSize=50,
        )
        self._offset = timedelta()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mongo")

    def database(self, name: str) -> Database:
        return cast("Database", self._client.get_database(name))

    async def transaction(self, work: Callable[[Session], Awaitable[T]], *, retry_for: float = RETRY_FOR) -> T:
        """Run `work(session)` in one majority transaction; it may run more than once, so it must start from its arguments.

        Raises `TransientError` when the database is in passing trouble for more than `retry_for` seconds (`Conflict`: another
        transaction holds a document), `DuplicateKey` when a unique key stood in the way.
        """
        return await self._until_done(partial(self._attempt, work), retry_for)

    async def write(self, writes: Writes, *, retry_for: float = RETRY_FOR) -> None:
        """All or nothing, in one majority transaction. Raises what `transaction` raises, and what the writes say."""
        if writes.steps:
            loop = asyncio.get_running_loop()
            await self._until_done(lambda deadline: loop.run_in_executor(self._threads, self._written, writes, deadline), retry_for)
        for act in writes.acts:
            act()

    async def _until_done(self, attempt: Callable[[float], Awaitable[T]], retry_for: float) -> T:
        deadline = time.monotonic() + retry_for
        with translated():
            for tries in count(1):
                try:
                    return await attempt(deadline)
                except PyMongoError as error:
                    if not error.has_error_label("TransientTransactionError") or time.monotonic() > deadline:
                        raise
                # Whoever lost a write conflict lets the winner finish.
                await asyncio.sleep(random.uniform(0, min(0.005 * 2**tries, 0.5)))  # noqa: S311 (jitter)
        raise AssertionError("unreachable: a transaction ends with its result or an error")

    async def _attempt(self, work: Callable[[Session], Awaitable[T]], deadline: float) -> T:
        """The work once, and its commit until its outcome is known."""
        async with await self._client.start_session() as session, session.start_transaction(**_options()):
            result = await work(session)
            crash_point("transaction.before_commit")
            while True:
                try:
                    await session.commit_transaction()
                except PyMongoError as error:
                    if _unknown(error, deadline):
                        continue
                    raise
                crash_point("transaction.after_commit")
                for act in vars(session).pop(_AFTER_COMMIT, ()):
                    act()
                return result

    def _written(self, writes: Writes, deadline: float) -> None:
        """The same as `_attempt`, in a thread."""
        with self._client.delegate.start_session() as session, session.start_transaction(**_options()):
            for step in writes.steps:
                step(session)
            crash_point("transaction.before_commit")
            while True:
                try:
                    session.commit_transaction()
                except PyMongoError as error:
                    if _unknown(error, deadline):
                        continue
                    raise
                crash_point("transaction.after_commit")
                return

    async def ensure(self, database: Database, specs: Sequence[CollectionSpec]) -> None:
        """Create missing collections, indexes and validators, and drop indexes that are of no more use. Idempotent."""
        with translated():
            existing = {row["name"]: row.get("options", {}) async for row in await database.list_collections()}
            for spec in specs:
                if spec.name not in existing:
                    await _create(database, spec.name)
                if spec.indexes:
                    await database[spec.name].create_indexes(list(spec.indexes))
                await _retire(database[spec.name], spec.retired)
                validator = {"$jsonSchema": spec.schema}
                # Only when it differs: `collMod` waits for every open transaction, and one that a killed process left
                # open is ended by the server after a while alone. Nothing could start meanwhile.
                if spec.schema is not None and existing.get(spec.name, {}).get("validator") != validator:
                    await database.command("collMod", spec.name, validator=validator, validationLevel="strict")

    async def ping(self) -> None:
        with translated():
            await self._client.admin.command("ping")

    async def measure_clock(self) -> timedelta:
        """Learn how far the server's clock is ahead of ours, to half a round trip; `now` uses it from then on."""
        with translated():
            before = self._clock()
            reply = await self._client.admin.command("hello")
            after = self._clock()
        self._offset = reply["localTime"].replace(tzinfo=UTC) - (before + (after - before) / 2)
        return self._offset

    def now(self) -> datetime:
        """The database server's time as last measured, so that all processes agree on what is due."""
        return self._clock() + self._offset

    async def close(self) -> None:
        self._client.close()
        self._threads.shutdown(wait=False)


def _options() -> Document:
    return {"read_concern": ReadConcern("snapshot"), "write_concern": WriteConcern("majority"), "max_commit_time_ms": 20_000}


def _unknown(error: PyMongoError, deadline: float) -> bool:
    """Whether nobody knows if it was committed: asked again, the server says."""
    return error.has_error_label("UnknownTransactionCommitResult") and time.monotonic() < deadline


async def _retire(collection: Collection, indexes: Sequence[str]) -> None:
    present = await collection.index_information() if indexes else {}
    for index in sorted(set(indexes).intersection(present)):
        try:
            await collection.drop_index(index)
        except OperationFailure as error:  # another process does the same
            if error.code != _INDEX_NOT_FOUND:
                raise


async def _create(database: Database, name: str) -> None:
    """Unless another process that starts now was faster: the driver sees that as CollectionInvalid, the server says its code 48."""
    try:
        await database.create_collection(name)
    except CollectionInvalid:
        return
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise


class Files:
    """Stored files (GridFS). A file is written whole before anything refers to it."""

    def __init__(self, database: Database) -> None:
        self._bucket = AsyncIOMotorGridFSBucket(database, bucket_name="files")
        self._records = database["files.files"]

    async def put(self, file_id: str, filename: str, data: bytes, metadata: Mapping[str, Any]) -> None:
        """Store once; storing the same id again changes nothing. TransientError when somebody else is just storing it."""
        with translated():
            for _ in range(3):
                try:
                    await self._bucket.upload_from_stream_with_id(file_id, filename, data, metadata=dict(metadata))
                    return
                except (FileExists, DuplicateKeyError):
                    if await self._records.find_one({"_id": file_id}, {"_id": 1}):
                        return
                # Pieces without their file: an upload that died half way. They would pass for a stored file for ever.
                await self.delete(file_id)
        raise TransientError(f"file {file_id} is being stored elsewhere")

    async def get(self, file_id: str) -> bytes | None:
        with translated():
            try:
                return cast("bytes", await (await self._bucket.open_download_stream(file_id)).read())
            except NoFile:
                return None

    async def delete(self, file_id: str) -> None:
        with translated(), suppress(NoFile):
            await self._bucket.delete(file_id)
