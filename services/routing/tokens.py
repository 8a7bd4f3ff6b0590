"""Bearer tokens of officers: random, shown once, kept as SHA-256."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kit.mongo import Database, translated
from services.routing.storage import TOKENS

PREFIX: Final = "hd_"
"""Makes a leaked token recognisable to secret scanners."""


ID_LENGTH: Final = 12
"""Hexadecimal digits of the hash by which people name a token: enough to tell any number of them apart, too few to be one."""


@dataclass(frozen=True)
class IssuedToken:
    """What is known of a token without the token."""

    id: str
    officer: str
    created_at: datetime
    expires_at: datetime
    note: str


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class TokenRepository:
    def __init__(self, database: Database) -> None:
        self._tokens = database[TOKENS.name]

    async def create(self, officer: str, *, now: datetime, expires_at: datetime, note: str = "", token: str | None = None) -> str:
        """A new token for the officer (or the one given, as in a demo); this is the only time it can be read."""
        token = token or PREFIX + secrets.token_urlsafe(32)
        row = {"officer": officer, "created_at": now, "expires_at": expires_at, "note": note}
        with translated():
            await self._tokens.update_one({"_id": digest(token)}, {"$set": row}, upsert=True)
        return token

    async def officer_of(self, token: str, now: datetime) -> str | None:
        """The officer's key; None when there is no such token or it has expired."""
        with translated():
            row = await self._tokens.find_one({"_id": digest(token), "expires_at": {"$gt": now}})
        return row["officer"] if row else None

    async def issued(self, officer: str | None = None) -> list[IssuedToken]:
        """Of one officer or of all, by officer and age; expired ones too."""
        query = {} if officer is None else {"officer": officer}
        with translated():
            rows = await self._tokens.find(query).sort([("officer", 1), ("created_at", 1)]).to_list(None)
        return [IssuedToken(row["_id"][:ID_LENGTH], row["officer"], row["created_at"], row["expires_at"], row["note"]) for row in rows]

    async def revoke(self, officer: str, id: str | None = None) -> int:  # noqa: A002 (what `issued` calls it)
        """Every token of the officer, or the one of that id. Returns how many there were."""
        query: dict[str, object] = {"officer": officer}
        if id is not None:
            query["_id"] = {"$regex": f"^{re.escape(id)}"}
        with translated():
            return int((await self._tokens.delete_many(query)).deleted_count)
