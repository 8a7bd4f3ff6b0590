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


def local_time(at: datetime, timezone: str, language: Language) -> str:
    """`16:30, thứ Hai, 24/11/2025 (giờ Asia/Ho_Chi_Minh, UTC+07:00)`, or the same in English, without locale data."""
    local = at.astimezone(ZoneInfo(timezone))
    clock = f"{local.hour:02}:{local.minute:02}"
    day = _DAYS[language][local.weekday()]
    zone = f"{timezone}, UTC{_offset(local)}"
    if language == "vi":
        return f"{clock}, {day}, {local.day:02}/{local.month:02}/{local.year} (giờ {zone})"
    return f"{clock}, {day} {local.day} {_MONTHS[local.month - 1]} {local.year} ({zone})"


def _offset(local: datetime) -> str:
    minutes = round((local.utcoffset() or timedelta()).total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
