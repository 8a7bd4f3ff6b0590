"""What the status page shows of a ticket: the parts meant for the business, and no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.values import Attachment, AuthorRole, ClockKind, ClockState, Deadline, LocalText, Message, MessageKind, Ticket, TicketStatus

SHOWN_CLOCKS: Final[tuple[ClockKind, ...]] = ("first_response", "next_response", "resolution")
"""Hand-over between groups is our own affair."""

ANSWERABLE: Final[frozenset[TicketStatus]] = frozenset({"new", "open", "waiting", "referred", "resolved", "closed"})


@dataclass(frozen=True)
class DeadlineView:
    kind: ClockKind
    state: ClockState
    due_at: datetime | None
    missed_at: datetime | None
    left: timedelta | None
    finished_at: datetime | None


@dataclass(frozen=True)
class MessageView:
    kind: MessageKind
    author_role: AuthorRole
    author_name: str | None
    text: str
    new_text: str
    """What is read first: `text` without what it quotes."""
    attachments: tuple[Attachment, ...]
    at: datetime


@dataclass(frozen=True)
class StatusView:
    """`group` and `unit` are None until the request has reached a group, moments after it was received."""

    reference: str
    status: TicketStatus
    subject: str
    topic: LocalText | None
    group: LocalText | None
    unit: LocalText | None
    timezone: str
    deadlines: tuple[DeadlineView, ...]
    messages: tuple[MessageView, ...]
    opened_at: datetime
    resolved_at: datetime | None = None

    @property
    def can_answer(self) -> bool:
        return self.status in ANSWERABLE


def status_view(ticket: Ticket, messages: Sequence[Message]) -> StatusView:
    """The view of a ticket that routing has opened; internal messages are left out."""
    return StatusView(
        reference=ticket.reference,
        status=ticket.status,
        subject=ticket.subject,
        topic=ticket.topic.name,
        group=ticket.group.name,
        unit=ticket.group.unit.name,
        timezone=ticket.group.timezone,
        deadlines=_deadlines(ticket.deadlines),
        messages=_messages(messages),
        opened_at=ticket.opened_at,
        resolved_at=ticket.resolved_at,
    )


def waiting_view(reference: str, subject: str, received_at: datetime, messages: Sequence[Message], timezone: str) -> StatusView:
    """The view of a request that no group has yet; `timezone` is the organisation's."""
    return StatusView(reference, "new", subject, None, None, None, timezone, (), _messages(messages), received_at)


def _deadlines(deadlines: Sequence[Deadline]) -> tuple[DeadlineView, ...]:
    """Of each kind the latest that was not cancelled."""
    latest = {deadline.kind: deadline for deadline in sorted(deadlines, key=_age) if deadline.state != "cancelled"}
    return tuple(_deadline(latest[kind]) for kind in SHOWN_CLOCKS if kind in latest)


def _age(deadline: Deadline) -> tuple[int, bool]:
    """Older cycles first; within one, a finished clock before the one that runs."""
    return deadline.cycle, deadline.finished_at is None


def _deadline(deadline: Deadline) -> DeadlineView:
    return DeadlineView(deadline.kind, deadline.state, deadline.due_at, deadline.missed_at, deadline.left, finished_at=deadline.finished_at)


def _messages(messages: Sequence[Message]) -> tuple[MessageView, ...]:
    public = [message for message in messages if message.public and message.kind != "note"]
    return tuple(
        MessageView(
            message.kind,
            message.author_role,
            message.author_name,
            message.text,
            message.text if message.new_text is None else message.new_text,
            message.attachments,
            message.at,
        )
        for message in sorted(public, key=lambda message: message.at)
    )
