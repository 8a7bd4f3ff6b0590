"""What came back is known to whom it concerns: every report about a mail of ours stands on the delivery it is about."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Final

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import found, pages, rows
from kit.journal import JOURNAL
from kit.mongo import Document
from schemas.requests import DeliveryBounced
from services.notifier.storage import DELIVERIES

_REPORT: Final = DeliveryBounced.model_fields["type"].default
_FIELDS: Final = {"stream": 1, "seq": 1, "body": 1}
_REMEDY: Final = "see whether the notifier reads reports (/readyz) and whether `helpdesk dlq list notifier` holds it"


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    query = {"type": _REPORT, "at": {"$lt": installation.settled_before}}
    async for page in pages(rows(installation.database("intake")[JOURNAL.name], query, _FIELDS, by=None), tally):
        for finding in await _compared(installation, page):
            yield finding.key


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    return await _compared(installation, await found(installation.database("intake")[JOURNAL.name], keys, _FIELDS))


async def _compared(installation: Installation, entries: Sequence[Document]) -> list[Finding]:
    deliveries = installation.database("notifier")[DELIVERIES.name]
    tickets = list({entry["stream"] for entry in entries})
    of_ticket: dict[str, list[Document]] = defaultdict(list)
    for row in await found(deliveries, tickets, {"ticket_id": 1, "channel": 1, "returned.action": 1}, field="ticket_id"):
        of_ticket[row["ticket_id"]].append(row)
    return [
        Finding(
            entry["_id"],
            f"notifier/deliveries/{row['_id']}",
            f"was reported by a mail server (event {entry['seq']} of ticket {entry['stream']}), and does not know of it",
            _REMEDY,
        )
        for entry in entries
        for row in _about(json.loads(entry["body"])["delivery"], of_ticket[entry["stream"]])
        if not row.get("returned")
    ]


def _about(delivery: str, deliveries: Sequence[Document]) -> list[Document]:
    """The one the report names; it may name one that never was, or that did not go by mail."""
    return [row for row in deliveries if row["channel"] == "email" and row["_id"].replace("-", "").startswith(delivery)][:1]


RETURNED = Invariant("returned", "every mail that came back is known to have come back", _suspects, _judge)
