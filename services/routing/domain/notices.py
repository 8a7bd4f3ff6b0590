"""What a clock's warnings, its miss and the steps of its ladder did, will do, or won't do and why not."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

from schemas.organisation import PolicySpec, Recipient, Step
from schemas.tickets import DeadlineMissed, DeadlineWarned, Known, TicketEscalated
from schemas.values import LocalText
from services.routing.domain import sentences
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock
from services.routing.domain.escalating import tells_with_the_deadline
from services.routing.domain.ladder import WHOLE, Alarm, What, alarms, announces, by_keys, step_keys
from services.routing.domain.sentences import fill, joined

State = Literal["fired", "stale", "coming", "due", "paused", "cancelled"]

STATES: Final[Mapping[State, LocalText]] = MappingProxyType(
    {
        "fired": LocalText(vi="đã thực hiện", en="done"),
        "stale": LocalText(
            vi="đã ghi nhận nhưng không báo cho ai, vì khi đó đã trễ hạn",
            en="recorded and told nobody, for the deadline had passed as well",
        ),
        "coming": LocalText(vi="sẽ thực hiện", en="will come"),
        "due": LocalText(vi="đã đến lúc, sẽ được ghi nhận ngay", en="due now, about to be recorded"),
        "paused": LocalText(vi="chưa có thời điểm, vì đồng hồ đang tạm dừng", en="no date while the clock is paused"),
        "cancelled": LocalText(vi="sẽ không xảy ra, vì đồng hồ đã kết thúc trước", en="won’t come, for the clock ended before"),
    }
)

RECIPIENTS: Final[Mapping[Recipient, LocalText]] = MappingProxyType(
    {
        "officer": LocalText(vi="cán bộ xử lý", en="officer"),
        "lead": LocalText(vi="trưởng nhóm", en="lead"),
        "supervisor": LocalText(vi="người giám sát", en="supervisor"),
        "authority": LocalText(vi="cấp có thẩm quyền", en="competent authority"),
    }
)

MISS: Final = LocalText(vi="Hết thời hạn", en="The deadline")
WARNING: Final = LocalText(vi="Cảnh báo: đã dùng {percent} % thời hạn", en="Warning: {percent} % of the target is used up")
TAKES_OVER: Final[Mapping[str | None, LocalText]] = MappingProxyType(
    {
        "parent_group": LocalText(vi="nhóm cấp trên tiếp nhận", en="the group above takes over"),
        "authority": LocalText(vi="báo cáo cấp có thẩm quyền", en="it goes to the competent authority"),
    }
)


@dataclass(frozen=True, slots=True)
class Notice:
    """`at` is its true instant, past or to come, where one is known; `recorded_at` when it was noticed.

    `step` is its place in the ladder.
    """

    what: What
    label: LocalText
    state: State
    at: datetime | None = None
    recorded_at: datetime | None = None
    percent: int | None = None
    step: int | None = None
    tell: tuple[Recipient, ...] = ()
    take_over: str | None = None

    @property
    def state_words(self) -> LocalText:
        return STATES[self.state]

    @property
    def tells(self) -> LocalText:
        """Whom it tells and who takes over, in words; empty for nobody named."""
        told = [RECIPIENTS[who] for who in self.tell]
        taken = TAKES_OVER.get(self.take_over)
        return joined([*told, taken] if taken else told)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event about one of these, as the history of the ticket has it."""

    key: tuple[What, int]
    at: datetime
    recorded_at: datetime
    told: bool


def notices(clock: Clock, policy: PolicySpec, calendar: Calendar, now: datetime, history: Iterable[Known]) -> tuple[Notice, ...]:
    """In the order of the ladder: warnings and steps before the deadline, the deadline itself, what follows it."""
    recorded = {record.key: record for record in _recorded(clock, history)}
    ahead = {_key(alarm): alarm for alarm in alarms(clock, policy, calendar)}
    found: list[tuple[tuple[int, int], Notice]] = []
    for percent in sorted({*clock.target.warn_percent, *clock.warned}):
        state, at, noted = _fate(clock, ("warning", percent), percent in clock.warned, ahead, recorded, now)
        tell = _untold(clock, policy, percent, ("officer", "lead"))
        found.append(((percent, 0), Notice("warning", fill(WARNING, percent=str(percent)), state, at, noted, percent=percent, tell=tell)))
    state, at, noted = _fate(clock, ("miss", 0), clock.is_missed, ahead, recorded, now)
    tell = _untold(clock, policy, WHOLE, ("lead", "supervisor"))
    found.append(((WHOLE, 0), Notice("miss", MISS, state, at or (clock.missed_at if clock.is_missed else None), noted, tell=tell)))
    found += _steps(clock, policy, ahead, recorded, now)
    return tuple(notice for _, notice in sorted(found, key=lambda pair: pair[0]))


