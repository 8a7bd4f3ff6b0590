"""What is journalled reaches Kafka."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import found, rows
from kit.journal import JOURNAL, OWED
from kit.mongo import Document
from schemas.topics import SERVICES

_FIELDS = {"topic": 1, "type": 1, "at": 1, "stream": 1}


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    for service in SERVICES:
        database = installation.database(service)
        tally.add(await database[JOURNAL.name].estimated_document_count())
        async for row in rows(database[OWED.name], _waiting(installation), {"entries.id": 1}, by=None):
            for each in row["entries"]:
                yield f"{service}/{each['id']}"


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    findings = []
    for service in SERVICES:
        database = installation.database(service)
        ids = {key.partition("/")[2] for key in keys if key.partition("/")[0] == service}
        groups = await database[OWED.name].find(_waiting(installation)).to_list(None) if ids else []
        owed = ids & {each["id"] for group in groups for each in group["entries"]}
        entries = {row["_id"]: row for row in await found(database[JOURNAL.name], owed, _FIELDS)}
        findings += [_finding(service, name, entries.get(name)) for name in sorted(owed)]
    return findings


def _finding(service: str, name: str, row: Document | None) -> Finding:
    key, record = f"{service}/{name}", f"{service}/journal/{name}"
    if row is None:
        return Finding(key, record, f"entry {name} is to be published, but is not in the journal", "restore the journal from a backup")
    what = f"{row['type']} of {row['stream']} is since {row['at']:%Y-%m-%d %H:%M:%S} UTC not published to {row['topic']}"
    remedy = f"see whether Kafka answers and {service}'s relay runs (/readyz); then it is published by itself"
    return Finding(key, record, what, remedy)


def _waiting(installation: Installation) -> dict[str, Any]:
    return {"at": {"$lt": installation.settled_before}}


UNPUBLISHED = Invariant("published", "nothing journalled is unpublished for more than a minute", _suspects, _judge)
