"""Reports for supervisors."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from kit.mongo import Document
from schemas.organisation import Organisation
from schemas.values import Language
from services.routing.access import Reader
from services.routing.api.bodies import problems
from services.routing.api.figures import OnTime, OnTimeReport, OutcomePage, OutcomeRow, OverduePage, OverdueRow
from services.routing.api.refusals import BAD_CURSOR, NOT_VALID, refused
from services.routing.api.selection import NONE, Selection
from services.routing.api.signing_in import SignedIn
from services.routing.api.spreadsheet import MEDIA_TYPE, name_of, spreadsheet
from services.routing.directory import Directory
from services.routing.record import Record
from services.routing.reports import FINISHED, TOO_FEW, Dimension, Figure, ReportRepository, Scope, Verdict

PATH: Final = "/api/v1/reports"
CLOCKS, OVERDUE = "/on-time/clocks", "/on-time/overdue"

OUTCOME: Final = ("ticket_id", "reference", "verdict", "cycle", "group", "officer", "topic", "channel", "member_tier", "day")
INSTANTS: Final = ("started_at", "due_at", "finished_at")
TICKET: Final = ("reference", "subject", "business", "group", "officer", "topic", "channel", "opened_at")

_AS_CSV: Final = {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": "JSON, or a table with `format=csv`"}


def routes(reports: ReportRepository, record: Record, directory: Directory, now: Callable[[], datetime], signed_in: SignedIn) -> APIRouter:
    router = APIRouter(prefix=PATH, tags=["reports"], responses=problems(401, 403, 422))
    Signed = Annotated[Reader, Depends(signed_in)]
    Chosen = Annotated[Selection, Depends()]

    @router.get("/on-time", summary="How much was on time", response_model=OnTimeReport, responses={200: _AS_CSV})
    async def on_time(
        reader: Signed,
        chosen: Chosen,
        by: Annotated[list[Dimension] | None, Query(max_length=2, description="One row for each value, of one or two of these.")] = None,
        format: Literal["json", "csv"] = "json",  # noqa: A002 (the name in the query string)
    ) -> OnTimeReport | Response:
        """Of the clocks that finished in the period: met / (met + missed). Each cycle of a reopened ticket counts."""
        org, at, dimensions = directory.context().org, now(), tuple(dict.fromkeys(by or ()))
        scope, zone = await chosen.scope(reader, org, at, record)
        figures = await reports.on_time(scope, org, at, dimensions)
        rows = [_shown(figure, scope, dimensions, org, reader.language) for figure in figures]
        if format == "csv":
            return spreadsheet(dimensions, rows, reader.language, f"on-time-{scope.kind}-{scope.first}-{scope.last}")
        return OnTimeReport(clock=scope.kind, first=scope.first, last=scope.last, timezone=zone, by=list(dimensions), rows=rows)

    _add_lists(router, reports, record, directory, now, signed_in)
    return router


def _add_lists(
    router: APIRouter,
    reports: ReportRepository,
    record: Record,
    directory: Directory,
    now: Callable[[], datetime],
    signed_in: SignedIn,
) -> None:
    """What stands behind the numbers, page by page."""
    Signed = Annotated[Reader, Depends(signed_in)]
    Chosen = Annotated[Selection, Depends()]
    Limit = Annotated[int, Query(ge=1, le=1000)]
    Cursor = Annotated[str | None, Query(max_length=300, description="`next` of the page before.")]

    @router.get(CLOCKS, summary="The finished clocks that make the numbers")
    async def behind(
        reader: Signed,
        chosen: Chosen,
        verdict: Annotated[list[Verdict] | None, Query(description="Default: met and missed.")] = None,
        cursor: Cursor = None,
        limit: Limit = 200,
    ) -> OutcomePage:
        scope, _ = await chosen.scope(reader, directory.context().org, now(), record)
        rows = await reports.behind(scope, verdict or FINISHED, _place(cursor, reader), limit + 1)
        items = [_outcome(row) for row in rows[:limit]]
        return OutcomePage(items=items, next=f"{items[-1].day}~{items[-1].id}" if len(rows) > limit else None)

    @router.get(OVERDUE, summary="The tickets that are open and past due")
    async def overdue(reader: Signed, chosen: Chosen, cursor: Cursor = None, limit: Limit = 200) -> OverduePage:
        """As they are now: the days chosen do not matter."""
        org, at = directory.context().org, now()
        scope, _ = await chosen.scope(reader, org, at, record)
        rows = await reports.overdue(scope, org, at, _ticket(cursor, reader), limit + 1)
        items = [_late(row, scope) for row in rows[:limit]]
        return OverduePage(items=items, next=items[-1].id if len(rows) > limit else None)


def _place(cursor: str | None, reader: Reader) -> tuple[str, str] | None:
    if cursor is None:
        return None
    day, tilde, last = cursor.partition("~")
    with suppress(ValueError):
        if tilde and date.fromisoformat(day).isoformat() == day:
            return day, last
    raise refused(reader.language, 422, NOT_VALID, BAD_CURSOR, field="cursor")


def _ticket(cursor: str | None, reader: Reader) -> str | None:
    """A ticket's id, in the one spelling it has."""
    with suppress(ValueError):
        if cursor is None or str(UUID(cursor)) == cursor:
            return cursor
    raise refused(reader.language, 422, NOT_VALID, BAD_CURSOR, field="cursor")


