"""An explanation as people read it: day by day, equal days in one row."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from services.routing.domain.explain import NOTHING, Line, Source, by_day


@dataclass(frozen=True, slots=True)
class Day:
    """`count` days from `first` to `last` that went alike; `lines` are those of the first of them.

    `counted` is that of each of the days, `total` what all days up to the last of them came to.
    """

    first: date
    last: date
    count: int
    lines: tuple[Line, ...]
    counted: timedelta
    total: timedelta
    ends_at: datetime

    @property
    def source(self) -> Source:
        return self.lines[0].source


def daily(lines: Iterable[Line]) -> Iterator[Day]:
    """One row a day, and one for neighbouring days that read the same; they sum to what the lines sum to."""
    held: Day | None = None
    total = NOTHING
    for day in _days(lines):
        total += day.counted
        if held is not None and _alike(held, day):
            held = replace(held, last=day.last, count=held.count + 1, total=total, ends_at=day.ends_at)
            continue
        if held is not None:
            yield held
        held = replace(day, total=total)
    if held is not None:
        yield held


def _days(lines: Iterable[Line]) -> Iterator[Day]:
    """A change of calendar, policy or revision begins a new row, so that it can be said there."""
    keyed = (((day, line.source), line) for day, line in by_day(lines))
    for (day, _), pairs in groupby(keyed, key=itemgetter(0)):
        own = tuple(line for _, line in pairs)
        yield Day(day, day, 1, own, sum((line.counted for line in own), NOTHING), NOTHING, own[-1].end)


def _alike(held: Day, day: Day) -> bool:
    follows = held.last + timedelta(days=1) == day.first and held.source == day.source
    return follows and [_seen(line) for line in held.lines] == [_seen(line) for line in day.lines]


def _seen(line: Line) -> tuple[object, ...]:
    """What is shown of a line: wall-clock times, not instants."""
    start, end = line.start.astimezone(line.zone), line.end.astimezone(line.zone)
    return start.time(), end.time(), line.end - line.start, line.counted, line.reason, line.name
