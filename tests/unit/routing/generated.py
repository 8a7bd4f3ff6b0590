"""Generated calendars, instants and pauses for the properties of working time."""

import os
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random

from hypothesis import strategies as st

from schemas.organisation import CalendarSpec
from services.routing.domain.calendar import Calendar
from services.routing.domain.pauses import Pause

EXAMPLES = int(os.environ.get("HELPDESK_TEST_EXAMPLES", "300"))
"""Cases per property; 100000 for the long run, a few minutes each."""

ZONES = ("Asia/Ho_Chi_Minh", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "UTC")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CALENDARS = 60
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


@lru_cache
def calendar(number: int) -> Calendar:
    """One of sixty calendars, always the same: made once, since compiling a year is the slow part."""
    return Calendar.from_spec(spec(number))


@lru_cache
def spec(number: int) -> CalendarSpec:
    chance = Random(number)
    open_days = chance.sample(DAYS, chance.randint(1, 7))
    return written(
        ZONES[number % len(ZONES)],
        {day: _windows(chance) for day in open_days},
        closed=[_day(chance) for _ in range(chance.randint(0, 60))],
        extra={_day(chance): _windows(chance) for _ in range(chance.randint(0, 10))},
        closures={_day(chance): _windows(chance) for _ in range(chance.randint(0, 30))},
    )


def written(timezone: str, week: object, **rules: object) -> CalendarSpec:
    """A calendar as an administrator writes it: dates and windows in their short forms."""
    return CalendarSpec.model_validate({"timezone": timezone, "week": week, **rules})


def _day(chance: Random) -> date:
    return date(2024, 1, 1) + timedelta(days=chance.randint(0, 800))


def _windows(chance: Random) -> tuple[tuple[str, str], ...]:
    """Up to three windows, which may touch or overlap; sometimes the whole day."""
    if chance.random() < 0.15:
        return (("00:00", "24:00"),)
    edges = [sorted(chance.sample(range(0, 24 * 60 + 1, 5), 2)) for _ in range(chance.randint(1, 3))]
    return tuple((_time(start), _time(end)) for start, end in edges)


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


calendars = st.integers(0, CALENDARS - 1).map(calendar)
instants = st.integers(0, 730 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds))
spans = st.integers(1, 80 * 3600 * 1_000_000).map(lambda micros: timedelta(microseconds=micros))


@st.composite
def pauses(draw: st.DrawFn, most: int = 4) -> tuple[Pause, ...]:
    """Ended pauses that may overlap, within the two years of the instants."""
    begun = draw(st.lists(instants, max_size=most))
    return tuple(Pause(at, at + timedelta(minutes=draw(st.integers(0, 20_000))), "waiting") for at in begun)


@st.composite
def pauses_near(draw: st.DrawFn, start: datetime, most: int = 4) -> tuple[Pause, ...]:
    """As `pauses`, where they are likely to matter: in the fortnight after `start`."""
    begun = draw(st.lists(st.integers(-2_000, 20_000), max_size=most))
    lengths = [draw(st.integers(0, 4_000)) for _ in begun]
    return tuple(
        Pause(start + timedelta(minutes=minute), start + timedelta(minutes=minute + length), "waiting")
        for minute, length in zip(begun, lengths, strict=True)
    )
