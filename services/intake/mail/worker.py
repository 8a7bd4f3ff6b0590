"""Reading the mails that came in: each becomes a request, a message, kept or parked; none stands in the way of another."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from prometheus_client import Counter
from structlog.typing import FilteringBoundLogger

from kit.batch import Batcher
from kit.errors import TransientError
from kit.leases import Slots
from kit.mongo import Document, Mongo, is_passing
from services.intake.mail.arrivals import Arrivals, Settled
from services.intake.mail.filing import Filing
from services.intake.mail.parser import Parser, Unreadable

MAILS = Counter("helpdesk_mails", "Mails read, by what they became", ["outcome"])

TOGETHER: Final = 100
"""Rows looked at in one step: enough for transactions of many, few enough that one step stays short."""

SMALL_AT_ONCE: Final = 30
LARGE_AT_ONCE: Final = 1
"""Large mails are held in memory whole, with their files: one at a time."""

PATIENCE: Final = 0.5
"""Seconds that a step waits for its mails: those that take longer go on while others are looked for."""

MOST_LANES: Final = 100
"""Senders whose mails are under way at a time, before more are looked for."""

CLOSING: Final = 10.0
"""Seconds for what is under way when the process is to stop."""

MOST_ATTEMPTS: Final = 5
AGAIN_AFTER: Final = timedelta(seconds=20)
"""Times the number of attempts: how long a mail waits that failed for a reason nobody foresaw."""


class Worker:
    """The mails of this process's slots. A mail's slot is its sender's, so that one sender's mails are read in order.

    Each sender is a lane of its own, which goes on beyond the step that began it.
    """

    def __init__(
        self, mongo: Mongo, arrivals: Arrivals, slots: Slots, parser: Parser, filing: Filing, logger: FilteringBoundLogger
    ) -> None:
        self._mongo = mongo
        self._arrivals = arrivals
        self._slots = slots
        self._parser = parser
        self._filing = filing
        self._logger = logger
        self._small = asyncio.Semaphore(SMALL_AT_ONCE)
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._settling: Batcher[Settled, None] = Batcher(self._settle, limit=TOGETHER)
        self._lanes: dict[asyncio.Task[None], Sequence[Document]] = {}

    async def step(self) -> bool:
        """Read the oldest mails that wait; True while more may wait or are under way. TransientError when some met trouble that passes."""
        held_back = bool(self._lanes)
        rows = await self._waiting() if len(self._lanes) < MOST_LANES else []
        for lane in _lanes(rows):
            self._lanes[asyncio.create_task(self._lane(lane))] = lane
        if self._lanes:
            await asyncio.wait(self._lanes, timeout=PATIENCE)
        self._raise_trouble()
        return len(rows) == TOGETHER or held_back or bool(self._lanes)

    def _raise_trouble(self) -> None:
        ended = [task for task in self._lanes if task.done()]
        for task in ended:
            del self._lanes[task]
        for trouble in [task.exception() for task in ended]:
            if trouble is not None:
                raise trouble

    async def close(self) -> None:
        """What has not ended by then is read again by whoever comes next."""
        if self._lanes:
            await asyncio.wait(self._lanes, timeout=CLOSING)
        for task in self._lanes:
            task.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        self._lanes.clear()

    async def _waiting(self) -> list[Document]:
        """Of senders none of whose mails is under way."""
        mine = self._slots.mine
        if not mine:
            return []
        busy = [lane[0] for lane in self._lanes.values()]
        lanes, ids = {row["lane"] for row in busy if row["lane"]}, {row["_id"] for row in busy if not row["lane"]}
        return await self._arrivals.waiting(mine, self._mongo.now(), TOGETHER, lanes, ids)

    async def _lane(self, rows: Sequence[Document]) -> None:
        """One sender's mails, each settled when it is read; after trouble that passes, the later ones wait with the one that met it."""
        with self._slots.working(rows[0]["slot"]):
            for row in rows:
                try:
                    settled = await self._read(row)
                except Exception as error:
                    if isinstance(error, TransientError) or is_passing(error):
                        raise
                    settled = await self._failed(row, error)
                await self._settling.submit(settled)
                self._note(settled)

    async def _settle(self, outcomes: Sequence[Settled]) -> Sequence[None]:
        await self._arrivals.settle(outcomes, self._mongo.now())
        return [None] * len(outcomes)

    async def _read(self, row: Document) -> Settled:
        if "unfit" in row:
            return await self._filing.park(row, row["unfit"])
        async with self._large if row.get("file") else self._small:
            raw = await self._arrivals.content(row)
            try:
                letter = await self._parser.parse(raw)
            except Unreadable as error:
                return await self._filing.park(row, str(error))
            settled = await self._filing.file(row, letter)
            await self._filing.settled(row, settled)
            if opens := row.get("opens"):
                became = {"kept_for": opens["kept_for"], "ticket": settled.changes.get("ticket_id"), "as": settled.changes.get("as")}
                self._logger.warning("mail.opened_by_hand", mail=row["_id"], by=opens["by"], **became)
            return settled

    async def _failed(self, row: Document, error: Exception) -> Settled:
        """A fault of ours. It may be gone soon; if it stays, somebody has to see the mail all the same."""
        attempts = row["attempts"] + 1
        self._logger.error("mail.failed", mail=row["_id"], attempts=attempts, error=repr(error)[:300])
        if attempts < MOST_ATTEMPTS:
            return Settled(row["_id"], "received", {"attempts": attempts, "not_before": self._mongo.now() + attempts * AGAIN_AFTER})
        return await self._filing.park(row, type(error).__name__)

    def _note(self, settled: Settled) -> None:
        outcome = str(settled.changes.get("as") or settled.state)
        MAILS.labels("again" if settled.state == "received" else outcome).inc()
        log = self._logger.warning if settled.state == "parked" else self._logger.info
        log("mail.read", mail=settled.id, outcome=outcome, reason=settled.changes.get("reason"))


def _lanes(rows: Iterable[Document]) -> list[list[Document]]:
    """By sender; what has none stands alone."""
    lanes: dict[str, list[Document]] = {}
    for row in rows:
        lanes.setdefault(row["lane"] or row["_id"], []).append(row)
    return list(lanes.values())
