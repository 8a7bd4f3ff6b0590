"""The organisation with its calendars built: what every decision is taken under."""

from kit.organisation import OrganisationStore
from schemas.organisation import Organisation
from services.routing.calendars import build
from services.routing.domain.calendar import Calendar
from services.routing.domain.context import Context


class Directory:
    """Builds the context of the current revision once, and anew when the revision changes."""

    def __init__(self, store: OrganisationStore) -> None:
        self._store = store
        self._context: Context | None = None

    def context(self) -> Context:
        """TransientError while no organisation is loaded."""
        revision = self._store.current
        if self._context is None or self._context.revision != revision.number:
            self._context = context(revision.organisation, revision.number)
        return self._context


def context(organisation: Organisation, revision: int) -> Context:
    calendars: dict[str, Calendar] = {}

    def calendar_of(key: str) -> Calendar:
        if key not in calendars:
            spec = organisation.calendar(key)
            if spec is None:
                raise KeyError(key)
            calendars[key] = build(spec)
        return calendars[key]

    return Context(org=organisation, revision=revision, calendar_of=calendar_of)
