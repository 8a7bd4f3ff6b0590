"""`helpdesk calendar show`: a calendar's year as it will be counted, for the person who checks it against the decree."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas.organisation import CalendarSpec
    from services.routing.calendars import Seed
    from services.routing.domain.windows import DayRules

calendars = typer.Typer(help="Calendars of an organisation file.", no_args_is_help=True)


@calendars.callback()
def _calendars() -> None:
    """Keeps `show` a command of its own while there is no other."""


@calendars.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="Organisation file (YAML).")],
    key: Annotated[str, typer.Argument(help="Key of the calendar.")],
    year: Annotated[int | None, typer.Option(min=1950, max=2100, help="Default: this year.")] = None,
) -> None:
    """Show a year as it will be counted: hours of the week, days off with their names and sources, make-up days, other hours."""
    from helpdesk.organisation import OrganisationErrors, read

    try:
        organisation = read(file)
    except OrganisationErrors as errors:
        typer.echo(str(errors), err=True)
        raise typer.Exit(1) from errors
    spec = organisation.calendar(key)
    if spec is None:
        known = ", ".join(calendar.key for calendar in organisation.calendars)
        typer.echo(f'There is no calendar "{key}". There are: {known}.', err=True)
        raise typer.Exit(1)
    typer.echo("\n".join(described(spec, year or datetime.now(UTC).year)))


def described(spec: "CalendarSpec", year: int) -> Iterator[str]:
    from services.routing.calendars import NO_SEED, seed_of
    from services.routing.domain.windows import WEEKDAYS, DayRules

    seed = seed_of(spec.holidays, "vi") if spec.holidays else NO_SEED
    rules = DayRules(spec, seed.holidays, seed.workdays)
    days = [date(year, 1, 1) + timedelta(days=number) for number in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]
    minutes = [sum(end - start for start, end in _worked(rules, day)) // 60 for day in days]
    open_days, (hours, rest) = sum(count > 0 for count in minutes), divmod(sum(minutes), 60)
    yield f"{spec.key} ({spec.timezone}), {year}: {open_days} working days, {hours} hours" + (f" {rest} minutes" if rest else "")
    yield "week"
    yield from (f"  {day}  {_windows(spec.week.get(day, ()))}" for day in WEEKDAYS)
    yield from _section("days off", (_off(spec, seed, rules, day) for day in days))
    yield from _section("make-up days", (_worked_instead(spec, rules, day) for day in days))
    yield from _section("other hours", (_otherwise(spec, rules, day) for day in days))


def _section(title: str, lines: Iterator[str | None]) -> Iterator[str]:
    told = [line for line in lines if line]
    yield title
    yield from told or ["  none"]


def _off(spec: "CalendarSpec", seed: "Seed", rules: "DayRules", day: date) -> str | None:
    """What closes a day on which the week would work; also a holiday on a weekend, so that none seems forgotten."""
    if rules.kind(day) not in {"closed", "holiday"}:
        return None
    entry = next((entry for entry in spec.closed if entry.date == day), None)
    name = (entry.name if entry else "") or seed.holidays.get(day, "")
    source = (entry.source or "closed") if entry else f"holidays {spec.holidays}"
    return _line(day, name or "-", source)


def _worked_instead(spec: "CalendarSpec", rules: "DayRules", day: date) -> str | None:
    if rules.kind(day) != "makeup":
        return None
    return _line(day, _windows(_times(rules, day)), "extra" if day in spec.extra else f"holidays {spec.holidays}", spec.names.get(day, ""))


def _otherwise(spec: "CalendarSpec", rules: "DayRules", day: date) -> str | None:
    """Days that work other hours than their weekday does."""
    kind = rules.kind(day)
    if kind == "extra":
        return _line(day, _windows(_times(rules, day)), "extra", spec.names.get(day, ""))
    if kind not in {"week", "makeup"} or day not in spec.closures:
        return None
    return _line(day, _windows(_times(rules, day)), f"closed {_windows(spec.closures[day])}", spec.names.get(day, ""))


def _line(day: date, what: str, source: str, name: str = "") -> str:
    return f"  {day:%a %Y-%m-%d}  {what}  [{source}]" + (f"  {name}" if name else "")


def _worked(rules: "DayRules", day: date) -> list[tuple[int, int]]:
    return [(piece.start, piece.end) for piece in rules.plan(day) if piece.reason == "working"]


def _times(rules: "DayRules", day: date) -> list[tuple[str, str]]:
    return [(_time(start), _time(end)) for start, end in _worked(rules, day)]


def _time(second: int) -> str:
    return f"{second // 3600:02}:{second % 3600 // 60:02}"


def _windows(windows: Iterable[tuple[str, str]]) -> str:
    return " ".join(f"{start}-{end}" for start, end in windows) or "closed"
