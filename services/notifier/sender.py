"""Time passing: deliveries that are due go out, many at a time, in order within each lane."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from prometheus_client import Counter, Gauge
from structlog.typing import FilteringBoundLogger

from kit.batch import Batcher
from kit.errors import TransientError
from kit.leases import Slots
from kit.mongo import Document, Mongo
from services.notifier.domain.outcome import Accepted, Later, Never, Outcome, RelayTrouble, Unknown
from services.notifier.domain.retry import next_attempt
from services.notifier.repository import Attempted, DeliveryRepository, delivered, failed

IN_FLIGHT: Final = 64
"""Lanes under way at once: several times the connections, so that none of them waits for the database."""

LONGEST_PAUSE: Final = timedelta(seconds=30)
"""Between two looks at a mail relay that is down. Short: the first mail after an outage should not wait for it."""

RECORD_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0)
"""Seconds between tries to write down an attempt."""

ATTEMPTS = Counter("helpdesk_delivery_attempts", "Attempts to tell somebody", ["channel", "outcome"])
PAUSED = Gauge("helpdesk_mail_relay_paused", "1 while the mail relay is in trouble and mail waits")

Send = Callable[[Document], Awaitable[Outcome]]


@dataclass
class _Breaker:
    """Pauses all mail while the relay is in trouble; afterwards one delivery goes ahead to try it."""

    failures: int = 0
    until: datetime | None = None

    def tripped(self, now: datetime) -> None:
        if self.until is None or self.until <= now:
            self.failures += 1
            self.until = now + min(timedelta(seconds=2**self.failures / 2), LONGEST_PAUSE)
        PAUSED.set(1)

    def well(self) -> None:
        self.failures, self.until = 0, None
        PAUSED.set(0)

    def closed(self, now: datetime) -> bool:
        return self.until is None or self.until <= now


class Sender:
    """Holds nothing that could be lost: a delivery is pending in the database until its end is written there.

    A crash after the relay's acceptance and before that write sends the same bytes with the same Message-ID again.
    """

    def __init__(
        self,
        mongo: Mongo,
        deliveries: DeliveryRepository,
        slots: Slots,
        channels: dict[str, Send],
        wake: asyncio.Event,
        logger: FilteringBoundLogger,
    ) -> None:
        self._mongo = mongo
        self._deliveries = deliveries
        self._slots = slots
        self._channels = channels
        self._wake = wake
        self._logger = logger
        self._breaker = _Breaker()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._results: Batcher[Attempted, None] = Batcher(deliveries.record)

    async def step(self) -> bool:
        """Start as many due lanes as there is room for."""
        now = self._mongo.now()
        mail = self._breaker.closed(now)
        room = IN_FLIGHT - len(self._lanes)
        mine = self._slots.mine
        if room <= 0 or not mine:
            return False
        channels = [channel for channel in self._channels if mail or channel != "email"]
        rows = await self._deliveries.due(mine, now, IN_FLIGHT * 2, channels)
        if self._breaker.failures:
            rows = _one_mail(rows)
        lanes: dict[str, list[Document]] = defaultdict(list)
        for row in rows:
            if row["lane"] not in self._lanes:
                lanes[row["lane"]].append(row)
        for lane, waiting in list(lanes.items())[:room]:
            task = asyncio.create_task(self._run(lane, waiting))
            self._lanes[lane] = task
        return False

    async def _run(self, lane: str, rows: list[Document]) -> None:
        """One lane's deliveries, one after the other, until one has to wait."""
        try:
            for row in rows:
                if not await self._attempt(row):
                    break
        except Exception as error:  # noqa: BLE001 (it stays pending and comes again)
            self._logger.warning("sender.not_recorded", error=repr(error)[:300])
        finally:
            del self._lanes[lane]
            self._wake.set()

    async def _attempt(self, row: Document) -> bool:
        outcome = await self._channels[row["channel"]](row)
        ATTEMPTS.labels(row["channel"], type(outcome).__name__.lower()).inc()
        now = self._mongo.now()
        if isinstance(outcome, RelayTrouble):
            if self._breaker.closed(now):
                self._logger.warning("sender.relay_trouble", reason=outcome.reason[:200])
            self._breaker.tripped(now)
            return False
        if row["channel"] == "email":
            self._breaker.well()
        attempted = judged(row, outcome, now, random.uniform(-1, 1))  # noqa: S311 (jitter)
        await self._record(attempted)
        return attempted.event is not None

    async def _record(self, attempted: Attempted) -> None:
        """Hold on while the database is away: what was accepted and not recorded would be sent twice."""
        for pause in RECORD_PAUSES:
            try:
                await self._results.submit(attempted)
            except TransientError as error:
                self._logger.warning("sender.record_waits", error=str(error)[:200])
                await asyncio.sleep(pause)
            else:
                return
        await self._results.submit(attempted)

    async def close(self) -> None:
        """Let what is under way end, for at most 20 s; what does not is sent again by whoever comes next."""
        if self._lanes:
            await asyncio.wait(list(self._lanes.values()), timeout=20)


def judged(row: Document, outcome: Outcome, now: datetime, jitter: float) -> Attempted:
    """What an attempt's outcome means for the delivery."""
    match outcome:
        case Accepted(response):
            return Attempted(row, delivered(row, now), None, response)
        case Never(reason):
            return Attempted(row, failed({**row, "attempts": row["attempts"] + 1}, reason, now), None, reason)
        case Later(reason) | Unknown(reason):
            again = next_attempt(row["attempts"] + 1, row.get("first_at") or now, now, jitter)
            if again is None:
                return Attempted(row, failed({**row, "attempts": row["attempts"] + 1}, f"given up: {reason}", now), None, reason)
            return Attempted(row, None, again, reason)
        case RelayTrouble(reason):
            return Attempted(row, None, now, reason)
        case _:
            assert_never(outcome)


def _one_mail(rows: list[Document]) -> list[Document]:
    """Everything that is not mail, and the first mail."""
    others = [row for row in rows if row["channel"] != "email"]
    return others + [row for row in rows if row["channel"] == "email"][:1]
