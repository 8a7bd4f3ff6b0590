"""Officers end the work on a ticket, or take it up again."""

from datetime import datetime

from schemas.tickets import AnswerGiven, NoteAdded, TicketReopened, TicketResolved
from services.routing.domain import measuring, sentences
from services.routing.domain.commands import Actor, Reject, Reopen, Resolve
from services.routing.domain.cycles import begin_cycle
from services.routing.domain.draft import Draft
from services.routing.domain.identity import derived_id
from services.routing.domain.moves import Refused, guard
from services.routing.domain.saying import required, taken_up, written
from services.routing.domain.ticket import Ticket


def resolve(draft: Draft, command: Resolve, actor: Actor) -> Draft:
    """The resolution clock stops now; those that wait for an answer stop when the text was accepted for delivery."""
    guard(draft.ticket.status, "resolved")
    resolved = _work_ends(taken_up(draft, actor)).change(status="resolved", resolved_at=draft.at)
    if command.text is None:
        return _nothing_more_to_say(resolved).record(TicketResolved, by=actor.key)
    message = written(draft, actor, "resolution", command.message_id, command.text, attachments=command.attachments)
    return resolved.keep(message).record(TicketResolved, message=message, by=actor.key)


def reject(draft: Draft, command: Reject, actor: Actor) -> Draft:
    """A refusal is an answer and ends the work: its clocks get a verdict, so that late tickets cannot be hidden by rejecting them."""
    guard(draft.ticket.status, "rejected")
    reason = required(command.reason, "reason", sentences.REASON_MISSING)
    basis = required(command.legal_basis, "legal_basis", sentences.LEGAL_BASIS_MISSING)
    named = sentences.fill(sentences.LEGAL_BASIS, basis=basis).in_language(draft.ticket.language)
    message = written(draft, actor, "answer", command.message_id, f"{reason}\n\n{named}")
    rejected = _work_ends(taken_up(draft, actor)).change(status="rejected", closed_at=draft.at)
    return rejected.keep(message).record(AnswerGiven, message=message, by=actor.key)


def reopen(draft: Draft, command: Reopen, actor: Actor) -> Draft:
    """A new cycle after a resolution or rejection; the old one goes on after waiting or a referral, with a note that says why."""
    status = draft.ticket.status
    if status in {"new", "open"}:
        raise Refused(sentences.fill(sentences.NOTHING_TO_REOPEN, current=sentences.statuses(status)), field="status", conflict=True)
    guard(status, "open")
    reason = required(command.reason, "reason", sentences.REASON_MISSING)
    if status in {"resolved", "rejected"}:
        again = measuring.measure_unanswered(begin_cycle(draft, draft.at))
        return again.record(TicketReopened, reason=reason, by=actor.key)
    message = written(draft, actor, "note", derived_id(draft.cause, "note"), reason)
    again = measuring.follow_status(draft.change(status="open"), draft.at)
    return again.keep(message).record(NoteAdded, message=message, by=actor.key)


def _work_ends(draft: Draft) -> Draft:
    return measuring.finish(draft, draft.at, *draft.ticket.unfinished("resolution", "hand_over"))


def _cycle_began(ticket: Ticket) -> datetime:
    starts = (clock.started_at for clock in ticket.clocks if clock.kind == "resolution" and clock.cycle == ticket.cycle)
    return next(starts, ticket.opened_at)


def _nothing_more_to_say(draft: Draft) -> Draft:
    """Resolved without a text: refused while what began this cycle is unanswered. An answer on its way may still stop its clocks."""
    ticket = draft.ticket
    if ticket.awaiting:
        return draft
    if ticket.heard and ticket.heard[0].at <= _cycle_began(ticket):
        raise Refused(sentences.NEVER_ANSWERED, field="text")
    return measuring.abandon(draft, draft.at, *ticket.unfinished("next_response")).change(heard=())