def _outcome(row: Document) -> OutcomeRow:
    fields = {name: row.get(name) for name in (*OUTCOME, *INSTANTS)}
    fields["repaired"] = bool(row.get("repaired"))
    return OutcomeRow.model_validate({"id": row["_id"], "working_time": timedelta(milliseconds=row["worked_ms"]), **fields})


def _late(row: Document, scope: Scope) -> OverdueRow:
    due_at = next(clock["due_at"] for clock in row["running"] if clock["kind"] == scope.kind)
    return OverdueRow.model_validate({"id": row["_id"], "due_at": due_at, **{name: row.get(name) for name in TICKET}})


def _shown(figure: Figure, scope: Scope, by: Sequence[Dimension], org: Organisation, language: Language) -> OnTime:
    keys = dict(zip(by, figure.keys, strict=True))
    query = _query(scope) | _narrowed(keys, scope)
    found = {name: _bare(name, key) for name, key in keys.items()}
    return OnTime(
        keys={name: key for name, key in found.items()},  # noqa: C416 (to any name, for the document)
        names={name: name_of(name, key, org, language) for name, key in found.items()},
        met=figure.met,
        missed=figure.missed,
        cancelled=figure.cancelled,
        finished=figure.finished,
        rate=figure.rate,
        too_few=figure.finished < TOO_FEW,
        average_working_time=figure.average,
        overdue=None if "month" in by else figure.overdue,
        clocks=f"{PATH}{CLOCKS}?{urlencode(query)}",
        tickets=None if "month" in by else f"{PATH}{OVERDUE}?{urlencode(query)}",
    )


def _bare(name: Dimension, key: str | None) -> str | None:
    return key.rpartition("/")[2] if name == "unit" and key else key


def _query(scope: Scope) -> dict[str, str]:
    """The query string that asks for the same. Who may see only some groups always does."""
    asked = {"clock": scope.kind, "first": scope.first, "last": scope.last, "unit": scope.unit, "part": scope.part, "group": scope.group}
    fields = {name: NONE if value is None else value for name, value in scope.fields.items()}
    return {name: str(value) for name, value in asked.items() if value is not None} | fields


def _narrowed(keys: Mapping[Dimension, str | None], scope: Scope) -> dict[str, str]:
    """To one row of the report."""
    narrowed: dict[str, str] = {}
    for name, key in keys.items():
        if name == "unit" and key is not None:
            unit, _, part = key.partition("/")
            narrowed |= {"unit": unit, "part": part}
        elif name == "month" and key is not None:
            first = date.fromisoformat(f"{key}-01")
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            narrowed |= {"first": str(max(first, scope.first)), "last": str(min(last, scope.last))}
        else:
            narrowed[name] = NONE if key is None else key
    return narrowed
