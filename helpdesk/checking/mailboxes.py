"""What is no contradiction in the data and still keeps mail from arriving, or from being read."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from helpdesk.checking.installation import Installation
from kit.mongo import Database, Document
from services.intake.storage import CONVERSATIONS, MAIL_FOLDERS, MAILS

LOOKED_WITHIN: Final = timedelta(minutes=15)
"""A folder is looked into every five minutes at least."""

RECENT: Final = timedelta(days=7)

_PEOPLES_TOO: Final = ("auto_submitted", "auto_response_suppress", "precedence", "auto_reply", "null_return_path")
"""What mail is kept for though a firm's system, a web form or a list may have sent a request so: no reports, and none of our own."""

_ANY_CASE: Final = {"locale": "en", "strength": 2}


async def mail_warnings(installation: Installation) -> list[str]:
    now, intake = installation.mongo.now(), installation.database("intake")
    warnings = [warning async for warning in _folders(intake[MAIL_FOLDERS.name].find({}), now)]
    parked = await intake[MAILS.name].count_documents({"state": "parked", "received_at": {"$gt": now - RECENT}})
    if parked:
        mails = "1 mail of the last week" if parked == 1 else f"{parked:,} mails of the last week"
        warnings.append(f"{mails} could not be read: `helpdesk mail parked`")
    unseen = await _unseen(intake, now)
    if unseen:
        warnings.append(_unseen_warning(unseen))
    return warnings


async def _unseen(intake: Database, now: datetime) -> Counter[str]:
    """By reason, the mails that might be a new business's first one. Those of who has a ticket are answers to it at most."""
    recent = {"state": "kept", "received_at": {"$gt": now - RECENT}, "ticket_id": {"$exists": False}, "reason": {"$in": _PEOPLES_TOO}}
    key = {"reason": "$reason", "address": "$wrote.address"}
    cursor = intake[MAILS.name].aggregate([{"$match": recent}, {"$group": {"_id": key, "count": {"$sum": 1}}}])
    groups = [(group["_id"]["reason"], group["_id"].get("address", "").lower(), group["count"]) async for group in cursor]
    known = await _with_a_ticket(intake, {address for _, address, _ in groups if address})
    unseen: Counter[str] = Counter()
    for reason, address, count in groups:
        unseen[reason] += 0 if address in known else count
    return +unseen


async def _with_a_ticket(intake: Database, addresses: set[str]) -> set[str]:
    """Those of the addresses, in lower case, that somebody asked from."""
    if not addresses:
        return set()
    found = intake[CONVERSATIONS.name].find({"email": {"$in": sorted(addresses)}}, {"email": 1}, collation=_ANY_CASE)
    return {row["email"].lower() async for row in found}


def _unseen_warning(unseen: Mapping[str, int]) -> str:
    count = sum(unseen.values())
    mails = "1 mail of the last week was" if count == 1 else f"{count:,} mails of the last week were"
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in sorted(unseen.items(), key=lambda each: (-each[1], each[0])))
    return f"{mails} kept as automatic, from senders without a ticket, and no officer sees them ({reasons}): `helpdesk mail kept`"


async def _folders(found: AsyncIterator[Document], now: datetime) -> AsyncIterator[str]:
    async for row in found:
        trouble, looked_at = row.get("trouble"), row.get("looked_at")
        if trouble:
            what = "refuses the login" if trouble["kind"] == "login" else "cannot be read"
            yield f"the IMAP folder {row['_id']} {what} since {trouble['since']:%Y-%m-%d %H:%M} UTC: {trouble['text']}"
        elif (looked_at or row.get("added_at", now)) < now - LOOKED_WITHIN:
            since = f"since {looked_at:%Y-%m-%d %H:%M} UTC" if looked_at else "so far"
            yield f"nobody has looked into the IMAP folder {row['_id']} {since}: does intake's mail role run with HELPDESK_IMAP_URLS?"
