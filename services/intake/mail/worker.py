"""Reading the mails that came in: each becomes a request, a message, kept or parked; none stands in the way of another."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from prometheus_client import Counter
from structlog.typing import FilteringBoundLogger

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

MOST_ATTEMPTS: Final = 5
AGAIN_AFTER: Final = timedelta(seconds=20)
"""Times the number of attempts: how long a mail waits that failed for a reason nobody foresaw."""


class Worker:
    """The mails of this process's slots. A mail's slot is its sender's, so that one sender's mails are read in order."""

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

    async def step(self) -> bool:
        """Read the oldest mails that wait. TransientError, after the others are settled, when some have to wait for the database."""
        mine = self._slots.mine
        rows = await self._arrivals.waiting(mine, self._mongo.now(), TOGETHER) if mine else []
        lanes = await asyncio.gather(*(self._lane(lane) for lane in _lanes(rows)))
        settled = [outcome for lane in lanes for outcome in lane if isinstance(outcome, Settled)]
        await self._arrivals.settle(settled, self._mongo.now())
        for outcome in settled:
            self._note(outcome)
        for trouble in (outcome for lane in lanes for outcome in lane if isinstance(outcome, Exception)):
            raise trouble
        return len(rows) == TOGETHER

    async def _lane(self, rows: Sequence[Document]) -> list[Settled | Exception]:
        """One sender's mails; after trouble that passes, the later ones wait with the one that met it."""
        outcomes: list[Settled | Exception] = []
        for row in rows:
            try:
                outcomes.append(await self._read(row))
            except Exception as error:  # noqa: BLE001 (sorted below)
                if isinstance(error, TransientError) or is_passing(error):
                    return [*outcomes, error]
                outcomes.append(await self._failed(row, error))
        return outcomes

    async def _read(self, row: Document) -> Settled:
        if "unfit" in row:
            return await self._filing.park(row, row["unfit"])
        async with self._large if row.get("file") else self._small:
            raw = await self._arrivals.content(row)
            try:
                letter = await self._parser.parse(raw)
            except Unreadable as error:
                return await self._filing.park(row, str(error))
            return await self._filing.file(row, letter)

    async def _failed(self, row: Document, error: Exception) -> Settled | Exception:
        """A fault of ours. It may be gone soon; if it stays, somebody has to see the mail all the same."""
        attempts = row["attempts"] + 1
        self._logger.error("mail.failed", mail=row["_id"], attempts=attempts, error=repr(error)[:300])
        if attempts < MOST_ATTEMPTS:
            return Settled(row["_id"], "received", {"attempts": attempts, "not_before": self._mongo.now() + attempts * AGAIN_AFTER})
        try:
            return await self._filing.park(row, type(error).__name__)
        except Exception as trouble:  # noqa: BLE001 (raised when the others are settled)
            return trouble

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
