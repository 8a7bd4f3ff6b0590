"""Events in: every ticket event becomes the deliveries it asks for, each exactly once."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, Final

from kit.errors import TransientError
from kit.mongo import DuplicateKey, Mongo
from kit.organisation import OrganisationStore
from services.notifier.digests import Digests, waiting
from services.notifier.domain.address import BadAddress
from services.notifier.domain.audience import Delivery, plan
from services.notifier.rendering import Renderer
from services.notifier.repository import DeliveryRepository, Planned
from services.notifier.screening import FREE, Screening, Verdict

ATTEMPTS: Final = 5
PER_EVENT: Final = 100
"""More than the recipients of any event: keeps the order of events apart from the order within one."""


class Handlers:
    def __init__(  # noqa: PLR0913, PLR0917 (each is one collaborator)
        self,
        mongo: Mongo,
        deliveries: DeliveryRepository,
        digests: Digests,
        renderer: Renderer,
        organisation: OrganisationStore,
        wake: asyncio.Event,
        screening: Screening,
    ) -> None:
        self._mongo = mongo
        self._deliveries = deliveries
        self._digests = digests
        self._renderer = renderer
        self._organisation = organisation
        self._wake = wake
        self._screening = screening

    async def on_tickets(self, events: Sequence[Any]) -> None:
        """Plan a batch in one transaction, then take back the alarms that its later events have made pointless."""
        await self._plan(events)
        await self._digests.settle(events)

    async def _plan(self, events: Sequence[Any]) -> None:
        accounts = self._writable_accounts()
        # By id: an event published twice may come twice in one batch.
        wanted = {delivery.id: (delivery, event, place) for event in events for place, delivery in enumerate(plan(event, accounts))}
        for _ in range(ATTEMPTS if wanted else 0):
            known, held = await asyncio.gather(
                self._deliveries.known(wanted), self._deliveries.held_lanes({delivery.lane for delivery, _, _ in wanted.values()})
            )
            asked = [each for identifier, each in wanted.items() if identifier not in known]
            verdicts = await self._screening.of([(delivery, event) for delivery, event, _ in asked], self._mongo.now())
            fresh = []
            for delivery, event, place in asked:
                fresh.append(self._planned(delivery, event, place, verdicts.get(delivery.id, FREE)))
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

    def _planned(self, delivery: Delivery, event: Any, place: int, verdict: Verdict) -> Planned:  # noqa: ANN401 (one of the ticket events)
        """Rendered now, so that every attempt sends the same bytes and a mistake shows at once."""
        content: bytes | None = None
        refusal = verdict.refusal
        try:
            if delivery.channel == "email" and not refusal:
                content = self._renderer.render(delivery, event)
            elif delivery.channel == "chat":
                content = self._renderer.render_chat(delivery, event).encode()
        except BadAddress as error:
            refusal = str(error)
        order = event.sequence * PER_EVENT + place
        gathered = waiting(delivery, event, self._mongo.now())
        return Planned(
            delivery,
            order,
            content,
            event.ticket.reference,
            event.traceparent,
            refusal=refusal,
            dropped=verdict.dropped,
            acknowledges=verdict.acknowledges,
            waiting=None if refusal else gathered,
        )
