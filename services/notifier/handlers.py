"""Events in: every ticket event becomes the deliveries it asks for, each exactly once."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, Final

from kit.errors import TransientError
from kit.mongo import DuplicateKey, Mongo
from kit.organisation import OrganisationStore
from services.notifier.domain.address import BadAddress
from services.notifier.domain.audience import Delivery, plan
from services.notifier.rendering import Renderer
from services.notifier.repository import DeliveryRepository, Planned

ATTEMPTS: Final = 5
PER_EVENT: Final = 100
"""More than the recipients of any event: keeps the order of events apart from the order within one."""


class Handlers:
    def __init__(
        self, mongo: Mongo, deliveries: DeliveryRepository, renderer: Renderer, organisation: OrganisationStore, wake: asyncio.Event
    ) -> None:
        self._mongo = mongo
        self._deliveries = deliveries
        self._renderer = renderer
        self._organisation = organisation
        self._wake = wake

    async def on_tickets(self, events: Sequence[Any]) -> None:
        """Plan a batch in one transaction."""
        accounts = self._writable_accounts()
        # By id: an event published twice may come twice in one batch.
        wanted = {delivery.id: (delivery, event, place) for event in events for place, delivery in enumerate(plan(event, accounts))}
        for _ in range(ATTEMPTS if wanted else 0):
            known, held = await asyncio.gather(
                self._deliveries.known(wanted), self._deliveries.held_lanes({delivery.lane for delivery, _, _ in wanted.values()})
            )
            fresh = []
            for identifier, asked in wanted.items():
                if identifier not in known:
                    fresh.append(self._planned(*asked))
                    await asyncio.sleep(0)  # rendering a whole batch at one go would keep everything else waiting
            try:
                await self._deliveries.add(fresh, held, self._mongo.now())
            except DuplicateKey:
                continue
            self._wake.set()
            return
        if wanted:
            raise TransientError("deliveries of this batch are being planned elsewhere")

    def _writable_accounts(self) -> Collection[str]:
        return [account.key for account in self._organisation.current.organisation.chat_accounts if account.callback_url]

    def _planned(self, delivery: Delivery, event: Any, place: int) -> Planned:  # noqa: ANN401 (one of the ticket events)
        """Rendered now, so that every attempt sends the same bytes and a mistake shows at once."""
        content: bytes | None = None
        refusal: str | None = None
        try:
            if delivery.channel == "email":
                content = self._renderer.render(delivery, event)
            elif delivery.channel == "chat":
                content = self._renderer.render_chat(delivery, event).encode()
        except BadAddress as error:
            refusal = str(error)
        order = event.sequence * PER_EVENT + place
        return Planned(delivery, order, content, event.ticket.reference, event.traceparent, refusal)
