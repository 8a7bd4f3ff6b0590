"""Why a clock stands where it stands: every stretch of time since it started, counted or skipped, and the reason."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from schemas.organisation import Target
from schemas.values import Language, LocalText
from services.routing.domain.calendar import Calendar, Segment
from services.routing.domain.clocks import Clock, Era, spent
from services.routing.domain.windows import Reason

LineReason = Reason | Literal["paused", "carried"]

REASONS: Final[Mapping[LineReason, LocalText]] = MappingProxyType(
    {
        "working": LocalText(vi="giờ làm việc", en="working time"),
        "lunch": LocalText(vi="nghỉ trưa", en="lunch"),
        "break": LocalText(vi="nghỉ giữa giờ", en="break"),
        "outside_hours": LocalText(vi="ngoài giờ làm việc", en="outside opening hours"),
        "closed": LocalText(vi="ngày không làm việc", en="closed"),
        "holiday": LocalText(vi="nghỉ lễ", en="holiday"),
        "closure": LocalText(vi="tạm đóng cửa", en="closed for part of the day"),
        "paused": LocalText(vi="tạm dừng", en="paused"),
        "carried": LocalText(vi="đã tính theo lịch trước khi lịch thay đổi", en="counted before that calendar was changed"),
    }
)
BECAUSE: Final[Mapping[str, LocalText]] = MappingProxyType(
    {
        "waiting": LocalText(vi="chờ doanh nghiệp trả lời", en="waiting for the business"),
        "referred": LocalText(vi="đã chuyển cơ quan khác xem xét", en="referred to an outside authority"),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of real time; `counted` is zero for what was skipped. `name` is the holiday or why it was paused."""

    start: datetime
    end: datetime
    counted: timedelta
    reason: LineReason
    name: str
    calendar: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The lines follow each other without a gap from the start to `at`, and `counted` of all of them sums to `worked`.

    `days` are the working days counted towards a target in days, empty for one in hours. `policy` and `revision` say
    where the target comes from.
    """

    at: datetime
    lines: tuple[Line, ...]
    worked: timedelta
    days: tuple[date, ...]
    target: Target
    policy: str
    revision: int


def explain(clock: Clock, calendar_of: Callable[[str], Calendar], at: datetime) -> Explanation:
    """Up to `at`, or up to the end of a finished clock."""
    until = at if clock.finished_at is None else min(at, clock.finished_at)
    until = max(until, clock.started_at)
    lines: list[Line] = []
    days: list[date] = []
    begin = clock.started_at
    for era in clock.eras:
        calendar = calendar_of(era.calendar)
        lines += _era_lines(clock, era, calendar, begin)
        days += calendar.days(begin, era.until, clock.pauses)
        begin = era.until
    calendar = calendar_of(clock.calendar)
    lines += _lines(calendar.segments(begin, until, clock.pauses), clock.calendar)
    days += calendar.days(begin, until, clock.pauses)
    return Explanation(
        at=until,
        lines=tuple(lines),
        worked=spent(clock, calendar, until),
        days=_counted(clock, days),
        target=clock.target,
        policy=clock.policy,
        revision=clock.revision,
    )


def sentence(line: Line, language: Language) -> str:
    """The reason as a person reads it, e.g. `paused: waiting for the business`."""
    reason = REASONS[line.reason].in_language(language)
    name = BECAUSE[line.name].in_language(language) if line.reason == "paused" and line.name in BECAUSE else line.name
    return f"{reason}: {name}" if name else reason


def _era_lines(clock: Clock, era: Era, calendar: Calendar, begin: datetime) -> list[Line]:
    """The era in full, or in one line when its calendar was edited since and would count differently now."""
    lines = _lines(calendar.segments(begin, era.until, clock.pauses), era.calendar)
    if sum((line.counted for line in lines), timedelta(0)) == era.worked:
        return lines
    return [Line(begin, era.until, era.worked, "carried", "", era.calendar)]


def _lines(segments: Iterable[Segment], calendar: str) -> list[Line]:
    return [
        Line(segment.start, segment.end, segment.length if segment.counted else timedelta(0), segment.reason, segment.name, calendar)
        for segment in segments
    ]


def _counted(clock: Clock, days: Iterable[date]) -> tuple[date, ...]:
    if clock.target.days is None:
        return ()
    first = clock.received_on if clock.target.count_first_day else clock.received_on + timedelta(days=1)
    return tuple(sorted({day for day in days if day >= first}))
