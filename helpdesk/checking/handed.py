"""What a door said yes to is stored: each key under which a mail was handed in has its mail, with the bytes that came."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Final

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import found, pages, rows, there
from kit.mongo import Document
from services.intake.storage import MAIL_KEYS, MAILS, SUBMISSIONS

_FIELDS: Final = {"mail": 1, "sha256": 1}
_REMEDY: Final = (
    "the door takes it for stored and refuses it as a repeat: bring the mail back from the backup, or remove the key and hand it in again"
)


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    async for page in pages(rows(installation.database("intake")[MAIL_KEYS.name], {}, _FIELDS, by=None), tally):
        for finding in await _compared(installation, page):
            yield finding.key


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    return await _compared(installation, await found(installation.database("intake")[MAIL_KEYS.name], keys, _FIELDS))


async def _compared(installation: Installation, keys: Sequence[Document]) -> list[Finding]:
    """A key is written with its mail, so whoever reads the key first finds the mail."""
    stored: dict[str, set[str]] = defaultdict(set)
    mails = installation.database("intake")[MAILS.name]
    for row in await found(mails, [key["mail"] for key in keys], {"_id": 0, "mail": 1, "sha256": 1}, field="mail"):
        stored[row["mail"]].add(row["sha256"])
    wrong = ((key, _what(key, stored[key["mail"]])) for key in keys)
    return [Finding(key["_id"], f"intake/mail_keys/{key['_id']}", what, _REMEDY) for key, what in wrong if what]


def _what(key: Document, stored: set[str]) -> str | None:
    if not stored:
        return f"is the key of the mail {key['mail']}, which is not stored"
    return None if stored == {key["sha256"]} else f"is the key of the mail {key['mail']}, which is stored with other bytes"


async def _uncopied(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    query = {"raw.mail": {"$exists": True}}
    async for page in pages(rows(installation.database("intake")[SUBMISSIONS.name], query, {"raw.mail": 1}, by=None), tally):
        for finding in await _without_mail(installation, page):
            yield finding.key


async def _judge_uncopied(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    return await _without_mail(installation, await found(installation.database("intake")[SUBMISSIONS.name], keys, {"raw.mail": 1}))


async def _without_mail(installation: Installation, submissions: Sequence[Document]) -> list[Finding]:
    stored = await there(installation.database("intake")[MAILS.name], [row["raw"]["mail"] for row in submissions])
    return [
        Finding(
            row["_id"],
            f"intake/submissions/{row['_id']}",
            f"was made of the mail {row['raw']['mail']}, which is not stored any more",
            "bring the mail back from the backup",
        )
        for row in submissions
        if row["raw"]["mail"] not in stored
    ]


HANDED_IN: Final = (
    Invariant("handed_in", "every mail that a door has taken is stored as it came", _suspects, _judge),
    Invariant("raw_mails", "every request and message that came by mail has that mail as it came", _uncopied, _judge_uncopied),
)
