"""Alarms that are told later than they happened, gathered so that each person gets one mail of them instead of hundreds.

They wait in a lane of their person, apart from the lanes of tickets: what else has to be said on the same ticket goes out at
once and not behind them. Within one ticket the order of mails is given up for that; a digest says what holds when it is made.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from schemas.tickets import DeadlineMissed, DeadlineWarned, TicketEscalated, TicketEventBase
from schemas.values import ClockKind, Deadline, LocalText, Ticket

Gathered = DeadlineWarned | DeadlineMissed | TicketEscalated
"""Only these wait. Everything else, and above all what the business is told, goes out at once."""

What = Literal["warned", "missed", "escalated"]
Standing = Literal["stands", "paused", "over"]

LATE: Final = timedelta(minutes=5)
"""Told later than this after it happened, an alarm comes from an outage and is not alone. Well above a slow minute, below any patience."""

WINDOW: Final = timedelta(minutes=2)
"""How long late alarms are gathered: several times what recording and planning 5,000 of them takes."""

SHOWN: Final = 100
"""Rows of a digest; whoever has more works by the queue, not by mail."""

_WHAT: Final[dict[type[TicketEventBase], What]] = {DeadlineWarned: "warned", DeadlineMissed: "missed", TicketEscalated: "escalated"}
_GRAVITY: Final[dict[What, int]] = {"warned": 0, "missed": 1, "escalated": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What a digest says of one alarm. `due_at` is the clock's deadline, None when it stood still."""

    ticket_id: str
    sequence: int
    reference: str
    subject: str
    what: What
    clock: ClockKind
    cycle: int
    due_at: datetime | None
    group: LocalText
    timezone: str
    mailbox: str | None = None
    percent: int | None = None
    moved: bool = False
    """Another group, or the authority, has the ticket by this step: that stays worth knowing while the clock is paused."""
    authority: LocalText | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a digest; `late_by` is negative before the deadline."""

    alarm: Alarm
    late_by: timedelta | None


@dataclass(frozen=True, slots=True)
class Digest:
    """What one person is told at `at`: the most overdue first, `more` that are not shown."""

    at: datetime
    rows: tuple[Row, ...]
    more: int
    counts: dict[What, int]

    @property
    def total(self) -> int:
        return len(self.rows) + self.more


def waits_until(event: TicketEventBase, now: datetime) -> datetime | None:
    """Until when the event is gathered; None: it is told at once.

    Quiet hours put it off to their end. What is late, because the ticker, the broker or the notifier was away, waits for
    the rest of what happened meanwhile.
    """
    if not isinstance(event, Gathered):
        return None
    if event.tell_at is not None and event.tell_at > now:
        return event.tell_at
    late = now - max(_happened_at(event), event.tell_at or _happened_at(event)) > LATE
    return now + WINDOW if late else None


def alarm_of(event: Gathered) -> Alarm:
    """What a digest would say of it."""
    ticket, group = event.ticket, event.ticket.group
    moved = isinstance(event, TicketEscalated) and (event.from_group.key != group.key or event.to_authority is not None)
    return Alarm(
        ticket_id=event.ticket_id,
        sequence=event.sequence,
        reference=ticket.reference,
        subject=ticket.subject,
        what=_WHAT[type(event)],
        clock=event.clock,
        cycle=event.cycle,
        due_at=_due_at(event, moved=moved),
        group=group.name,
        timezone=group.timezone,
        mailbox=group.mailbox,
        percent=event.percent if isinstance(event, DeadlineWarned) else None,
        moved=moved,
        authority=_authority(event),
    )


def standing(alarm: Alarm, ticket: Ticket) -> Standing:
    """What a later state of the ticket leaves of an alarm that nobody was told of yet.

    Over when the work was done, when a new target lifted the miss, and while the clock stands still, for a paused clock is
    never overdue; only that somebody else has the ticket is still told then, without a date.
    """
    deadline = _deadline(alarm.clock, alarm.cycle, ticket)
    if deadline is None or deadline.state not in {"running", "paused"}:
        return "over"
    if deadline.state == "paused":
        return "paused" if alarm.moved else "over"
    return "over" if alarm.what == "missed" and deadline.missed_at is None else "stands"


def gravest(alarms: Iterable[Alarm]) -> list[Alarm]:
    """One for each clock of each ticket: the step rather than the miss, the miss rather than the warning, the latest of equals."""
    found: dict[tuple[str, ClockKind, int], Alarm] = {}
    for alarm in sorted(alarms, key=lambda alarm: (_GRAVITY[alarm.what], alarm.sequence)):
        found[alarm.ticket_id, alarm.clock, alarm.cycle] = alarm
    return list(found.values())


def digest(alarms: Iterable[Alarm], at: datetime, shown: int = SHOWN) -> Digest:
    """The alarms as one person is told them at `at`."""
    rows = sorted((Row(alarm, at - alarm.due_at if alarm.due_at else None) for alarm in gravest(alarms)), key=_most_overdue)
    found = Counter(row.alarm.what for row in rows)
    return Digest(at, tuple(rows[:shown]), max(0, len(rows) - shown), {what: found[what] for what in _GRAVITY})


def one_of(values: Sequence[str | None]) -> str | None:
    """What all agree on; None when they don't."""
    return values[0] if len(set(values)) == 1 else None


def _most_overdue(row: Row) -> tuple[timedelta, str, str]:
    return -(row.late_by if row.late_by is not None else timedelta.min / 2), row.alarm.reference, row.alarm.clock


def _happened_at(event: Gathered) -> datetime:
    if isinstance(event, DeadlineWarned):
        return event.reached_at or event.occurred_at
    return event.due_at


def _due_at(event: Gathered, *, moved: bool) -> datetime | None:
    """The clock's deadline, where a step carries only its own instant; the hand-over that a step ended is not the one that runs now."""
    if not isinstance(event, TicketEscalated):
        return event.due_at
    if moved and event.clock == "hand_over":
        return None
    deadline = _deadline(event.clock, event.cycle, event.ticket)
    return deadline.due_at if deadline else None


def _authority(event: Gathered) -> LocalText | None:
    if not isinstance(event, TicketEscalated) or event.to_authority is None:
        return None
    return event.authority or LocalText(vi=event.to_authority, en=event.to_authority)


def _deadline(clock: ClockKind, cycle: int, ticket: Ticket) -> Deadline | None:
    """The latest of the kind: a hand-over clock starts again in every group."""
    found = [deadline for deadline in ticket.deadlines if (deadline.kind, deadline.cycle) == (clock, cycle)]
    return found[-1] if found else None
