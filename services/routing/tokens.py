"""Bearer tokens of officers: random, shown once, kept as SHA-256."""

import hashlib
import secrets
from datetime import datetime
from typing import Final

from kit.mongo import Database, translated
from services.routing.storage import TOKENS

PREFIX: Final = "hd_"
"""Makes a leaked token recognisable to secret scanners."""


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

    async def revoke(self, officer: str) -> int:
        """Every token of the officer. Returns how many there were."""
        with translated():
            return int((await self._tokens.delete_many({"officer": officer})).deleted_count)
