"""When a zone's offset changes, so that wall-clock windows can be placed on UTC without guessing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from services.routing.domain.instants import DAY_SECONDS, SECOND, as_instant, midnight, span_micros
from services.routing.domain.windows import BadCalendar, DayRules, Piece

_PROBE: Final = 6 * 3600
"""Offsets are compared every six hours: no zone changed twice within that."""
_MARGIN: Final = 2 * DAY_SECONDS
"""More than any offset, and more than the whole day some zones skipped."""


@dataclass(frozen=True, slots=True)
class Span:
    """UTC seconds `start` to `end` in which the wall clock is UTC plus `offset`."""

    start: int
    end: int
    offset: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece of a local day as UTC seconds."""

    start: int
    end: int
    day: int
    piece: Piece


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadCalendar(f"timezone: {name!r} is not an IANA zone, e.g. Asia/Ho_Chi_Minh") from error


def spans(zone: ZoneInfo, start: int, end: int) -> tuple[Span, ...]:
    """The UTC seconds from `start` to `end` as stretches of constant offset."""
    found: list[Span] = []
    begin, offset = start, _offset(zone, start)
    for probe in range(start, end, _PROBE):
        stop = min(probe + _PROBE, end)
        then = _offset(zone, stop)
        if then != offset:
            change = _change(zone, probe, stop, offset)
            found.append(Span(begin, change, offset))
            begin, offset = change, then
    return (*found, Span(begin, end, offset))


def place(rules: DayRules, zone: ZoneInfo, first: int, last: int) -> Iterator[Placed]:
    """The days with ordinals `first` to `last` on UTC.

    A piece covers exactly the instants whose wall clock reads within it: a skipped hour or day has none, a repeated
    hour has them twice.
    """
    stretches = spans(zone, midnight(first) - _MARGIN, midnight(last) + _MARGIN)
    for ordinal in range(first, last + 1):
        base = midnight(ordinal)
        near = [span for span in stretches if span.start < base + _MARGIN and span.end > base - _MARGIN]
        for piece in rules.plan(date.fromordinal(ordinal)):
            for span in near:
                begin = max(base + piece.start - span.offset, span.start)
                end = min(base + piece.end - span.offset, span.end)
                if begin < end:
                    yield Placed(begin, end, ordinal, piece)


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = as_instant(second * SECOND).astimezone(zone).utcoffset()
    return span_micros(offset) // SECOND if offset is not None else 0


def _change(zone: ZoneInfo, before: int, after: int, offset: int) -> int:
    """The first second between the two that no longer has `offset`."""
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after
