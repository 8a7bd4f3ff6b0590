"""Why a clock stands where it stands: every stretch of time since it started, counted or skipped, and the reason."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.values import LocalText
from services.routing.domain.calendar import Calendar, Segment
from services.routing.domain.clocks import CalendarThen, Clock, Era
from services.routing.domain.reasons import UNDER, Code, in_words, pause_in_words
from services.routing.domain.sentences import fill

NOTHING: Final = timedelta(0)
_WEEKEND: Final = 5
"""The first weekday, from Monday as 0, that is called the weekend when it is closed."""

Translated = Callable[[str, date, str], LocalText]
"""From a calendar's key, a date and the name the calendar has for that day off to its name in both languages."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a stretch of time was measured by."""

    calendar: str
    policy: str
    revision: int


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of real time; `counted` is zero for what was skipped. `name` is the holiday or why it was paused."""

    start: datetime
    end: datetime
    counted: timedelta
    reason: Code
    name: LocalText | None
    source: Source
    zone: ZoneInfo

    @property
    def calendar(self) -> str:
        return self.source.calendar

    @property
    def words(self) -> LocalText:
        return in_words(self.reason, self.name)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The lines follow each other without a gap from the start to `at`, and `counted` of all of them sums to `worked`.

    `days` are the working days counted towards a target in days, empty for one in hours; `carried_days` are those of
    earlier calendars that can't be named any more. `allowed` and `allowed_days` are the target and what repairs added to it.
    `whole` is the working time that 100 percent is: what is allowed, or for a target in days what lies between start and
    deadline; None for one in days without a deadline.
    """

    at: datetime
    lines: tuple[Line, ...]
    worked: timedelta
    days: tuple[date, ...]
    carried_days: int
    allowed: timedelta | None
    allowed_days: int | None
    whole: timedelta | None

    @property
    def counted_days(self) -> int:
        return len(self.days) + self.carried_days

    @property
    def left(self) -> timedelta | None:
        """Of a target in hours; negative when more was spent."""
        return None if self.allowed is None else self.allowed - self.worked

    @property
    def left_days(self) -> int | None:
        """Of a target in days; negative when more was spent."""
        return None if self.allowed_days is None else self.allowed_days - self.counted_days

    @property
    def permille(self) -> int | None:
        """Tenths of a percent of the target, rounded down, as warnings count it; None when nothing can be said."""
        return self.worked * 1000 // self.whole if self.whole is not None and self.whole > NOTHING else None


def unnamed(_calendar: str, _day: date, name: str) -> LocalText:
    """The calendar's own name for the day, in both languages."""
    return LocalText(vi=name, en=name)


def explain(
    clock: Clock,
    calendar_of: Callable[[str], Calendar],
    at: datetime,
    translated: Translated = unnamed,
    calendar_then: CalendarThen | None = None,
) -> Explanation:
    """Up to `at`, or up to the end of a finished clock. `calendar_then`: the calendar of an era as it was in its revision."""
    until = at if clock.finished_at is None else min(at, clock.finished_at)
    until = max(until, clock.started_at)
    lines: list[Line] = []
    days: list[date] = []
    carried_days = 0
    begin, seen = clock.started_at, date.min
    for era in clock.eras:
        stop = min(era.until, until)
        then = calendar_then(era) if calendar_then else calendar_of(era.calendar)
        told = _era(clock, era, then, (begin, stop), seen, translated)
        lines += told.lines
        days += told.days
        carried_days += told.carried_days
        begin, seen = max(stop, begin), max(seen, era.through or seen)
    calendar = calendar_of(clock.calendar)
    source = Source(clock.calendar, clock.policy, clock.revision)
    lines += _lines(calendar, source, calendar.segments(begin, until, clock.pauses), translated)
    days += [day for day in calendar.days(begin, until, clock.pauses) if day > seen]
    counts = clock.target.days is not None
    return Explanation(
        at=until,
        lines=tuple(lines),
        worked=sum((line.counted for line in lines), NOTHING),
        days=tuple(day for day in days if _counts(clock, day)) if counts else (),
        carried_days=carried_days if counts else 0,
        allowed=clock.allowed,
        allowed_days=clock.allowed_days,
        whole=_whole(clock, calendar),
    )


