"""An officer says how urgent a ticket is, and it is measured by the policy for that."""

from schemas.tickets import TicketPrioritised
from services.routing.domain import measuring, policies, sentences
from services.routing.domain.commands import Actor, Prioritise
from services.routing.domain.draft import Draft
from services.routing.domain.handing import in_progress, may_dispose
from services.routing.domain.moves import Refused
from services.routing.domain.saying import required


def prioritise(draft: Draft, command: Prioritise, actor: Actor) -> Draft:
    """The new policy's targets minus what was spent; over another's lease only by who oversees the group.

    A deadline that has passed stays missed, so that no lowered priority makes a late ticket punctual.
    """
    in_progress(draft)
    reason = required(command.reason, "reason", sentences.REASON_MISSING)
    before = draft.ticket.priority
    if command.priority == before:
        said = sentences.fill(sentences.ALREADY_THIS_URGENT, priority=sentences.PRIORITY[before])
        raise Refused(said, field="priority", conflict=True)
    may_dispose(draft, actor)
    draft = policies.under_its_policy(draft.change(priority=command.priority))
    measured = measuring.measure_unanswered(measuring.retarget(draft, draft.at, "hand_over"), changed=True)
    return measured.record(
        TicketPrioritised,
        priority=command.priority,
        from_priority=before,
        because=reason,
        policy_because=policies.why_this_policy(draft),
        by=actor.key,
    )
