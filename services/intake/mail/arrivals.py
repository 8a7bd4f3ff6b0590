"""Mail that came in, kept as it came: stored before the sender is told so, settled later, one row per addressed mailbox."""

import asyncio
import hashlib
from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pymongo import ASCENDING

from kit.batch import Batcher
from kit.errors import TransientError
from kit.ids import new_id, slot_of
from kit.mongo import Database, Document, Files, Mongo, Session, UpdateOne, translated
from services.intake.domain.mailboxes import Mailbox
from services.intake.storage import MAILS, STORED_FILES

State = Literal["received", "done", "kept", "parked"]

INLINE: Final = 64 * 1024
"""Bytes up to which a mail stands in its row: most do, and a transaction of `TOGETHER` of them stays below 20 MB."""

TOGETHER: Final = 300


@dataclass(frozen=True)
class Arrived:
    """A mail with its envelope, all text clean UTF-8. `sender` is empty for the null return path."""

    content: bytes
    sender: str
    recipients: tuple[str, ...]
    mailboxes: tuple[Mailbox, ...]
    peer: str
    helo: str


@dataclass(frozen=True)
class Settled:
    """What became of a row; `received` again means: later."""

    id: str
    state: State
    changes: Mapping[str, Any]


class Arrivals:
    """The mails of this installation. `bell` rings when there is something to read."""

    def __init__(self, mongo: Mongo, database: Database) -> None:
        self._mongo = mongo
        self._mails = database[MAILS.name]
        self._records = database[STORED_FILES.name]
        self._files = Files(database)
        self._incoming: Batcher[_Row, str] = Batcher(self._commit, limit=TOGETHER)
        self.bell = asyncio.Event()

    async def keep(self, mail: Arrived) -> str:
        """Its id, once it is durable. Raises TransientError; then nothing refers to it."""
        row = _Row(mail, new_id(), self._mongo.now())
        if row.file is not None:
            await self._files.put(row.file, "mail.eml", mail.content, {"content_type": "message/rfc822", "claimed": False})
        return await self._incoming.submit(row)

    async def _commit(self, rows: "Sequence[_Row]") -> Sequence[str | Exception]:
        """One transaction for all; if they cannot be stored together, one for each, so that only the one at fault is refused."""
        try:
            await self._mongo.transaction(lambda session: self._insert(rows, session))
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 (handed to the callers)
            if len(rows) == 1:
                return [error]
            return [outcome for row in rows for outcome in await self._commit([row])]
        self.bell.set()
        return [row.id for row in rows]

    async def _insert(self, rows: "Sequence[_Row]", session: Session) -> None:
        await self._mails.insert_many([document for row in rows for document in row.documents], session=session)
        large = [row.file for row in rows if row.file is not None]
        if large:
            await self._records.update_many({"_id": {"$in": large}}, {"$set": {"metadata.claimed": True}}, session=session)

    async def waiting(self, slots: Some[int], now: datetime, limit: int) -> list[Document]:
        """The oldest rows of these slots that are to be read, without their content."""
        query = {"state": "received", "slot": {"$in": sorted(slots)}, "not_before": {"$lte": now}}
        with translated():
            return await self._mails.find(query, {"raw": 0}).sort("_id", ASCENDING).limit(limit).to_list(limit)

    async def content(self, row: Document) -> bytes:
        """The mail as it came."""
        if row.get("file") is not None:
            found = await self._files.get(row["file"])
        else:
            with translated():
                document = await self._mails.find_one({"_id": row["_id"]}, {"raw": 1})
            found = bytes(document["raw"]) if document else None
        if found is None:
            raise LookupError(f"the content of mail {row['_id']} is not there")
        return found

    async def settle(self, outcomes: Sequence[Settled], at: datetime) -> None:
        """Only what is still to be read: whoever settled a row first is right."""
        writes = [
            UpdateOne({"_id": each.id, "state": "received"}, {"$set": {**each.changes, "state": each.state, "looked_at": at}})
            for each in outcomes
        ]
        if writes:
            with translated():
                await self._mails.bulk_write(writes, ordered=False)


class _Row:
    """The documents of one mail; made once, so that a transaction tried again writes the same."""

    def __init__(self, mail: Arrived, mail_id: str, at: datetime) -> None:
        self.id = mail_id
        self.file = None if len(mail.content) <= INLINE else new_id()
        shared: Document = {
            "mail": mail_id,
            "state": "received",
            "received_at": at,
            "not_before": at - timedelta(hours=1),
            "attempts": 0,
            "lane": mail.sender.lower(),
            "slot": slot_of(mail.sender.lower() or mail_id),
            "envelope": {"from": mail.sender, "to": list(mail.recipients), "peer": mail.peer, "helo": mail.helo},
            "size": len(mail.content),
            "sha256": hashlib.sha256(mail.content).hexdigest(),
            **({"raw": mail.content} if self.file is None else {"file": self.file}),
        }
        self.documents: list[Document] = [
            {"_id": f"{mail_id}.{number}", "mailbox": mailbox.address, "group": mailbox.group, **shared}
            for number, mailbox in enumerate(mail.mailboxes, start=1)
        ]
