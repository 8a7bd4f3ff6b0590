"""The mails of intake, as an administrator needs them."""

from collections.abc import Sequence
from typing import Any

from kit.errors import RefusedError
from kit.mongo import Database, Document, Mongo, translated
from services.intake.mail.arrivals import Arrivals
from services.intake.storage import MAILS


class StoredMails:
    """Read as they are; `retry` and `open` alone write."""

    def __init__(self, mongo: Mongo, database: Database) -> None:
        self._mongo = mongo
        self._mails = database[MAILS.name]
        self._arrivals = Arrivals(mongo, database)

    async def parked(self, most: int | None) -> list[Document]:
        """The newest first, without their content."""
        with translated():
            return await self._mails.find({"state": "parked"}, {"raw": 0}).sort("received_at", -1).limit(most or 0).to_list(None)

    async def count_parked(self) -> int:
        with translated():
            return int(await self._mails.count_documents({"state": "parked"}))

    async def kept(self, reason: str | None, most: int) -> list[Document]:
        """The newest first, without their content."""
        with translated():
            return await self._mails.find(_kept(reason), {"raw": 0}).sort("received_at", -1).limit(most).to_list(None)

    async def count_kept(self, reason: str | None) -> int:
        with translated():
            return int(await self._mails.count_documents(_kept(reason)))

    async def open(self, mail_id: str, by: str) -> str:
        """Have a kept mail read again and opened as a request, whatever it looks like; what will happen, or has, in a sentence."""
        now = self._mongo.now()
        opens = {"at": now, "by": by, "kept_for": "$reason"}
        again = {"state": "received", "attempts": 0, "not_before": now, "opens": opens}
        with translated():
            result = await self._mails.update_one({"_id": mail_id, "state": "kept"}, [{"$set": again}, {"$unset": ["reason"]}])
        if result.modified_count:
            return f"{mail_id} will be opened as a request by intake's mail role; `helpdesk mail show {mail_id}` says which."
        row = await self.one(mail_id)
        if row["_id"] != mail_id or "opens" not in row:
            raise RefusedError(_not_kept(row, mail_id))
        if row["state"] == "received":
            return f"{mail_id} is about to be opened as a request already: intake's mail role has not come to it yet."
        return f"{mail_id} was opened already: it is on the request {row.get('ticket_id')}."

    async def one(self, mail_id: str) -> Document:
        """By the id of the row, or of the mail. RefusedError when there is none."""
        with translated():
            row = await self._mails.find_one({"$or": [{"_id": mail_id}, {"mail": mail_id}]}, {"raw": 0})
        if row is None:
            raise RefusedError(f"There is no mail {mail_id[:60]!r}; `helpdesk mail parked` and `kept` list what became no message.")
        return dict(row)

    async def content(self, row: Document) -> bytes:
        """RefusedError when the stored file is gone."""
        try:
            return await self._arrivals.content(row)
        except LookupError as error:
            raise RefusedError(f"{error}: look for it in a backup") from error

    async def retry(self, ids: Sequence[str] | None, reason: str | None) -> int:
        """How many will be read again. The request that stands for a mail is remembered, so that there will not be two."""
        query: dict[str, Any] = {"state": "parked", "unfit": {"$exists": False}}
        if ids is not None:
            await self._refuse_others(ids)
            query["_id"] = {"$in": list(ids)}
        if reason is not None:
            query["reason"] = reason
        again = {"state": "received", "attempts": 0, "not_before": self._mongo.now(), "stub": {"$ifNull": ["$stub", "$ticket_id"]}}
        with translated():
            result = await self._mails.update_many(query, [{"$set": again}, {"$unset": ["reason"]}])
        return int(result.modified_count)

    async def _refuse_others(self, ids: Sequence[str]) -> None:
        for mail_id in ids:
            row = await self.one(mail_id)
            if row["_id"] != mail_id or row["state"] != "parked":
                raise RefusedError(f"{mail_id[:60]} is not parked: use an id that `helpdesk mail parked` shows.")
            if "unfit" in row:
                raise RefusedError(
                    f"{mail_id[:60]} ({row['unfit']}) is a part of a mail: reading it again won't help, fetch all of it by hand."
                )


def _kept(reason: str | None) -> dict[str, Any]:
    return {"state": "kept"} if reason is None else {"state": "kept", "reason": reason}


def _not_kept(row: Document, mail_id: str) -> str:
    if row["_id"] != mail_id:
        return f"{mail_id[:60]} is the id of a mail: use that of its row in one mailbox, as `helpdesk mail kept` shows it."
    if row["state"] == "parked":
        return f"{mail_id[:60]} is parked, and the request {row.get('ticket_id')} stands for it: `helpdesk mail retry` has it read again."
    if row["state"] == "received":
        return f"{mail_id[:60]} has not been read yet."
    return f"{mail_id[:60]} is not kept: it is on the request {row.get('ticket_id')}."
