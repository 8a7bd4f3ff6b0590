"""Why a stretch of time counted or not, in words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from schemas.values import LocalText

Code = Literal[
    "working",
    "makeup_day",
    "special_hours",
    "lunch",
    "break",
    "outside_hours",
    "weekend",
    "closed",
    "closed_day",
    "holiday",
    "closure",
    "paused",
    "carried",
]

REASONS: Final[Mapping[Code, LocalText]] = MappingProxyType(
    {
        "working": LocalText(vi="giờ làm việc", en="working time"),
        "makeup_day": LocalText(vi="giờ làm việc của ngày làm bù", en="working time of a make-up day"),
        "special_hours": LocalText(vi="giờ làm việc riêng của ngày này", en="working time, special hours of this day"),
        "lunch": LocalText(vi="nghỉ trưa", en="lunch"),
        "break": LocalText(vi="nghỉ giữa giờ", en="break"),
        "outside_hours": LocalText(vi="ngoài giờ làm việc", en="outside opening hours"),
        "weekend": LocalText(vi="cuối tuần", en="weekend"),
        "closed": LocalText(vi="ngày không làm việc trong tuần", en="never open on this weekday"),
        "closed_day": LocalText(vi="ngày nghỉ", en="day off"),
        "holiday": LocalText(vi="nghỉ lễ", en="holiday"),
        "closure": LocalText(vi="đóng cửa một phần trong ngày", en="closed for part of the day"),
        "paused": LocalText(vi="tạm dừng", en="paused"),
        "carried": LocalText(vi="đã tính theo lịch trước đó", en="counted on the calendar before this one"),
    }
)

BECAUSE: Final[Mapping[str, LocalText]] = MappingProxyType(
    {
        "waiting": LocalText(vi="chờ doanh nghiệp trả lời", en="waiting for the business"),
        "referred": LocalText(vi="đã chuyển cơ quan khác xem xét", en="referred to an outside authority"),
    }
)

UNDER: Final = LocalText(vi="chính sách {policy}, bản {revision}", en="policy {policy}, revision {revision}")


def pause_in_words(because: str) -> LocalText:
    """A status of the ticket, or what an officer wrote."""
    return BECAUSE.get(because, LocalText(vi=because, en=because))


def in_words(code: Code, name: LocalText | None) -> LocalText:
    """The reason as a person reads it, e.g. `paused: waiting for the business`."""
    reason = REASONS[code]
    return LocalText(vi=f"{reason.vi}: {name.vi}", en=f"{reason.en}: {name.en}") if name else reason
