"""What is no contradiction in the data and still keeps mail from arriving, or from being read."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from helpdesk.checking.installation import Installation
from kit.mongo import Document
from services.intake.storage import MAIL_FOLDERS, MAILS

LOOKED_WITHIN: Final = timedelta(minutes=15)
"""A folder is looked into every five minutes at least."""

RECENT: Final = timedelta(days=7)


async def mail_warnings(installation: Installation) -> list[str]:
    now, intake = installation.mongo.now(), installation.database("intake")
    warnings = [warning async for warning in _folders(intake[MAIL_FOLDERS.name].find({}), now)]
    parked = await intake[MAILS.name].count_documents({"state": "parked", "received_at": {"$gt": now - RECENT}})
    if parked:
        mails = "1 mail of the last week" if parked == 1 else f"{parked:,} mails of the last week"
        warnings.append(f"{mails} could not be read: `helpdesk mail parked`")
    return warnings


async def _folders(found: AsyncIterator[Document], now: datetime) -> AsyncIterator[str]:
    async for row in found:
        trouble, looked_at = row.get("trouble"), row.get("looked_at")
        if trouble:
            what = "refuses the login" if trouble["kind"] == "login" else "cannot be read"
            yield f"the IMAP folder {row['_id']} {what} since {trouble['since']:%Y-%m-%d %H:%M} UTC: {trouble['text']}"
        elif (looked_at or row.get("added_at", now)) < now - LOOKED_WITHIN:
            since = f"since {looked_at:%Y-%m-%d %H:%M} UTC" if looked_at else "so far"
            yield f"nobody has looked into the IMAP folder {row['_id']} {since}: does intake's mail role run with HELPDESK_IMAP_URLS?"
