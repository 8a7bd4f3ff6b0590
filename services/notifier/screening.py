"""What is not sent although somebody is to be told: to addresses that do not exist, acknowledgements without end, unwanted notices."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.tickets import TicketEventBase
from services.notifier.domain.audience import Delivery
from services.notifier.domain.notices import notice_of
from services.notifier.limits import Limits, limited
from services.notifier.preferences import OFF, Preferences
from services.notifier.suppressions import SUPPRESSED, Suppressions, spelt


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refusal`: it failed, and the officer is told; `dropped`: nothing is lost by it; `acknowledges`: whom it is counted for."""

    refusal: str | None = None
    dropped: str | None = None
    acknowledges: str | None = None


FREE: Final = Verdict()


class Screening:
    def __init__(self, suppressions: Suppressions, limits: Limits, preferences: Preferences) -> None:
        self._suppressions = suppressions
        self._limits = limits
        self._preferences = preferences

    async def of(self, asked: Sequence[tuple[Delivery, TicketEventBase]], now: datetime) -> dict[str, Verdict]:
        """By id, of those about which there is something to say."""
        addresses = {delivery.address for delivery, _ in asked if delivery.channel == "email"}
        held, unwanted = await asyncio.gather(self._suppressions.of(addresses), self._unwanted(asked))
        verdicts = unwanted | {
            delivery.id: Verdict(refusal=f"{SUPPRESSED}{held[delivery.address]}")
            for delivery, _ in asked
            if delivery.channel == "email" and delivery.address in held
        }
        counted = [delivery for delivery, event in asked if delivery.id not in verdicts and limited(delivery, event)]
        over = await self._limits.exceeded(counted, now)
        return verdicts | {  # those that are counted are acknowledgements, which have no verdict yet
            delivery.id: Verdict(dropped=over[delivery.id]) if delivery.id in over else Verdict(acknowledges=spelt(delivery.address))
            for delivery in counted
        }

    async def _unwanted(self, asked: Sequence[tuple[Delivery, TicketEventBase]]) -> dict[str, Verdict]:
        notices = {delivery.id: (delivery.recipient, notice) for delivery, event in asked if (notice := notice_of(delivery, event))}
        off = await self._preferences.off({officer for officer, _ in notices.values()})
        return {identifier: Verdict(dropped=OFF) for identifier, notice in notices.items() if notice in off}
