"""received = requests + messages + bounces and other automatic mail + parked + waiting: every mail that was read came to something.

Whichever door a mail came in by, it has a row; whatever state a row has, this says what must go with it.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import found, pages, rows, there
from kit.journal import JOURNAL
from kit.mongo import Document
from schemas.requests import DeliveryBounced
from services.intake.storage import CONVERSATIONS, MAILS, SUBMISSIONS

_FIELDS: Final = {"state": 1, "ticket_id": 1, "reason": 1, "as": 1}
_REMEDY: Final = "`helpdesk mail show` shows the mail; look for its id in the log of intake"
_NAMED: Final = {"done", "parked"}
"""States in which a mail stands on a request."""

_SAID: Final = {"request", "message", "automatic"}
"""What a mail may be that is itself on its request; a duplicate is there as the mail that came first."""


@dataclass(frozen=True)
class _Known:
    """What there is on the requests of a page: which of them exist, ids of the mails on them, those with a report."""

    requests: set[str]
    mails: set[tuple[str, str]]
    reported: set[str]


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    async for page in pages(rows(installation.database("intake")[MAILS.name], {}, _FIELDS, by=None), tally):
        for finding in await _wrong(installation, page):
            yield finding.key


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    return await _wrong(installation, await found(installation.database("intake")[MAILS.name], keys, _FIELDS))


async def _wrong(installation: Installation, page: Sequence[Document]) -> list[Finding]:
    """A mail is settled after what it came to was written, so whoever reads the mail first finds the rest."""
    known = await _known(installation, page)
    faults = ((row, _fault(row, known)) for row in page)
    return [Finding(row["_id"], f"intake/mails/{row['_id']}", fault, _REMEDY) for row, fault in faults if fault is not None]


async def _known(installation: Installation, page: Sequence[Document]) -> _Known:
    intake = installation.database("intake")
    named = list({row["ticket_id"] for row in page if row["state"] in _NAMED and row.get("ticket_id")})
    bounced = list({row["ticket_id"] for row in page if row.get("as") == "bounce" and row.get("ticket_id")})
    said = await found(intake[SUBMISSIONS.name], named, {"ticket_id": 1, "raw.mail": 1}, field="ticket_id")
    entries = await found(intake[JOURNAL.name], bounced, {"stream": 1, "type": 1}, field="stream")
    return _Known(
        await there(intake[CONVERSATIONS.name], named),
        {(row["ticket_id"], row["raw"]["mail"]) for row in said if "mail" in row.get("raw", {})},
        {entry["stream"] for entry in entries if entry["type"] == DeliveryBounced.model_fields["type"].default},
    )


def _fault(row: Document, known: _Known) -> str | None:
    match row["state"]:
        case "received":
            return None
        case "kept" | "parked" if not row.get("reason"):
            return f"is {row['state']} without a reason"
        case "kept":
            return None
        case "done" | "parked":
            return _misplaced(row, known)
        case state:
            return f"is {state}, which no mail can be"


def _misplaced(row: Document, known: _Known) -> str | None:
    ticket_id = row.get("ticket_id")
    if not ticket_id:
        return f"is {row['state']}, but stands on no request"
    if ticket_id not in known.requests:
        return f"is {row['state']} on the request {ticket_id}, which is not there"
    return _unsaid(row, known) if row["state"] == "done" else None


def _unsaid(row: Document, known: _Known) -> str | None:
    match row.get("as"):
        case "duplicate":
            return None
        case "bounce":
            return (
                None if row["ticket_id"] in known.reported else f"reports on a mail of the request {row['ticket_id']}, which has no report"
            )
        case kind if kind in _SAID:
            on_it = (row["ticket_id"], row["_id"]) in known.mails
            return None if on_it else f"is a {kind} of the request {row['ticket_id']}, which has no message from this mail"
        case kind:
            return f"is done as {kind}, which no mail can be"


_MEANING: Final = "every mail that was read is on a request, kept for a reason, or parked with a request"

SETTLED_MAILS = Invariant("settled_mails", _MEANING, _suspects, _judge)
