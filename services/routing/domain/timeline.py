"""The opening times of a calendar as sorted arrays: compiled a year at a time on first use, answered by bisection."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from services.routing.domain.instants import DAY_SECONDS, SECOND, as_instant, midnight
from services.routing.domain.windows import BadCalendar, DayRules
from services.routing.domain.zone import place

YEARS: Final = range(1900, 2400)
"""What is computed with; an instant outside is a slip of the pen, and compiling towards it would take minutes."""
PATIENCE: Final = 10
"""Years without an opening after which a calendar counts as one that never opens."""
_MARGIN: Final = 2 * DAY_SECONDS * SECOND


class NeverOpens(BadCalendar):
    """No working time in the coming ten years."""


@dataclass(slots=True)
class _Year:
    """Working intervals and the closes of the working days of one local year, in microseconds."""

    opens: list[int] = field(default_factory=list)
    closes: list[int] = field(default_factory=list)
    day_closes: list[int] = field(default_factory=list)
    days: list[int] = field(default_factory=list)


class Timeline:
    """Cumulative working time; every answer is a bisection once the years it touches are compiled (about 3 ms each)."""

    __slots__ = ("_first", "_last", "_rules", "_since", "_until", "_zone", "closes", "day_closes", "days", "opens", "sums")

    def __init__(self, rules: DayRules, zone: ZoneInfo) -> None:
        self._rules, self._zone = rules, zone
        self._first, self._last, self._since, self._until = 1, 0, 0, 0
        self.opens: list[int] = []
        self.closes: list[int] = []
        self.sums: list[int] = [0]
        self.day_closes: list[int] = []
        self.days: list[int] = []

    def worked(self, at: int) -> int:
        """Working time before `at`, counted from the first compiled year: only differences mean something."""
        self.cover(at)
        index = bisect_right(self.closes, at)
        begun = at - self.opens[index] if index < len(self.opens) else 0
        return self.sums[index] + max(0, begun)

    def reach(self, at: int, span: int) -> int:
        """The first instant with `span` > 0 of working time since `at`. Raises NeverOpens."""
        goal = self.worked(at) + span
        while self.sums[-1] < goal:
            self._grow()
        index = bisect_left(self.sums, goal) - 1
        return self.opens[index] + goal - self.sums[index]

    def is_open(self, at: int) -> bool:
        self.cover(at)
        index = bisect_right(self.closes, at)
        return index < len(self.opens) and self.opens[index] <= at

    def opening(self, at: int) -> int:
        """`at` itself when open, otherwise the next opening. Raises NeverOpens."""
        self.cover(at)
        while not self.closes or self.closes[-1] <= at:
            self._grow()
        return max(at, self.opens[bisect_right(self.closes, at)])

    def close(self, index: int) -> int:
        """The close of the working day with this index. Raises NeverOpens."""
        while index >= len(self.day_closes):
            self._grow()
        return self.day_closes[index]

    def closes_until(self, at: int) -> int:
        """How many working days had closed at `at`; also the index of the next one to close."""
        self.cover(at)
        return bisect_right(self.day_closes, at)

    def days_until(self, ordinal: int) -> int:
        """How many working days there are up to this date, it included."""
        return bisect_right(self.days, ordinal)

    def cover(self, at: int) -> None:
        """Makes sure the years around `at` are compiled."""
        if self._since <= at < self._until:
            return
        self._compile(*_years_around(at))

    def _compile(self, first: int, last: int) -> None:
        if self._first > self._last:
            self._first, self._last = first, first - 1
        if first < self._first:
            self._rebuild(first)
        while self._last < last:
            self._append(_year(self._rules, self._zone, self._last + 1))
        self._since = _new_year(self._first) + _MARGIN
        self._until = _new_year(self._last + 1) - _MARGIN

    def _rebuild(self, first: int) -> None:
        """Starts over from an earlier year: cumulative sums count from it."""
        last = self._last
        self._first, self._last, self.sums = first, first - 1, [0]
        self.opens, self.closes, self.day_closes, self.days = [], [], [], []
        while self._last < last:
            self._append(_year(self._rules, self._zone, self._last + 1))

    def _append(self, year: _Year) -> None:
        total = self.sums[-1]
        for opens, closes in zip(year.opens, year.closes, strict=True):
            total += closes - opens
            self.sums.append(total)
        self.opens += year.opens
        self.closes += year.closes
        self.day_closes += year.day_closes
        self.days += year.days
        self._last += 1

    def _grow(self) -> None:
        """One year more. Raises NeverOpens after ten compiled years without an opening, or at the end of the years."""
        latest = date.fromordinal(self.days[-1]).year if self.days else self._first
        if self._last - latest >= PATIENCE:
            raise NeverOpens(f"the calendar does not open for {PATIENCE} years")
        if self._last + 1 not in YEARS:
            raise NeverOpens(f"the calendar has not that much working time before the year {YEARS.stop}")
        self._compile(self._first, self._last + 1)


def _years_around(at: int) -> tuple[int, int]:
    """The years whose local days can hold the instant. Raises BadCalendar outside the years computed with."""
    try:
        first, last = as_instant(at - _MARGIN).year, as_instant(at + _MARGIN).year
    except OverflowError:
        first = last = YEARS.stop
    if first not in YEARS or last not in YEARS:
        raise BadCalendar(f"only instants of the years {YEARS.start} to {YEARS.stop - 1} are computed with")
    return first, last


def _new_year(year: int) -> int:
    return midnight(date(year, 1, 1).toordinal()) * SECOND


def _year(rules: DayRules, zone: ZoneInfo, year: int) -> _Year:
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    found = sorted(
        (placed.start * SECOND, placed.end * SECOND, placed.day)
        for placed in place(rules, zone, first, last)
        if placed.piece.reason == "working"
    )
    compiled = _Year(opens=[opens for opens, _, _ in found], closes=[closes for _, closes, _ in found])
    _close_days(compiled, [(day, closes) for _, closes, day in found])
    return compiled


def _close_days(year: _Year, closes: Sequence[tuple[int, int]]) -> None:
    for day, instant in sorted(closes):
        if year.days and year.days[-1] == day:
            year.day_closes[-1] = instant
        else:
            year.days.append(day)
            year.day_closes.append(instant)
