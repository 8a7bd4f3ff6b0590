"""received = requests + messages + bounces and other automatic mail + parked + waiting: every mail that was read came to something."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import PAGE, rows, there
from kit.mongo import Document
from services.intake.storage import CONVERSATIONS, MAILS

_FIELDS: Final = {"state": 1, "ticket_id": 1, "reason": 1, "received_at": 1}
_REMEDY: Final = "`helpdesk mail show` shows the mail; look for its id in the log of intake"
_NAMED: Final = {"done", "parked"}
"""States in which a mail stands on a request."""


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    page: list[Document] = []
    async for row in rows(installation.database("intake")[MAILS.name], {}, _FIELDS):
        tally.add(1)
        page.append(row)
        if len(page) == PAGE:
            for finding in await _wrong(installation, page):
                yield finding.key
            page = []
    for finding in await _wrong(installation, page):
        yield finding.key


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    mails = installation.database("intake")[MAILS.name]
    return await _wrong(installation, await mails.find({"_id": {"$in": list(keys)}}, _FIELDS).to_list(None))


async def _wrong(installation: Installation, page: Sequence[Document]) -> list[Finding]:
    named = [str(row["ticket_id"]) for row in page if row["state"] in _NAMED and row.get("ticket_id")]
    known: Any = await there(installation.database("intake")[CONVERSATIONS.name], named) if named else set()
    found = ((row, _fault(row, known)) for row in page)
    return [Finding(str(row["_id"]), f"intake/mails/{row['_id']}", fault, _REMEDY) for row, fault in found if fault is not None]


def _fault(row: Document, known: set[str]) -> str | None:
    match row["state"]:
        case "done" | "parked" if not row.get("ticket_id"):
            return f"is {row['state']}, but stands on no request"
        case "done" | "parked" if row["ticket_id"] not in known:
            return f"is {row['state']} on the request {row['ticket_id']}, which is not there"
        case "kept" | "parked" if not row.get("reason"):
            return f"is {row['state']} without a reason"
        case _:
            return None


_MEANING: Final = "every mail that was read is on a request, kept for a reason, or parked with a request"

SETTLED_MAILS = Invariant("settled mails", _MEANING, _suspects, _judge)
"""Whichever door a mail came in by, it has a row; whichever state a row has, this says what must go with it."""
