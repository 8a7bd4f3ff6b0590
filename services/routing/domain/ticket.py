"""The ticket as routing stores it, and the snapshot of it that every event carries."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.organisation import Organisation
from schemas.values import Business, Channel, ClockKind, Contact, Group, Language, LocalText, Named, Person, Priority, TicketStatus
from schemas.values import Ticket as Snapshot
from services.routing.domain import clocks
from services.routing.domain.clocks import Clock

UNSORTED: Final = "unsorted"
"""Topic of a ticket whose business chose none, as by e-mail."""

UNSORTED_NAME: Final = LocalText(vi="Chưa phân loại", en="Not yet sorted")

OVER: Final[frozenset[TicketStatus]] = frozenset({"closed", "merged", "rejected"})
"""Statuses in which nobody works on a ticket any more."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the business that no delivered answer follows yet; `sequence` is that of the event that carried it."""

    at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class Said:
    """A public message by staff that is not yet accepted for delivery, and the group and officer that had the ticket then."""

    message_id: str
    sequence: int
    group: str
    officer: str | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """One tracked piece of work. Topics, units, groups, officers and policies are keys into the organisation.

    `version` equals the sequence of the last event; `clocks` holds those of every cycle, finished ones too.
    """

    id: str
    reference: str
    status: TicketStatus
    subject: str
    topic: str
    unit: str | None
    language: Language
    channel: Channel
    business: Business
    contact: Contact
    group: str
    policy: str
    revision: int
    opened_at: datetime
    last_event_at: datetime
    officer: str | None = None
    claimed_until: datetime | None = None
    cycle: int = 1
    clocks: tuple[Clock, ...] = ()
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    authority_at: datetime | None = None
    """When the ladder gave it to the competent authority."""
    heard: tuple[Heard, ...] = ()
    """The oldest unanswered message, then the first one after each message in `awaiting`: never more than are needed."""
    awaiting: tuple[Said, ...] = ()
    priority: Priority = "normal"
    member_tier: str | None = None
    """Found once, on the day the ticket was opened: what was promised then does not end with the memorandum."""
    linked_to: str | None = None
    """Reference of a ticket it belongs to."""
    version: int = 0

    @property
    def unanswered_since(self) -> datetime | None:
        """When the oldest unanswered message of the business arrived."""
        return self.heard[0].at if self.heard else None

    def unfinished(self, *kinds: ClockKind) -> Iterator[Clock]:
        """Clocks still being measured; of these kinds, or of all."""
        return (clock for clock in self.clocks if clock.verdict is None and (not kinds or clock.kind in kinds))


def snapshot(ticket: Ticket, org: Organisation) -> Snapshot:
    """The ticket as others see it; keys the organisation no longer has stand for their own names."""
    officer = org.officer(ticket.officer) if ticket.officer else None
    return Snapshot(
        reference=ticket.reference,
        status=ticket.status,
        subject=ticket.subject,
        topic=_topic(ticket.topic, org),
        unit=_unit(ticket.unit, org),
        language=ticket.language,
        channel=ticket.channel,
        priority=ticket.priority,
        member_tier=ticket.member_tier,
        business=ticket.business,
        contact=ticket.contact,
        group=_group(ticket.group, org),
        officer=org.as_person(officer) if officer else _stranger(ticket.officer),
        deadlines=tuple(clocks.snapshot(clock) for clock in ticket.clocks),
        opened_at=ticket.opened_at,
        resolved_at=ticket.resolved_at,
        linked_to=ticket.linked_to,
        version=ticket.version,
    )


def _topic(key: str, org: Organisation) -> Named:
    spec = org.topic(key)
    if spec is not None:
        return org.as_named(spec)
    return Named(key=key, name=UNSORTED_NAME if key == UNSORTED else _bare(key))


def _unit(key: str | None, org: Organisation) -> Named | None:
    if key is None:
        return None
    spec = org.unit(key)
    return org.as_named(spec) if spec is not None else Named(key=key, name=_bare(key))


def _group(key: str, org: Organisation) -> Group:
    spec = org.group(key)
    return org.as_group(spec) if spec is not None else Group(key=key, name=_bare(key), unit=Named(key=key, name=_bare(key)))


def _stranger(key: str | None) -> Person | None:
    return Person(key=key, name=key) if key else None


def _bare(key: str) -> LocalText:
    return LocalText(vi=key, en=key)
