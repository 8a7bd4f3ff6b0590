"""Topic names, each with its one writer. The key of every record is the `ticket_id`."""

from typing import Final

REQUESTS: Final = "helpdesk.requests.v1"
"""Written by intake alone: what businesses sent."""

TICKETS: Final = "helpdesk.tickets.v1"
"""Written by routing alone: what happened to a ticket."""

NOTIFICATIONS: Final = "helpdesk.notifications.v1"
"""Written by the notifier alone: what was delivered or failed."""

SERVICES: Final = ("intake", "routing", "notifier")

WRITER: Final = {REQUESTS: "intake", TICKETS: "routing", NOTIFICATIONS: "notifier"}


def dead_letters(service: str) -> str:
    """The topic where `service` puts records it cannot use; nobody subscribes to it."""
    return f"helpdesk.{service}.dlq"
