"""Mail that its reader can do without: only that may be turned off, by whoever gets it.

Everything the business is told answers what it asked. What asks an officer to act (a request given to them, a message on it, a miss, a
step, an answer that did not arrive) is their work. Left are news for others than whoever has the request, and warnings of what comes.
"""

from collections.abc import Iterable
from typing import Final, Literal, get_args

from schemas.tickets import TicketEventBase
from services.notifier.domain.audience import Delivery
from services.notifier.domain.gathering import Alarm

Notice = Literal["new_requests", "warnings"]
NOTICES: Final[tuple[Notice, ...]] = get_args(Notice)


def notice_of(delivery: Delivery, event: TicketEventBase) -> Notice | None:
    """What kind of notice it is; None: it can't be turned off. A group's mailbox is nobody's own."""
    if delivery.audience != "staff" or delivery.channel != "email" or delivery.recipient.startswith("group:"):
        return None
    match delivery.template:
        case "assignment":
            in_charge = event.ticket.officer
            return None if in_charge is not None and in_charge.key == delivery.recipient else "new_requests"
        case "deadline_warned":
            return "warnings"
        case _:
            return None


def notice_of_digest(recipient: str, alarms: Iterable[Alarm]) -> Notice | None:
    """A digest with a miss or a step in it can't be turned off."""
    return "warnings" if not recipient.startswith("group:") and {alarm.what for alarm in alarms} == {"warned"} else None
