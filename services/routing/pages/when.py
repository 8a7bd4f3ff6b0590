"""Instants and spans in words; the zone they are read in is named once, at the top."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.values import Language

_WEEKDAYS: Final = {
    "vi": ("T2", "T3", "T4", "T5", "T6", "T7", "CN"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SECOND: Final = timedelta(seconds=1)


def day(on: date, language: Language) -> str:
    """`T2 01/09/2025`, `Mon 1 Sep 2025`: in English with the month's name, for 05/06 reads two ways."""
    weekday = _WEEKDAYS[language][on.weekday()]
    return f"{weekday} {on.day} {_MONTHS[on.month - 1]} {on.year}" if language == "en" else f"{weekday} {on:%d/%m/%Y}"


def days(first: date, last: date, language: Language) -> str:
    """`Sat 8 – Sun 9 Mar 2025`: month and year once where both days share them."""
    if first == last or first.year != last.year or (language == "en" and first.month != last.month):
        return day(first, language) if first == last else f"{day(first, language)} – {day(last, language)}"
    weekday = _WEEKDAYS[language][first.weekday()]
    return f"{weekday} {first.day} – {day(last, language)}" if language == "en" else f"{weekday} {first:%d/%m} – {day(last, language)}"


def moment(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """`16:00 T2 01/09/2025 (UTC+7)`; the offset tells the two readings of a repeated hour apart."""
    local = at.astimezone(zone)
    return f"{wall(at, zone)} {day(local.date(), language)} ({offset(local.utcoffset() or timedelta())})"


def wall(at: datetime, zone: ZoneInfo) -> str:
    """`08:00`, with seconds only where there are any, and never what is below them."""
    local = at.astimezone(zone)
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def span(length: timedelta) -> str:
    """`7:30` is seven and a half hours; seconds only where there are any. What is below them is left out."""
    sign = "-" if length < timedelta(0) else ""
    minutes, second = divmod(abs(length) // SECOND, 60)
    hours, minute = divmod(minutes, 60)
    return f"{sign}{hours}:{minute:02}" + (f":{second:02}" if second else "")


def offset(distance: timedelta) -> str:
    """`UTC+5:45`."""
    minutes = int(distance.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def number(value: float, language: Language) -> str:
    """`37.5`, in Vietnamese `37,5`; whole numbers without a point."""
    text = f"{value:.1f}".removesuffix(".0") if value % 1 else f"{value:.0f}"
    return text if language == "en" else text.replace(".", ",")
