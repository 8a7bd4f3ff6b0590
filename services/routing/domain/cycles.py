"""The beginning of another life of a ticket, and the time in which it can begin."""

from datetime import datetime, timedelta

from services.routing.domain import measuring, policies
from services.routing.domain.context import Context
from services.routing.domain.draft import Draft
from services.routing.domain.ticket import Ticket


def closes_at(ticket: Ticket, ctx: Context) -> datetime | None:
    """When a resolved ticket closes: until then the business can reopen it. Days of 24 hours, as promised to the business."""
    if ticket.status != "resolved" or ticket.resolved_at is None:
        return None
    return ticket.resolved_at + timedelta(days=ctx.policy(ticket.policy).reopen_days)


def begin_cycle(draft: Draft, at: datetime) -> Draft:
    """Open again, measured anew by the policy of today; the verdicts of earlier cycles stay."""
    ticket = draft.ticket
    fresh = policies.under_its_policy(draft).change(
        status="open",
        cycle=ticket.cycle + 1,
        resolved_at=None,
        closed_at=None,
        authority_at=None,
    )
    return measuring.start(fresh, at, "resolution")
