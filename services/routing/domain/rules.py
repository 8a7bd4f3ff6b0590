"""Which group a request goes to and how urgent it is, and why.

The order is: the organisation's rules as written; then the group whose own mailbox or chat account the business
wrote to, for it chose that door; then the owner of the topic at the unit the business named or a unit above it;
then the focal point. The focal point's own mailbox is everybody's door and says nothing, so that writing to it
does not hide a named unit. No request is left without a group.
"""

from dataclasses import dataclass

from schemas.organisation import GroupSpec, Organisation
from schemas.values import LocalText, Priority
from services.routing.domain import sentences
from services.routing.domain.conditions import Asked, hold, unit_name, why
from services.routing.domain.sentences import fill


@dataclass(frozen=True, slots=True)
class Choice:
    group: GroupSpec
    because: LocalText


@dataclass(frozen=True, slots=True)
class Urgency:
    """`because` is None where no rule was needed."""

    priority: Priority
    because: LocalText | None = None


def choose_group(of: Asked) -> Choice:
    """The first of the ways above that leads to a group."""
    return _by_rule(of) or _addressed(of) or _topic_owner(of) or _focal_point(of.org)


def choose_priority(of: Asked) -> Urgency:
    """By the first priority rule that matches; normal, without a reason, when there is none."""
    rule = next((rule for rule in of.org.priority_rules if hold(rule, of)), None)
    if rule is None:
        return Urgency("normal")
    priority = sentences.PRIORITY[rule.priority]
    return Urgency(rule.priority, fill(sentences.PRIORITY_BY_RULE, priority=priority, rule=rule.name, why=why(rule, of)))


def _by_rule(of: Asked) -> Choice | None:
    for rule in of.org.rules:
        group = of.org.group(rule.group)
        if group is not None and hold(rule, of):
            return Choice(group, fill(sentences.BY_RULE, rule=rule.name, why=why(rule, of)))
    return None


def _addressed(of: Asked) -> Choice | None:
    request, org = of.request, of.org
    group = org.group(request.group) if request.group and request.group != org.focal_point else None
    return Choice(group, fill(sentences.ADDRESSED, group=group.name)) if group else None


def _topic_owner(of: Asked) -> Choice | None:
    for unit in of.above:
        group = _owner(of.org, unit, of.request.topic)
        if group is not None:
            return Choice(group, fill(sentences.TOPIC_OWNER, group=group.name, unit=unit_name(unit, of.org)))
    return None


def _owner(org: Organisation, unit: str, topic: str | None) -> GroupSpec | None:
    """A group that names the topic before one that takes every topic."""
    there = org.groups_of(unit)
    named = next((group for group in there if topic in group.topics), None)
    return named or next((group for group in there if not group.topics), None)


def _focal_point(org: Organisation) -> Choice:
    group = org.group(org.focal_point) or org.groups[0]
    return Choice(group, fill(sentences.FOCAL_POINT, group=group.name))
