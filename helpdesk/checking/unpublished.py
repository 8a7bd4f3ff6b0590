"""What is journalled reaches Kafka."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import rows
from kit.ids import SLOTS
from kit.journal import JOURNAL
from schemas.topics import SERVICES

_FIELDS = {"topic": 1, "type": 1, "at": 1, "stream": 1}


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    for service in SERVICES:
        journal = installation.database(service)[JOURNAL.name]
        tally.add(await journal.estimated_document_count())
        # The slots are named so that the partial index serves the query.
        query = _owed(installation) | {"slot": {"$in": list(range(SLOTS))}}
        async for row in rows(journal, query, {"_id": 1}, by=None):
            yield f"{service}/{row['_id']}"


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    findings = []
    for service in SERVICES:
        ids = [key.partition("/")[2] for key in keys if key.partition("/")[0] == service]
        query = _owed(installation) | {"_id": {"$in": ids}}
        owed = await installation.database(service)[JOURNAL.name].find(query, _FIELDS).to_list(None) if ids else []
        for row in owed:
            what = f"{row['type']} of {row['stream']} is since {row['at']:%Y-%m-%d %H:%M:%S} UTC not published to {row['topic']}"
            remedy = f"see whether Kafka answers and {service}'s relay runs (/readyz); then it is published by itself"
            findings.append(Finding(f"{service}/{row['_id']}", f"{service}/journal/{row['_id']}", what, remedy))
    return findings


def _owed(installation: Installation) -> dict[str, Any]:
    return {"published": False, "at": {"$lt": installation.settled_before}}


UNPUBLISHED = Invariant("published", "nothing journalled is unpublished for more than a minute", _suspects, _judge)
