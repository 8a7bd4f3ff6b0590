"""What is no contradiction in the data and still keeps chats from being answered: an account that is posted nothing."""

import re
from typing import Final

from helpdesk.checking.installation import Installation
from kit.organisation import OrganisationStore
from services.intake.storage import THREADS

_REMEDY: Final = "give it a callback_url in the organisation file and `helpdesk load` it"


async def chat_warnings(installation: Installation) -> list[str]:
    """One for each account without a callback that somebody has written to. The notifier's organisation decides, for it is who posts."""
    store = OrganisationStore(installation.database("notifier"))
    await store.refresh()
    accounts = store.current.organisation.chat_accounts if store.loaded else ()
    counts = {account.key: await _conversations(installation, account.key) for account in accounts if account.callback_url is None}
    return [
        f"answers to {_said(count)} of the chat account {key!r} are shown on the status page alone: {_REMEDY}"
        for key, count in counts.items()
        if count
    ]


async def _conversations(installation: Installation, account: str) -> int:
    """By the beginning of the id, which the index of ids answers."""
    threads = installation.database("intake")[THREADS.name]
    return await threads.count_documents({"_id": {"$regex": f"^chat:{re.escape(account)}:"}})


def _said(conversations: int) -> str:
    return "1 conversation" if conversations == 1 else f"{conversations:,} conversations"
