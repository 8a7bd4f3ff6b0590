"""The page that explains a deadline: one file with its own look, for a browser, a printer or an attachment."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from schemas.values import Language, LocalText
from services.routing.domain.daily import Day
from services.routing.domain.explain import next_midnight
from services.routing.explaining import Account
from services.routing.pages.reading import Reading

STYLE: Final = (Path(__file__).parent / "templates" / "explanation.css").read_text(encoding="utf-8")

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""What the page may do is written out: its own style and nothing else."""

BAR: Final = 1440
"""Units across the bar of a day: a minute each on a day of 24 hours."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Part of a day's bar, in units of `BAR`."""

    start: float
    width: float
    reason: str


class ExplanationPage:
    """Renders accounts; without state between pages."""

    def __init__(self, organisation: LocalText) -> None:
        self._organisation = organisation
        self._environment = Environment(
            loader=PackageLoader("services.routing.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def render(self, account: Account, language: Language) -> str:
        reading = Reading(account, language)
        return self._environment.get_template("explanation.html").render(
            language=language,
            organisation=self._organisation.in_language(language),
            style=Markup(STYLE),  # noqa: S704 (our own file)
            reading=reading,
            rows=list(reading.rows),
            t=reading.t,
            local=lambda words: words.in_language(language),
            cells=cells,
            bar=BAR,
        )


def cells(day: Day) -> list[Cell]:
    """The bar of a day, from its first midnight to its last; what was carried from earlier has none."""
    zone = day.lines[0].zone
    begin = datetime.combine(day.first, time(0), zone).astimezone(UTC)
    whole = next_midnight(begin, zone) - begin
    return [
        Cell(_units(line.start - begin, whole), _units(line.end - line.start, whole), "counted" if line.counted else line.reason)
        for line in day.lines
        if line.reason != "carried"
    ]


def _units(length: timedelta, whole: timedelta) -> float:
    return round(length / whole * BAR, 2)