def by_day(lines: Iterable[Line]) -> Iterator[tuple[date, Line]]:
    """The lines cut at midnight, each with its local date. What was carried stays whole, on the day it began."""
    for line in lines:
        cursor = line.start
        while cursor < line.end:
            day = cursor.astimezone(line.zone).date()
            end = line.end if line.reason == "carried" else min(line.end, next_midnight(cursor, line.zone))
            counted = line.counted if line.reason == "carried" else (end - cursor if line.counted else NOTHING)
            yield day, replace(line, start=cursor, end=end, counted=counted)
            cursor = end


def next_midnight(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant the local date of `at` ends: the second midnight where clocks were put back past it and `at` is between."""
    midnight = datetime.combine(at.astimezone(zone).date() + timedelta(days=1), time(0), zone)
    first = midnight.astimezone(UTC)
    return first if first > at else midnight.replace(fold=1).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _Told:
    lines: list[Line]
    days: list[date]
    carried_days: int


def _era(clock: Clock, era: Era, calendar: Calendar, span: tuple[datetime, datetime], seen: date, translated: Translated) -> _Told:
    """The era in full, or in one line when its calendar was edited since and would count differently now."""
    begin, stop = span
    source = Source(era.calendar, era.policy, era.revision)
    lines = _lines(calendar, source, calendar.segments(begin, stop, clock.pauses), translated)
    days = [day for day in calendar.days(begin, stop, clock.pauses) if day > seen]
    worked = sum((line.counted for line in lines), NOTHING)
    fresh = (sum(day > clock.received_on for day in days), clock.received_on in days)
    if stop < era.until or ((worked, fresh) == (era.worked, (era.days, era.receipt_day))):
        return _Told(lines, days, 0)
    name = fill(UNDER, policy=era.policy, revision=str(era.revision)) if era.policy else None
    whole = [Line(begin, stop, era.worked, "carried", name, source, calendar.zone)] if begin < stop else []
    return _Told(whole, [], era.days + (era.receipt_day and clock.target.count_first_day))


def _lines(calendar: Calendar, source: Source, segments: Iterable[Segment], translated: Translated) -> list[Line]:
    """A line a segment, cut where another rule of the calendar is the reason."""
    found: list[Line] = []
    for segment in segments:
        plain = Line(segment.start, segment.end, segment.length if segment.counted else NOTHING, "working", None, source, calendar.zone)
        for day, part in by_day([plain]):
            code = _code(segment, calendar, day)
            line = replace(part, reason=code, name=_name(segment, code, source.calendar, day, translated))
            last = found[-1] if found else None
            if last is not None and (last.end, last.reason, last.name) == (line.start, line.reason, line.name):
                found[-1] = replace(last, end=line.end, counted=last.counted + line.counted)
            else:
                found.append(line)
    return found


def _code(segment: Segment, calendar: Calendar, day: date) -> Code:
    kind = calendar.day_kind(day)
    match segment.reason:
        case "working":
            return "makeup_day" if kind == "makeup" else "special_hours" if kind == "extra" else "working"
        case "holiday":
            return "closed_day" if kind == "closed" else "holiday"
        case "closed" if kind != "week":
            return "closed_day"
        case "closed":
            return "weekend" if day.weekday() >= _WEEKEND else "closed"
        case reason:
            return reason


def _name(segment: Segment, code: Code, key: str, day: date, translated: Translated) -> LocalText | None:
    if code == "paused":
        return pause_in_words(segment.name)
    return translated(key, day, segment.name) if segment.name else None


def _counts(clock: Clock, day: date) -> bool:
    return day >= clock.received_on if clock.target.count_first_day else day > clock.received_on


def _whole(clock: Clock, calendar: Calendar) -> timedelta | None:
    if clock.allowed is not None:
        return clock.allowed
    due_at = clock.due_at or clock.held_due_at
    if due_at is None:
        return None
    past = tuple(pause for pause in clock.pauses if not pause.is_open)
    return clock.carried + calendar.elapsed(clock.since, due_at, past)
