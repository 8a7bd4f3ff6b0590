"""Mail that came in, kept as it came: stored before the sender is told so, settled later, one row per addressed mailbox."""

import asyncio
import hashlib
from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from prometheus_client import Counter
from pymongo import ASCENDING

from kit.batch import Batcher
from kit.errors import TransientError
from kit.ids import new_id, slot_of
from kit.mongo import Database, Document, DuplicateKey, Files, Mongo, Session, UpdateOne, translated
from schemas.values import Trust
from services.intake.domain.mailboxes import Mailbox
from services.intake.storage import MAIL_KEYS, MAIL_TALLIES, MAILS, STORED_FILES

State = Literal["received", "done", "kept", "parked"]
Door = Literal["smtp", "imap", "mailgun", "postmark", "sendgrid", "ses"]

STORED = Counter(
    "helpdesk_mails_stored", "Mails stored, by the door they came in by; a repeat is one that was stored before", ["door", "as"]
)

INLINE: Final = 64 * 1024
"""Bytes up to which a mail stands in its row: most do, and a transaction of `TOGETHER` of them stays below 20 MB."""

TOGETHER: Final = 300


@dataclass(frozen=True)
class Arrived:
    """A mail with its envelope, all text clean UTF-8. `sender` is empty for the null return path, None where the door does not tell."""

    content: bytes
    sender: str | None
    recipients: tuple[str, ...]
    mailboxes: tuple[Mailbox, ...]
    peer: str
    helo: str
    door: Door = "smtp"
    key: str | None = None
    """What its door knows it by, where it may be handed in again: the same key is stored once."""

    authserv_ids: tuple[str, ...] = ()
    """Names of our own mail servers behind this door, in lower case: what they wrote into the mail about its sender counts."""

    verdict: Trust | None = None
    """What a provider found out about the sender, where that is signed with the mail; nothing in the mail counts then."""

    unfit: str | None = None
    """Why it is not to be read, as a short word: `content` is only a part of it. It is parked as it is."""


class KeyTaken(Exception):
    """Another mail came under this key before."""


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
        self._keys = database[MAIL_KEYS.name]
        self._records = database[STORED_FILES.name]
        self._tallies = database[MAIL_TALLIES.name]
        self._tally = new_id()
        self._files = Files(database)
        self._incoming: Batcher[_Row, str] = Batcher(self._commit, limit=TOGETHER)
        self.bell = asyncio.Event()

    async def keep(self, mail: Arrived) -> str:
        """Its id, once it is durable. Raises KeyTaken; TransientError, and then nothing refers to it."""
        earlier = await self._earlier(mail)
        if earlier is None:
            try:
                mail_id = await self._store(_Row(mail, new_id(), self._mongo.now(), self._tally), mail.content)
            except DuplicateKey:  # it is being handed in twice at once
                earlier = await self._earlier(mail)
                if earlier is None:
                    raise
            else:
                STORED.labels(mail.door, "new").inc()
                return mail_id
        STORED.labels(mail.door, "repeat").inc()
        return earlier

    def now(self) -> datetime:
        """The database server's time."""
        return self._mongo.now()

    async def _earlier(self, mail: Arrived) -> str | None:
        """The id it was stored under before. Raises KeyTaken."""
        if mail.key is None:
            return None
        with translated():
            row = await self._keys.find_one({"_id": mail.key})
        if row is None:
            return None
        if row["sha256"] != _digest(mail.content):
            raise KeyTaken(mail.key)
        return str(row["mail"])

    async def _store(self, row: "_Row", content: bytes) -> str:
        if row.file is not None:
            await self._files.put(row.file, "mail.eml", content, {"content_type": "message/rfc822", "claimed": False})
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
        documents = [document for row in rows for document in row.documents]
        await self._mails.insert_many(documents, session=session)
        await self._tallies.update_one({"_id": self._tally}, {"$inc": {"rows": len(documents)}}, upsert=True, session=session)
        keys = [row.key for row in rows if row.key is not None]
        if keys:
            await self._keys.insert_many(keys, session=session)
        large = [row.file for row in rows if row.file is not None]
        if large:
            await self._records.update_many({"_id": {"$in": large}}, {"$set": {"metadata.claimed": True}}, session=session)

    async def waiting(self, slots: Some[int], now: datetime, limit: int, lanes: Some[str] = (), ids: Some[str] = ()) -> list[Document]:
        """The oldest rows of these slots that are to be read, without their content; none of these `lanes` and `ids`."""
        query: Document = {"state": "received", "slot": {"$in": sorted(slots)}, "not_before": {"$lte": now}}
        query |= {"lane": {"$nin": sorted(lanes)}} if lanes else {}
        query |= {"_id": {"$nin": sorted(ids)}} if ids else {}
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

    def __init__(self, mail: Arrived, mail_id: str, at: datetime, tally: str) -> None:
        self.id = mail_id
        self.file = None if len(mail.content) <= INLINE else new_id()
        sender = mail.sender or ""
        shared: Document = {
            "mail": mail_id,
            "tally": tally,
            "state": "received",
            "received_at": at,
            "not_before": at - timedelta(hours=1),
            "attempts": 0,
            "lane": sender.lower(),
            "slot": slot_of(sender.lower() or mail_id),
            "envelope": {"from": mail.sender, "to": list(mail.recipients), "peer": mail.peer, "helo": mail.helo},
            "door": mail.door,
            "size": len(mail.content),
            "sha256": _digest(mail.content),
            **({"unfit": mail.unfit} if mail.unfit is not None else {}),
            **({"authserv": list(mail.authserv_ids)} if mail.authserv_ids else {}),
            **({"verdict": mail.verdict} if mail.verdict is not None else {}),
            **({"raw": mail.content} if self.file is None else {"file": self.file}),
        }
        self.key: Document | None = (
            {"_id": mail.key, "mail": mail_id, "sha256": shared["sha256"], "at": at} if mail.key is not None else None
        )
        self.documents: list[Document] = [
            {"_id": f"{mail_id}.{number}", "mailbox": mailbox.address, "group": mailbox.group, **shared}
            for number, mailbox in enumerate(mail.mailboxes, start=1)
        ]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
