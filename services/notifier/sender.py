"""Time passing: deliveries that are due go out, many at a time, in order within each lane."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Final, assert_never

from prometheus_client import Counter, Gauge
from structlog.typing import FilteringBoundLogger

from kit.batch import Batcher
from kit.crashpoints import crash_point
from kit.errors import TransientError
from kit.leases import Slots
from kit.mongo import Document, Mongo
from services.notifier.domain.domains import Domains
from services.notifier.domain.outcome import Accepted, Later, Never, Outcome, RelayTrouble, Unknown
from services.notifier.domain.retry import next_attempt
from services.notifier.repository import Attempted, DeliveryRepository, delivered, failed
from services.notifier.waiting_room import WaitingRoom

IN_FLIGHT: Final = 128
"""Lanes of one channel with something to send at once: several times the connections, so that none of them waits for the database."""

UNWRITTEN: Final = 2 * IN_FLIGHT
"""Lanes of one channel under way, with those whose end is being written down: no more than these does a crash send twice."""

REFILL_AT: Final = IN_FLIGHT // 2
"""Lanes left with something to send when more are fetched: asking for each one that ends would cost more than sending."""

FEW: Final = 64
"""Lanes waiting for a place that last until another batch has been planned: no place is empty meanwhile."""

NAP: Final = 0.05
"""Seconds between two looks at how many wait: so short that fewer than `FEW` go out meanwhile."""

NAPS: Final = 10
"""At most: no batch waits for longer than half a second to be planned."""

LONGEST_PAUSE: Final = timedelta(seconds=30)
"""Between two looks at a mail relay that is down. Short: the first mail after an outage should not wait for it."""

RECORD_PACE: Final = 0.1
"""Seconds for which an end may wait to be written down with others; what a crash in between leaves unwritten is sent again."""

RECORD_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between tries to write down an attempt; the last one repeats."""

AFTER_A_TRIAL: Final = timedelta(seconds=1)
"""For the lane that tried a relay in trouble in vain, after the pause that holds for all."""

REST: Final = timedelta(seconds=5)
"""For a lane whose attempt could not even be made, as while no organisation is loaded."""

LONG_REST: Final = timedelta(minutes=10)
"""For a lane whose attempt failed by our own fault: what was perhaps accepted must not go out again with every look."""

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


@dataclass
class _Channel:
    """One way out, with its own places: however much waits on one, the others go on."""

    send: Send
    lanes: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    """Under way."""
    sending: dict[str, str] = field(default_factory=dict)
    """Of these the lanes in which something is still to be sent, with the address that has a place in its domain."""
    waiting: WaitingRoom = field(default_factory=WaitingRoom)
    """For a place."""
    more: bool = False
    """Whether more is in the database than there was room for: what is planned meanwhile goes behind it, and is found by a look."""

    @property
    def room(self) -> int:
        return min(IN_FLIGHT - len(self.sending), UNWRITTEN - len(self.lanes))

    @property
    def behind(self) -> bool:
        return self.more or len(self.waiting) > FEW


