"""Which policy measures a ticket, and why."""

from dataclasses import dataclass

from schemas.organisation import Organisation, PolicySpec
from schemas.values import Channel, LocalText, Priority
from services.routing.domain import sentences
from services.routing.domain.conditions import topic_name, unit_name
from services.routing.domain.draft import Draft
from services.routing.domain.sentences import fill
from services.routing.domain.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Traits:
    """What a policy is chosen by. `unit` is that of the group in charge, not the one the business named."""

    topic: str
    unit: str
    channel: Channel
    priority: Priority = "normal"
    member_tier: str | None = None


def traits_of(ticket: Ticket, unit: str) -> Traits:
    """The ticket's, in a group of the unit."""
    return Traits(ticket.topic, unit, ticket.channel, ticket.priority, ticket.member_tier)


def choose_policy(org: Organisation, traits: Traits) -> PolicySpec:
    """The first policy whose every condition holds; the last one when there is none, so that no ticket goes unmeasured."""
    above = set(org.ancestors(traits.unit))
    return next((policy for policy in org.policies if _holds(policy, traits, above)), org.policies[-1])


def because(org: Organisation, policy: PolicySpec, traits: Traits) -> LocalText:
    """Which policy it is and which of its conditions chose it, for `traits` it was chosen for under this organisation."""
    above = org.ancestors(traits.unit)
    if not _holds(policy, traits, set(above)):
        return fill(sentences.POLICY_OF_LAST_RESORT, policy=policy.key)
    met = _met(org, policy, traits, above)
    return fill(sentences.POLICY_IS, policy=policy.key, why=sentences.joined(met) if met else sentences.EVERYTHING)


def under_its_policy(draft: Draft) -> Draft:
    """The policy chosen again from what the ticket is now. Its clocks still have the targets they had."""
    policy = choose_policy(draft.ctx.org, _traits(draft))
    return draft.change(policy=policy.key, revision=draft.ctx.revision)


def why_this_policy(draft: Draft) -> str:
    """For the reader of the ticket, while the ticket is under the policy of this revision."""
    policy = draft.ctx.policy(draft.ticket.policy)
    return draft.in_words(because(draft.ctx.org, policy, _traits(draft)))


def _traits(draft: Draft) -> Traits:
    return traits_of(draft.ticket, draft.ctx.group(draft.ticket.group).unit)


def _holds(policy: PolicySpec, traits: Traits, above: set[str]) -> bool:
    return (
        (not policy.topics or traits.topic in policy.topics)
        and (not policy.units or not above.isdisjoint(policy.units))
        and (not policy.channels or traits.channel in policy.channels)
        and (not policy.priorities or traits.priority in policy.priorities)
        and (not policy.member_tiers or traits.member_tier in policy.member_tiers)
    )


def _met(org: Organisation, policy: PolicySpec, traits: Traits, above: tuple[str, ...]) -> list[LocalText]:
    met: list[LocalText] = []
    if policy.topics:
        met.append(fill(sentences.TOPIC_IS, topic=topic_name(traits.topic, org)))
    if policy.units:
        met.append(fill(sentences.UNIT_IS, unit=unit_name(next(key for key in above if key in policy.units), org)))
    if policy.channels:
        met.append(fill(sentences.CHANNEL_IS, channel=traits.channel))
    if policy.priorities:
        met.append(fill(sentences.PRIORITY_IS, priority=sentences.PRIORITY[traits.priority]))
    if policy.member_tiers:
        met.append(fill(sentences.TIER_IS, tier=traits.member_tier or ""))
    return met
