"""What a digest of new work says: requests given to somebody who was given too many within a minute to be told of each.

As alarms do (see `gathering`), they wait apart from the lanes of their tickets, and what else is said on those goes out at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.tickets import TicketAssigned, TicketOpened
from schemas.values import Deadline, Ticket, TicketStatus
from services.notifier.domain.audience import Delivery
from services.notifier.domain.gathering import SHOWN
from services.notifier.domain.notices import Notice, notice_of

GivesWork = TicketOpened | TicketAssigned

_TO_DO: Final[frozenset[TicketStatus]] = frozenset({"new", "open"})
"""The other statuses say that somebody knows of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWork:
    """One request as it was given to whoever is told of it. `due_at` is its first deadline; `optional`: they may turn such notices off."""

    ticket_id: str
    sequence: int
    reference: str
    subject: str
    business: str
    due_at: datetime | None
    status: TicketStatus
    group: str
    officer: str | None
    timezone: str
    mailbox: str | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class NewWorkDigest:
    """What one person or mailbox is told at `at`: the earliest deadlines first, `more` that are not shown."""

    at: datetime
    rows: tuple[NewWork, ...]
    more: int
    optional: bool
    """Whether all of it is what its reader may turn off."""

    @property
    def total(self) -> int:
        return len(self.rows) + self.more

    def notice(self) -> Notice | None:
        """A digest with a request in it that is its reader's own work can't be turned off."""
        return "new_requests" if self.optional else None


def is_new_work(delivery: Delivery) -> bool:
    """Whether it is of the only kind that may be told later because there is too much of it."""
    return delivery.template == "assignment" and delivery.audience == "staff" and delivery.channel == "email"


def new_work_of(delivery: Delivery, event: GivesWork) -> NewWork:
    """What a digest would say of it."""
    ticket, group = event.ticket, event.ticket.group
    return NewWork(
        ticket_id=event.ticket_id,
        sequence=event.sequence,
        reference=ticket.reference,
        subject=ticket.subject,
        business=ticket.business.name,
        due_at=_first(ticket.deadlines),
        status=ticket.status,
        group=group.key,
        officer=_officer(ticket),
        timezone=group.timezone,
        mailbox=group.mailbox,
        optional=notice_of(delivery, event) is not None,
    )


def still_new(work: NewWork, ticket: Ticket) -> bool:
    """Whether a later state of the ticket leaves it to be told: not once somebody took it, waits on it or is done with it.

    Whoever it was given to instead is told by the event that says so. One that waited already when it was given is told all the same.
    """
    where_it_was = ticket.group.key == work.group and _officer(ticket) == work.officer
    return where_it_was and (ticket.status in _TO_DO or ticket.status == work.status)


def new_work_digest(work: Iterable[NewWork], at: datetime, shown: int = SHOWN) -> NewWorkDigest:
    """Each ticket once, as it was given last."""
    latest: dict[str, NewWork] = {}
    for one in sorted(work, key=lambda one: one.sequence):
        latest[one.ticket_id] = one
    rows = sorted(latest.values(), key=lambda one: (one.due_at is None, one.due_at or at, one.reference))
    return NewWorkDigest(at, tuple(rows[:shown]), max(0, len(rows) - shown), all(one.optional for one in rows))


def _officer(ticket: Ticket) -> str | None:
    return ticket.officer.key if ticket.officer else None


def _first(deadlines: Iterable[Deadline]) -> datetime | None:
    return min((one.due_at for one in deadlines if one.state == "running" and one.due_at is not None), default=None)
