"""Deadline arithmetic: microseconds for one answer, on a calendar that has been used before.

    python -m benchmarks.deadlines

The calendar is the demo's office: two windows a day, Vietnam's public holidays with their make-up Saturdays. The median over many
rounds, each over as many different starts, since the machine is shared.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from helpdesk.demo import ORGANISATION
from helpdesk.organisation import read
from schemas.organisation import Target
from services.routing.calendars import build
from services.routing.domain import clocks
from services.routing.domain.calendar import Calendar
from services.routing.domain.explain import explain
from services.routing.domain.pauses import Pause

CALENDAR: Final = "office"
STARTS: Final = 300
EARLIEST: Final = datetime(2025, 1, 2, 1, 23, 45, tzinfo=UTC)
APART: Final = timedelta(hours=29, minutes=17)
"""Between two starts: all hours of the day and all days of a year come up."""

YEAR: Final = timedelta(days=365)


def cases(calendar: Calendar) -> Mapping[str, Callable[[datetime], object]]:
    """What is measured, of a start."""
    days = Target(clock="resolution", days=5)
    five = {start: _clock(days, calendar, start) for start in starts()}
    paused = {start: (Pause(start + timedelta(days=1), start + timedelta(days=3), "waiting"),) for start in starts()}
    return {
        "due_5_working_days": lambda start: calendar.add_days(start, 5, False),  # noqa: FBT003
        "due_5_working_days_with_a_pause": lambda start: calendar.add_days(start, 5, False, paused[start]),  # noqa: FBT003
        "due_8_working_hours": lambda start: calendar.add(start, timedelta(hours=8)),
        "elapsed_over_a_year": lambda start: calendar.elapsed(start, start + YEAR),
        "clock_of_5_working_days": lambda start: _clock(days, calendar, start),
        "explain_5_working_days": lambda start: explain(five[start], lambda _: calendar, five[start].due_at or start),
    }


def starts() -> Sequence[datetime]:
    return [EARLIEST + number * APART for number in range(STARTS)]


def _clock(target: Target, calendar: Calendar, start: datetime) -> clocks.Clock:
    return clocks.start(target.clock, 1, target, "standard", 1, CALENDAR, calendar, start)


def microseconds(work: Callable[[datetime], object], rounds: int) -> dict[str, float]:
    """Of one call: the median of the rounds, and the slowest round."""
    instants, found = starts(), []
    for start in instants:
        work(start)  # warm
    for _ in range(rounds):
        began = time.perf_counter()
        for start in instants:
            work(start)
        found.append((time.perf_counter() - began) / len(instants) * 1e6)
    return {"median": round(statistics.median(found), 2), "slowest": round(max(found), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    spec = read(ORGANISATION).calendar(CALENDAR)
    assert spec is not None
    began = time.perf_counter()
    calendar = build(spec)
    calendar.add_days(EARLIEST, 5, False)  # noqa: FBT003
    cold = time.perf_counter() - began
    figures = {name: microseconds(work, rounds) for name, work in cases(calendar).items()}
    json.dump({"us": figures, "first_answer_of_a_new_calendar_ms": round(cold * 1000, 1)}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
