"""What has to happen at which instant while nobody finishes the work: warnings, the miss, the steps of the ladder."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, Literal

from schemas.organisation import PolicySpec, Step
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock

What = Literal["warning", "miss", "step"]
_ORDER: Final[dict[What, int]] = {"warning": 0, "miss": 1, "step": 2}
WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing to record, at its true instant `at` however late it is noticed.

    `percent` is set on warnings and on steps by percent; `step` is the place in the policy's ladder now, `key` what the
    step is known by in every revision. A `stale` one is recorded and told nobody: it announces a miss that has come already.
    """

    at: datetime
    what: What
    percent: int | None = None
    step: int | None = None
    key: str = ""
    stale: bool = False


def alarms(clock: Clock, policy: PolicySpec, calendar: Calendar) -> tuple[Alarm, ...]:
    """Everything not yet recorded, by time, steps of one instant in the ladder's order; nothing while paused or when finished."""
    if not clock.is_running or clock.due_at is None:
        return ()
    due_at = clock.due_at
    found = [Alarm(percent_at(clock, calendar, percent), "warning", percent) for percent in _unwarned(clock)]
    if not clock.is_missed:
        found.append(Alarm(due_at, "miss"))
    for index, key, step in _untaken(clock, policy):
        at = _step_at(clock, calendar, step, due_at)
        found.append(Alarm(at, "step", step.percent, index, key))
    return tuple(sorted(found, key=lambda alarm: (alarm.at, _ORDER[alarm.what])))


def next_alarm_at(
    clocks: Iterable[Clock],
    policy_of: Callable[[str], PolicySpec],
    calendar_of: Callable[[str], Calendar],
) -> datetime | None:
    """When a ticket with these clocks has to be looked at again.

    Most clocks of a ticket began with it and have run alike since: of those only the one due first is computed.
    """
    running = [(clock.due_at, clock) for clock in clocks if clock.is_running and clock.due_at is not None]
    latest_first = sorted(running, key=lambda due: due[0], reverse=True)
    soonest = {_pace(clock, policy_of(clock.policy)): clock for _, clock in latest_first}
    pending = (first_at(clock, policy_of(clock.policy), calendar_of(clock.calendar)) for clock in soonest.values())
    return min((at for at in pending if at is not None), default=None)


def first_at(clock: Clock, policy: PolicySpec, calendar: Calendar) -> datetime | None:
    """When the first of the clock's `alarms` is due.

    It is asked after every change of a ticket, so only what can be first is computed: before the miss that is the
    smallest share, which is never spent later than a greater one, or the miss itself.
    """
    if clock.due_at is None or not clock.is_running:
        return None
    if clock.is_missed:
        return next((alarm.at for alarm in alarms(clock, policy, calendar)), None)
    return min(percent_at(clock, calendar, _first_share(clock, policy)), clock.due_at)


def _first_share(clock: Clock, policy: PolicySpec) -> int:
    """The smallest percentage at which something is still to be recorded; the whole when nothing is before the miss."""
    ladder = [step for _, _, step in _untaken(clock, policy)] if clock.escalated else policy.ladder
    steps = [step.percent for step in ladder if step.percent is not None and step.clock == clock.kind]
    return min((*steps, *_unwarned(clock)), default=WHOLE)


def _pace(clock: Clock, policy: PolicySpec) -> tuple[object, ...]:
    """The same for clocks of which an earlier deadline means an earlier first alarm. One that was missed is like no other."""
    if clock.is_missed:
        return (id(clock),)
    return _first_share(clock, policy), clock.calendar, clock.started_at, clock.eras, clock.pauses


def due_alarms(clock: Clock, policy: PolicySpec, calendar: Calendar, now: datetime) -> tuple[Alarm, ...]:
    """What has to be recorded by `now`; announcements of a miss that has passed too are marked stale."""
    past = [alarm for alarm in alarms(clock, policy, calendar) if alarm.at <= now]
    missed = clock.due_at is not None and clock.due_at <= now
    return tuple(replace(alarm, stale=missed and announces(alarm)) for alarm in past)


