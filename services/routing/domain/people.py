"""Whom to tell. Somebody always is: substitutes stand in for the absent, and at the end of every chain is the group's lead."""

from collections.abc import Iterable
from typing import Final

from schemas.organisation import GroupSpec, OfficerSpec, Organisation, Recipient
from schemas.values import Person

AUTHORITY_KEY: Final = "competent-authority"


def told(recipients: Iterable[Recipient], org: Organisation, group: GroupSpec, officer: str | None) -> tuple[Person, ...]:
    """The people behind these words for a ticket of the group that `officer` has; each once, in the order named."""
    return unique(person for recipient in recipients for person in _people(recipient, org, group, officer))


def unique(people: Iterable[Person]) -> tuple[Person, ...]:
    """Each person once, at the place of the first mention."""
    first: dict[str, Person] = {}
    for person in people:
        first.setdefault(person.key, person)
    return tuple(first.values())


def on_duty(org: Organisation, officer: OfficerSpec) -> OfficerSpec | None:
    """The officer, or the first of the chain of substitutes who is on duty; None when the chain ends or closes in a circle."""
    seen: set[str] = set()
    current: OfficerSpec | None = officer
    while current is not None and current.key not in seen:
        if current.on_duty:
            return current
        seen.add(current.key)
        current = org.officer(current.substitute) if current.substitute else None
    return None


def supervisors(org: Organisation, unit: str) -> tuple[OfficerSpec, ...]:
    """Those who supervise the unit, or the nearest unit above it that anybody supervises."""
    for key in org.ancestors(unit):
        found = tuple(officer for officer in org.officers if key in officer.supervises)
        if found:
            return found
    return ()


def oversees(org: Organisation, officer: str, group: GroupSpec) -> bool:
    """Whether the officer may dispose of the group's tickets: its lead, a supervisor of a unit above it, an administrator."""
    spec = org.officer(officer)
    if spec is None:
        return False
    return officer == group.lead or "administrator" in spec.roles or not set(spec.supervises).isdisjoint(org.ancestors(group.unit))


def _people(recipient: Recipient, org: Organisation, group: GroupSpec, officer: str | None) -> tuple[Person, ...]:
    if recipient == "authority":
        return (_authority(org),)
    if recipient == "supervisor":
        wanted = supervisors(org, group.unit)
    else:
        named = org.officer(officer) if recipient == "officer" and officer else None
        wanted = (named,) if named else ()
    present = [found for spec in wanted if (found := on_duty(org, spec))]
    return tuple(org.as_person(spec) for spec in present) or (_lead(org, group),)


def _lead(org: Organisation, group: GroupSpec) -> Person:
    """The lead or a substitute; the lead all the same when all of them are off duty."""
    lead = org.officer(group.lead)
    if lead is None:
        return _authority(org)
    return org.as_person(on_duty(org, lead) or lead)


def _authority(org: Organisation) -> Person:
    authority = org.competent_authority
    return Person(
        key=AUTHORITY_KEY, name=authority.name.in_language(authority.language), email=authority.email, language=authority.language
    )
