"""How far each folder was read, and by whom: kept in our database, never in the mailbox."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from kit.errors import TransientError
from kit.mongo import Database, DuplicateKey, translated
from services.intake.mail.imap.accounts import Account
from services.intake.mail.imap.connection import Folder
from services.intake.storage import MAIL_FOLDERS

LEASE: Final = timedelta(seconds=12)
"""How long a folder of a killed process waits for another. Two readers at once would do no harm but twice the work."""

RENEW_AFTER: Final = LEASE / 4


@dataclass(frozen=True)
class Bookmark:
    """Everything up to `last` is stored. `since`: what came to the folder before is not ours (`start=now`)."""

    validity: int
    last: int
    since: datetime | None = None


def bookmark_for(account: Account, folder: Folder, known: Bookmark | None, now: datetime) -> Bookmark:
    """Where to go on reading. After a change of UIDVALIDITY the UIDs mean other mails: from the beginning (RFC 9051 section 2.3.1.1)."""
    if known is None:
        return Bookmark(folder.validity, folder.next_uid - 1, now) if account.from_now else Bookmark(folder.validity, 0)
    return known if known.validity == folder.validity else replace(known, validity=folder.validity, last=0)


class Folders:
    """The state of all folders, as one process sees it."""

    def __init__(self, database: Database, owner: str, now: Callable[[], datetime]) -> None:
        self._rows = database[MAIL_FOLDERS.name]
        self._owner = owner
        self._now = now
        self._renew_at: dict[str, datetime] = {}

    async def hold(self, account: Account) -> bool:
        """Whether this process is the one that reads the folder. Asked again and again, it stays that."""
        now = self._now()
        if now < self._renew_at.get(account.key, now):
            return True
        ours = {"_id": account.key, "$or": [{"owner": self._owner}, {"until": {"$lt": now}}]}
        change = {"$set": {"owner": self._owner, "until": now + LEASE, "mailbox": account.mailbox}, "$setOnInsert": {"added_at": now}}
        try:
            with translated():
                await self._rows.update_one(ours, change, upsert=True)
        except DuplicateKey:
            self._renew_at.pop(account.key, None)
            return False
        self._renew_at[account.key] = now + RENEW_AFTER
        return True

    async def bookmark(self, account: Account) -> Bookmark | None:
        with translated():
            row = await self._rows.find_one({"_id": account.key})
        return Bookmark(row["validity"], row["last_uid"], row.get("since")) if row and "validity" in row else None

    async def move(self, account: Account, to: Bookmark) -> None:
        """TransientError when another process reads the folder now: what it does is right."""
        await self._write(account, {"$set": {"validity": to.validity, "last_uid": to.last, "since": to.since}})

    async def went_well(self, account: Account) -> None:
        """It was looked into, and everything in it is stored."""
        await self._write(account, {"$set": {"looked_at": self._now()}, "$unset": {"trouble": ""}})

    async def went_wrong(self, account: Account, kind: str, text: str) -> None:
        """Remember since when, for those who ask how the folder is."""
        now = self._now()
        with translated():
            row = await self._rows.find_one({"_id": account.key}, {"trouble": 1})
            since = ((row or {}).get("trouble") or {}).get("since", now)
            trouble = {"kind": kind, "text": text[:300], "since": since}
            await self._rows.update_one({"_id": account.key, "owner": self._owner}, {"$set": {"trouble": trouble}})

    async def release(self) -> None:
        """Others need not wait for the lease to run out."""
        self._renew_at.clear()
        with translated():
            await self._rows.update_many({"owner": self._owner}, {"$set": {"until": self._now() - LEASE}})

    async def _write(self, account: Account, change: dict[str, Any]) -> None:
        with translated():
            result = await self._rows.update_one({"_id": account.key, "owner": self._owner}, change)
        if result.matched_count != 1:
            self._renew_at.pop(account.key, None)
            raise TransientError("the folder is read by another process now")
