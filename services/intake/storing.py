"""Files people send: examined, stored before anything refers to them, found again, and swept away when nobody ever did."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Counter

from kit.ids import new_id
from kit.mongo import Database, Document, Files, translated
from schemas.values import Attachment
from services.intake.domain.files import AcceptedFile, Upload
from services.intake.sniff import sniff
from services.intake.storage import STORED_FILES, SUBMISSIONS

UNCLAIMED_AFTER: Final = timedelta(hours=24)
"""How long a file may wait for its submission. Seconds pass between the two; a day leaves room for any repair."""

SWEEP_BATCH: Final = 500

_QUICK: Final = 64 * 1024
"""Bytes that are hashed and looked at in less time than handing them to a thread takes."""

SWEPT = Counter("helpdesk_files_swept", "Stored files deleted because no submission names them")


@dataclass(frozen=True)
class SentFile:
    """A file as it arrived, under the sender's name for it."""

    filename: str
    content: bytes
    position: int | None = None
    """In the sender's list, where others of it are not among the files; None: as they are listed here."""

    @property
    def chosen(self) -> bool:
        """A browser sends an empty part where no file was chosen."""
        return bool(self.filename or self.content)


@dataclass(frozen=True)
class StoredFile:
    filename: str
    content: bytes
    page: bool = False
    """A page of our own making, fit to be shown: the HTML form of a mail. What others made is only ever saved."""


async def examine(sent: Sequence[SentFile]) -> list[Upload]:
    """What each file is, by its bytes. Raises nothing: what is wrong with it, the domain says."""
    if sum(len(file.content) for file in sent) <= _QUICK:
        return [_examined(file) for file in sent]
    return await asyncio.to_thread(lambda: [_examined(file) for file in sent])


def _examined(file: SentFile) -> Upload:
    content = file.content
    return Upload(file.filename, len(content), sniff(content, file.filename), hashlib.sha256(content).hexdigest(), file.position)


class FileStore:
    """Files of one service, each under a random id: knowing one file's content or id says nothing about another's."""

    def __init__(self, database: Database) -> None:
        self._files = Files(database)
        self._records = database[STORED_FILES.name]
        self._submissions = database[SUBMISSIONS.name]

    async def keep(self, accepted: Sequence[AcceptedFile], sent: Sequence[SentFile]) -> tuple[Attachment, ...]:
        """Durable when it returns. `sent`: the chosen files, in the order in which they were accepted."""
        attachments = tuple(
            Attachment(id=new_id(), filename=file.filename, content_type=file.content_type, size=file.size, sha256=file.sha256)
            for file in accepted
        )
        for attachment, file in zip(attachments, sent, strict=True):
            await self.put(attachment, file.content)
        return attachments

    async def keep_made(self, filename: str, content_type: str, content: bytes) -> Attachment:
        """A file that we made ourselves and need not examine. Durable when it returns."""
        made = Attachment(
            id=new_id(), filename=filename, content_type=content_type, size=len(content), sha256=hashlib.sha256(content).hexdigest()
        )
        await self.put(made, content)
        return made

    async def put(self, attachment: Attachment, content: bytes) -> None:
        """One file under the id it is given. Storing the same id again changes nothing."""
        metadata = {"content_type": attachment.content_type, "sha256": attachment.sha256, "claimed": False}
        await self._files.put(attachment.id, attachment.filename, content, metadata)

    async def fetch(self, ticket_id: str, file_id: str) -> StoredFile | None:
        """A file the business sent on that ticket; None for any other."""
        with translated():
            named = await self._submissions.find_one({"ticket_id": ticket_id, "files": file_id}, {"html": 1})
            record = await self._records.find_one({"_id": file_id}, {"filename": 1}) if named else None
        content = await self._files.get(file_id) if record else None
        if named is None or record is None or content is None:
            return None
        return StoredFile(record["filename"], content, page=named.get("html") == file_id)

    async def sweep(self, now: datetime) -> bool:
        """Delete old files that no submission names; True when there may be more. A step for a loop, safe in any number of processes."""
        with translated():
            query = {"metadata.claimed": False, "uploadDate": {"$lt": now - UNCLAIMED_AFTER}}
            rows = await self._records.find(query, {"_id": 1}).sort("uploadDate").limit(SWEEP_BATCH).to_list(SWEEP_BATCH)
            old = [row["_id"] for row in rows]
            claimed = await self._claimed(old)
            await self._records.update_many({"_id": {"$in": sorted(claimed)}}, {"$set": {"metadata.claimed": True}})
        for file_id in old:
            if file_id not in claimed:
                await self._files.delete(file_id)
                SWEPT.inc()
        return len(old) == SWEEP_BATCH

    async def _claimed(self, ids: Sequence[str]) -> set[str]:
        query = {"files": {"$in": list(ids)}, "files.0": {"$exists": True}}
        named: list[Document] = await self._submissions.find(query, {"files": 1}).to_list(None)
        return {file_id for row in named for file_id in row["files"]} & set(ids)
