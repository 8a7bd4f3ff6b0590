"""When a group works: working time on UTC instants from the windows of a calendar in an IANA zone."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal, Self
from zoneinfo import ZoneInfo

from schemas.organisation import CalendarSpec
from services.routing.domain.instants import SECOND, as_instant, as_micros, span_micros
from services.routing.domain.pauses import FOREVER, Pause, merged
from services.routing.domain.timeline import NeverOpens, Timeline
from services.routing.domain.windows import BadCalendar, DayKind, DayRules, Reason
from services.routing.domain.zone import Placed, place, zone_of

__all__ = ["BadCalendar", "Calendar", "NeverOpens", "Pause", "Segment", "StillPaused"]

NO_HOLIDAYS: Final[Mapping[date, str]] = MappingProxyType({})


class StillPaused(ValueError):
    """The instant asked for lies behind a pause that has not ended: there is none yet."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of real time and why it counted or not; `name` is the holiday or why it was paused."""

    start: datetime
    end: datetime
    reason: Reason | Literal["paused"]
    name: str = ""

    @property
    def counted(self) -> bool:
        return self.reason == "working"

    @property
    def length(self) -> timedelta:
        return self.end - self.start


class Calendar:
    """Opening times of one calendar.

    An instant is working time when the wall clock of the zone reads within a window of that date. Answers are UTC.
    Pauses may overlap and come in any order; a pause outside opening hours costs nothing.
    """

    __slots__ = ("_line", "_rules", "zone")

    def __init__(self, zone: ZoneInfo, rules: DayRules) -> None:
        self.zone, self._rules = zone, rules
        self._line = Timeline(rules, zone)

    @classmethod
    def from_spec(
        cls,
        spec: CalendarSpec,
        holidays: Mapping[date, str] = NO_HOLIDAYS,
        workdays: Collection[date] = (),
        *,
        since: datetime | None = None,
    ) -> Self:
        """Raises BadCalendar, and NeverOpens when no rule opens it or, with `since`, nothing does in the ten years after.

        `holidays` and `workdays` are the seed; local `closed` and `extra` override it. A make-up working day gets
        Monday's windows.
        """
        rules = DayRules(spec, holidays, workdays)
        if not rules.may_open():
            raise NeverOpens(f"calendar {spec.key} never opens: give `week` or `extra` a window")
        calendar = cls(zone_of(spec.timezone), rules)
        if since is not None:
            calendar.next_open(since)
        return calendar

    def add(self, start: datetime, span: timedelta, pauses: Iterable[Pause] = ()) -> datetime:
        """The first instant with `span` of working time since `start`. Raises StillPaused, NeverOpens."""
        left, at = span_micros(span), as_micros(start)
        if left < 0:
            raise ValueError("working time is added forward only")
        if left == 0:
            return as_instant(at)
        for began, ended in merged(pauses, at):
            if self._line.reach(at, left) <= began:
                break
            if ended == FOREVER:
                raise StillPaused("paused and not resumed: there is no due date yet")
            left -= self._line.worked(began) - self._line.worked(at)
            at = ended
        return as_instant(self._line.reach(at, left))

    def add_days(self, start: datetime, days: int, count_first_day: bool, pauses: Iterable[Pause] = ()) -> datetime:  # noqa: FBT001
        """The close of the last of `days` working days. Raises StillPaused, NeverOpens.

        A working day is a local date with working time; it counts when its close passes while the clock runs. So the
        date of receipt, if counted at all, counts only when received before its close; a pause costs as many days as
        it spans closes (none, when it begins and ends within one day's hours or between two); and the deadline never
        falls into a pause.
        """
        receipt = self.local_date(start)
        return self.nth_close(start, days, receipt - timedelta(days=1) if count_first_day else receipt, pauses)

    def nth_close(self, since: datetime, days: int, after: date, pauses: Iterable[Pause] = ()) -> datetime:
        """As `add_days`, counting closes later than `since` of dates later than `after`."""
        if days < 1:
            raise ValueError("a target has at least one working day")
        line, left, at = self._line, days, as_micros(since)
        index = max(line.closes_until(at), line.days_until(after.toordinal()))
        for began, ended in merged(pauses, at):
            if line.close(index + left - 1) <= began:
                break
            if ended == FOREVER:
                raise StillPaused("paused and not resumed: there is no due date yet")
            left -= max(0, line.closes_until(began) - index)
            index = max(index, line.closes_until(ended))
        return as_instant(line.close(index + left - 1))

    def elapsed(self, start: datetime, end: datetime, pauses: Iterable[Pause] = ()) -> timedelta:
        """Working time from `start` to `end` less the pauses; nothing when `end` is not later."""
        begin, stop = as_micros(start), as_micros(end)
        if stop <= begin:
            return timedelta(0)
        self._line.cover(begin)  # first: covering an earlier year moves the origin of the sums
        total = self._line.worked(stop) - self._line.worked(begin)
        for began, ended in merged(pauses, begin):
            if began >= stop:
                break
            total -= self._line.worked(min(ended, stop)) - self._line.worked(began)
        return timedelta(microseconds=total)

    def days(self, start: datetime, end: datetime, pauses: Iterable[Pause] = ()) -> tuple[date, ...]:
        """The working days whose close passed after `start` up to `end` while no pause lasted."""
        line, at, stop = self._line, as_micros(start), as_micros(end)
        if stop <= at:
            return ()
        line.cover(at)
        counted = set(range(line.closes_until(at), line.closes_until(stop)))
        for began, ended in merged(pauses, at):
            if began >= stop:
                break
            counted -= set(range(line.closes_until(began), line.closes_until(min(ended, stop))))
        return tuple(date.fromordinal(line.days[index]) for index in sorted(counted))

    def is_open(self, at: datetime) -> bool:
        return self._line.is_open(as_micros(at))

    def next_open(self, at: datetime) -> datetime:
        """`at` itself while open. Raises NeverOpens."""
        return as_instant(self._line.opening(as_micros(at)))

    def local_date(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def day_kind(self, day: date) -> DayKind:
        """Which of its rules makes a local date what it is."""
        return self._rules.kind(day)

    def segments(self, start: datetime, end: datetime, pauses: Iterable[Pause] = ()) -> tuple[Segment, ...]:
        """All real time from `start` to `end`, in order, with reasons; the counted ones sum to `elapsed`.

        Only working time is shown as paused: a pause over a holiday leaves the holiday the reason.
        """
        begin, stop, held = as_micros(start), as_micros(end), tuple(pauses)
        found: list[Segment] = []
        for placed in sorted(self._placed(start, end), key=lambda placed: placed.start):
            since, until = max(begin, placed.start * SECOND), min(stop, placed.end * SECOND)
            if since < until:
                found += _cut(placed, since, until, held)
        return tuple(_joined(found))

    def _placed(self, start: datetime, end: datetime) -> Iterable[Placed]:
        if end <= start:
            return ()
        self._line.cover(as_micros(start))
        self._line.cover(as_micros(end))
        return place(self._rules, self.zone, self.local_date(start).toordinal() - 1, self.local_date(end).toordinal() + 1)


def _cut(placed: Placed, since: int, until: int, pauses: tuple[Pause, ...]) -> list[Segment]:
    """A piece between two instants with the pauses cut out of it when it is working time."""
    found: list[Segment] = []
    piece = placed.piece
    if piece.reason == "working":
        for began, ended in merged(pauses, since):
            if began >= until:
                break
            if since < began:
                found.append(Segment(as_instant(since), as_instant(began), "working"))
            found += _paused(began, min(ended, until), pauses)
            since = min(ended, until)
    if since < until:
        found.append(Segment(as_instant(since), as_instant(until), piece.reason, piece.name))
    return found


def _paused(began: int, ended: int, pauses: tuple[Pause, ...]) -> list[Segment]:
    """Paused time by its reason; where pauses overlap, the one that began first names it as long as it lasts."""
    found: list[Segment] = []
    for pause in sorted(pauses, key=lambda pause: pause.began_at):
        until = ended if pause.ended_at is None else min(ended, as_micros(pause.ended_at))
        since = max(began, as_micros(pause.began_at))
        if since < until:
            found.append(Segment(as_instant(since), as_instant(until), "paused", pause.because))
            began = until
    return found


def _joined(segments: list[Segment]) -> list[Segment]:
    """Neighbours with the same reason as one segment."""
    found: list[Segment] = []
    for segment in segments:
        last = found[-1] if found else None
        if last is not None and (last.end, last.reason, last.name) == (segment.start, segment.reason, segment.name):
            found[-1] = Segment(last.start, segment.end, last.reason, last.name)
        else:
            found.append(segment)
    return found
