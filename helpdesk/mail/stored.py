"""The mails of intake, as an administrator needs them."""

from collections.abc import Sequence
from typing import Any

from kit.errors import RefusedError
from kit.mongo import Database, Document, Mongo, translated
from services.intake.mail.arrivals import Arrivals
from services.intake.storage import MAILS


class StoredMails:
    """Read as they are; `retry` alone writes."""

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

    async def one(self, mail_id: str) -> Document:
        """By the id of the row, or of the mail. RefusedError when there is none."""
        with translated():
            row = await self._mails.find_one({"$or": [{"_id": mail_id}, {"mail": mail_id}]}, {"raw": 0})
        if row is None:
            raise RefusedError(f"There is no mail {mail_id[:60]!r}; `helpdesk mail parked` lists those that could not be read.")
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
