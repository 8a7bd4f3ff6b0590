"""What a calendar says about one local day, before any zone is looked at."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

from schemas.organisation import CalendarSpec, Window
from services.routing.domain.instants import DAY_SECONDS

Reason = Literal["working", "lunch", "break", "outside_hours", "closed", "holiday", "closure"]
DayKind = Literal["week", "holiday", "closed", "makeup", "extra"]
Seconds = tuple[int, int]
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NOON: Final = (12 * 3600, 13 * 3600)
"""A break that touches this hour is called lunch."""


class BadCalendar(ValueError):
    """The calendar cannot be used; the message says which part of it and why."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a local day in seconds of its wall clock, and why it is working time or not."""

    start: int
    end: int
    reason: Reason
    name: str = ""


class DayRules:
    """The rules of a calendar by local date: `extra`, then `closed`, make-up days, holidays, the week less `closures`."""

    __slots__ = ("_closed", "_closures", "_extra", "_holidays", "_names", "_plans", "_week", "_workdays")

    def __init__(self, spec: CalendarSpec, holidays: Mapping[date, str], workdays: Collection[date]) -> None:
        self._week = tuple(parsed(spec.week.get(day, ()), where=day) for day in WEEKDAYS)
        self._extra = {day: parsed(windows, where=f"extra {day}") for day, windows in spec.extra.items()}
        self._closures = {day: parsed(windows, where=f"closures {day}") for day, windows in spec.closures.items()}
        self._closed = {entry.date: entry.name or holidays.get(entry.date, "") for entry in spec.closed}
        self._names = {day: spec.names[day] for day in spec.closures if spec.names.get(day)}
        self._holidays = dict(holidays)
        self._workdays = frozenset(workdays)
        self._plans: dict[int, tuple[Piece, ...]] = {}

    def may_open(self) -> bool:
        """Whether any rule opens any window at all."""
        return any(self._week) or any(self._extra.values())

    def plan(self, day: date) -> tuple[Piece, ...]:
        """The whole local day, 00:00 to 24:00, in order."""
        name = self._names.get(day)
        pieces = self._plan(day)
        return tuple(replace(piece, name=name) if piece.reason == "closure" else piece for piece in pieces) if name else pieces

    def _plan(self, day: date) -> tuple[Piece, ...]:
        if day in self._extra:
            return _partition(self._extra[day], ())
        if day in self._closed:
            return _off(self._closed[day])
        if day in self._workdays:
            return _partition(self._makeup_windows(day), self._closures.get(day, ()))
        if day in self._holidays:
            return _off(self._holidays[day])
        if day in self._closures:
            return _partition(self._week[day.weekday()], self._closures[day])
        return self._ordinary(day.weekday())

    def kind(self, day: date) -> DayKind:
        """Which rule makes the day what `plan` says; `extra` windows of a day otherwise off make it a make-up day."""
        if day in self._extra:
            off = day in self._closed or day in self._holidays or not self._week[day.weekday()]
            return "makeup" if off or day in self._workdays else "extra"
        if day in self._closed:
            return "closed"
        if day in self._workdays:
            return "makeup"
        return "holiday" if day in self._holidays else "week"

    def _ordinary(self, weekday: int) -> tuple[Piece, ...]:
        if weekday not in self._plans:
            self._plans[weekday] = _partition(self._week[weekday], ())
        return self._plans[weekday]

    def _makeup_windows(self, day: date) -> tuple[Seconds, ...]:
        """Monday's, the normal working day; a desk closed on Mondays keeps what it does on that weekday."""
        return self._week[0] or self._week[day.weekday()]


def parsed(windows: Iterable[Window], where: str) -> tuple[Seconds, ...]:
    """Windows as sorted disjoint seconds; overlapping and adjacent ones become one. Raises BadCalendar."""
    found: list[Seconds] = []
    for start, end in sorted(_forward(window, where) for window in windows):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def _forward(window: Window, where: str) -> Seconds:
    start, end = (_seconds(time) for time in window)
    if start >= end:
        raise BadCalendar(f"{where}: {window[0]}-{window[1]} must end after it starts; split a window over midnight at 24:00")
    return start, end


def _seconds(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def _off(name: str) -> tuple[Piece, ...]:
    return (Piece(0, DAY_SECONDS, "holiday" if name else "closed", name),)


def _partition(windows: tuple[Seconds, ...], closures: tuple[Seconds, ...]) -> tuple[Piece, ...]:
    return tuple(_pieces(windows, closures)) if windows else _off("")


def _pieces(windows: tuple[Seconds, ...], closures: tuple[Seconds, ...]) -> Iterator[Piece]:
    cursor = 0
    for start, end in windows:
        if cursor < start:
            yield Piece(cursor, start, _gap(cursor, start))
        yield from _window(start, end, closures)
        cursor = end
    if cursor < DAY_SECONDS:
        yield Piece(cursor, DAY_SECONDS, "outside_hours")


def _gap(start: int, end: int) -> Reason:
    if start == 0:
        return "outside_hours"
    return "lunch" if start < _NOON[1] and end > _NOON[0] else "break"


def _window(start: int, end: int, closures: tuple[Seconds, ...]) -> Iterator[Piece]:
    for shut, reopened in closures:
        begin, stop = max(shut, start), min(reopened, end)
        if begin >= stop:
            continue
        if start < begin:
            yield Piece(start, begin, "working")
        yield Piece(begin, stop, "closure")
        start = stop
    if start < end:
        yield Piece(start, end, "working")
