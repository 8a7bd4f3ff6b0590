"""A request becomes a ticket."""

from collections.abc import Mapping
from datetime import datetime

from schemas.organisation import GroupSpec, OfficerSpec
from schemas.requests import RequestReceived
from schemas.tickets import TicketOpened
from schemas.values import Message
from services.routing.domain import measuring
from services.routing.domain.assignment import fair_choice
from services.routing.domain.commands import LEASE
from services.routing.domain.context import Context
from services.routing.domain.draft import Decision, Draft
from services.routing.domain.people import told
from services.routing.domain.rules import choose_group, choose_policy
from services.routing.domain.ticket import UNSORTED, Heard, Ticket


def open_ticket(event: RequestReceived, ctx: Context, open_work: Mapping[str, int], now: datetime) -> Decision:
    """Route, assign and start the clocks at the instant the request was received, however late it is read.

    `open_work`: tickets each officer has open; the caller adds what it gave out earlier in the same batch.
    """
    choice = choose_group(event, ctx.org)
    officer = fair_choice(ctx.org, choice.group, open_work, event.ticket_id)
    draft = Draft(_ticket(event, choice.group, officer, ctx, now), ctx, now, cause=event.id, caused_by=event.id)
    draft = measuring.start(draft, event.received_at, "first_response", "resolution", "hand_over")
    message = _message(event)
    return (
        draft.keep(message)
        .record(
            TicketOpened,
            message=message,
            because=draft.in_words(choice.because),
            recipients=told(("officer",), ctx.org, choice.group, draft.ticket.officer),
        )
        .decision()
    )


def _ticket(event: RequestReceived, group: GroupSpec, officer: OfficerSpec | None, ctx: Context, now: datetime) -> Ticket:
    topic = event.topic or UNSORTED
    return Ticket(
        id=event.ticket_id,
        reference=event.reference,
        status="open" if officer else "new",
        subject=event.subject,
        topic=topic,
        unit=event.unit,
        language=event.language,
        channel=event.channel,
        business=event.business,
        contact=event.contact,
        group=group.key,
        policy=choose_policy(ctx.org, topic, group.unit, event.channel).key,
        revision=ctx.revision,
        opened_at=event.received_at,
        last_event_at=event.received_at,
        officer=officer.key if officer else None,
        claimed_until=ctx.calendar(group.calendar).add(now, LEASE) if officer else None,
        heard=(Heard(event.received_at, 1),),
    )


def _message(event: RequestReceived) -> Message:
    return Message(
        id=event.message_id,
        kind="request",
        public=True,
        author_role="business",
        author_name=event.contact.name or event.business.name,
        text=event.text,
        attachments=event.attachments,
        channel=event.channel,
        at=event.received_at,
    )
