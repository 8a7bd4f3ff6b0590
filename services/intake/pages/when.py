"""Instants and spans in words, always with the zone they are read in."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.numbers import grouped
from schemas.values import Language

_WEEKDAYS_VI: Final = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_WEEKDAYS_EN: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS_EN: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905 (reads as a sentence)
)
_ZONE_NAMES: Final = {"Asia/Ho_Chi_Minh": ("giờ Việt Nam", "Viet Nam time")}


def moment(at: datetime, timezone: str, language: Language) -> str:
    """`17:00 thứ Sáu 27/11/2026 (giờ Việt Nam, UTC+7)`; in English with the month's name, for 05/06 reads two ways."""
    local = at.astimezone(ZoneInfo(timezone))
    clock = f"{local:%H:%M}"
    if language == "en":
        date = f"{_WEEKDAYS_EN[local.weekday()]} {local.day} {_MONTHS_EN[local.month - 1]} {local.year}"
        return f"{clock} on {date} ({zone(local, timezone, language)})"
    return f"{clock} {_WEEKDAYS_VI[local.weekday()]} {local:%d/%m/%Y} ({zone(local, timezone, language)})"


def zone(local: datetime, timezone: str, language: Language) -> str:
    """The zone's name and its distance from UTC at that instant."""
    vi, en = _ZONE_NAMES.get(timezone, (timezone, timezone))
    return f"{en if language == 'en' else vi}, {_offset(local.utcoffset() or timedelta())}"


def working_minutes(left: timedelta, language: Language) -> str:
    """Whole minutes; never below nought."""
    return grouped(max(int(left.total_seconds() // 60), 0), language)


def _offset(offset: timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
