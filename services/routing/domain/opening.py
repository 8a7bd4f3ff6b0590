"""A request becomes a ticket."""

from collections.abc import Mapping
from datetime import datetime

from schemas.organisation import GroupSpec, OfficerSpec
from schemas.requests import RequestReceived
from schemas.tickets import TicketOpened
from schemas.values import Message, Priority
from services.routing.domain import measuring, policies
from services.routing.domain.assignment import fair_choice
from services.routing.domain.commands import LEASE
from services.routing.domain.conditions import asked
from services.routing.domain.context import Context
from services.routing.domain.draft import Decision, Draft
from services.routing.domain.membership import tier_on
from services.routing.domain.people import told
from services.routing.domain.rules import Urgency, choose_group, choose_priority
from services.routing.domain.ticket import UNSORTED, Heard, Ticket


def open_ticket(event: RequestReceived, ctx: Context, open_work: Mapping[str, int], now: datetime) -> Decision:
    """Route, assign and start the clocks at the instant the request was received, however late it is read.

    `open_work`: tickets each officer has open; the caller adds what it gave out earlier in the same batch.
    """
    tier = tier_on(ctx.org, event.business.tax_code, event.unit, event.received_at)
    of = asked(event, ctx.org, tier)
    choice, urgency = choose_group(of), choose_priority(of)
    officer = fair_choice(ctx.org, choice.group, open_work, event.ticket_id)
    ticket = _ticket(event, choice.group, officer, ctx, now, priority=urgency.priority, tier=tier)
    message = _message(event)
    draft = Draft(ticket, ctx, now, cause=event.id, caused_by=event.id, messages=(message,))
    return draft.record(
        TicketOpened,
        message=message,
        because=draft.in_words(choice.because),
        policy_because=_measured_because(draft, urgency),
        recipients=told(("officer",), ctx.org, choice.group, ticket.officer),
    ).decision()


def _measured_because(draft: Draft, urgency: Urgency) -> str:
    """The policy's reason, after that of the priority where a rule set it."""
    policy = policies.why_this_policy(draft)
    return f"{draft.in_words(urgency.because)}. {policy}" if urgency.because else policy


def _ticket(  # noqa: PLR0913 (what was decided)
    event: RequestReceived,
    group: GroupSpec,
    officer: OfficerSpec | None,
    ctx: Context,
    now: datetime,
    *,
    priority: Priority,
    tier: str | None,
) -> Ticket:
    """As it is from the start, its clocks running: a record made at once is cheaper than one that is changed step by step."""
    topic, started_at = event.topic or UNSORTED, event.received_at
    policy = policies.choose_policy(ctx.org, policies.Traits(topic, group.unit, event.channel, priority, tier))
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
        policy=policy.key,
        revision=ctx.revision,
        opened_at=started_at,
        last_event_at=started_at,
        officer=officer.key if officer else None,
        claimed_until=ctx.calendar(group.calendar).add(now, LEASE) if officer else None,
        clocks=measuring.started(ctx, policy, group, 1, started_at, "first_response", "resolution", "hand_over"),
        heard=(Heard(started_at, 1),),
        priority=priority,
        member_tier=tier,
        linked_to=event.linked_to,
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
        trust=event.trust,
        new_text=event.new_text,
        html=event.html,
        refused=event.refused,
    )