def _untold(clock: Clock, policy: PolicySpec, percent: int, otherwise: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    """Whom it is told to where no step of the ladder says so; where one does, that step's own line names them."""
    told = [who for step in policy.ladder if step.percent == percent and tells_with_the_deadline(step, clock) for who in step.tell]
    return () if told else otherwise


def _steps(
    clock: Clock, policy: PolicySpec, ahead: Mapping[tuple[What, int], Alarm], recorded: Mapping[tuple[What, int], Recorded], now: datetime
) -> Iterator[tuple[tuple[int, int], Notice]]:
    done = by_keys(clock, policy).escalated
    for index, (name, step) in enumerate(zip(step_keys(policy), policy.ladder, strict=True)):
        if step.clock != clock.kind:
            continue
        told_with: tuple[What, int] = ("miss", 0) if step.percent == WHOLE else ("warning", step.percent or 0)
        key: tuple[What, int] = told_with if tells_with_the_deadline(step, clock) else ("step", index)
        state, at, noted = _fate(clock, key, name in done, ahead, recorded, now)
        rank = (step.percent, 1) if step.percent is not None else (WHOLE, index + 2)
        yield rank, Notice("step", _label(step), state, at, noted, step.percent, index, step.tell, step.take_over)


def _fate(
    clock: Clock,
    key: tuple[What, int],
    taken: bool,  # noqa: FBT001 (what the clock itself remembers)
    ahead: Mapping[tuple[What, int], Alarm],
    recorded: Mapping[tuple[What, int], Recorded],
    now: datetime,
) -> tuple[State, datetime | None, datetime | None]:
    """(state, its instant, when it was recorded)."""
    record = recorded.get(key)
    if taken or (record is not None and key not in ahead):
        if record is None:
            return "fired", None, None
        return "fired" if record.told else "stale", record.at, record.recorded_at
    if clock.verdict is not None:
        return "cancelled", None, None
    alarm = ahead.get(key)
    if alarm is None:
        return ("paused" if clock.is_paused else "fired"), None, None
    if alarm.at > now:
        return "coming", alarm.at, None
    late = announces(alarm) and clock.due_at is not None and clock.due_at <= now
    return "stale" if late else "due", alarm.at, None


def _recorded(clock: Clock, history: Iterable[Known]) -> Iterator[Recorded]:
    """What the journal has of this clock. Events name kind and cycle; those from before it began are about an earlier one of the kind."""
    for event in history:
        if not isinstance(event, DeadlineWarned | DeadlineMissed | TicketEscalated):
            continue
        if (event.clock, event.cycle) != (clock.kind, clock.cycle) or event.occurred_at < clock.started_at:
            continue
        told = bool(event.recipients)
        match event:
            case DeadlineWarned():
                yield Recorded(("warning", event.percent), event.reached_at or event.occurred_at, event.occurred_at, told)
            case DeadlineMissed():
                yield Recorded(("miss", 0), event.due_at, event.occurred_at, told)
            case TicketEscalated():
                yield Recorded(("step", event.step), event.due_at, event.occurred_at, told)


def _key(alarm: Alarm) -> tuple[What, int]:
    match alarm.what:
        case "warning":
            return alarm.what, alarm.percent or 0
        case "miss":
            return alarm.what, 0
        case "step":
            return alarm.what, alarm.step or 0


def _label(step: Step) -> LocalText:
    if step.percent is not None:
        return fill(sentences.STEP_PERCENT, percent=str(step.percent))
    if step.after_days == 1:
        return sentences.STEP_AFTER_A_DAY
    if step.after_hours == 1:
        return sentences.STEP_AFTER_AN_HOUR
    if step.after_days is not None:
        return fill(sentences.STEP_AFTER_DAYS, days=str(step.after_days))
    return fill(sentences.STEP_AFTER_HOURS, hours=f"{step.after_hours or 0:g}")
