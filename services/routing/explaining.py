"""Everything there is to say about one clock of a ticket, gathered for whoever asks: the API, its page, the command."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from schemas.organisation import Organisation
from schemas.tickets import Known
from schemas.values import ClockState, LocalText
from services.routing.calendars import seed_of
from services.routing.domain import clocks
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock, Era
from services.routing.domain.context import Context
from services.routing.domain.explain import Explanation, explain
from services.routing.domain.notices import Notice, notices
from services.routing.domain.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Account:
    """`elapsed` is what the clock's own arithmetic says was spent, by another way than the sum of the lines. `zone`: of its calendar."""

    ticket: Ticket
    name: str
    clock: Clock
    state: ClockState
    zone: ZoneInfo
    explanation: Explanation
    elapsed: timedelta
    notices: tuple[Notice, ...]


def account(ticket: Ticket, name: str, clock: Clock, ctx: Context, history: Iterable[Known], now: datetime) -> Account:
    """As of `now`; a finished clock as of its end."""
    calendar = ctx.calendar(clock.calendar)

    def translated(key: str, day: date, own: str) -> LocalText:
        return LocalText(vi=own, en=in_english(ctx.org, key, day, own))

    return Account(
        ticket=ticket,
        name=name,
        clock=clock,
        state=clocks.snapshot(clock).state,
        zone=calendar.zone,
        explanation=explain(clock, ctx.calendar, now, translated, partial(calendar_then, ctx)),
        elapsed=clocks.spent(clock, calendar, now),
        notices=notices(clock, ctx.policy(clock.policy), calendar, now, history),
    )


def calendar_then(ctx: Context, era: Era) -> Calendar:
    """The era's calendar as the newest known edition up to the era's revision has it; today's where none is known."""
    editions = (*ctx.edition.before, ctx) if ctx.edition else (ctx,)
    known = [found for found in editions if found.edition is not None and found.edition.first <= era.revision]
    return (known[-1] if known else ctx).calendar(era.calendar)


def in_english(org: Organisation, calendar: str, day: date, own: str) -> str:
    """The English name of a public holiday; a name the organisation gave stays as it is."""
    spec = org.calendar(calendar)
    if spec is None or spec.holidays is None or seed_of(spec.holidays, "vi").holidays.get(day) != own:
        return own
    return seed_of(spec.holidays, "en").holidays.get(day, own)
