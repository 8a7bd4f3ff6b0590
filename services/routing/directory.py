"""The organisation with its calendars built: what every decision is taken under."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from kit.errors import TransientError
from kit.organisation import Loaded, OrganisationStore
from schemas.organisation import Organisation
from services.routing.calendars import build
from services.routing.domain.calendar import Calendar
from services.routing.domain.context import Context, Edition
from services.routing.domain.ticket import Ticket

MOST_EARLIER: Final = 16
"""Earlier revisions kept in memory, some megabytes: what is asked about is mostly of the same few."""


class Directory:
    """Builds the context of the current revision once, and anew when the revision changes."""

    def __init__(self, store: OrganisationStore) -> None:
        self._store = store
        self._context: Context | None = None
        self._earlier: dict[int, Context | None] = {}

    def context(self) -> Context:
        """TransientError while no organisation is loaded."""
        revision = self._store.current
        if self._context is None or self._context.revision != revision.number:
            self._context = of_revision(revision)
        return self._context

    async def refresh(self) -> None:
        """Read the newest revision now, without waiting for the next look."""
        await self._store.refresh()

    async def knowing(self, tickets: Iterable[Ticket]) -> Context:
        """The present context, read anew first where it is older than what one of these is measured by.

        TransientError when none is loaded, or the database does not show that revision yet.
        """
        needed = max((ticket.revision for ticket in tickets), default=0)
        if self.context().revision < needed:
            await self.refresh()
        found = self.context()
        if found.revision < needed:
            raise TransientError(f"a ticket is measured by revision {needed}, and the newest known here is {found.revision}")
        return found

    async def covering(self, revisions: Iterable[int]) -> Context:
        """The present context, in which clocks that ended long ago find the calendars of the revisions that measured them."""
        present = self.context()
        known = present.edition.before if present.edition else ()
        oldest = min((earlier.revision for earlier in (*known, present)), default=0)
        found = [earlier for number in sorted(set(revisions)) if number < oldest and (earlier := await self._of(number))]
        edition = present.edition or Edition(present.revision, self._store.current.loaded_at)
        return replace(present, edition=replace(edition, before=(*found, *known))) if found else present

    async def _of(self, number: int) -> Context | None:
        """A revision as it was; None of one that is not kept, or that this release cannot read any more."""
        if number not in self._earlier:
            if len(self._earlier) >= MOST_EARLIER:
                self._earlier.clear()
            try:
                revision = await self._store.revision(number)
            except ValidationError:
                revision = None
            of = context(revision.organisation, number, Edition(number, revision.loaded_at)) if revision else None
            self._earlier[number] = of
        return self._earlier[number]


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
