"""Links to the files a business sent: they lie with intake, which lets the holder of a ticket's token have them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kit.links import status_token

LIFETIME: Final = timedelta(hours=12)
"""A working day with its breaks. Short, because the token opens the whole status page and the link may end up in a browser's history."""

STEP: Final = timedelta(hours=1)
"""Tokens end on whole hours, so that a page read again shows the same links."""


@dataclass(frozen=True)
class FileLinks:
    """`secrets`: newest first; the newest signs."""

    public_url: str
    secrets: Sequence[str]

    def of_ticket(self, ticket_id: str, now: datetime) -> Callable[[str], str]:
        """From a file's id to its address."""
        end = now + LIFETIME + STEP
        token = status_token(self.secrets[0], ticket_id, end.replace(minute=0, second=0, microsecond=0))
        return lambda file_id: f"{self.public_url.rstrip('/')}/files/{file_id}?k={token}"
