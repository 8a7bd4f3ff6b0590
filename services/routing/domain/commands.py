"""What an officer can ask for. Message ids are minted by the caller, so that a command tried again says the same thing once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from schemas.values import Attachment, Priority

LEASE: Final = timedelta(hours=8)
"""Working time for which a claim or an assignment keeps others from claiming: one working day, chosen so that
a ticket forgotten overnight is free again the next day at the same hour."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. What they may do beyond their group follows from the organisation, not from the caller."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Take the ticket; refused while somebody else's lease runs."""

    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True)
class Release:
    """Put the ticket back into its group's queue."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Assign:
    """Give the ticket to another group, to an officer, or to an officer of another group. At least one is set."""

    reason: str
    group: str | None = None
    officer: str | None = None
    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True)
class Prioritise:
    """Say how urgent it is; the deadlines follow the policy for that."""

    priority: Priority
    reason: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer the business in public."""

    message_id: str
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Write something the business never sees."""

    message_id: str
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask the business something and wait for it."""

    message_id: str
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Refer:
    """Send the matter to an outside authority."""

    authority: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resolve:
    """Declare it solved; `text` tells the business how and may be left out once it was answered."""

    message_id: str
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Reopen:
    """Take up work again: a new cycle of a resolved or rejected ticket, the end of waiting or of a referral otherwise."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Decline it, telling the business why and on which legal basis."""

    message_id: str
    reason: str
    legal_basis: str


@dataclass(frozen=True, slots=True)
class RepairClock:
    """Correct what the record says of a clock, by its name: a verdict, a deadline, or both."""

    clock: str
    because: str
    verdict: Literal["met", "missed", "cancelled"] | None = None
    due_at: datetime | None = None


Command = Claim | Release | Assign | Prioritise | Reply | Note | Wait | Refer | Resolve | Reopen | Reject | RepairClock
