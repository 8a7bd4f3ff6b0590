"""Events in: every ticket event becomes the deliveries it asks for, each exactly once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final

from kit.errors import TransientError
from kit.mongo import Document, DuplicateKey, Mongo
from kit.organisation import OrganisationStore
from services.notifier.digests import Digests, waiting
from services.notifier.domain.address import BadAddress
from services.notifier.domain.audience import Delivery, plan
from services.notifier.domain.floods import Floods
from services.notifier.domain.new_work import is_new_work
from services.notifier.new_work_digests import put_off
from services.notifier.rendering import Renderer
from services.notifier.repository import DeliveryRepository, Planned
from services.notifier.screening import FREE, Screening, Verdict

ATTEMPTS: Final = 5
FIRST: Final = 1
"""The sequence of a ticket's first event: nothing can wait in its lanes."""

AT_ONE_GO: Final = 0.002
"""Seconds of rendering, after which everything else gets its turn: a whole batch would keep it waiting for a tenth of a second."""

PER_EVENT: Final = 100
"""More than the recipients of any event: keeps the order of events apart from the order within one."""


HandOver = Callable[[Sequence[Document], Collection[str]], None]
CaughtUp = Callable[[], Awaitable[None]]


class Handlers:
    def __init__(  # noqa: PLR0913, PLR0917 (each is one collaborator)
        self,
        mongo: Mongo,
        deliveries: DeliveryRepository,
        digests: Digests,
        renderer: Renderer,
        organisation: OrganisationStore,
        screening: Screening,
        hand_over: HandOver,
        floods: Floods | None = None,
        caught_up: CaughtUp | None = None,
    ) -> None:
        """`hand_over` gets what was planned, and the lanes in which something else may wait.

        `caught_up` is awaited before each batch, which it may hold back while earlier ones are being sent.
        Without `floods` every request given to somebody is told at once, however many there are.
        """
        self._mongo = mongo
        self._deliveries = deliveries
        self._digests = digests
        self._renderer = renderer
        self._organisation = organisation
        self._screening = screening
        self._hand_over = hand_over
        self._floods = floods
        self._caught_up = caught_up

    async def on_tickets(self, events: Sequence[Any]) -> None:
        """Plan a batch in one transaction, then take back the alarms that its later events have made pointless."""
        await self._plan(events)
        await self._digests.settle(events)

    async def _plan(self, events: Sequence[Any]) -> None:
        accounts = self._writable_accounts()
        # By id: an event published twice may come twice in one batch.
        wanted = {delivery.id: (delivery, event, place) for event in events for place, delivery in enumerate(plan(event, accounts))}
        if wanted and self._caught_up:
            await self._caught_up()
        begun = {delivery.lane for delivery, event, _ in wanted.values() if event.sequence > FIRST}
        for attempt in range(ATTEMPTS if wanted else 0):
            # Not asked the first time: a batch that came before is rare, and stands in its own way.
            known = await self._deliveries.known(wanted) if attempt else frozenset()
            held = await self._deliveries.held_lanes(begun)
            asked = [each for identifier, each in wanted.items() if identifier not in known]
            verdicts = await self._screening.of([(delivery, event) for delivery, event, _ in asked], self._mongo.now())
            fresh, began = [], time.monotonic()
            for delivery, event, place in asked:
                fresh.append(self._planned(delivery, event, place, verdicts.get(delivery.id, FREE)))
                if time.monotonic() - began > AT_ONE_GO:
                    await asyncio.sleep(0)
                    began = time.monotonic()
            try:
                rows = await self._deliveries.add(fresh, held, self._mongo.now())
            except DuplicateKey:
                continue
            self._hand_over(rows, begun)
            return
        if wanted:
            raise TransientError("deliveries of this batch are being planned elsewhere")

    def _writable_accounts(self) -> Collection[str]:
        return [account.key for account in self._organisation.current.organisation.chat_accounts if account.callback_url]

    def _planned(self, delivery: Delivery, event: Any, place: int, verdict: Verdict) -> Planned:  # noqa: ANN401 (one of the ticket events)
        """Rendered now, so that every attempt sends the same bytes and a mistake shows at once; what is told with others is not."""
        content: bytes | None = None
        refusal = verdict.refusal
        gathered = waiting(delivery, event, self._mongo.now())
        try:
            if not (refusal or verdict.dropped) and (until := self._flooded(delivery)):
                gathered = put_off(delivery, event, until)
            elif delivery.channel == "email" and not refusal:
                content = self._renderer.render(delivery, event)
            elif delivery.channel == "chat":
                content = self._renderer.render_chat(delivery, event).encode()
        except BadAddress as error:
            refusal = str(error)
        order = event.sequence * PER_EVENT + place
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

    def _flooded(self, delivery: Delivery) -> datetime | None:
        return self._floods.until(delivery.address, self._mongo.now()) if self._floods and is_new_work(delivery) else None
