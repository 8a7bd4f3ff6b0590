"""Calendars from the organisation file, seeded with the public holidays of a country."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

import holidays as library

from schemas.organisation import CalendarSpec
from schemas.values import Language
from services.routing.domain.calendar import BadCalendar, Calendar

YEARS: Final = range(1950, 2101)
"""What the seed covers; all of it takes 20 ms. Coming lunar dates are computed, decisions of a government are not."""
_LOCALES: Final[Mapping[Language, str]] = MappingProxyType({"vi": "vi", "en": "en_US"})


class Seed(NamedTuple):
    """Public holidays with their names, and the weekend days worked in exchange for a day off."""

    holidays: Mapping[date, str]
    workdays: frozenset[date]


NO_SEED: Final = Seed(MappingProxyType({}), frozenset())


def build(spec: CalendarSpec, language: Language = "vi", *, since: datetime | None = None) -> Calendar:
    """The calendar with its seed, holidays named in `language`; the names change no deadline.

    Raises BadCalendar with a sentence to show, NeverOpens when nothing opens it, or not in the ten years from `since`.
    """
    seed = seed_of(spec.holidays, language) if spec.holidays else NO_SEED
    return Calendar.from_spec(spec, seed.holidays, seed.workdays, since=since)


@lru_cache(maxsize=32)
def seed_of(country: str, language: Language) -> Seed:
    """What the library knows about a country. Raises BadCalendar for one it does not know."""
    if country not in library.list_supported_countries():
        raise BadCalendar(f"holidays: {country!r} is not a country code whose public holidays are known, e.g. VN")
    names = library.country_holidays(country).supported_languages
    locale = _LOCALES[language] if _LOCALES[language] in names else None  # None: the country's own language
    found = library.country_holidays(country, years=YEARS, language=locale)
    return Seed(MappingProxyType(dict(found.items())), frozenset(found.weekend_workdays))
