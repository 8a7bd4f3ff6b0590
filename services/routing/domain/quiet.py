"""Quiet hours: an alarm is recorded at once, and told when the group's people are at work again.

Alarms alone wait, the warnings, misses and steps of the ladder. What the business is told never does, and neither does new
work: its mail lies in the queue of whoever looks, and whoever is at work outside hours should find it.
"""

from datetime import datetime

from schemas.organisation import GroupSpec
from services.routing.domain.calendar import NeverOpens
from services.routing.domain.context import Context


def tell_at(ctx: Context, group: GroupSpec, at: datetime) -> datetime | None:
    """When the group's duty hours begin again; None while they last, and for a group on duty 24/24.

    Never silence: a calendar that does not open again lets everything through.
    """
    if group.on_duty_always:
        return None
    try:
        opens = ctx.calendar(group.duty_calendar or group.calendar).next_open(at)
    except NeverOpens:
        return None
    return opens if opens > at else None
