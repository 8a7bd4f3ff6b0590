"""Days off from an iCalendar file (RFC 5545), as other programs of the administration keep them.

Every VEVENT that is not cancelled closes its days; one with times closes those hours. Rules repeat from the year before
the present one up to ten years ahead, as far as a calendar has to open; what happens once counts whenever it is.
Whether an event shows as busy is not looked at: public holidays are usually published as free.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from icalendar import Calendar, Component

YEARS_BACK, YEARS_AHEAD = 1, 10
FREQUENCIES: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
_MIDNIGHT: Final = "24:00"
_MOST: Final = 366
"""Days one event may last: more is a slip of the pen."""

Windows = list[tuple[str, str]]
Properties = Mapping[str, Any]
"""An event as the library gives it."""

When = date | datetime


@dataclass(frozen=True, slots=True)
class Wrong:
    """What cannot be understood, at a line of the file counted from 1."""

    line: int
    message: str
    remedy: str = ""


class Misread(Exception):
    """Part of an event cannot be understood; `about` is the property it is in."""

    def __init__(self, about: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.about = about
        self.message = message
        self.remedy = remedy


@dataclass(slots=True)
class Off:
    """The days and the hours off by local date, with what they are called, and everything that is wrong."""

    closed: dict[date, str] = field(default_factory=dict)
    closures: dict[date, Windows] = field(default_factory=dict)
    names: dict[date, str] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one VEVENT: where it begins, and where each of its properties stands first."""

    line: int
    properties: Mapping[str, int]

    def of(self, name: str) -> int:
        return self.properties.get(name, self.line)


def days_off(text: str, zone: ZoneInfo, now: datetime) -> Off:
    """What the events of a file close in `zone`; times that name no zone are read as its own."""
    off = Off()
    try:
        events = [event for calendar in Calendar.from_ical(text, multiple=True) for event in calendar.walk("VEVENT")]
    except (ValueError, IndexError, KeyError) as error:
        off.wrong.append(_unreadable(text, error))
        return off
    blocks = list(_blocks(text))
    if not blocks or len(blocks) != len(events):
        off.wrong.append(_incomplete(text))
        return off
    replaced = _replaced(events)
    for event, block in zip(events, blocks, strict=True):
        try:
            _add(off, event, zone, _horizon(now.astimezone(zone)), replaced)
        except Misread as misread:
            off.wrong.append(Wrong(block.of(misread.about), misread.message, misread.remedy))
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            off.wrong.append(Wrong(block.line, f"this event cannot be understood: {error}"))
    return off


def _horizon(now: datetime) -> tuple[datetime, datetime]:
    return datetime(now.year - YEARS_BACK, 1, 1), datetime(now.year + YEARS_AHEAD + 1, 1, 1)  # noqa: DTZ001 (on the wall of the event's zone)


def _add(off: Off, event: Component, zone: ZoneInfo, horizon: tuple[datetime, datetime], replaced: Mapping[str, set[When]]) -> None:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    for name, said in event.errors:
        if name is None:
            raise Misread("", f"a line of this event is no iCalendar: {said}")
        raise Misread(str(name), f"{name} cannot be understood", "Dates are written 20270101, times 20270101T080000.")
    start, length = _span(event)
    name = " ".join(str(event.get("SUMMARY", "")).split())
    besides = set() if "RECURRENCE-ID" in event else replaced.get(str(event.get("UID", "")), set())
    for begin in _starts(event, start, zone, horizon):
        if begin not in besides:
            _close(off, begin, length, zone, name)


def _span(event: Properties) -> tuple[When, timedelta]:
    if "DTSTART" not in event:
        raise Misread("", "the event has no start", "Give it a DTSTART.")
    start, end = _when(event, "DTSTART"), _when(event, "DTEND")
    length = _between(start, end) if end is not None else event["DURATION"].dt if "DURATION" in event else timedelta(0)
    if not isinstance(start, datetime) and not length:
        length = timedelta(days=1)
    if length <= timedelta(0):
        raise Misread("DTEND" if end else "DTSTART", "the event ends before it has begun, or at the same time", "Correct DTSTART or DTEND.")
    if length > timedelta(days=_MOST):
        raise Misread("DTEND", f"the event lasts {length.days} days", f"One event closes at most {_MOST} days.")
    return start, length


