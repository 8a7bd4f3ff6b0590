"""A ticket goes from hand to hand: claimed, released, assigned, moved to another group.

A claim and an assignment are the same lease: while it runs nobody else can claim, and when it has run out the ticket
still shows who had it but is free for the next.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.organisation import GroupSpec
from schemas.tickets import TicketAssigned, TicketClaimed
from schemas.values import Person
from services.routing.domain import measuring, policies, sentences
from services.routing.domain.assignment import fair_choice
from services.routing.domain.commands import LEASE, Actor, Assign, Claim, Release
from services.routing.domain.draft import Draft
from services.routing.domain.moves import Refused
from services.routing.domain.people import oversees, told
from services.routing.domain.saying import required


def claim(draft: Draft, command: Claim, actor: Actor) -> Draft:
    """Take it. The same officer again renews the lease."""
    in_progress(draft)
    group = measuring.group_of(draft)
    if not oversees(draft.ctx.org, actor.key, group):
        _member(draft, group, actor.key)
    _not_held(draft, actor)
    until = _lease_end(draft, group, command.lease)
    return _given(draft, actor.key, until).record(TicketClaimed, by=actor.key, until=until)


def release(draft: Draft, command: Release, actor: Actor) -> Draft:
    """Put it back into the queue; another's only once their lease ran out, or by who oversees the group."""
    in_progress(draft)
    if draft.ticket.officer is None:
        raise Refused(sentences.NOBODY_HOLDS, conflict=True)
    may_dispose(draft, actor)
    because = command.reason.strip() or draft.in_words(sentences.RELEASED)
    return draft.change(officer=None, claimed_until=None).record(TicketAssigned, because=because, by=actor.key)


def assign(draft: Draft, command: Assign, actor: Actor, open_work: Mapping[str, int]) -> Draft:
    """Give it to a group, an officer, or both; over another's lease only by who oversees the group that has it."""
    in_progress(draft)
    reason = required(command.reason, "reason", sentences.REASON_MISSING)
    target = _target_group(draft, command)
    if command.officer is not None:
        _member(draft, target, command.officer)
    may_dispose(draft, actor)
    left = draft.ticket.group
    if target.key == left:
        draft = _given(draft, command.officer, _lease_end(draft, target, command.lease))
    else:
        draft = move(draft, target, command.officer, open_work, command.lease)
    recipients = told(("officer",), draft.ctx.org, target, draft.ticket.officer)
    return draft.record(
        TicketAssigned,
        because=reason,
        by=actor.key,
        from_group=left if left != target.key else None,
        policy_because=policies.why_this_policy(draft) if left != target.key else None,
        recipients=_others(recipients, actor),
    )


def move(draft: Draft, group: GroupSpec, officer: str | None, open_work: Mapping[str, int], lease: timedelta = LEASE) -> Draft:
    """To another group, its policy and its calendar. Without an officer named, the group's own way of assignment decides."""
    ticket = draft.ticket
    chosen = None if officer else fair_choice(draft.ctx.org, group, open_work, ticket.id)
    key = officer or (chosen.key if chosen else None)
    left = policies.under_its_policy(measuring.leave_group(draft).change(group=group.key))
    arrived = measuring.start(measuring.retarget(left, draft.at), draft.at, "hand_over")
    measured = measuring.measure_unanswered(measuring.follow_status(arrived, draft.at), changed=True)
    return _given(measured, key, _lease_end(draft, group, lease))


def _given(draft: Draft, officer: str | None, until: datetime) -> Draft:
    """A new ticket that somebody has is open; one whose group changed while nobody has it waits in the new queue as it was."""
    status = "open" if officer and draft.ticket.status == "new" else draft.ticket.status
    return draft.change(officer=officer, claimed_until=until if officer else None, status=status)


def _target_group(draft: Draft, command: Assign) -> GroupSpec:
    """The group meant; raises `Refused` for one that does not exist and for a move that leads nowhere."""
    org, ticket = draft.ctx.org, draft.ticket
    if command.group is None and command.officer is None:
        raise Refused(sentences.NOBODY_NAMED, field="group")
    target = measuring.group_of(draft) if command.group is None else org.group(command.group)
    if target is None:
        raise Refused(sentences.fill(sentences.NO_SUCH_GROUP, key=command.group or ""), field="group")
    if target.key == ticket.group and command.officer in {None, ticket.officer}:
        raise Refused(sentences.ALREADY_THERE, field="group" if command.officer is None else "officer", conflict=True)
    return target


def in_progress(draft: Draft) -> None:
    """Let pass while somebody works or waits on it; raise `Refused` otherwise."""
    status = draft.ticket.status
    if status not in measuring.WORKED_ON:
        raise Refused(sentences.fill(sentences.NOT_IN_PROGRESS, current=sentences.statuses(status)), field="status", conflict=True)


def _member(draft: Draft, group: GroupSpec, key: str) -> None:
    spec = draft.ctx.org.officer(key)
    if spec is None:
        raise Refused(sentences.fill(sentences.NO_SUCH_OFFICER, key=key), field="officer")
    if group.key not in spec.groups:
        raise Refused(sentences.fill(sentences.NOT_A_MEMBER, officer=spec.name, group=group.name), field="officer")


def may_dispose(draft: Draft, actor: Actor) -> None:
    """Let pass who oversees the group, and everybody else unless another's lease runs; raise `Refused` otherwise."""
    if not oversees(draft.ctx.org, actor.key, measuring.group_of(draft)):
        _not_held(draft, actor)


def _not_held(draft: Draft, actor: Actor) -> None:
    """Let pass unless somebody else's lease runs; the refusal names them and says until when, in the group's zone."""
    ticket = draft.ticket
    if ticket.officer in {None, actor.key} or ticket.claimed_until is None or ticket.claimed_until <= draft.at:
        return
    zone = draft.ctx.org.as_group(measuring.group_of(draft)).timezone
    until = ticket.claimed_until.astimezone(ZoneInfo(zone)).strftime("%H:%M %d/%m/%Y")
    holder = draft.ctx.org.officer(ticket.officer or "")
    name = holder.name if holder else ticket.officer or ""
    raise Refused(sentences.fill(sentences.HELD, officer=name, until=f"{until} ({zone})"), field="officer", conflict=True)


def _lease_end(draft: Draft, group: GroupSpec, lease: timedelta) -> datetime:
    return draft.ctx.calendar(group.calendar).add(draft.at, lease)


def _others(people: tuple[Person, ...], actor: Actor) -> tuple[Person, ...]:
    return tuple(person for person in people if person.key != actor.key)
