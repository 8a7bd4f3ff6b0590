"""The organisation with its calendars built: what every decision is taken under."""

from datetime import datetime

from kit.organisation import Loaded, OrganisationStore
from schemas.organisation import Organisation
from services.routing.calendars import build
from services.routing.domain.calendar import Calendar
from services.routing.domain.context import Context, Edition


class Directory:
    """Builds the context of the current revision once, and anew when the revision changes."""

    def __init__(self, store: OrganisationStore) -> None:
        self._store = store
        self._context: Context | None = None

    def context(self) -> Context:
        """TransientError while no organisation is loaded."""
        revision = self._store.current
        if self._context is None or self._context.revision != revision.number:
            self._context = of_revision(revision)
        return self._context


def of_revision(revision: Loaded) -> Context:
    """The newest revision with the editions before it."""
    before = tuple(
        context(edition.organisation, edition.number, Edition(edition.number, edition.loaded_at)) for edition in revision.editions[:-1]
    )
    latest = revision.editions[-1] if revision.editions else None
    return context(revision.organisation, revision.number, Edition(latest.number, latest.loaded_at, before) if latest else None)


def proposed(organisation: Organisation, after: Context | None, now: datetime) -> Context:
    """The organisation as it would be if it were loaded after the present one at `now`."""
    if after is None:
        return context(organisation, 1)
    earlier = (*after.edition.before, after) if after.edition else ()
    number = after.revision + 1
    return context(organisation, number, Edition(number, now, earlier) if earlier else None)


def context(organisation: Organisation, revision: int, edition: Edition | None = None) -> Context:
    calendars: dict[str, Calendar] = {}

    def calendar_of(key: str) -> Calendar:
        if key not in calendars:
            spec = organisation.calendar(key)
            if spec is None:
                raise KeyError(key)
            calendars[key] = build(spec)
        return calendars[key]

    return Context(org=organisation, revision=revision, calendar_of=calendar_of, edition=edition)