def _between(start: When, end: When) -> timedelta:
    if isinstance(start, datetime) != isinstance(end, datetime):
        message = "the event begins on a day and ends at a time, or the other way round"
        raise Misread("DTEND", message, "Write both as dates or both as times.")
    if (_instant(start).tzinfo is None) != (_instant(end).tzinfo is None):
        raise Misread("DTEND", "one of the two times names a zone and the other does not", "Write both in the same way.")
    return _instant(end) - _instant(start)


def _when(event: Properties, name: str) -> Any:  # noqa: ANN401 (a date, a datetime or nothing)
    if name not in event:
        return None
    if isinstance(event[name], list):
        raise Misread(name, f"the event has {name} twice", "Keep one.")
    at = event[name].dt
    zone = event[name].params.get("TZID")
    if zone and isinstance(at, datetime) and at.tzinfo is None:
        raise Misread(name, f'there is no time zone "{zone}"', "Use a name of the IANA list, e.g. Asia/Ho_Chi_Minh, or add its VTIMEZONE.")
    return at


def _instant(at: When) -> datetime:
    """Comparable with another of the same kind."""
    return at if isinstance(at, datetime) else datetime.combine(at, time())


def _starts(event: Properties, start: When, local: ZoneInfo, horizon: tuple[datetime, datetime]) -> Iterator[When]:
    """Repeated on the wall clock of the event's own zone, so that eight o'clock stays eight o'clock."""
    wall, zone = _instant(start).replace(tzinfo=None), start.tzinfo if isinstance(start, datetime) else None

    def placed(at: datetime) -> When:
        return at.replace(tzinfo=zone) if isinstance(start, datetime) else at.date()

    excluded = {_like(at, start) for at in _listed(event, "EXDATE")}
    found = {start, *(_like(at, start) for at in _listed(event, "RDATE"))}
    if "RRULE" in event:
        found |= {placed(at) for at in _repeated(event, wall, zone or local, horizon)}
    yield from sorted(found - excluded, key=_instant)


def _repeated(event: Properties, wall: datetime, zone: Any, horizon: tuple[datetime, datetime]) -> list[datetime]:  # noqa: ANN401 (tzinfo or nothing)
    rules = event["RRULE"] if isinstance(event["RRULE"], list) else [event["RRULE"]]
    found: list[datetime] = []
    for rule in rules:
        frequency = str(*rule.get("FREQ", ["none"])).upper()
        if frequency not in FREQUENCIES:
            raise Misread(
                "RRULE", f"a rule that repeats {frequency.lower()} is no rule for days off", f"FREQ is one of {', '.join(FREQUENCIES)}."
            )
        plain = {key: value for key, value in rule.items() if key != "UNTIL"}
        written = ";".join(
            f"{key}={','.join(_part(one) for one in (value if isinstance(value, list) else [value]))}" for key, value in plain.items()
        )
        until = _until(rule, zone)
        try:
            repeating = rrulestr(written, dtstart=wall)
        except ValueError as error:
            raise Misread("RRULE", f"the rule cannot be understood: {error}") from error
        first, last = horizon
        found += [at for at in repeating.between(first, last, inc=True) if at < last and (until is None or at <= until)]
    return found


def _part(value: object) -> str:
    return value.to_ical().decode() if hasattr(value, "to_ical") else str(value)


def _until(rule: Mapping[str, Any], zone: Any) -> datetime | None:  # noqa: ANN401 (tzinfo or nothing)
    """The last instant of a rule on the wall of its event; a date includes that day."""
    value = rule.get("UNTIL")
    until: When | None = value[0] if isinstance(value, list) else value
    if until is None:
        return None
    if not isinstance(until, datetime):
        return datetime.combine(until, time.max)
    return until.astimezone(zone).replace(tzinfo=None) if until.tzinfo and zone else until.replace(tzinfo=None)


