"""Everything there is to say about one clock of a ticket, gathered for whoever asks: the API, its page, the command."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from schemas.organisation import Organisation
from schemas.tickets import Known
from schemas.values import ClockState, LocalText
from services.routing.calendars import seed_of
from services.routing.domain import clocks
from services.routing.domain.clocks import Clock, Repair
from services.routing.domain.context import Context
from services.routing.domain.explain import Explanation, explain
from services.routing.domain.notices import Notice, notices
from services.routing.domain.ticket import Ticket

MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Account:
    """`elapsed` is what the clock's own arithmetic says was spent, by another way than the sum of the lines. `zone`: of its calendar.

    `recorded` is what reports count as spent, of a finished clock where it is known. `moves` are the repairs that moved the deadline.
    """

    ticket: Ticket
    name: str
    clock: Clock
    state: ClockState
    zone: ZoneInfo
    explanation: Explanation
    elapsed: timedelta
    notices: tuple[Notice, ...]
    moves: tuple["Move", ...] = ()
    recorded: timedelta | None = None

    @property
    def agrees(self) -> bool:
        """Whether the lines sum to what the clock and the reports say; reports keep milliseconds."""
        worked = self.explanation.worked
        return worked == self.elapsed and (self.recorded is None or self.recorded // MILLISECOND == worked // MILLISECOND)


@dataclass(frozen=True, slots=True)
class Move:
    """A deadline that an administrator, called `by`, moved by as much as the repair granted."""

    repair: Repair
    by: str


def account(  # noqa: PLR0913 (all that is known of it)
    ticket: Ticket, name: str, clock: Clock, ctx: Context, history: Iterable[Known], now: datetime, *, recorded: timedelta | None = None
) -> Account:
    """As of `now`; a finished clock as of its end. All of it by the calendars that measured it, as far as `ctx` knows them."""
    calendar = ctx.calendar_at(clock.revision, clock.calendar)

    def translated(key: str, day: date, own: str) -> LocalText:
        return LocalText(vi=own, en=in_english(ctx.org, key, day, own))

    return Account(
        ticket=ticket,
        name=name,
        clock=clock,
        state=clocks.snapshot(clock).state,
        zone=calendar.zone,
        explanation=explain(clock, partial(ctx.calendar_at, clock.revision), now, translated, ctx.calendar_then),
        elapsed=clocks.spent(clock, calendar, now, ctx.calendar_then),
        notices=notices(clock, ctx.policy(clock.policy), calendar, now, history),
        moves=tuple(_moves(clock, ctx.org)),
        recorded=recorded,
    )


def revisions_of(clocks_: Iterable[Clock]) -> frozenset[int]:
    """Those whose calendars measured these clocks."""
    return frozenset(revision for clock in clocks_ for revision in (clock.revision, *(era.revision for era in clock.eras)) if revision)


def _moves(clock: Clock, org: Organisation) -> Iterator[Move]:
    """The repairs that granted something in the unit of the target."""
    for repair in clock.repairs:
        if repair.granted if clock.target.days is None else repair.granted_days:
            officer = org.officer(repair.by)
            yield Move(repair, officer.name if officer else repair.by)


def in_english(org: Organisation, calendar: str, day: date, own: str) -> str:
    """The English name of a public holiday; a name the organisation gave stays as it is."""
    spec = org.calendar(calendar)
    if spec is None or spec.holidays is None or seed_of(spec.holidays, "vi").holidays.get(day) != own:
        return own
    return seed_of(spec.holidays, "en").holidays.get(day, own)
