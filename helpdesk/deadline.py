"""`helpdesk deadline FILE.json`: due dates of made-up cases, to check a calendar or this program's arithmetic by hand.

The file is a JSON list of `{name, calendar, start, budget, pauses, warn_percent}`; `start` is an ISO 8601 instant with an
offset, `budget` an ISO 8601 duration of working hours, minutes and seconds (`PT8H`, `P0DT1H30M`; no other days, weeks or months,
for those are no working time) or `{working_days, count_first_day}`.
"""

import json
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Self

import typer
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from helpdesk.cases import INSTANT, CasesError, read, sentence
from schemas.organisation import CalendarSpec
from services.routing.calendars import build
from services.routing.domain.calendar import Calendar
from services.routing.domain.ladder import share
from services.routing.domain.pauses import Pause

_DURATION: Final = re.compile(r"P(?:0+[YMWD])*T(?=\d)(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)S)?", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*", re.ASCII | re.DOTALL)
_LONGEST: Final = timedelta(hours=10_000)
_NAMELESS: Final = f"calendar {CalendarSpec.model_fields['key'].default} "
"""How a calendar without a key is spoken of; in a case it needs none."""

WRONG: Final = 1
UNREADABLE: Final = 2


class WorkingDays(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    working_days: int = Field(gt=0, le=1_000, strict=True)
    count_first_day: bool = False


def _span(value: object) -> timedelta:
    """Hours, minutes and seconds of working time; days are another unit and never converted."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(
            "give working time as an ISO 8601 duration of hours, minutes and seconds, such as PT8H or PT90M; "
            "days, weeks, months and years are other units: give {working_days, count_first_day}"
        )
    hours, minutes, seconds = (float(part.replace(",", ".")) if part else 0.0 for part in match.groups())
    span = timedelta(hours=min(hours, 1e6), minutes=min(minutes, 1e6), seconds=min(seconds, 1e9))
    if not timedelta(0) < span <= _LONGEST:
        raise ValueError("must be longer than nothing and at most 10,000 hours")
    return span


def _instant(value: object) -> object:
    """As text alone: a bare number could be seconds, milliseconds or a slip of the pen."""
    if not (isinstance(value, str) and _INSTANT.fullmatch(value.strip())):
        raise ValueError(INSTANT)
    return value.strip()


At = Annotated[AwareDatetime, BeforeValidator(_instant)]


def _unit(value: object) -> str:
    return "days" if isinstance(value, dict) else "duration"


Budget = Annotated[
    Annotated[timedelta, BeforeValidator(_span), Tag("duration")] | Annotated[WorkingDays, Tag("days")],
    Discriminator(_unit),
]


class Case(BaseModel):
    """One case. `expect` is for whoever compares, and other notes may stand beside it; a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Any = None
    calendar: CalendarSpec
    start: At
    budget: Budget
    pauses: tuple[tuple[At, At | None], ...] = ()
    warn_percent: tuple[Annotated[float, Field(gt=0, le=100)], ...] = ()
    expect: Any = None
    note: Any = None

    @model_validator(mode="after")
    def _pauses_end_after_they_begin(self) -> Self:
        for began, ended in self.pauses:
            if ended is not None and ended < began:
                raise ValueError(f"the pause from {began.isoformat()} ends before it begins")
        return self

    def held(self) -> tuple[Pause, ...]:
        return tuple(Pause(began, ended, "") for began, ended in self.pauses)


def deadline(file: Annotated[Path, typer.Argument(help="JSON list of cases.")]) -> None:
    """Compute the due date of each case in FILE, in its calendar's zone.

    A case is {name, calendar, start, budget, pauses, warn_percent}; what comes of it is {name, due, warnings}, or {name, error} with a
    sentence. Exit code 0: all were computed; 1: one at least has an error; 2: the file can't be read.
    """
    try:
        answers = [answer(case) for case in read(file)]
    except CasesError as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(UNREADABLE) from error
    print(_printable(answers))
    if any("error" in each for each in answers):
        raise typer.Exit(WRONG)


def answer(case: object) -> dict[str, Any]:
    """`{name, due, warnings}`, or `{name, error}` with a sentence; nothing a file holds raises."""
    name = case.get("name") if isinstance(case, dict) else None
    try:
        return {"name": name, **_dates(Case.model_validate(case))}
    except ValidationError as error:
        return {"name": name, "error": sentence(error, Case)}
    except (ValueError, ArithmeticError) as error:
        return {"name": name, "error": " ".join(str(error).split()).replace(_NAMELESS, "the calendar ")}


def _dates(case: Case) -> dict[str, Any]:
    calendar = build(case.calendar)
    due, pauses = _due(case, calendar), case.held()
    whole = calendar.elapsed(case.start, due, pauses)
    warnings = [calendar.add(case.start, share(whole, percent), pauses) for percent in case.warn_percent]
    return {"due": _local(due, calendar), "warnings": [_local(warning, calendar) for warning in warnings]}


def _due(case: Case, calendar: Calendar) -> datetime:
    if isinstance(case.budget, timedelta):
        return calendar.add(case.start, case.budget, case.held())
    return calendar.add_days(case.start, case.budget.working_days, case.budget.count_first_day, case.held())


def _local(at: datetime, calendar: Calendar) -> str:
    return at.astimezone(calendar.zone).isoformat()


def _printable(answers: list[dict[str, Any]]) -> str:
    """Names as they were written where the terminal can show them, escaped where it cannot."""
    text = json.dumps(answers, ensure_ascii=False, indent=1)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(answers, indent=1)
    return text
