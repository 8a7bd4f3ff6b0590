"""The part of the record a report is about, as the query string names it, within what the reader sees."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Query

from schemas.organisation import Organisation
from schemas.values import Channel, ClockKind
from services.routing.access import Reader, subtree
from services.routing.api.bodies import OfKey
from services.routing.api.keys import refuse_unknown
from services.routing.api.refusals import BAD_PERIOD, NO_SUCH_UNIT, NOT_VALID, NOTHING_SEEN, PART_OF_WHAT, refused, unseen
from services.routing.domain.sentences import fill
from services.routing.record import CARRIED, Carried, Record
from services.routing.reports import Scope

USUAL_DAYS: Final = 30
EARLIEST, LATEST = date(1970, 1, 2), date(9000, 1, 1)

NONE: Final = "none"
"""Stands in a query string for having no officer, or for a business that is no member."""


class Selection:
    def __init__(
        self,
        clock: Annotated[ClockKind, Query(description="Which clock.")] = "resolution",
        first: Annotated[date | None, Query(description="First local day; default: 29 days before the last.")] = None,
        last: Annotated[date | None, Query(description="Last local day; default: today.")] = None,
        unit: Annotated[OfKey | None, Query(description="A unit and everything below it.")] = None,
        part: Annotated[OfKey | None, Query(description="One row of `by=unit`: a unit right below `unit`, or `unit` itself.")] = None,
        group: OfKey | None = None,
        topic: OfKey | None = None,
        channel: Channel | None = None,
        member_tier: Annotated[OfKey | None, Query(description="`none`: businesses that are no members.")] = None,
        officer: Annotated[OfKey | None, Query(description="`none`: what nobody had taken.")] = None,
    ) -> None:
        self.clock = clock
        self.first = first
        self.last = last
        self.unit = unit
        self.part = part
        self.group = group
        self.fields = {
            name: None if value == NONE and name in {"member_tier", "officer"} else value
            for name, value in (("topic", topic), ("channel", channel), ("member_tier", member_tier), ("officer", officer))
            if value is not None
        }

    async def scope(self, reader: Reader, org: Organisation, now: datetime, record: Record) -> tuple[Scope, str]:
        """What it is about, and the zone its days are said in.

        What is no longer in the organisation can be asked for as long as the record knows it, by those who see everything.
        422: no such unit, topic, tier, officer or period. 403: nothing in it that the reader sees.
        """
        if self.part is not None and self.unit is None:
            raise refused(reader.language, 422, NOT_VALID, PART_OF_WHAT, field="unit")
        everything = len(reader.sees) == len(org.groups)
        for name, unit in (("unit", self.unit), ("part", self.part)):
            if unit is not None and org.unit(unit) is None and not (everything and await record.remembers("units", unit)):
                raise refused(reader.language, 422, NOT_VALID, fill(NO_SUCH_UNIT, unit=unit), field=name)
        found = self._groups(reader, org)
        strange = self.group is not None and org.group(self.group) is None and not await record.remembers("group", self.group)
        if strange or not (found or everything):
            raise unseen(reader.language, NOTHING_SEEN, "group" if self.group else "unit", reader.sees)
        seen = None if everything else reader.sees
        await refuse_unknown(self.named(), reader, org, record, seen)
        zone = zone_of(found, org)
        first, last = self._period(reader, zone, now)
        return Scope(self.clock, first, last, seen, self.group, self.unit, self.part, self.fields), zone

    def named(self) -> dict[Carried, str | None]:
        """The keys among the fields that may be unknown."""
        return {name: self.fields.get(name) for name in CARRIED}

    def _groups(self, reader: Reader, org: Organisation) -> set[str]:
        """The groups meant that are there today, among those the reader sees."""
        found = set(reader.sees)
        if self.unit is not None:
            below = subtree(org, self.unit)
            found = {spec.key for spec in org.groups if spec.key in found and spec.unit in below}
        return found & {self.group} if self.group is not None else found

    def _period(self, reader: Reader, zone: str, now: datetime) -> tuple[date, date]:
        """422 when it ends before it begins, or lies outside the years there are figures for."""
        today = now.astimezone(ZoneInfo(zone)).date()
        last = self.last or max(today, self.first or today)
        if not EARLIEST < last < LATEST:
            raise refused(reader.language, 422, NOT_VALID, BAD_PERIOD, field="last")
        first = self.first or last - timedelta(days=USUAL_DAYS - 1)
        if not EARLIEST - timedelta(days=USUAL_DAYS) < first <= last:
            raise refused(reader.language, 422, NOT_VALID, BAD_PERIOD, field="first")
        return first, last


def zone_of(groups: set[str], organisation: Organisation) -> str:
    """That of the groups' own calendars; the organisation's where they differ."""
    zones = {organisation.as_group(spec).timezone for spec in organisation.groups if spec.key in groups}
    return zones.pop() if len(zones) == 1 else organisation.timezone
