"""Which group a request goes to, and why; which policy measures it.

The order is: the organisation's rules as written; then the group whose own mailbox or chat account the business
wrote to, for it chose that door; then the owner of the topic at the unit the business named or a unit above it;
then the focal point. The focal point's own mailbox is everybody's door and says nothing, so that writing to it
does not hide a named unit. No request is left without a group.
"""

from dataclasses import dataclass
from typing import Final

from schemas.organisation import GroupSpec, Organisation, PolicySpec, RuleSpec
from schemas.requests import RequestReceived
from schemas.values import Channel, LocalText
from services.routing.domain import sentences
from services.routing.domain.sentences import fill
from services.routing.domain.words import folded, mentions

LANGUAGES: Final = {"vi": LocalText(vi="tiếng Việt", en="Vietnamese"), "en": LocalText(vi="tiếng Anh", en="English")}


@dataclass(frozen=True, slots=True)
class Choice:
    group: GroupSpec
    because: LocalText


def choose_group(request: RequestReceived, org: Organisation) -> Choice:
    """The first of the ways above that leads to a group."""
    return _by_rule(request, org) or _addressed(request, org) or _topic_owner(request, org) or _focal_point(org)


def choose_policy(org: Organisation, topic: str, unit: str, channel: Channel) -> PolicySpec:
    """The first policy for this topic, the unit of the group in charge, and the channel.

    The last one when none matches, so that no ticket goes unmeasured.
    """
    above = set(org.ancestors(unit))
    for policy in org.policies:
        if (
            (not policy.topics or topic in policy.topics)
            and (not policy.units or not above.isdisjoint(policy.units))
            and (not policy.channels or channel in policy.channels)
        ):
            return policy
    return org.policies[-1]


def _by_rule(request: RequestReceived, org: Organisation) -> Choice | None:
    above = org.ancestors(request.unit) if request.unit else ()
    text = folded(f"{request.subject}\n{request.text}") if any(rule.words for rule in org.rules) else ""
    for rule in org.rules:
        group = org.group(rule.group)
        if group is not None and _matches(rule, request, above, text):
            why = _conditions_met(rule, request, org, above, text)
            return Choice(group, fill(sentences.BY_RULE, rule=rule.name, why=sentences.joined(why) if why else sentences.EVERYTHING))
    return None


def _matches(rule: RuleSpec, request: RequestReceived, above: tuple[str, ...], text: str) -> bool:
    return (
        (not rule.topics or request.topic in rule.topics)
        and (not rule.units or not set(above).isdisjoint(rule.units))
        and not (rule.without_unit and request.unit)
        and (not rule.channels or request.channel in rule.channels)
        and (not rule.languages or request.language in rule.languages)
        and (not rule.words or any(mentions(text, word) for word in rule.words))
    )


def _conditions_met(rule: RuleSpec, request: RequestReceived, org: Organisation, above: tuple[str, ...], text: str) -> list[LocalText]:
    """The parts of a rule that matched, in words; a unit is named as the rule names it."""
    met: list[LocalText] = []
    if rule.topics:
        met.append(fill(sentences.TOPIC_IS, topic=_topic_name(request.topic, org)))
    if rule.units:
        met.append(fill(sentences.UNIT_IS, unit=_unit_name(next(key for key in above if key in rule.units), org)))
    if rule.without_unit:
        met.append(sentences.NO_UNIT)
    if rule.channels:
        met.append(fill(sentences.CHANNEL_IS, channel=request.channel))
    if rule.languages:
        met.append(fill(sentences.LANGUAGE_IS, language=LANGUAGES[request.language]))
    if rule.words:
        met.append(fill(sentences.WORD_IS, word=next(word for word in rule.words if mentions(text, word))))
    return met


def _addressed(request: RequestReceived, org: Organisation) -> Choice | None:
    group = org.group(request.group) if request.group and request.group != org.focal_point else None
    return Choice(group, fill(sentences.ADDRESSED, group=group.name)) if group else None


def _topic_owner(request: RequestReceived, org: Organisation) -> Choice | None:
    for unit in org.ancestors(request.unit) if request.unit else ():
        group = _owner(org, unit, request.topic)
        if group is not None:
            return Choice(group, fill(sentences.TOPIC_OWNER, group=group.name, unit=_unit_name(unit, org)))
    return None


def _owner(org: Organisation, unit: str, topic: str | None) -> GroupSpec | None:
    """A group that names the topic before one that takes every topic."""
    there = org.groups_of(unit)
    named = next((group for group in there if topic in group.topics), None)
    return named or next((group for group in there if not group.topics), None)


def _focal_point(org: Organisation) -> Choice:
    group = org.group(org.focal_point) or org.groups[0]
    return Choice(group, fill(sentences.FOCAL_POINT, group=group.name))


def _topic_name(key: str | None, org: Organisation) -> str | LocalText:
    spec = org.topic(key) if key else None
    return spec.name if spec else key or ""


def _unit_name(key: str | None, org: Organisation) -> str | LocalText:
    spec = org.unit(key) if key else None
    return spec.name if spec else key or ""
