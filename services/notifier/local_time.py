"""An instant as people read it: in the group's zone, with the zone shown."""

from datetime import datetime
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
    day = _DAYS[language][local.weekday()]
    zone = f"{timezone}, UTC{_offset(local)}"
    if language == "vi":
        return f"{local:%H:%M}, {day}, {local:%d/%m/%Y} (giờ {zone})"
    return f"{local:%H:%M}, {day} {local.day} {_MONTHS[local.month - 1]} {local.year} ({zone})"


def _offset(local: datetime) -> str:
    text = f"{local:%z}"
    return f"{text[:3]}:{text[3:5]}"
