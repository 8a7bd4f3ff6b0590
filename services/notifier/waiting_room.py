"""In front of the places of a channel: what has been handed over waits here for one, instead of being read from the database again."""

from collections import OrderedDict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Final

from kit.mongo import Document

SEATS: Final = 256
"""Lanes that may wait: two batches of events, about 2 MB of mails."""

LONGEST_WAIT: Final = timedelta(seconds=3)
"""Half a lease: what waits longer may have gone to another process with its slot, been sent there, and come back."""


class WaitingRoom:
    """Whoever came first is next. All of it is pending in the database as well: what leaves without a place, a look finds there."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, tuple[datetime, list[Document]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._lanes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lanes)

    @property
    def free(self) -> int:
        return SEATS - len(self._lanes)

    def enter(self, lane: str, rows: list[Document], now: datetime) -> None:
        """Only while a seat is free, and for a lane that does not wait here."""
        self._lanes[lane] = (now, rows)

    def first(self, now: datetime) -> tuple[str, list[Document]] | None:
        """Takes out who has waited for the longest, but not for too long."""
        while self._lanes:
            lane, (since, rows) = self._lanes.popitem(last=False)
            if now - since <= LONGEST_WAIT:
                return lane, rows
        return None

    def keep(self, mine: Collection[int], now: datetime) -> None:
        """Forget what has waited for too long, and what is another's now."""
        gone = [lane for lane, (since, rows) in self._lanes.items() if rows[0]["slot"] not in mine or now - since > LONGEST_WAIT]
        for lane in gone:
            del self._lanes[lane]

    def clear(self) -> None:
        self._lanes.clear()
