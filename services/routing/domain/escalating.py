"""The steps of the ladder: who is told, and who takes over."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from schemas.organisation import GroupSpec, PolicySpec, Recipient, Step
from schemas.tickets import TicketEscalated, ToldAs
from schemas.values import LocalText, Person
from services.routing.domain import measuring, sentences
from services.routing.domain.assignment import group_above
from services.routing.domain.clocks import Clock
from services.routing.domain.draft import Draft
from services.routing.domain.handing import move
from services.routing.domain.ladder import WHOLE, Alarm, by_keys
from services.routing.domain.people import told_as, unique
from services.routing.domain.quiet import tell_at
from services.routing.domain.sentences import fill

Told = tuple[tuple[ToldAs, Person], ...]


def tells_with_the_deadline(step: Step, clock: Clock) -> bool:
    """Whether the step only says whom a warning or the miss is told to, and is no event of its own."""
    if step.clock != clock.kind or step.take_over is not None or step.percent is None:
        return False
    return step.percent == WHOLE or step.percent in clock.target.warn_percent


def escalate(draft: Draft, clock: Clock, alarm: Alarm, step: Step, open_work: Mapping[str, int]) -> Draft:
    """Tell those the step names, in the group that had the ticket and in the one that takes it over.

    The step is due at its true instant; a takeover happens when it is noticed, for the new group's time starts then. Of the
    clocks of a kind in one cycle the first to come to a step moves the ticket; when another comes to it, that is told alone.
    """
    before, left = draft.ticket, measuring.group_of(draft)
    number, steps = _place(draft.ctx.policy(clock.policy), step)
    if _moved_already(draft, clock, alarm.key):
        step = step.model_copy(update={"take_over": None})
    above = group_above(draft.ctx.org, left, before.topic) if step.take_over == "parent_group" else None
    if above is not None and before.status in measuring.WORKED_ON:
        draft = move(measuring.note_misses(draft, draft.at), above, None, open_work)
    if step.take_over == "authority":
        draft = draft.change(authority_at=draft.at)
    told = _told(draft, step, left, before.officer, stale=alarm.stale)
    because = _outcome(draft, step, left, above)
    authority = draft.ctx.org.competent_authority.name if step.take_over == "authority" else None
    done = draft.record(
        TicketEscalated,
        cause=measuring.alarm_cause(draft.ticket, clock, f"step {alarm.key}"),
        step=alarm.step,
        number=number,
        steps=steps,
        clock=clock.kind,
        cycle=clock.cycle,
        due_at=alarm.at,
        because=draft.in_words(because),
        because_in=because,
        from_group=draft.ctx.org.as_group(left),
        to_authority=draft.in_words(authority) if authority else None,
        authority=authority,
        recipients=unique(person for _, person in told),
        told_as=_capacities(told),
        tell_at=_first_at_work(draft, left) if told else None,
    )
    return measuring.announce(done, before)


def _moved_already(draft: Draft, clock: Clock, key: str) -> bool:
    """Whether an earlier clock of the kind took the step in this cycle, as each next response and each hand-over is one of its own."""
    return any(
        key in by_keys(other, draft.ctx.policy(other.policy)).escalated
        for other in draft.ticket.clocks
        if (other.kind, other.cycle) == (clock.kind, clock.cycle) and other.started_at != clock.started_at
    )


def _first_at_work(draft: Draft, left: GroupSpec) -> datetime | None:
    """When the first of the two groups is at work; None when one is now, so that nobody there waits for the other to open."""
    instants = [tell_at(draft.ctx, group, draft.at) for group in (left, measuring.group_of(draft))]
    return min((at for at in instants if at is not None), default=None) if None not in instants else None


def _told(draft: Draft, step: Step, left: GroupSpec, officer: str | None, *, stale: bool) -> Told:
    """First those of the group that has it now, then those of the one that had it.

    Who takes over is told in any case: the ticket is new to them, also when nobody was to be told or the step comes too late.
    """
    org, group = draft.ctx.org, measuring.group_of(draft)
    taken = step.take_over == "authority" or group.key != left.key
    if stale and not taken:
        return ()
    now = told_as(step.tell or (_whoever_takes_over(step) if taken else ()), org, group, draft.ticket.officer)
    if group.key == left.key:
        return now
    return (*now, *((_relieved(role), person) for role, person in told_as(step.tell, org, left, officer)))


def _whoever_takes_over(step: Step) -> tuple[Recipient, ...]:
    return ("authority",) if step.take_over == "authority" else ("officer",)


def _relieved(role: ToldAs) -> ToldAs:
    return "relieved_lead" if role in {"lead", "officer"} else role


def _capacities(told: Iterable[tuple[ToldAs, Person]]) -> dict[str, ToldAs]:
    """Of several capacities the first, except that whoever has to reach the authority must hear it."""
    found: dict[str, ToldAs] = {}
    for role, person in told:
        if role == "authority_unreachable":
            found[person.key] = role
        found.setdefault(person.key, role)
    return found


def _place(policy: PolicySpec, step: Step) -> tuple[int, int]:
    """Which of how many steps of its clock, as people count them."""
    own = [other for other in policy.ladder if other.clock == step.clock]
    return next(index for index, other in enumerate(own, 1) if other is step), len(own)


def _when(step: Step) -> LocalText:
    if step.percent is not None:
        return fill(sentences.STEP_PERCENT, percent=str(step.percent))
    if step.after_days == 1:
        return sentences.STEP_AFTER_A_DAY
    if step.after_hours == 1:
        return sentences.STEP_AFTER_AN_HOUR
    if step.after_days is not None:
        return fill(sentences.STEP_AFTER_DAYS, days=str(step.after_days))
    return fill(sentences.STEP_AFTER_HOURS, hours=f"{step.after_hours or 0:g}")


def _outcome(draft: Draft, step: Step, left: GroupSpec, above: GroupSpec | None) -> LocalText:
    because = _when(step)
    if step.take_over == "authority":
        return fill(sentences.TO_AUTHORITY, because=because, authority=draft.ctx.org.competent_authority.name)
    if step.take_over is None:
        return because
    if above is None or draft.ticket.group == left.key:
        return fill(sentences.NO_GROUP_ABOVE, because=because, group=left.name)
    return fill(sentences.TAKEN_OVER, because=because, group=above.name)
