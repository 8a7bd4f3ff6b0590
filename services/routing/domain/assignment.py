"""Who in a group gets a ticket, and which group has it when the one below failed."""

from collections.abc import Mapping

from schemas.organisation import GroupSpec, OfficerSpec, Organisation
from services.routing.domain.identity import derived_id


def fair_choice(org: Organisation, group: GroupSpec, open_work: Mapping[str, int], ticket_id: str) -> OfficerSpec | None:
    """The officer on duty with the least open work; None where officers claim for themselves or nobody is on duty.

    Equals draw lots by the ticket's id: the same for whoever computes it, and even in the long run. The caller counts
    what it has just given out into `open_work` before it asks again, or a batch would all go to one officer.
    Known weakness: officers who finish everything at once stay equals, and lots are only even on average.
    """
    if group.assignment != "automatic":
        return None
    present = [officer for officer in org.members_of(group.key) if officer.on_duty]
    if not present:
        return None
    return min(present, key=lambda officer: (open_work.get(officer.key, 0), derived_id(ticket_id, officer.key)))


def group_above(org: Organisation, group: GroupSpec, topic: str) -> GroupSpec | None:
    """The group of the nearest unit above that has one, by preference the owner of the topic; None at the top."""
    for unit in org.ancestors(group.unit)[1:]:
        there = [other for other in org.groups_of(unit) if other.key != group.key]
        if there:
            return next((other for other in there if topic in other.topics), there[0])
    return None
