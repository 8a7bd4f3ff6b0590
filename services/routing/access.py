"""Who may see and do what: officers their groups, supervisors their units and everything below, auditors all but change nothing."""

from collections.abc import Collection
from dataclasses import dataclass

from schemas.organisation import Organisation, OfficerSpec


@dataclass(frozen=True)
class Reader:
    """A signed-in person with the groups they may see and the ones they may work in."""

    officer: OfficerSpec
    sees: frozenset[str]
    works: frozenset[str]


def reader(organisation: Organisation, officer: OfficerSpec) -> Reader:
    supervised = {group.key for group in organisation.groups if not set(officer.supervises).isdisjoint(organisation.ancestors(group.unit))}
    everything = {group.key for group in organisation.groups}
    works = set(officer.groups) | supervised
    if "administrator" in officer.roles:
        works = everything
    sees = everything if officer.roles else works
    return Reader(officer, frozenset(sees), frozenset(works))


def subtree(organisation: Organisation, unit: str) -> Collection[str]:
    """The unit and every unit below it."""
    return {spec.key for spec in organisation.units if unit in organisation.ancestors(spec.key)}
