"""An instant as people read it: in the group's zone, with the zone shown."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.values import Language

_DAYS: Final = {
    "vi": ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

_A_MINUTE: Final = timedelta(minutes=1)

_ZONES: Final = {"Asia/Ho_Chi_Minh": {"vi": "giờ Việt Nam", "en": "Viet Nam time"}}
"""As people call them, and as the status page does; of other zones the name they have in the time zone database."""


def local_time(at: datetime, timezone: str, language: Language) -> str:
    """`16:30, thứ Hai, 24/11/2025 (giờ Việt Nam, UTC+7)`, or the same in English, without locale data."""
    local = at.astimezone(ZoneInfo(timezone))
    clock = f"{local.hour:02}:{local.minute:02}"
    day = _DAYS[language][local.weekday()]
    zone = _zone_name(timezone, language, local)
    if language == "vi":
        return f"{clock}, {day}, {local.day:02}/{local.month:02}/{local.year} ({zone})"
    return f"{clock}, {day} {local.day} {_MONTHS[local.month - 1]} {local.year} ({zone})"


def wall_time(at: datetime, timezone: str) -> str:
    """`16:30 24/11/2026`, as both languages are read in Vietnam."""
    return f"{at.astimezone(ZoneInfo(timezone)):%H:%M %d/%m/%Y}"


def zone_name(timezone: str, language: Language, at: datetime) -> str:
    """`giờ Việt Nam, UTC+7`."""
    return _zone_name(timezone, language, at.astimezone(ZoneInfo(timezone)))


def _zone_name(timezone: str, language: Language, local: datetime) -> str:
    names = _ZONES.get(timezone) or {"vi": f"giờ {timezone}", "en": timezone}
    return f"{names[language]}, UTC{_offset(local)}"


def _offset(local: datetime) -> str:
    minutes = round((local.utcoffset() or timedelta()) / _A_MINUTE)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
