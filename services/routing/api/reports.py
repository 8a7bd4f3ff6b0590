"""Reports for supervisors."""

from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query

from kit.errors import FieldError, RefusedError
from kit.mongo import Mongo
from schemas.values import Channel, ClockKind
from services.routing.access import Reader, subtree
from services.routing.api.bodies import OfKey, OnTime, OnTimeReport, OutcomePage, OutcomeRow, problems
from services.routing.api.signing_in import SignedIn
from services.routing.directory import Directory
from services.routing.reports import TOO_FEW, Dimension, Figure, Period, ReportRepository, restricted


class Selection:
    """The part of the record a report is about, as the query string names it."""

    def __init__(  # noqa: PLR0913 (one parameter a filter)
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


def routes(reports: ReportRepository, directory: Directory, mongo: Mongo, signed_in: SignedIn) -> APIRouter:
    router = APIRouter(prefix="/api/v1/reports", responses=problems(401, 403, 422))
    Signed = Annotated[Reader, Depends(signed_in)]
    Chosen = Annotated[Selection, Depends()]

    def prepared(reader: Reader, chosen: Selection) -> tuple[Period, dict[str, Any]]:
        organisation = directory.context().org
        groups = {spec.key for spec in organisation.groups if spec.key in reader.sees}
        if chosen.unit is not None:
            if organisation.unit(chosen.unit) is None:
                raise RefusedError("The unit is not known.", errors=[FieldError("unit", f"There is no unit {chosen.unit!r}.")])
            below = subtree(organisation, chosen.unit)
            groups = {spec.key for spec in organisation.groups if spec.key in groups and spec.unit in below}
        if chosen.group is not None:
            groups &= {chosen.group}
        if not groups:
            raise RefusedError("You see none of the groups this is about.", status=403, title="Not allowed")
        zones = {organisation.as_group(spec).timezone for spec in organisation.groups if spec.key in groups}
        zone = zones.pop() if len(zones) == 1 else organisation.timezone
        today = mongo.now().astimezone(ZoneInfo(zone)).date()
        last = chosen.last or max(today, chosen.first or today)
        first = chosen.first or last - timedelta(days=min(29, (last - date.min).days))
        if first > last or not date(1970, 1, 2) < first or last > date(9000, 1, 1):
            raise RefusedError("The period is not valid.", errors=[FieldError("first", "Choose a first day that is not after the last, from 1970 on.")])
        return Period(first, last, zone), restricted(groups, topic=chosen.topic, channel=chosen.channel)

    @router.get("/on-time", summary="How much was on time")
    async def on_time(reader: Signed, chosen: Chosen, by: Dimension | None = None) -> OnTimeReport:
        """Of the clocks that finished in the period: met / (met + missed). Each cycle of a reopened ticket counts."""
        period, filters = prepared(reader, chosen)
        figures = await reports.on_time(chosen.clock, period, filters, mongo.now(), by)
        return OnTimeReport(
            clock=chosen.clock, first=period.first, last=period.last, timezone=period.zone, by=by, rows=[_shown(figure) for figure in figures]
        )

    @router.get("/on-time/clocks", summary="The finished clocks that make the number")
    async def behind(
        reader: Signed,
        chosen: Chosen,
        cursor: Annotated[str | None, Query(max_length=300)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> OutcomePage:
        period, filters = prepared(reader, chosen)
        rows = await reports.behind(chosen.clock, period, filters, cursor, limit + 1)
        items = [OutcomeRow(id=row["_id"], **{name: row[name] for name in OutcomeRow.model_fields if name in row}) for row in rows[:limit]]
        return OutcomePage(items=items, next=items[-1].id if len(rows) > limit else None)

    return router


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
