"""Policies: each ticket of each group finds one, and each says what it means once."""

from collections.abc import Iterator
from itertools import product
from typing import get_args

from helpdesk.organisation.draft import Draft
from helpdesk.organisation.problems import Finding
from schemas.organisation import GroupSpec, PolicySpec
from schemas.values import Channel, Priority


def groups_covered(draft: Draft) -> Iterator[Finding]:
    """Every topic on every channel at every group finds a policy. Silent while policies or units are unsound."""
    if not draft.sound("policies") or not draft.sound("units") or not _policies_name_what_exists(draft):
        return
    for at, group in draft.groups:
        if group.unit not in draft.known("units"):
            continue
        above = _above(draft, group.unit)
        gap = _gap(draft, [policy for _, policy in draft.policies if not policy.units or above & set(policy.units)])
        if gap:
            yield _uncovered(at, group, *gap)


def _policies_name_what_exists(draft: Draft) -> bool:
    units, topics = draft.known("units"), draft.known("topics")
    return all(units.issuperset(policy.units) and topics.issuperset(policy.topics) for _, policy in draft.policies)


def _above(draft: Draft, unit: str) -> set[str]:
    parents = {spec.key: spec.parent for _, spec in draft.units}
    above: set[str] = set()
    current: str | None = unit
    while current is not None and current not in above:
        above.add(current)
        current = parents.get(current)
    return above


def _gap(draft: Draft, policies: list[PolicySpec]) -> tuple[str, str] | None:
    """A topic and a channel, and perhaps a priority, for which a business that is no member finds no policy."""
    everybodys = [policy for policy in policies if not policy.member_tiers]
    if any(not policy.topics and not policy.channels and not policy.priorities for policy in everybodys):
        return None
    for topic, channel in product(sorted(draft.known("topics")), get_args(Channel)):
        there = [policy for policy in everybodys if _applies(policy, topic, channel)]
        for priority in get_args(Priority):
            if not any(not policy.priorities or priority in policy.priorities for policy in there):
                return topic, channel + (f" with the priority {priority}" if there else "")
    return None


def _applies(policy: PolicySpec, topic: str, channel: str) -> bool:
    return (not policy.topics or topic in policy.topics) and (not policy.channels or channel in policy.channels)


def _uncovered(at: int, group: GroupSpec, topic: str, channel: str) -> Finding:
    message = f'no policy covers the group "{group.key}" for the topic "{topic}" by {channel}'
    return Finding(("groups", at), message, "Add a policy without conditions as the last one.")


def targets_once(draft: Draft) -> Iterator[Finding]:
    for at, policy in draft.policies:
        seen: set[str] = set()
        for position, target in enumerate(policy.targets):
            if target.clock in seen:
                yield Finding(("policies", at, "targets", position), f"there is already a target for {target.clock}", "Keep one.")
            seen.add(target.clock)


def steps_happen(draft: Draft) -> Iterator[Finding]:
    """A step that is written down does something, on a clock that the policy starts."""
    for at, policy in draft.policies:
        for position, step in enumerate(policy.ladder if "ladder" in policy.model_fields_set else ()):
            path = ("policies", at, "ladder", position)
            if policy.target(step.clock) is None:
                yield Finding(path, f"the policy has no target for {step.clock}", "Add the target or name another `clock`.")
            if not step.tell and step.take_over is None:
                yield Finding(path, "this step does nothing", "Say whom to `tell` or who is to `take_over`.")
