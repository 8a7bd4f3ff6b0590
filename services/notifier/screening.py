"""What is not sent although somebody is to be told: to addresses that do not exist, and acknowledgements without end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.tickets import TicketEventBase
from services.notifier.domain.audience import Delivery
from services.notifier.limits import Limits, limited
from services.notifier.suppressions import Suppressions, spelt


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refusal`: it failed, and the officer is told; `dropped`: nothing is lost by it; `acknowledges`: whom it is counted for."""

    refusal: str | None = None
    dropped: str | None = None
    acknowledges: str | None = None


FREE: Final = Verdict()


class Screening:
    def __init__(self, suppressions: Suppressions, limits: Limits) -> None:
        self._suppressions = suppressions
        self._limits = limits

    async def of(self, asked: Sequence[tuple[Delivery, TicketEventBase]], now: datetime) -> dict[str, Verdict]:
        """By id, of those about which there is something to say."""
        held = await self._suppressions.of({delivery.address for delivery, _ in asked if delivery.channel == "email"})
        verdicts = {
            delivery.id: Verdict(refusal=f"suppressed: {held[delivery.address]}")
            for delivery, _ in asked
            if delivery.channel == "email" and delivery.address in held
        }
        counted = [delivery for delivery, event in asked if delivery.id not in verdicts and limited(delivery, event)]
        over = await self._limits.exceeded(counted, now)
        return verdicts | {
            delivery.id: Verdict(dropped=over[delivery.id]) if delivery.id in over else Verdict(acknowledges=spelt(delivery.address))
            for delivery in counted
        }
