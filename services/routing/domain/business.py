"""The business says more.

Known weakness: a message on a ticket that is over, or resolved longer ago than its reopen window, should open a new
linked ticket. Here it is kept on the old one and the officer or the group's lead is told, who must act on it.
"""

from datetime import datetime

from schemas.requests import MessageReceived
from schemas.tickets import BusinessReplied
from schemas.values import Message
from services.routing.domain import measuring
from services.routing.domain.context import Context
from services.routing.domain.cycles import begin_cycle, closes_at
from services.routing.domain.draft import Decision, Draft
from services.routing.domain.people import told
from services.routing.domain.retiming import caught_up
from services.routing.domain.ticket import Heard, Ticket


def business_message(ticket: Ticket, event: MessageReceived, ctx: Context, now: datetime) -> Decision:
    """Keep it; let it end waiting or a resolution, and measure the answer to it. Automatic mail is kept and does nothing."""
    draft = caught_up(Draft(ticket, ctx, now, cause=event.id, caused_by=event.id))
    message = _message(ticket, event)
    if event.automatic is not None:
        return draft.keep(message).record(BusinessReplied, message=message).decision()
    draft = _heard(_reopened(draft, event.received_at), event.received_at)
    recipients = told(("officer",), ctx.org, ctx.group(ticket.group), ticket.officer)
    reopened = draft.ticket.status != ticket.status
    return draft.keep(message).record(BusinessReplied, message=message, reopened=reopened, recipients=recipients).decision()


def _reopened(draft: Draft, at: datetime) -> Draft:
    ticket = draft.ticket
    if ticket.status == "waiting":
        return measuring.follow_status(draft.change(status="open"), at)
    closing = closes_at(ticket, draft.ctx)
    if ticket.resolved_at is not None and closing is not None and at < closing:
        return begin_cycle(draft, max(at, ticket.resolved_at))
    return draft


def _heard(draft: Draft, at: datetime) -> Draft:
    """Remember it as unanswered if it is the first, or the first after an answer that is still on its way."""
    ticket = draft.ticket
    if ticket.status not in measuring.WORKED_ON:
        return draft
    answered_soon = bool(ticket.heard) and any(said.sequence > ticket.heard[-1].sequence for said in ticket.awaiting)
    if ticket.heard and not answered_soon:
        return measuring.measure_unanswered(draft)
    return measuring.measure_unanswered(draft.change(heard=(*ticket.heard, Heard(at, draft.next_sequence))))


def _message(ticket: Ticket, event: MessageReceived) -> Message:
    return Message(
        id=event.message_id,
        kind="message",
        public=True,
        author_role="business",
        author_name=event.author_name or ticket.contact.name or ticket.business.name,
        text=event.text,
        attachments=event.attachments,
        channel=event.channel,
        automatic=event.automatic,
        at=event.received_at,
        trust=event.trust,
        verified=event.verified,
        new_text=event.new_text,
        html=event.html,
        refused=event.refused,
    )
