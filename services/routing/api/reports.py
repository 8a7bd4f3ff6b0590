"""Reports for supervisors."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query

from schemas.organisation import Organisation
from schemas.values import Channel, ClockKind
from services.routing.access import Reader, subtree
from services.routing.api.bodies import OfKey, OnTime, OnTimeReport, OutcomePage, OutcomeRow, problems
from services.routing.api.refusals import BAD_PERIOD, NO_SUCH_UNIT, NOT_VALID, NOTHING_SEEN, refused, unseen
from services.routing.api.signing_in import SignedIn
from services.routing.directory import Directory
from services.routing.domain.sentences import fill
from services.routing.reports import TOO_FEW, Dimension, Figure, Period, ReportRepository

USUAL_DAYS: Final = 30
EARLIEST, LATEST = date(1970, 1, 2), date(9000, 1, 1)
OUTCOME: Final = ("ticket_id", "reference", "verdict", "cycle", "group", "started_at", "due_at", "finished_at")


class Selection:
    """The part of the record a report is about, as the query string names it."""

    def __init__(
        self,
        clock: Annotated[ClockKind, Query(description="Which clock.")] = "resolution",
        first: Annotated[date | None, Query(description="First local day; default: 29 days before the last.")] = None,
        last: Annotated[date | None, Query(description="Last local day; default: today.")] = None,
        unit: Annotated[OfKey | None, Query(description="A unit and everything below it.")] = None,
        group: OfKey | None = None,
        topic: OfKey | None = None,
        channel: Channel | None = None,
    ) -> None:
        self.clock = clock
        self.first = first
        self.last = last
        self.unit = unit
        self.group = group
        self.topic = topic
        self.channel = channel

    def groups(self, reader: Reader, organisation: Organisation) -> set[str]:
        """The groups meant, among those the reader sees. 422 for an unknown unit, 403 when there is none."""
        found = set(reader.sees)
        if self.unit is not None:
            if organisation.unit(self.unit) is None:
                raise refused(reader.language, 422, NOT_VALID, fill(NO_SUCH_UNIT, unit=self.unit), field="unit")
            below = subtree(organisation, self.unit)
            found = {spec.key for spec in organisation.groups if spec.key in found and spec.unit in below}
        if self.group is not None:
            found &= {self.group}
        if not found:
            raise unseen(reader.language, NOTHING_SEEN, "group" if self.group else "unit", reader.sees)
        return found

    def period(self, reader: Reader, zone: str, now: datetime) -> Period:
        """422 when it ends before it begins, or lies outside the years there are figures for."""
        today = now.astimezone(ZoneInfo(zone)).date()
        last = self.last or max(today, self.first or today)
        if not EARLIEST < last < LATEST:
            raise refused(reader.language, 422, NOT_VALID, BAD_PERIOD, field="last")
        first = self.first or last - timedelta(days=USUAL_DAYS - 1)
        if not EARLIEST - timedelta(days=USUAL_DAYS) < first <= last:
            raise refused(reader.language, 422, NOT_VALID, BAD_PERIOD, field="first")
        return Period(first, last, zone)

    def filters(self, groups: set[str], organisation: Organisation) -> dict[str, Any]:
        """Nothing about groups when all are meant: so the record keeps those that are no longer in the organisation."""
        everything = len(groups) == len(organisation.groups)
        wanted: dict[str, Any] = {} if everything else {"group": {"$in": sorted(groups)}}
        return wanted | {name: value for name, value in (("topic", self.topic), ("channel", self.channel)) if value is not None}


def routes(reports: ReportRepository, directory: Directory, now: Callable[[], datetime], signed_in: SignedIn) -> APIRouter:
    router = APIRouter(prefix="/api/v1/reports", tags=["reports"], responses=problems(401, 403, 422))
    Signed = Annotated[Reader, Depends(signed_in)]
    Chosen = Annotated[Selection, Depends()]

    def prepared(reader: Reader, chosen: Selection) -> tuple[Period, dict[str, Any]]:
        organisation = directory.context().org
        groups = chosen.groups(reader, organisation)
        return chosen.period(reader, zone_of(groups, organisation), now()), chosen.filters(groups, organisation)

    @router.get("/on-time", summary="How much was on time")
    async def on_time(reader: Signed, chosen: Chosen, by: Dimension | None = None) -> OnTimeReport:
        """Of the clocks that finished in the period: met / (met + missed). Each cycle of a reopened ticket counts."""
        period, filters = prepared(reader, chosen)
        figures = await reports.on_time(chosen.clock, period, filters, now(), by)
        rows = [_shown(figure) for figure in figures]
        return OnTimeReport(clock=chosen.clock, first=period.first, last=period.last, timezone=period.zone, by=by, rows=rows)

    @router.get("/on-time/clocks", summary="The finished clocks that make the number")
    async def behind(
        reader: Signed,
        chosen: Chosen,
        cursor: Annotated[str | None, Query(max_length=300)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> OutcomePage:
        period, filters = prepared(reader, chosen)
        rows = await reports.behind(chosen.clock, period, filters, cursor, limit + 1)
        items = [OutcomeRow(id=row["_id"], **{name: row[name] for name in OUTCOME}) for row in rows[:limit]]
        return OutcomePage(items=items, next=items[-1].id if len(rows) > limit else None)

    return router


def zone_of(groups: set[str], organisation: Organisation) -> str:
    """Days are those of the groups' own zone; of the organisation's where they differ."""
    zones = {organisation.as_group(spec).timezone for spec in organisation.groups if spec.key in groups}
    return zones.pop() if len(zones) == 1 else organisation.timezone


def _shown(figure: Figure) -> OnTime:
    return OnTime(
        key=figure.key,
        met=figure.met,
        missed=figure.missed,
        finished=figure.finished,
        rate=figure.rate,
        too_few=figure.finished < TOO_FEW,
        overdue=figure.overdue,
    )