def announces(alarm: Alarm) -> bool:
    """Whether it is about a miss to come: a warning, or a step before the whole target."""
    return alarm.percent is not None and alarm.percent < WHOLE


def fired(clock: Clock, alarm: Alarm) -> Clock:
    """The clock with the alarm recorded, so that it never comes again in this cycle."""
    if alarm.what == "miss":
        return replace(clock, missed_at=alarm.at)
    if alarm.what == "warning" and alarm.percent is not None:
        return replace(clock, warned=(*clock.warned, alarm.percent))
    if alarm.key:
        return replace(clock, escalated=(*clock.escalated, alarm.key))
    return clock


def step_keys(policy: PolicySpec) -> tuple[str, ...]:
    """What each step of the ladder is known by wherever it stands: its own key, or when it comes and what it moves.

    So a step can be put before it, or somebody else told by it, and it is neither taken twice nor passed over. Equal
    ones are told apart by their order.
    """
    names = [step.key or _content(step) for step in policy.ladder]
    return tuple(name if name not in names[:index] else f"{name} #{names[:index].count(name) + 1}" for index, name in enumerate(names))


def by_keys(clock: Clock, policy: PolicySpec) -> Clock:
    """The clock with places in the ladder, as older records have them, turned into the keys of the steps that stand there now."""
    if all(isinstance(taken, str) for taken in clock.escalated):
        return clock
    keys = step_keys(policy)
    known = [taken if isinstance(taken, str) else keys[taken] for taken in clock.escalated if isinstance(taken, str) or taken < len(keys)]
    return replace(clock, escalated=tuple(dict.fromkeys(known)))


def percent_at(clock: Clock, calendar: Calendar, percent: int) -> datetime:
    """When this share of the working time from the start to the deadline is spent; the deadline itself for 100.

    A target in days has the working time between its start and its deadline as its whole. A share that was reached on
    an earlier calendar is due where the present one began. The clock must be running.
    """
    if clock.due_at is None:
        raise ValueError("a clock that does not run has no instants to come")
    if percent >= WHOLE:
        return clock.due_at
    since, carried = clock.since, clock.carried
    whole = carried + calendar.elapsed(since, clock.due_at, clock.pauses)
    return calendar.add(since, max(share(whole, percent) - carried, timedelta(0)), clock.pauses)


def share(whole: timedelta, percent: float) -> timedelta:
    """Exact to the microsecond, rounded down."""
    micros = whole // timedelta(microseconds=1)
    if isinstance(percent, int):
        return timedelta(microseconds=micros * percent // WHOLE)
    return timedelta(microseconds=int(micros * Fraction(str(percent)) / WHOLE))


def _untaken(clock: Clock, policy: PolicySpec) -> list[tuple[int, str, Step]]:
    """Place, key and step of what the ladder still holds for the clock."""
    taken = by_keys(clock, policy).escalated
    steps = zip(step_keys(policy), policy.ladder, strict=True)
    return [(index, key, step) for index, (key, step) in enumerate(steps) if step.clock == clock.kind and key not in taken]


def _content(step: Step) -> str:
    if step.percent is not None:
        when = f"{step.percent}%"
    else:
        when = f"+{step.after_days}d" if step.after_days is not None else f"+{step.after_hours or 0:g}h"
    return " ".join(filter(None, (step.clock, when, step.take_over)))


def _unwarned(clock: Clock) -> list[int]:
    return sorted(set(clock.target.warn_percent) - set(clock.warned))


def _step_at(clock: Clock, calendar: Calendar, step: Step, due_at: datetime) -> datetime:
    if step.percent is not None:
        return percent_at(clock, calendar, step.percent)
    if step.after_days:
        return calendar.add_days(due_at, step.after_days, False, clock.pauses)  # noqa: FBT003
    return calendar.add(due_at, timedelta(hours=step.after_hours or 0), clock.pauses)
