"""Who you are, your groups, and what waits in their queues."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query

from kit.mongo import Document
from schemas.values import Priority
from services.routing.access import Reader, subtree
from services.routing.api.bodies import GroupRow, Me, OfKey, QueuePage, QueueRow, problems
from services.routing.api.keys import refuse_unknown
from services.routing.api.refusals import BAD_CURSOR, GROUP_UNSEEN, NO_SUCH_UNIT, NOT_VALID, refused, unseen
from services.routing.api.signing_in import SignedIn
from services.routing.directory import Directory
from services.routing.domain.sentences import fill
from services.routing.queue import COLUMNS, BadCursor, Load, QueueRepository, Wanted, due_at
from services.routing.record import Carried, Record

Status = Literal["new", "open", "waiting", "referred", "resolved", "closed", "rejected"]
EMPTY: Final = Load()

MARKS: Final = ("me", "none")
"""Stand in a query string for an officer's key."""


class Filters:
    """What to show of the queue, as the query string names it."""

    def __init__(
        self,
        group: OfKey | None = None,
        unit: Annotated[OfKey | None, Query(description="A unit and everything below it.")] = None,
        status: Annotated[list[Status] | None, Query(description="Default: all that is not resolved, closed or rejected.")] = None,
        officer: Annotated[str | None, Query(description="`me`, `none`, or an officer's key.", min_length=1, max_length=64)] = None,
        topic: OfKey | None = None,
        priority: Annotated[list[Priority] | None, Query(description="Default: all.")] = None,
        overdue: Annotated[bool | None, Query(description="Only what is past its soonest deadline, or only what is not.")] = None,
    ) -> None:
        self.group = group
        self.unit = unit
        self.status = status
        self.officer = officer
        self.topic = topic
        self.priority = priority
        self.overdue = overdue

    def named(self) -> dict[Carried, str | None]:
        """The keys among them that may be unknown."""
        return {"topic": self.topic, "officer": None if self.officer in MARKS else self.officer}

    def wanted(self, reader: Reader, now: datetime) -> Wanted:
        officer = {"me": reader.officer.key, "none": "", None: None}.get(self.officer, self.officer)
        return Wanted(now, tuple(self.status or ()), officer, self.topic, tuple(self.priority or ()), self.overdue)


def routes(queue: QueueRepository, record: Record, directory: Directory, now: Callable[[], datetime], signed_in: SignedIn) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["queue"], responses=problems(401, 422))
    _add_reader(router, queue, directory, now, signed_in)
    _add_queue(router, queue, record, directory, now, signed_in)
    return router


def _add_reader(router: APIRouter, queue: QueueRepository, directory: Directory, now: Callable[[], datetime], signed_in: SignedIn) -> None:
    """Who asks, and where they work."""
    Signed = Annotated[Reader, Depends(signed_in)]

    @router.get("/me", summary="Who you are and what you see")
    async def me(reader: Signed) -> Me:
        officer = reader.officer
        return Me(
            key=officer.key,
            name=officer.name,
            language=officer.language,
            groups=sorted(reader.works),
            sees=sorted(reader.sees),
            roles=list(officer.roles),
        )

    @router.get("/groups", summary="The groups you see, with what lies in their queues")
    async def groups(reader: Signed) -> list[GroupRow]:
        loads = await queue.loads(reader.sees, now())
        specs = [spec for spec in directory.context().org.groups if spec.key in reader.sees]
        return [
            GroupRow(key=spec.key, name=spec.name, unit=spec.unit, works=spec.key in reader.works, **vars(loads.get(spec.key, EMPTY)))
            for spec in specs
        ]


def _add_queue(
    router: APIRouter, queue: QueueRepository, record: Record, directory: Directory, now: Callable[[], datetime], signed_in: SignedIn
) -> None:
    Signed = Annotated[Reader, Depends(signed_in)]
    Chosen = Annotated[Filters, Depends()]

    @router.get("/queue", summary="Open tickets, the soonest due first", responses=problems(401, 403, 422))
    async def page(
        reader: Signed,
        chosen: Chosen,
        cursor: Annotated[str | None, Query(description="`next` of the page before.", max_length=300)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> QueuePage:
        at, groups = now(), await _chosen(queue, directory, reader, chosen)
        await refuse_unknown(chosen.named(), reader, directory.context().org, record, reader.sees | groups)
        try:
            found = await queue.page(groups, chosen.wanted(reader, at), cursor, limit)
        except BadCursor as error:
            raise refused(reader.language, 422, NOT_VALID, BAD_CURSOR, field="cursor") from error
        return QueuePage(items=[_row(row, at) for row in found.rows], next=found.next)


async def _chosen(queue: QueueRepository, directory: Directory, reader: Reader, chosen: Filters) -> set[str]:
    """The groups meant. Who sees the focal point also sees what belonged to groups that are no longer there."""
    organisation = directory.context().org
    if chosen.group is not None and chosen.group not in reader.sees:
        raise unseen(reader.language, GROUP_UNSEEN, "group", reader.sees)
    wanted = {chosen.group} if chosen.group else set(reader.sees)
    if chosen.unit is not None:
        if organisation.unit(chosen.unit) is None:
            raise refused(reader.language, 422, NOT_VALID, fill(NO_SUCH_UNIT, unit=chosen.unit), field="unit")
        below = subtree(organisation, chosen.unit)
        wanted &= {spec.key for spec in organisation.groups if spec.unit in below}
    if organisation.focal_point in wanted:
        wanted |= await queue.gone({spec.key for spec in organisation.groups})
    return wanted


def _row(row: Document, now: datetime) -> QueueRow:
    due = due_at(row)
    shown = {"priority": "normal", "member_tier": None} | {name: row[name] for name in COLUMNS if name in row}
    return QueueRow(id=row["_id"], opened_at=row["opened_at"], due_at=due, overdue=due is not None and due < now, **shown)
