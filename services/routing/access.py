"""Who may see and do what: officers their groups, supervisors their units and everything below, auditors all but change nothing."""

from collections.abc import Collection
from dataclasses import dataclass

from schemas.organisation import OfficerSpec, Organisation
from schemas.values import Language


@dataclass(frozen=True)
class Reader:
    """A signed-in person with the groups they may see and the ones they may work in."""

    officer: OfficerSpec
    sees: frozenset[str]
    works: frozenset[str]

    @property
    def language(self) -> Language:
        return self.officer.language


def reader(organisation: Organisation, officer: OfficerSpec) -> Reader:
    """What follows from the officer's groups, units and roles; an auditor works nowhere, whatever else they are."""
    everything = frozenset(group.key for group in organisation.groups)
    units = set(officer.supervises)
    supervised = {group.key for group in organisation.groups if not units.isdisjoint(organisation.ancestors(group.unit))}
    own = everything & (set(officer.groups) | supervised)
    if "administrator" in officer.roles:
        return Reader(officer, everything, everything)
    if "auditor" in officer.roles:
        return Reader(officer, everything, frozenset())
    return Reader(officer, own, own)


def subtree(organisation: Organisation, unit: str) -> Collection[str]:
    """The unit and every unit below it."""
    return {spec.key for spec in organisation.units if unit in organisation.ancestors(spec.key)}