class Sender:
    """Holds nothing that could be lost: a delivery is pending in the database until its end is written there.

    A crash after the relay's acceptance and before that write sends the same bytes with the same Message-ID again. So does a database
    that was away for longer than a lease when several processes send: another one may take the slot before the write succeeds.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (each is one collaborator, but for `at_once`: mails under way to one recipient domain)
        self,
        mongo: Mongo,
        deliveries: DeliveryRepository,
        slots: Slots,
        channels: dict[str, Send],
        wake: asyncio.Event,
        logger: FilteringBoundLogger,
        at_once: int = IN_FLIGHT,
    ) -> None:
        self._mongo = mongo
        self._deliveries = deliveries
        self._slots = slots
        self._channels = {name: _Channel(send) for name, send in channels.items()}
        self._wake = wake
        self._logger = logger
        self._breaker = _Breaker()
        self._domains = Domains(at_once)
        self._resting: dict[str, datetime] = {}
        self._handed: set[str] = set()
        """Lanes taken over since the last look began, which may have read what they have sent since."""
        self._tries = 0
        """Attempts to send a mail that came to an end: as long as it grows, mail goes out."""
        self._trial: str | None = None
        self._closing = False
        self._noted = True
        """Whether it may stand in the database that mail is paused: a process that died may have left it there."""
        self._results: Batcher[Attempted, None] = Batcher(deliveries.record, pace=RECORD_PACE)

    @property
    def under_way(self) -> int:
        """Lanes in which something is being sent or written down."""
        return sum(len(channel.lanes) for channel in self._channels.values())

    async def step(self) -> bool:
        """Start as many due lanes as there is room for."""
        now = self._mongo.now()
        mine = self._slots.mine
        for name, channel in self._channels.items():
            channel.waiting.keep(mine, now)
            if mine and (places := self._to_find(name, now)) > 0:
                await self._look(name, places, mine, now)
        return False

    def _to_find(self, name: str, now: datetime) -> int:
        """While others wait for a place, as many as may wait behind them: else what is in the database would never have its turn."""
        channel = self._channels[name]
        if not channel.waiting:
            return self._room(name, now)
        return 0 if channel.more else channel.waiting.free

    async def _look(self, name: str, places: int, mine: Collection[int], now: datetime) -> None:
        # Asked before reading: a lane that ends meanwhile has been read with what it has just sent.
        busy = self._busy(now)
        self._handed.clear()
        lanes = await self._deliveries.due(mine, now, places, [name], busy)
        channel = self._channels[name]
        channel.more = sum(map(len, lanes.values())) >= places
        for lane, rows in lanes.items():
            if lane not in self._handed:
                self._wait(lane, rows, channel, self._mongo.now())
        self._proceed(name)

    def hand_over(self, rows: Sequence[Document], begun: Collection[str] = ()) -> None:
        """What was written a moment ago: sent without looking for it, unless others wait before it, as they may in the lanes `begun`."""
        now, lanes = self._mongo.now(), defaultdict[str, list[Document]](list)
        for row in rows:
            if row["state"] == "pending":
                lanes[row["lane"]].append(row)
        busy = self._busy(now).union(begun)
        for lane, found in lanes.items():
            if lane in busy or not self._takes(found[0]):
                self._wake.set()
            else:
                self._handed.add(lane)
                self._wait(lane, found, self._channels[found[0]["channel"]], now)
                self._proceed(found[0]["channel"])

    async def caught_up(self) -> None:
        """Back when little waits for a place, or when it is of no use to wait: what is not planned yet waits better in Kafka than here.

        While mail goes out, for half a second at most: what has to be told by other ways, and written down, must not wait for a relay.
        """
        channel = self._channels["email"]
        for _ in range(NAPS):
            if not channel.behind or self._idle("email"):
                return
            tries = self._tries
            await asyncio.sleep(NAP)
            if self._tries == tries:
                return

    def _takes(self, row: Document) -> bool:
        """Whether it needs no look: it is ours to send, and nothing in the database is before it."""
        channel = self._channels.get(row["channel"])
        if channel is None or channel.more or row["slot"] not in self._slots.mine:
            return False
        return not self._idle(row["channel"])

    def _idle(self, name: str) -> bool:
        """Whether nothing is begun on this channel, but to try it."""
        return self._closing or (name == "email" and self._breaker.failures > 0)

    def _wait(self, lane: str, rows: list[Document], channel: _Channel, now: datetime) -> None:
        if channel.waiting.free > 0:
            channel.waiting.enter(lane, rows, now)
        else:
            channel.more = True

    def _proceed(self, name: str) -> None:
        """Whoever has waited for the longest gets what places are free; where nothing is begun, nobody waits."""
        waiting, now = self._channels[name].waiting, self._mongo.now()
        while self._room(name, now) > 0 and (first := waiting.first(now)):
            lane, rows = first
            if self._idle(name):
                self._trial = lane
                rows = rows[:1]  # what comes after it sees how it went
            self._begin(lane, rows, now)
        if self._idle(name):
            waiting.clear()

    def _begin(self, lane: str, rows: list[Document], now: datetime) -> None:
        channel = rows[0]["channel"]
        if channel == "email" and (until := self._domains.enter(rows[0]["address"], now)):
            self._resting[lane] = until
            return
        self._channels[channel].sending[lane] = rows[0]["address"]
        self._channels[channel].lanes[lane] = asyncio.create_task(self._run(lane, rows))

    def _room(self, channel: str, now: datetime) -> int:
        """How many more lanes may be started; for mail none while the relay is in trouble, and one alone to try it."""
        if self._closing:
            return 0
        room = self._channels[channel].room
        if channel != "email" or not self._breaker.failures:
            return room
        return min(room, 1) if self._breaker.closed(now) and self._trial not in self._channels[channel].lanes else 0

    def _busy(self, now: datetime) -> set[str]:
        self._resting = {lane: until for lane, until in self._resting.items() if until > now}
        return {*chain.from_iterable((*channel.lanes, *channel.waiting) for channel in self._channels.values()), *self._resting}

    async def _run(self, lane: str, rows: list[Document]) -> None:
        """One lane's deliveries, one after the other, until one has to wait."""
        slot = rows[0]["slot"]
        try:
            with self._slots.working(slot):
                for row in rows:
                    # The one before it may have taken long: another process may have the slot by now.
                    if self._closing or slot not in self._slots.mine or not await self._attempt(row, last=row is rows[-1]):
                        break
        except TransientError as error:
            self._logger.warning("sender.not_attempted", error=str(error)[:300])
            self._resting[lane] = self._mongo.now() + REST
        except Exception:
            self._logger.exception("sender.failed", lane=lane)
            self._resting[lane] = self._mongo.now() + LONG_REST
        finally:
            del self._channels[rows[0]["channel"]].lanes[lane]
            self._sent(lane, rows[0]["channel"])

    def _sent(self, lane: str, name: str) -> None:
        """Nothing more goes out in it: its place is another's."""
        channel = self._channels[name]
        address = channel.sending.pop(lane, None)
        if address is not None and name == "email":
            self._domains.leave(address)
        if channel.waiting:
            self._proceed(name)
        if channel.more and len(channel.sending) <= REFILL_AT:
            self._wake.set()

    async def _attempt(self, row: Document, *, last: bool) -> bool:
        outcome = await self._channels[row["channel"]].send(row)
        self._tries += row["channel"] == "email"
        if last and not isinstance(outcome, RelayTrouble):  # or its place would be another's before it is known that there is none
            self._sent(row["lane"], row["channel"])
        if isinstance(outcome, Accepted):
            crash_point("sender.after_accept")
        ATTEMPTS.labels(row["channel"], type(outcome).__name__.lower()).inc()
        now = self._mongo.now()
        if isinstance(outcome, RelayTrouble):
            first = self._breaker.closed(now)
            self._breaker.tripped(now)
            if first:
                self._logger.warning("sender.relay_trouble", reason=outcome.reason[:200])
                self._noted = True
                await self._deliveries.paused(row["channel"], readable(outcome.reason)[:500], now)
            if row["lane"] == self._trial:  # the next trial is another lane's, in case it was about this one after all
                self._resting[row["lane"]] = (self._breaker.until or now) + AFTER_A_TRIAL
            return False
        if row["channel"] == "email":
            self._breaker.well()
            self._note(row["address"], outcome, now)
        attempted = judged(row, outcome, now, random.uniform(-1, 1))  # noqa: S311 (jitter)
        await self._record(attempted)
        if self._noted and row["channel"] == "email":  # afterwards: what was accepted must be written down whatever happens
            await self._deliveries.goes_out(row["channel"])
            self._noted = False
        return attempted.event is not None

    def _note(self, address: str, outcome: Outcome, now: datetime) -> None:
        if isinstance(outcome, Accepted):
            self._domains.taken(address)
        elif isinstance(outcome, Later):
            self._domains.put_off(address, outcome.reason, now)

    async def _record(self, attempted: Attempted) -> None:
        """Hold on while the database is away, however long: what was accepted and not recorded would be sent twice."""
        for pause in chain(RECORD_PAUSES, repeat(RECORD_PAUSES[-1])):
            try:
                await self._results.submit(attempted)
            except TransientError as error:
                self._logger.warning("sender.record_waits", error=str(error)[:200])
                await asyncio.sleep(pause)
            else:
                return

    async def close(self) -> None:
        """Begin nothing more and let what is under way end, for at most 20 s; what does not is sent again by whoever comes next."""
        self._closing = True
        if under_way := [task for channel in self._channels.values() for task in channel.lanes.values()]:
            await asyncio.wait(under_way, timeout=20)


def judged(row: Document, outcome: Outcome, now: datetime, jitter: float) -> Attempted:
    """What an attempt's outcome means for the delivery."""
    match outcome:
        case Accepted(response):
            return Attempted(row, now, delivered(row, now), None, readable(response))
        case Never(reason):
            return _given_up(row, reason, now)
        case Later(reason) | Unknown(reason):
            again = next_attempt(row["attempts"] + 1, row.get("first_at") or now, now, jitter)
            if again is None:
                return _given_up(row, f"given up: {reason}", now)
            return Attempted(row, now, None, again, readable(reason))
        case RelayTrouble(reason):
            return Attempted(row, now, None, now, readable(reason))
        case _:
            assert_never(outcome)


def _given_up(row: Document, reason: str, now: datetime) -> Attempted:
    said = readable(reason)
    return Attempted(row, now, failed({**row, "attempts": row["attempts"] + 1}, said, now), None, said)


def readable(reason: str) -> str:
    """What a server said, fit to be kept: bytes that are no UTF-8 come as lone surrogates, which neither BSON nor JSON can hold."""
    return reason.encode("utf-8", "replace").decode()
