"""The iCalendar files a calendar names are read into it, so that what is loaded needs no file any more."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from helpdesk.organisation import ics
from helpdesk.organisation.problems import Finding
from helpdesk.organisation.problems import Path as Place

LARGEST: Final = 5_000_000
"""Bytes; a file with the public holidays of a century has 100,000."""


def imported(data: Mapping[Any, Any], folder: Path, now: datetime) -> tuple[dict[Any, Any], list[Finding]]:
    """The data with the days off of the files its calendars name, and what is wrong with those files.

    What is written in the calendar itself wins for its date. What has the wrong form is left for the checks of fields.
    """
    found: list[Finding] = []
    calendars = data.get("calendars")
    if not isinstance(calendars, list):
        return dict(data), found
    resolved = []
    for at, calendar in enumerate(calendars):
        for place, file in _files(calendar, ("calendars", at, "ics")):
            calendar = _with(calendar, file, folder, now, place, found)  # noqa: PLW2901 (file after file is read into it)
        resolved.append(calendar)
    return {**data, "calendars": resolved}, found


def _files(calendar: object, place: Place) -> Iterator[tuple[Place, str]]:
    named = calendar.get("ics") if isinstance(calendar, dict) else None
    if isinstance(named, str):
        yield place, named
    elif isinstance(named, list):
        yield from (((*place, at), file) for at, file in enumerate(named) if isinstance(file, str))


def _with(calendar: dict[Any, Any], file: str, folder: Path, now: datetime, place: Place, found: list[Finding]) -> dict[Any, Any]:
    closed, closures, names = calendar.get("closed", []), calendar.get("closures", {}), calendar.get("names", {})
    zone = _zone(calendar.get("timezone"))
    if zone is None or not (isinstance(closed, list) and isinstance(closures, dict) and isinstance(names, dict)):
        return calendar
    try:
        text = _text(folder / file)
    except (OSError, ValueError) as error:
        found.append(Finding(place, f'"{file}" cannot be read: {_why(error)}', "Paths are relative to this file."))
        return calendar
    off = ics.days_off(text, zone, now)
    found += [Finding(place, f"{file}:{wrong.line}: {wrong.message}", wrong.remedy) for wrong in off.wrong]
    written = {day for day in map(_day, [entry.get("date") if isinstance(entry, dict) else entry for entry in closed]) if day}
    apart = {day for day in map(_day, closures) if day}
    days = [{"date": day, "name": name, "source": file} for day, name in sorted(off.closed.items()) if day not in written | apart]
    parts = {day: windows for day, windows in sorted(off.closures.items()) if day not in apart | written | off.closed.keys()}
    said = {day: off.names.get(day, "") for day in parts if day not in {_day(one) for one in names}}
    return {**calendar, "closed": [*closed, *days], "closures": {**closures, **parts}, "names": {**names, **said}}


def _text(path: Path) -> str:
    content = path.read_bytes()
    if len(content) > LARGEST:
        raise ValueError(f"it has more than {LARGEST:,} bytes")
    return content.decode("utf-8-sig")


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _zone(name: object) -> ZoneInfo | None:
    try:
        return ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        return None  # told by the checks of calendars


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
