"""Members: businesses that signed a memorandum.

Anybody can type anybody's tax code and nobody checks it. A tier may therefore choose rules and deadlines and never
opens a door: it is not proof of who is asking, and nothing that the business is shown names it.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from schemas.organisation import Organisation


def tier_on(org: Organisation, tax_code: str | None, unit: str | None, at: datetime) -> str | None:
    """The tier of the business on the day of `at`; None for a business that is no member, or not on that day.

    The day is that of the unit the business named: of the first group there or above; else of the organisation.
    """
    member = org.member(tax_code) if tax_code else None
    if member is None:
        return None
    day = at.astimezone(ZoneInfo(_zone(org, unit))).date()
    return member.tier if member.signed_on <= day <= member.valid_until else None


def _zone(org: Organisation, unit: str | None) -> str:
    there = (group for above in (org.ancestors(unit) if unit else ()) for group in org.groups_of(above))
    nearest = next(there, None)
    return org.as_group(nearest).timezone if nearest else org.timezone
