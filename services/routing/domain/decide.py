"""The door to routing's rules: everything that can happen to a ticket, each a pure function that returns a `Decision`.

Callers save `decision.ticket` (even when there are no events), `decision.messages` and `decision.events` in one
transaction, guarded by the version the ticket had before. Inputs that were seen before are the caller's to skip.
Every decision about a ticket raises `Outdated` when the ticket has seen a newer revision than `ctx`.
"""

from services.routing.domain.business import business_message
from services.routing.domain.delivering import delivery
from services.routing.domain.draft import Decision
from services.routing.domain.officer import decide
from services.routing.domain.opening import open_ticket
from services.routing.domain.passing_time import next_at, time_passing
from services.routing.domain.retiming import Outdated, brought_up

__all__ = ["Decision", "Outdated", "brought_up", "business_message", "decide", "delivery", "next_at", "open_ticket", "time_passing"]
