"""Mail that was taken is worked on: none stays behind in its first state."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, Final

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import rows
from services.intake.storage import MAILS

WORKED_ON_WITHIN: Final = timedelta(minutes=5)
"""A mail is read at once; this leaves room for a restart."""


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    mails = installation.database("intake")[MAILS.name]
    tally.add(await mails.estimated_document_count())
    async for row in rows(mails, _left(installation), {"_id": 1}, by=None):
        yield str(row["_id"])


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    query = _left(installation) | {"_id": {"$in": list(keys)}}
    left = await installation.database("intake")[MAILS.name].find(query, {"received_at": 1}).to_list(None)
    return [
        Finding(
            str(row["_id"]),
            f"intake/mails/{row['_id']}",
            f"was received {row['received_at']:%Y-%m-%d %H:%M:%S} UTC and has not been worked on since",
            "see whether intake's mail role runs (/readyz) and what its log says of this mail",
        )
        for row in left
    ]


def _left(installation: Installation) -> dict[str, Any]:
    """By when it was to be read: a parked mail that is read again came long ago."""
    before = {"$lt": installation.mongo.now() - WORKED_ON_WITHIN}
    return {"state": "received", "received_at": before, "not_before": before}


READ_MAILS = Invariant("mails", "no mail waits for more than five minutes to be worked on", _suspects, _judge)
