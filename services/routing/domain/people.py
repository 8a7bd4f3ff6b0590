"""Whom to tell. Somebody always is: substitutes stand in for the absent, and at the end of every chain is the group's lead.

An authority outside the organisation may have no e-mail address; then the supervisor is asked to reach it.
"""

from collections.abc import Iterable
from typing import Final

from schemas.organisation import GroupSpec, OfficerSpec, Organisation, Recipient
from schemas.tickets import ToldAs
from schemas.values import Person

AUTHORITY_KEY: Final = "competent-authority"


def told(recipients: Iterable[Recipient], org: Organisation, group: GroupSpec, officer: str | None) -> tuple[Person, ...]:
    """The people behind these words for a ticket of the group that `officer` has; each once, in the order named."""
    return unique(person for _, person in told_as(recipients, org, group, officer))


def told_as(recipients: Iterable[Recipient], org: Organisation, group: GroupSpec, officer: str | None) -> tuple[tuple[ToldAs, Person], ...]:
    """The same with the capacity in which each is told: a substitute in that of whoever is away.

    When mail would reach none of them and the group has no mailbox, those who supervise it and the focal point's lead
    are told as well.
    """
    words = tuple(recipients)
    found = tuple(pair for recipient in words for pair in _people(recipient, org, group, officer))
    if not words or group.mailbox or any(person.email for _, person in found):
        return found
    focal_point = org.group(org.focal_point) or group
    return (*found, *_present("supervisor", supervisors(org, group.unit), org, group), ("lead", _lead(org, focal_point)))


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


def _people(recipient: Recipient, org: Organisation, group: GroupSpec, officer: str | None) -> tuple[tuple[ToldAs, Person], ...]:
    if recipient == "authority":
        if org.competent_authority.email:
            return (("authority", _authority(org)),)
        asked = _present("supervisor", supervisors(org, group.unit), org, group)
        return tuple(("authority_unreachable", person) for _, person in asked)
    if recipient == "supervisor":
        return _present("supervisor", supervisors(org, group.unit), org, group)
    named = org.officer(officer) if recipient == "officer" and officer else None
    return _present("officer", (named,) if named else (), org, group)


def _present(role: ToldAs, wanted: Iterable[OfficerSpec], org: Organisation, group: GroupSpec) -> tuple[tuple[ToldAs, Person], ...]:
    """Those on duty and the substitutes of the others; the lead when that is nobody."""
    present = [found for spec in wanted if (found := on_duty(org, spec))]
    return tuple((role, org.as_person(spec)) for spec in present) or (("lead", _lead(org, group)),)


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
