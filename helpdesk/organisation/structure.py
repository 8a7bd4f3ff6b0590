"""The tree of units, and who leads and stands in for whom."""

from collections.abc import Iterator, Mapping
from typing import Final

from helpdesk.organisation.draft import Draft
from helpdesk.organisation.problems import Finding

LEVELS: Final = ("general_department", "department", "sub_department", "team")


def one_root(draft: Draft) -> Iterator[Finding]:
    """Not two; that there is one follows from parents that exist and stand in no circle."""
    roots = [(at, unit) for at, unit in draft.units if unit.parent is None]
    for at, unit in roots[1:]:
        message = f'"{unit.key}" has no parent, and neither has "{roots[0][1].key}": there is one unit at the top'
        yield Finding(("units", at), message, "Name its `parent`.")


def no_circles(draft: Draft) -> Iterator[Finding]:
    """Each circle is told once, at its first unit. Of units with the same key the first counts."""
    parents = {unit.key: unit.parent for _, unit in reversed(draft.units)}
    told: set[str] = set()
    for at, unit in draft.units:
        circle = () if unit.key in told else _circle(unit.key, parents)
        told.update(circle)
        if circle:
            way = " → ".join((*circle, circle[0]))
            yield Finding(("units", at, "parent"), f"the units stand above each other in a circle: {way}", "Correct one `parent` of these.")


def _circle(start: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """The units passed on the way up from `start` back to it; empty when the way ends or circles elsewhere."""
    passed = [start]
    current = parents.get(start)
    while current is not None and current not in passed:
        passed.append(current)
        current = parents.get(current)
    return tuple(passed) if current == start else ()


def levels_descend(draft: Draft) -> Iterator[Finding]:
    levels = {unit.key: unit.level for _, unit in reversed(draft.units)}
    for at, unit in draft.units:
        above = levels.get(unit.parent) if unit.parent else None
        if above and LEVELS.index(unit.level) < LEVELS.index(above):
            message = f'a {unit.level} cannot stand below "{unit.parent}", a {above}'
            yield Finding(("units", at, "level"), message, "Correct the level or the parent.")


def leads_belong(draft: Draft) -> Iterator[Finding]:
    officers = {officer.key: officer for _, officer in reversed(draft.officers)}
    for at, group in draft.groups:
        lead = officers.get(group.lead)
        if lead and group.key not in lead.groups:
            message = f'"{group.lead}" leads the group "{group.key}" but is not in it'
            yield Finding(("groups", at, "lead"), message, f'Add "{group.key}" to the `groups` of "{group.lead}", or name another lead.')


def nobody_for_oneself(draft: Draft) -> Iterator[Finding]:
    for at, officer in draft.officers:
        if officer.substitute == officer.key:
            message = f'"{officer.key}" cannot stand in for the same person'
            yield Finding(("officers", at, "substitute"), message, "Name another officer or leave it out.")
