"""What decisions become in MongoDB: documents of tickets, messages and finished clocks, made once per save."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import TypeAdapter
from pymongo import ReplaceOne

from kit.ids import slot_of
from kit.mongo import Document
from schemas.tickets import TicketEventBase
from schemas.values import Message
from services.routing.domain.decide import Decision
from services.routing.domain.ticket import OVER, Ticket
from services.routing.outcomes import Outcomes

FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Sorts tickets without a running deadline (paused, resolved) behind all others."""

_state: Final = TypeAdapter(Ticket)


@dataclass(frozen=True, slots=True)
class Change:
    """A decision with what it started from."""

    before: Ticket | None
    decision: Decision
    unit: str
    """Of the group that has the ticket now."""

    outcomes: Outcomes
    """Of the clocks that ended here, or whose end was repaired."""

    next_at: datetime | None
    """When the ticker has to look at the ticket again."""

    cause: str
    trace: str | None = None
    always: bool = False
    """Write even an unchanged ticket: the ticker's look at it moves `next_at`."""


class Prepared:
    """The documents of a save, made once so that a transaction tried again writes the same.

    Several changes of one ticket in a row become one write of its last state over its first version.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        first: dict[str, Change] = {}
        last: dict[str, Change] = {}
        for change in changes:
            first.setdefault(change.decision.ticket.id, change)
            last[change.decision.ticket.id] = change
        self.opened = [document(last[key]) for key, change in first.items() if change.before is None]
        self.moved = [
            ReplaceOne(_unchanged(change.before), document(last[key]))
            for key, change in first.items()
            if change.before is not None and (change.always or change.before != last[key].decision.ticket)
        ]
        self.events = [_traced(event, change.trace) for change in changes for event in change.decision.events]
        self.messages = [_message(change.decision.ticket, message) for change in changes for message in change.decision.messages]
        self.outcomes = [outcome for change in changes for outcome in change.outcomes.fresh]
        self.corrections = [correction for change in changes for correction in change.outcomes.corrections]

    @property
    def empty(self) -> bool:
        return not (self.opened or self.moved or self.events or self.messages)


def ticket_of(row: Document) -> Ticket:
    """The ticket of a stored document."""
    return _state.validate_python(row["state"])


def document(change: Change) -> Document:
    """What is stored of a ticket: its state, and beside it what queries need."""
    ticket = change.decision.ticket
    running = [{"kind": clock.kind, "due_at": clock.due_at} for clock in ticket.unfinished() if clock.due_at]
    row: Document = {
        "_id": ticket.id,
        "reference": ticket.reference,
        "version": ticket.version,
        "status": ticket.status,
        "group": ticket.group,
        "unit": change.unit,
        "officer": ticket.officer,
        "topic": ticket.topic,
        "channel": ticket.channel,
        "priority": ticket.priority,
        "member_tier": ticket.member_tier,
        "language": ticket.language,
        "subject": ticket.subject,
        "business": ticket.business.name,
        "opened_at": ticket.opened_at,
        "open": ticket.status not in OVER and ticket.status != "resolved",
        "due_sort": min((clock["due_at"] for clock in running), default=FAR),
        "running": running,
        "slot": slot_of(ticket.id),
        "state": _state.dump_python(ticket, mode="json"),
    }
    if change.next_at is not None:
        row["next_at"] = change.next_at
    if ticket.linked_to is not None:
        row["linked_to"] = ticket.linked_to
    if ticket.status not in OVER:
        row["measured"] = ticket.revision
    return row


def _unchanged(before: Ticket) -> Document:
    """Matches the ticket only as it was read.

    Every event makes a new version; what can change without one is `awaiting`, which then only gets shorter.
    """
    return {"_id": before.id, "version": before.version, "state.awaiting": {"$size": len(before.awaiting)}}


def _traced(event: TicketEventBase, trace: str | None) -> TicketEventBase:
    return event.model_copy(update={"traceparent": trace}) if trace else event


def _message(ticket: Ticket, message: Message) -> Document:
    """`seq` orders what was said in the same millisecond."""
    return {"_id": message.id, "ticket_id": ticket.id, "at": message.at, "seq": ticket.version, "message": message.model_dump(mode="json")}
