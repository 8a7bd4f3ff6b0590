"""Everybody who has to be told is told, or will be: deliveries agree with the events that ask for them.

Known weakness: who has to be told is decided by this release's rules, so events from before a release that tells more people are found
to lack deliveries.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from pydantic import ValidationError

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import found, pages, rows, there
from kit.journal import JOURNAL
from kit.mongo import Document
from schemas.tickets import ticket_events
from services.notifier.domain.audience import TO_BUSINESS, TO_STAFF, plan
from services.notifier.storage import DELIVERIES

TELLING: Final = sorted({kind.model_fields["type"].default for kind in (*TO_BUSINESS, *TO_STAFF)})
"""Types of the events somebody may have to be told of."""

_TO_BE_SENT: Final = ["pending", "gathering"]
_LACKING: Final = [
    {"state": "pending", "content": None},
    {"state": "gathering", "work": None, "$or": [{"content": None}, {"alarm": None}]},
]
"""An alarm that waits has its own mail as well, for when it is alone; new work has not."""

_NOT_SENT: Final = ["failed", "dropped"]
_NAMES: Final = {"template": 1, "recipient": 1, "ticket_id": 1}
_WHY: Final = {"state": 1, "reason": 1, "audience": 1}
_FIELDS: Final = {"stream": 1, "seq": 1, "type": 1, "body": 1}
_REMEDY = "see whether the notifier runs (/readyz) and whether `helpdesk dlq list notifier` holds it; `helpdesk dlq replay` brings it in"


async def _untold(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    journal = installation.database("routing")[JOURNAL.name]
    query = {"at": {"$lt": installation.settled_before}, "type": {"$in": TELLING}}
    async for page in pages(rows(journal, query, _FIELDS, by="at"), tally):
        for finding in await _compared(installation, page):
            yield finding.key


async def _judge_untold(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    return await _compared(installation, await found(installation.database("routing")[JOURNAL.name], keys, _FIELDS))


async def _compared(installation: Installation, entries: Sequence[Document]) -> list[Finding]:
    """One finding for each recipient of an event that has no delivery on any of the channels it could have been planned for."""
    findings: list[Finding] = []
    wanted: list[tuple[Document, dict[str, set[str]]]] = []
    for entry in entries:
        try:
            wanted.append((entry, _planned(entry)))
        except ValidationError as error:
            findings.append(_finding(entry, f"can't be read as an event: {' '.join(str(error).split())[:200]}"))
    ids = [delivery_id for _, planned in wanted for either in planned.values() for delivery_id in either]
    known = await there(installation.database("notifier")[DELIVERIES.name], ids)
    for entry, planned in wanted:
        lacking = [recipient for recipient, either in planned.items() if known.isdisjoint(either)]
        findings += [_finding(entry, f"asks for a delivery to {recipient}, and there is none") for recipient in lacking]
    return findings


def _planned(entry: Document) -> dict[str, set[str]]:
    """Recipient to the ids its delivery may have: which chat accounts could be written to when it was planned is not known any more."""
    event: Any = ticket_events.validate_json(entry["body"])
    planned: dict[str, set[str]] = defaultdict(set)
    for writable in (None, ()) if event.ticket.contact.chat else (None,):
        for delivery in plan(event, writable):
            planned[delivery.recipient].add(delivery.id)
    return planned


def _finding(entry: Document, what: str) -> Finding:
    told = f"{entry['type']} (event {entry['seq']} of ticket {entry['stream']}) {what}"
    return Finding(entry["_id"], f"routing/journal/{entry['_id']}", told, _REMEDY)


async def _empty(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    deliveries = installation.database("notifier")[DELIVERIES.name]
    for state in _TO_BE_SENT:
        # The lane, which every delivery has, is named so that the partial index of the state serves the query.
        async for page in pages(rows(deliveries, {"state": state, "lane": {"$gt": ""}}, {"_id": 1}, by=None), tally):
            for finding in await _judge_empty(installation, [row["_id"] for row in page]):
                yield finding.key


async def _judge_empty(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    query = {"_id": {"$in": list(keys)}, "$or": _LACKING}
    rows_without = installation.database("notifier")[DELIVERIES.name].find(query, _NAMES)
    return [
        Finding(
            row["_id"],
            f"notifier/deliveries/{row['_id']}",
            f"{_named(row)} waits to be sent and has no content",
            "what comes after it in its lane waits with it: bring the delivery back from the backup",
        )
        for row in await rows_without.to_list(None)
    ]


async def _unexplained(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    deliveries = installation.database("notifier")[DELIVERIES.name]
    async for page in pages(rows(deliveries, {"state": {"$in": _NOT_SENT}}, {**_NAMES, **_WHY}, by=None), tally):
        for finding in _without_reason(page):
            yield finding.key


async def _judge_unexplained(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    return _without_reason(await found(installation.database("notifier")[DELIVERIES.name], keys, {**_NAMES, **_WHY}))


def _without_reason(deliveries: Sequence[Document]) -> list[Finding]:
    """Dropped are notices of work that is done, and acknowledgements that are too many; an answer always has an end that is told."""
    findings: list[Finding] = []
    for row in deliveries:
        if row["state"] in _NOT_SENT and not row.get("reason"):
            findings.append(_unsent(row, f"{_named(row)} is {row['state']} without a reason"))
        elif row["state"] == "dropped" and row["audience"] == "business" and row["template"] != "acknowledgement":
            findings.append(_unsent(row, f"{_named(row)} was dropped, and nobody is told that it was not sent"))
    return findings


def _unsent(row: Document, what: str) -> Finding:
    return Finding(row["_id"], f"notifier/deliveries/{row['_id']}", what, "look for its id in the notifier's log, and tell them by hand")


def _named(row: Document) -> str:
    return f"{row.get('template')} to {row.get('recipient')} on ticket {row.get('ticket_id')}"


DELIVERED: Final = (
    Invariant("told", "everybody whom a ticket event has to reach has a delivery", _untold, _judge_untold),
    Invariant("sendable", "every delivery that waits has what it will send", _empty, _judge_empty),
    Invariant("reasons", "whoever was not told, it is on record why", _unexplained, _judge_unexplained),
)
