"""What became of the things the business was told.

Known weakness: an answer accepted just before its deadline but reported just after it finds the miss already
recorded and told; the verdict is met all the same, for it goes by the instant of acceptance. So does that of an answer that was accepted
and came back later: the officer is told, but the clock it ended is not started again.
"""

from datetime import datetime

from schemas.notifications import NotificationDelivered, NotificationFailed
from schemas.tickets import DeliveryTroubled
from services.routing.domain import measuring
from services.routing.domain.clocks import Clock
from services.routing.domain.context import Context
from services.routing.domain.draft import Decision, Draft
from services.routing.domain.people import told
from services.routing.domain.retiming import caught_up
from services.routing.domain.ticket import Said, Ticket


def delivery(ticket: Ticket, event: NotificationDelivered | NotificationFailed, ctx: Context, now: datetime) -> Decision:
    """An accepted answer ends the clocks that wait for one, at the instant it was accepted; a failed one goes to the officer."""
    draft = caught_up(Draft(ticket, ctx, now, cause=event.id, caused_by=event.id))
    if event.audience != "business":
        return draft.decision()
    if isinstance(event, NotificationFailed):
        return _troubled(draft, event).decision()
    said = next((said for said in ticket.awaiting if said.message_id == event.message_id), None)
    return _accepted(draft, said, event.accepted_at).decision() if said else draft.decision()


def _troubled(draft: Draft, event: NotificationFailed) -> Draft:
    """The message stays awaited: sent again by hand, or by another way, it still counts.

    A failed acknowledgement is trouble too: whoever never heard of the reference cannot be reached by that address.
    """
    recipients = told(("officer",), draft.ctx.org, measuring.group_of(draft), draft.ticket.officer)
    return draft.record(
        DeliveryTroubled,
        message_id=event.message_id or "",
        template=event.template,
        reason=event.reason,
        address=event.address,
        bounced=event.bounced,
        suppressed=event.suppressed,
        failed_at=event.occurred_at,
        recipients=recipients,
    )


def _accepted(draft: Draft, said: Said, at: datetime) -> Draft:
    draft = measuring.note_misses(draft, at)
    before = draft.ticket
    draft = measuring.finish(draft, at, *_ended_by(said, before))
    draft = draft.change(
        heard=tuple(heard for heard in before.heard if heard.sequence > said.sequence),
        awaiting=tuple(other for other in before.awaiting if other.sequence > said.sequence),
    )
    return measuring.announce(measuring.measure_unanswered(draft), before)


def _ended_by(said: Said, ticket: Ticket) -> list[Clock]:
    """First response always; next response unless the answer had not seen what it measures; hand-over if the group in charge answered."""
    ended = list(ticket.unfinished("first_response"))
    if not ticket.heard or ticket.heard[0].sequence < said.sequence:
        ended += ticket.unfinished("next_response")
    if said.group == ticket.group:
        ended += ticket.unfinished("hand_over")
    return ended
