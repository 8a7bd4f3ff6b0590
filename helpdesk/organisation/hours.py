"""Calendars: zones that exist, windows that make sense, and some hour in which somebody works."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import available_timezones

from holidays import list_supported_countries

from helpdesk.organisation.draft import Draft
from helpdesk.organisation.problems import Finding, Path, did_you_mean
from schemas.organisation import CalendarSpec, Window
from services.routing.calendars import build
from services.routing.domain.calendar import NeverOpens

ZONE_REMEDY = "Use a name of the IANA list, e.g. Asia/Ho_Chi_Minh."


def calendar_findings(draft: Draft, now: datetime) -> Iterator[Finding]:
    """Everything about calendars; they have to open within ten years from `now`."""
    zones = frozenset(available_timezones())
    zone = draft.data.get("timezone")
    if isinstance(zone, str) and zone not in zones:
        yield _no_zone(("timezone",), zone, zones)
    for at, spec in draft.calendars:
        path: Path = ("calendars", at)
        found = [*_zone(path, spec, zones), *_holidays(path, spec), *_windows(path, spec)]
        yield from found or _opens(path, spec, now)


def _zone(path: Path, spec: CalendarSpec, zones: frozenset[str]) -> Iterator[Finding]:
    if spec.timezone not in zones:
        yield _no_zone((*path, "timezone"), spec.timezone, zones)


def _no_zone(path: Path, zone: str, zones: frozenset[str]) -> Finding:
    return Finding(path, f'there is no time zone "{zone}"', did_you_mean(zone, sorted(zones), ZONE_REMEDY) if "/" in zone else ZONE_REMEDY)


def _holidays(path: Path, spec: CalendarSpec) -> Iterator[Finding]:
    if spec.holidays is not None and spec.holidays not in list_supported_countries():
        message = f'no public holidays are known for "{spec.holidays}"'
        yield Finding((*path, "holidays"), message, "Use a country code in capitals, e.g. VN.")


def _windows(path: Path, spec: CalendarSpec) -> Iterator[Finding]:
    for field, days in (("week", spec.week), ("extra", spec.extra), ("closures", spec.closures)):
        for day, windows in days.items():
            yield from _day((*path, field, str(day)), windows)


def _day(path: Path, windows: Sequence[Window]) -> Iterator[Finding]:
    """Times are compared as text: `HH:MM` sorts as it passes."""
    closed_at = ""
    for at, (start, end) in enumerate(windows):
        if start == end:
            yield Finding((*path, at), f"the window {start}-{end} is empty", "Delete it or correct a time.")
        elif start > end:
            yield Finding((*path, at), f"the window {start}-{end} ends before it starts", 'Split what passes midnight at "24:00".')
        elif start < closed_at:
            yield Finding((*path, at), f"the window {start}-{end} starts before the one above it ends", "Order them and let none overlap.")
        closed_at = max(closed_at, end)


def _opens(path: Path, spec: CalendarSpec, now: datetime) -> Iterator[Finding]:
    try:
        build(spec, since=now)
    except NeverOpens:
        message = f'the calendar "{spec.key}" never opens, so no deadline could ever be met'
        yield Finding(path, message, "Give `week` or `extra` a window that is not closed.")
    except ValueError as error:
        yield Finding(path, str(error))
