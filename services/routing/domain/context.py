"""What every decision is taken under: one revision of the organisation with its calendars."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from schemas.organisation import CalendarSpec, GroupSpec, Organisation, PolicySpec
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Era


@dataclass(frozen=True, slots=True)
class Context:
    """One revision of the organisation. `calendar_of` is asked only for keys the organisation has.

    A ticket may outlive what it names: a group, policy or calendar that a newer revision no longer has is
    replaced here and nowhere else, so that no ticket is stranded by an edit.
    """

    org: Organisation
    revision: int
    calendar_of: Callable[[str], Calendar]
    edition: "Edition | None" = None
    """None where nothing is known of earlier revisions: then all clocks are taken to be measured by this one."""

    def group(self, key: str) -> GroupSpec:
        """The group, or the focal point in the place of a group that is gone."""
        found = self.org.group(key) or self.org.group(self.org.focal_point)
        return found if found is not None else self.org.groups[0]

    def calendar(self, key: str) -> Calendar:
        """The calendar, or the focal point's in the place of a calendar that is gone."""
        return self.calendar_of(self._known(key))

    def calendar_at(self, revision: int, key: str) -> Calendar:
        """The calendar as the newest known edition up to the revision has it; the present one where none is known."""
        editions = (*self.edition.before, self) if self.edition else (self,)
        known = [found for found in editions if found.edition is not None and found.edition.first <= revision]
        return (known[-1] if known else self).calendar(key)

    def calendar_then(self, era: Era) -> Calendar:
        """The era's calendar as it was in its revision."""
        return self.calendar_at(era.revision, era.calendar)

    def calendar_spec(self, key: str) -> CalendarSpec | None:
        """What `calendar` was built from."""
        return self.org.calendar(self._known(key))

    def policy(self, key: str) -> PolicySpec:
        """The policy, or the last one (the most general, as they are ordered) in the place of a policy that is gone."""
        return self.org.policy(key) or self.org.policies[-1]

    def _known(self, calendar: str) -> str:
        return calendar if self.org.calendar(calendar) is not None else self.group(self.org.focal_point).calendar


@dataclass(frozen=True, slots=True)
class Edition:
    """A run of revisions that measure deadlines alike: the first of them, and when it was loaded.

    `before` are the editions a clock may still be measured by, the oldest first, each as it was when it was loaded.
    """

    first: int
    loaded_at: datetime
    before: tuple[Context, ...] = ()
