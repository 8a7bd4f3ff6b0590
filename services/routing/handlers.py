"""Events in: what businesses sent, and what became of what we told them."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from prometheus_client import Counter as Metric

from kit.errors import PermanentError, TransientError
from kit.mongo import DuplicateKey, Mongo
from schemas.notifications import NotificationDelivered, NotificationFailed
from schemas.requests import MessageReceived, RequestReceived
from services.routing.directory import Directory
from services.routing.domain.context import Context
from services.routing.domain.decide import Decision, business_message, delivery, next_at, open_ticket
from services.routing.domain.ticket import Ticket
from services.routing.repository import Change, Stale, TicketRepository

ATTEMPTS: Final = 5
"""Times a batch is decided again because an officer or the ticker was faster on one of its tickets."""

OPENED = Metric("helpdesk_tickets_opened", "Tickets opened", ["group", "channel"])

Incoming = RequestReceived | MessageReceived
Outgoing = NotificationDelivered | NotificationFailed


class Handlers:
    """Load, decide, save: one transaction for a batch, whatever tickets it is about."""

    def __init__(self, mongo: Mongo, tickets: TicketRepository, directory: Directory) -> None:
        self._mongo = mongo
        self._tickets = tickets
        self._directory = directory

    async def on_requests(self, events: Sequence[Incoming]) -> None:
        await self._until_saved(events)

    async def on_notifications(self, events: Sequence[Outgoing]) -> None:
        """Only what carries a message to the business, or failed to reach it, moves a ticket."""
        await self._until_saved([event for event in events if concerns_ticket(event)])

    async def _until_saved(self, events: Sequence[Incoming | Outgoing]) -> None:
        for _ in range(ATTEMPTS if events else 0):
            try:
                changes = await self._decide_all(events)
                await self._tickets.save(changes, [event.id for event in self._counted(events, changes)])
            except (Stale, DuplicateKey):
                continue
            for change in changes:
                if change.before is None:
                    OPENED.labels(change.decision.ticket.group, change.decision.ticket.channel).inc()
            return
        if events:
            raise TransientError("tickets of this batch keep changing under our hands")

    @staticmethod
    def _counted(events: Sequence[Incoming | Outgoing], changes: Sequence[Change]) -> list[Incoming | Outgoing]:
        """Events to remember as applied; an opening is remembered by its ticket."""
        applied = {change.cause for change in changes}
        return [event for event in events if event.id in applied and not isinstance(event, RequestReceived)]

    async def _decide_all(self, events: Sequence[Incoming | Outgoing]) -> list[Change]:
        ctx, now = self._directory.context(), self._mongo.now()
        seen = await self._tickets.seen([event.id for event in events if not isinstance(event, RequestReceived)])
        tickets = await self._tickets.load({event.ticket_id for event in events})
        work = Counter(await self._tickets.open_work(automatic_officers(ctx)))
        changes: list[Change] = []
        for event in events:
            before = tickets.get(event.ticket_id)
            if event.id in seen or (before is not None and isinstance(event, RequestReceived)):
                continue
            decision = decided(before, event, ctx, now, work)
            seen.add(event.id)
            tickets[event.ticket_id] = decision.ticket
            if before is None and decision.ticket.officer:
                work[decision.ticket.officer] += 1
            changes.append(change_of(before, decision, ctx, cause=event.id, trace=event.traceparent))
        return changes


def concerns_ticket(event: Outgoing) -> bool:
    return event.audience == "business" and (event.message_id is not None or isinstance(event, NotificationFailed))


def automatic_officers(ctx: Context) -> Collection[str]:
    """Officers of groups whose work is given out; nobody counts the work of the others."""
    groups = {group.key for group in ctx.org.groups if group.assignment == "automatic"}
    return [officer.key for officer in ctx.org.officers if groups.intersection(officer.groups)]


def decided(before: Ticket | None, event: Incoming | Outgoing, ctx: Context, now: datetime, work: Counter[str]) -> Decision:
    """PermanentError: the event is about a ticket that is not here, because its opening could not be used."""
    if isinstance(event, RequestReceived):
        return open_ticket(event, ctx, work, now)
    if before is None:
        raise PermanentError(f"there is no ticket {event.ticket_id}: look for its opening among the dead letters")
    if isinstance(event, MessageReceived):
        return business_message(before, event, ctx, now)
    return delivery(before, event, ctx, now)


def change_of(
    before: Ticket | None, decision: Decision, ctx: Context, *, cause: str, trace: str | None = None, always: bool = False
) -> Change:
    unit = ctx.group(decision.ticket.group).unit
    return Change(before, decision, unit, next_at(decision.ticket, ctx), cause=cause, trace=trace, always=always)
