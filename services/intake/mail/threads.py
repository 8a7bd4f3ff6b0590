"""Which ticket a mail is about. A signed id of ours proves that the sender has seen our mail; a reference in the subject proves nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kit.links import ticket_of_thread
from kit.mongo import Database, Document, translated
from schemas.values import Language
from services.intake.domain import reference as references
from services.intake.mail.letter import Letter
from services.intake.status import OVER
from services.intake.storage import CONVERSATIONS

_REFERENCE: Final = re.compile(r"\bHD[-‐‑–]?[0-9A-Z]{3}[-‐‑–][0-9A-Z]{3}[-‐‑–][0-9A-Z]{3}\b", re.IGNORECASE)
_LOOKED_AT: Final = 3
"""References in one subject that are tried."""


@dataclass(frozen=True)
class Thread:
    """The ticket a mail belongs to. `known`: it comes from the address of the person who asked (which anybody can write)."""

    ticket_id: str
    language: Language
    known: bool
    over: bool


class Threads:
    """Finds the conversation of a mail. `secrets`: all that our ids may be signed with."""

    def __init__(self, database: Database, secrets: Sequence[str]) -> None:
        self._conversations = database[CONVERSATIONS.name]
        self._secrets = secrets

    async def of(self, letter: Letter, sender: str) -> Thread | None:
        """By signed id for whoever has it; by reference in the subject only for the person who asked."""
        ticket_id = ticket_of_thread(self._secrets, letter.references)
        if ticket_id is not None:
            found = await self._thread({"_id": ticket_id}, sender)
            if found is not None:
                return found
        for written in _REFERENCE.findall(letter.subject)[:_LOOKED_AT]:
            canonical = _canonical(written)
            found = await self._thread({"reference": canonical}, sender) if canonical else None
            if found is not None and found.known:
                return found
        return None

    async def _thread(self, query: Document, sender: str) -> Thread | None:
        with translated():
            row = await self._conversations.find_one(query, {"email": 1, "language": 1, "ticket.status": 1})
        if row is None:
            return None
        email = row.get("email")
        known = bool(email) and email.casefold() == sender.casefold()
        return Thread(row["_id"], row["language"], known, over=(row.get("ticket") or {}).get("status") in OVER)


def _canonical(written: str) -> str | None:
    try:
        return references.parse(written)
    except (references.MalformedReference, references.MistypedReference):
        return None
