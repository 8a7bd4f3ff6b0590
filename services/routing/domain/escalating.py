"""The steps of the ladder: who is told, and who takes over.

Known weakness: steps taken are remembered by their place in the policy's ladder, so a ticket that comes under another
policy before its deadline goes on from the same place there.
"""

from collections.abc import Mapping

from schemas.organisation import GroupSpec, Step
from schemas.tickets import TicketEscalated
from schemas.values import LocalText
from services.routing.domain import measuring, sentences
from services.routing.domain.assignment import group_above
from services.routing.domain.clocks import Clock
from services.routing.domain.draft import Draft
from services.routing.domain.handing import move
from services.routing.domain.ladder import WHOLE, Alarm
from services.routing.domain.people import told, unique
from services.routing.domain.sentences import fill


def tells_with_the_deadline(step: Step, clock: Clock) -> bool:
    """Whether the step only says whom a warning or the miss is told to, and is no event of its own."""
    if step.clock != clock.kind or step.take_over is not None or step.percent is None:
        return False
    return step.percent == WHOLE or step.percent in clock.target.warn_percent


def escalate(draft: Draft, clock: Clock, alarm: Alarm, step: Step, open_work: Mapping[str, int]) -> Draft:
    """Tell those the step names, in the group that had the ticket and in the one that takes it over.

    The step is due at its true instant; a takeover happens when it is noticed, for the new group's time starts then.
    """
    before, left = draft.ticket, measuring.group_of(draft)
    because = _when(step)
    above = group_above(draft.ctx.org, left, before.topic) if step.take_over == "parent_group" else None
    if above is not None and before.status in measuring.WORKED_ON:
        draft = move(draft, above, None, open_work)
    if step.take_over == "authority":
        draft = draft.change(authority_at=draft.at)
    people = told(step.tell, draft.ctx.org, measuring.group_of(draft), draft.ticket.officer)
    recipients = unique((*people, *told(step.tell, draft.ctx.org, left, before.officer)))
    done = draft.record(
        TicketEscalated,
        cause=measuring.alarm_cause(draft.ticket, clock, f"step {alarm.step}"),
        step=alarm.step,
        clock=clock.kind,
        cycle=clock.cycle,
        due_at=alarm.at,
        because=draft.in_words(_outcome(draft, step, because, left, above)),
        from_group=draft.ctx.org.as_group(left),
        to_authority=draft.in_words(draft.ctx.org.competent_authority.name) if step.take_over == "authority" else None,
        recipients=() if alarm.stale else recipients,
    )
    return measuring.announce(done, before)


def _when(step: Step) -> LocalText:
    if step.percent is not None:
        return fill(sentences.STEP_PERCENT, percent=str(step.percent))
    if step.after_days is not None:
        return fill(sentences.STEP_AFTER_DAYS, days=str(step.after_days))
    return fill(sentences.STEP_AFTER_HOURS, hours=f"{step.after_hours or 0:g}")


def _outcome(draft: Draft, step: Step, because: LocalText, left: GroupSpec, above: GroupSpec | None) -> LocalText:
    if step.take_over == "authority":
        return fill(sentences.TO_AUTHORITY, because=because, authority=draft.ctx.org.competent_authority.name)
    if step.take_over is None:
        return because
    if above is None or draft.ticket.group == left.key:
        return fill(sentences.NO_GROUP_ABOVE, because=because, group=left.name)
    return fill(sentences.TAKEN_OVER, because=because, group=above.name)
