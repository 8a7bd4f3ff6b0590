"""Events in: what businesses sent, and what became of what we told them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from prometheus_client import Counter as Metric

from kit.errors import PermanentError, TransientError
from kit.mongo import DuplicateKey
from schemas.notifications import NotificationDelivered, NotificationFailed
from schemas.requests import DeliveryBounced, MessageReceived, RequestReceived
from services.routing.deciding import automatic_officers, change_of, count_work
from services.routing.directory import Directory
from services.routing.documents import Change
from services.routing.domain.context import Context
from services.routing.domain.decide import Decision, business_message, delivery, open_ticket
from services.routing.domain.ticket import Ticket
from services.routing.repository import Stale, TicketRepository

ATTEMPTS: Final = 5
"""Times a batch is decided again because an officer or the ticker was faster on one of its tickets."""

PAUSE: Final = 0.02
"""Seconds before the second attempt, growing with each; together 0.2 s, longer than a majority commit takes to be seen."""

OPENED = Metric("helpdesk_tickets_opened", "Tickets opened", ["group", "channel"])

Incoming = RequestReceived | MessageReceived
Outgoing = NotificationDelivered | NotificationFailed


class Handlers:
    """Load, decide, save: one transaction for a batch, whatever tickets it is about."""

    def __init__(self, tickets: TicketRepository, directory: Directory, now: Callable[[], datetime]) -> None:
        self._tickets = tickets
        self._directory = directory
        self._now = now

    async def on_requests(self, events: Sequence[Incoming | DeliveryBounced]) -> None:
        """What mail servers report is the notifier's: it knows the delivery, and says here what became of it."""
        await self._until_saved([event for event in events if not isinstance(event, DeliveryBounced)])

    async def on_notifications(self, events: Sequence[Outgoing]) -> None:
        """Only what carries a message to the business, or failed to reach it, moves a ticket."""
        await self._until_saved([event for event in events if concerns_ticket(event)])

    async def _until_saved(self, events: Sequence[Incoming | Outgoing]) -> None:
        """TransientError: tickets kept moving. PermanentError: a key of the batch is taken by something else for good."""
        trouble: Stale | DuplicateKey | None = None
        for attempt in range(ATTEMPTS if events else 0):
            await asyncio.sleep(PAUSE * attempt)
            try:
                changes = await self._decide_all(events, again=attempt > 0)
                await self._tickets.save(changes, counted(events, changes), now=self._now())
            except (Stale, DuplicateKey) as error:
                trouble = error
                continue
            for change in changes:
                if change.before is None:
                    OPENED.labels(change.decision.ticket.group, change.decision.ticket.channel).inc()
            return
        if isinstance(trouble, DuplicateKey):
            raise PermanentError(f"an id or reference in it belongs to something else: {trouble}") from trouble
        if trouble:
            raise TransientError("tickets of this batch keep changing under our hands") from trouble

    async def _decide_all(self, events: Sequence[Incoming | Outgoing], *, again: bool) -> list[Change]:
        """At first a request is taken for new without asking: one that came before is rare, and its ticket stands in its own way."""
        seen, tickets, open_work = await asyncio.gather(
            self._tickets.seen([event.id for event in events if not isinstance(event, RequestReceived)]),
            self._tickets.load({event.ticket_id for event in events if again or not isinstance(event, RequestReceived)}),
            self._tickets.open_work(automatic_officers(self._directory.context())),
        )
        ctx, now = await self._directory.knowing(tickets.values()), self._now()
        work = Counter(open_work)
        changes: list[Change] = []
        for event in events:
            before = tickets.get(event.ticket_id)
            if event.id in seen or (before is not None and isinstance(event, RequestReceived)):
                continue
            decision = decided(before, event, ctx, now, work)
            seen.add(event.id)
            tickets[event.ticket_id] = decision.ticket
            count_work(work, before, decision.ticket)
            changes.append(change_of(before, decision, ctx, cause=event.id, trace=event.traceparent))
        return changes


def counted(events: Sequence[Incoming | Outgoing], changes: Sequence[Change]) -> list[str]:
    """Ids to remember as applied, each once; an opening is remembered by its ticket."""
    applied = {change.cause for change in changes}
    return list(dict.fromkeys(event.id for event in events if event.id in applied and not isinstance(event, RequestReceived)))


def concerns_ticket(event: Outgoing) -> bool:
    return event.audience == "business" and (event.message_id is not None or isinstance(event, NotificationFailed))


def decided(before: Ticket | None, event: Incoming | Outgoing, ctx: Context, now: datetime, work: Counter[str]) -> Decision:
    """PermanentError: the event is about a ticket that is not here, because its opening could not be used."""
    if isinstance(event, RequestReceived):
        return open_ticket(event, ctx, work, now)
    if before is None:
        raise PermanentError(f"there is no ticket {event.ticket_id}: look for its opening among the dead letters")
    if isinstance(event, MessageReceived):
        return business_message(before, event, ctx, now)
    return delivery(before, event, ctx, now)