def _listed(event: Properties, name: str) -> Iterator[When]:
    for entry in event.get(name, []) if isinstance(event.get(name), list) else [event[name]] if name in event else []:
        for one in entry.dts:
            at = one.dt
            if isinstance(at, tuple):
                raise Misread(name, f"{name} holds a period", "List dates or times.")
            yield at


def _like(at: When, start: When) -> When:
    """A listed instant as one of the kind the event begins with."""
    if not isinstance(start, datetime):
        return at.date() if isinstance(at, datetime) else at
    if not isinstance(at, datetime):
        return datetime.combine(at, start.timetz())
    return at.astimezone(start.tzinfo) if at.tzinfo and start.tzinfo else at


def _replaced(events: Iterable[Properties]) -> dict[str, set[When]]:
    """Occurrences that an event of their own stands for, or that were cancelled one by one."""
    found: dict[str, set[When]] = defaultdict(set)
    for event in events:
        if "RECURRENCE-ID" in event:
            found[str(event.get("UID", ""))].add(event["RECURRENCE-ID"].dt)
    return found


def _close(off: Off, begin: When, length: timedelta, zone: ZoneInfo, name: str) -> None:
    if not isinstance(begin, datetime):
        for number in range(length.days):
            _name(off.closed, begin + timedelta(days=number), name)
        return
    start = begin.astimezone(zone) if begin.tzinfo else begin.replace(tzinfo=zone)
    end = (start.astimezone(ZoneInfo("UTC")) + length).astimezone(zone)
    day = start.date()
    while day <= end.date():
        window = _window(start, end, day)
        if window == ("00:00", _MIDNIGHT):
            _name(off.closed, day, name)
        elif window is not None:
            off.closures[day] = united([*off.closures.get(day, []), window])
            _name(off.names, day, name)
        day += timedelta(days=1)


def _window(start: datetime, end: datetime, day: date) -> tuple[str, str] | None:
    """The minutes of the day between two instants, those only touched included."""
    begin = f"{start:%H:%M}" if start.date() == day else "00:00"
    if end.date() > day:
        return begin, _MIDNIGHT
    up = end if not (end.second or end.microsecond) else end + timedelta(minutes=1)
    stop = f"{up:%H:%M}" if up.date() == day else _MIDNIGHT
    return (begin, stop) if begin < stop else None


def united(windows: Windows) -> Windows:
    """In order, and those that overlap or touch as one."""
    found: Windows = []
    for start, end in sorted(windows):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _name(names: dict[date, str], day: date, name: str) -> None:
    known = names.get(day, "")
    names[day] = name if not known or known == name else f"{known}; {name}" if name and name not in known.split("; ") else known


def _blocks(text: str) -> Iterator[Block]:
    line, properties = 0, dict[str, int]()
    for number, content in enumerate(text.splitlines(), start=1):
        head = content.split(":", 1)[0].split(";", 1)[0].strip().upper()
        if content.strip().upper() == "BEGIN:VEVENT":
            line, properties = number, {}
        elif content.strip().upper() == "END:VEVENT" and line:
            yield Block(line, properties)
            line = 0
        elif line and not content[:1].isspace():
            properties.setdefault(head, number)


def _incomplete(text: str) -> Wrong:
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if line.strip().upper() == "BEGIN:VEVENT"]
    if lines:
        return Wrong(lines[-1], "this event does not end", "Each BEGIN:VEVENT has its END:VEVENT.")
    return Wrong(1, "there is no event in it", "It has BEGIN:VCALENDAR and a VEVENT for each day off.")


def _unreadable(text: str, error: Exception) -> Wrong:
    """The parser quotes the line it stumbled over."""
    said = str(error)
    lines = text.splitlines()
    at = next((number for number, line in enumerate(lines, start=1) if len(line) > 3 and line.strip() in said), 1)  # noqa: PLR2004
    if not text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        return Wrong(1, "this is not an iCalendar file", "It begins with BEGIN:VCALENDAR.")
    return Wrong(at, f"this is not iCalendar: {said.splitlines()[0] if said else type(error).__name__}")
