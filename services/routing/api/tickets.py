"""Tickets: the queue, one ticket, and everything an officer does with it."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Response

from kit import trace
from kit.errors import FieldError, RefusedError
from kit.ids import derived_id
from kit.mongo import DuplicateKey, Mongo
from services.routing.access import Reader
from services.routing.api.bodies import (
    AssignBody,
    Me,
    OfKey,
    QueuePage,
    QueueRow,
    ReasonBody,
    ReferBody,
    RejectBody,
    ReleaseBody,
    ResolveBody,
    TextBody,
    TicketBody,
    problems,
)
from services.routing.api.signing_in import SignedIn
from services.routing.directory import Directory
from services.routing.domain import commands
from services.routing.domain.decide import decide
from services.routing.domain.moves import MOVES, Refused
from services.routing.domain.ticket import OVER, Ticket, snapshot
from services.routing.handlers import automatic_officers, change_of
from services.routing.queue import QueueRepository, due_at
from services.routing.repository import Stale, TicketRepository

Status = Literal["new", "open", "waiting", "referred", "resolved", "closed", "rejected"]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The `ETag` of the ticket as you saw it.", examples=['"3"'], max_length=40)
]


class Desk:
    """What the endpoints share: load for a reader, decide, save, show."""

    def __init__(self, mongo: Mongo, tickets: TicketRepository, directory: Directory) -> None:
        self._mongo = mongo
        self._tickets = tickets
        self._directory = directory

    async def find(self, name: str, reader: Reader) -> Ticket:
        """By id or reference. 404 for what is not there and for what this reader may not see alike."""
        ticket = await self._tickets.by_reference(name.upper()) if name.upper().startswith("HD-") else (await self._tickets.load([name])).get(name)
        if ticket is None or ticket.group not in reader.sees:
            raise RefusedError("There is no such ticket among those you may see.", status=404, title="Not found")
        return ticket

    async def show(self, ticket: Ticket, reader: Reader, response: Response) -> TicketBody:
        response.headers["ETag"] = f'"{ticket.version}"'
        response.headers["Cache-Control"] = "no-store"
        return TicketBody(
            id=ticket.id,
            ticket=snapshot(ticket, self._directory.context().org),
            messages=await self._tickets.messages(ticket.id),
            can=possible(ticket, reader),
        )

    async def do(self, name: str, if_match: str | None, reader: Reader, make: Callable[[str], commands.Command], response: Response) -> TicketBody:
        """Carry out a command on the version the officer saw. 428, 403, 409, 412 or 422 with what to do."""
        seen = _version(if_match)
        ticket = await self.find(name, reader)
        if ticket.group not in reader.works:
            raise RefusedError("You may read this ticket but not work on it.", status=403, title="Not allowed")
        if ticket.version != seen:
            raise await self._conflict(ticket, reader)
        ctx, now = self._directory.context(), self._mongo.now()
        actor = commands.Actor(reader.officer.key, reader.officer.name)
        command = make(derived_id(ticket.id, str(seen), reader.officer.key))
        work = await self._tickets.open_work(automatic_officers(ctx))
        try:
            decision = decide(ticket, command, actor, ctx, now, open_work=work)
        except Refused as refusal:
            raise _refusal(refusal, reader) from refusal
        try:
            await self._tickets.save([change_of(ticket, decision, ctx, cause=ticket.id, trace=trace.current.get())])
        except (Stale, DuplicateKey):
            raise await self._conflict(await self.find(ticket.id, reader), reader) from None
        return await self.show(decision.ticket, reader, response)

    async def _conflict(self, ticket: Ticket, reader: Reader) -> RefusedError:
        current = await self.show(ticket, reader, Response())
        return RefusedError(
            "The ticket changed since you read it. Look at `current`, then decide again with its version.",
            status=412,
            title="Somebody was faster",
            extra={"current": current.model_dump(mode="json"), "version": ticket.version},
        )


def _version(if_match: str | None) -> int:
    if if_match is None:
        raise RefusedError(
            "Send the `ETag` of the ticket as you saw it in `If-Match`, so that nobody's work is overwritten.", status=428, title="If-Match is missing"
        )
    text = if_match.removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 (more than any version)
        raise RefusedError("If-Match is not valid.", errors=[FieldError("If-Match", 'Send the ETag as it was given, such as "3".')])
    return int(text)


def _refusal(refusal: Refused, reader: Reader) -> RefusedError:
    sentence = refusal.sentence.in_language(reader.officer.language)
    errors = [FieldError(refusal.field, sentence)] if refusal.field and not refusal.conflict else []
    return RefusedError(sentence, status=409 if refusal.conflict else 422, title="Not possible now" if refusal.conflict else "Not valid", errors=errors)


def possible(ticket: Ticket, reader: Reader) -> list[str]:
    """Actions the ticket's status allows this reader."""
    if ticket.group not in reader.works or ticket.status in {"closed", "merged"}:
        return []
    if ticket.status in OVER or ticket.status == "resolved":
        return ["note", "reopen"]
    moves = MOVES[ticket.status]
    actions = ["claim", "release", "assign", "reply", "note", "wait", "refer", "resolve", "reject"]
    needed = {"wait": "waiting", "refer": "referred", "resolve": "resolved", "reject": "rejected"}
    return [action for action in actions if action not in needed or needed[action] in moves]


def routes(desk: Desk, queue: QueueRepository, mongo: Mongo, signed_in: SignedIn) -> APIRouter:  # noqa: C901 (one function an endpoint)
    router = APIRouter(prefix="/api/v1", responses=problems(401))
    Signed = Annotated[Reader, Depends(signed_in)]
    changing = problems(401, 403, 404, 409, 412, 413, 422, 428)

    @router.get("/me", summary="Who you are and what you see")
    async def me(reader: Signed) -> Me:
        officer = reader.officer
        return Me(
            key=officer.key, name=officer.name, language=officer.language, groups=sorted(reader.works), sees=sorted(reader.sees), roles=list(officer.roles)
        )

    @router.get("/queue", summary="Open tickets, the soonest due first", responses=problems(401, 403, 422))
    async def page(  # noqa: PLR0913 (one parameter a filter)
        reader: Signed,
        group: OfKey | None = None,
        status: Annotated[list[Status] | None, Query(description="Default: everything that is not resolved, closed or rejected.")] = None,
        officer: Annotated[str | None, Query(description="`me`, `none`, or an officer's key.", max_length=64)] = None,
        topic: OfKey | None = None,
        overdue: Annotated[bool | None, Query(description="Only what is past its soonest deadline, or only what is not.")] = None,
        cursor: Annotated[str | None, Query(max_length=300)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> QueuePage:
        if group is not None and group not in reader.sees:
            raise RefusedError(f"You do not see the group {group!r}. Yours are: {', '.join(sorted(reader.sees))}.", status=403, title="Not allowed")
        now = mongo.now()
        filters: dict[str, Any] = {"status": {"$in": status}} if status else {"open": True}
        filters |= {"topic": topic} if topic else {}
        filters |= {"officer": {"me": reader.officer.key, "none": None}.get(officer, officer)} if officer else {}
        if overdue is not None:
            filters["running.due_at"] = {"$lt": now} if overdue else {"$not": {"$lt": now}}
        found = await queue.page({group} if group else reader.sees, filters, cursor, limit)
        return QueuePage(items=[_row(row, now) for row in found.rows], next=found.next)

    @router.get("/tickets/{name}", summary="One ticket, by id or reference", responses=problems(401, 404))
    async def ticket(name: str, reader: Signed, response: Response) -> TicketBody:
        return await desk.show(await desk.find(name, reader), reader, response)

    @router.post("/tickets/{name}/claim", summary="Take it; a lease that keeps others from claiming", responses=changing)
    async def claim(name: str, reader: Signed, response: Response, if_match: IfMatch = None) -> TicketBody:
        return await desk.do(name, if_match, reader, lambda _: commands.Claim(), response)

    @router.post("/tickets/{name}/release", summary="Put it back into its group's queue", responses=changing)
    async def release(name: str, body: ReleaseBody, reader: Signed, response: Response, if_match: IfMatch = None) -> TicketBody:
        return await desk.do(name, if_match, reader, lambda _: commands.Release(body.reason), response)

    @router.post("/tickets/{name}/assign", summary="Give it to another group or officer", responses=changing)
    async def assign(name: str, body: AssignBody, reader: Signed, response: Response, if_match: IfMatch = None) -> TicketBody:
        if body.group is None and body.officer is None:
            raise RefusedError("Name a group or an officer.", errors=[FieldError("group", "Name a group, or an officer in `officer`.")])
        return await desk.do(name, if_match, reader, lambda _: commands.Assign(body.reason, body.group, body.officer), response)

    @router.post("/tickets/{name}/reply", summary="Answer the business", responses=changing)
    async def reply(name: str, body: TextBody, reader: Signed, response: Response, if_match: IfMatch = None) -> TicketBody:
        return await desk.do(name, if_match, reader, lambda message_id: commands.Reply(message_id, body.text), response)

    @router.post("/tickets/{name}/note", summary="Write something the business never sees", responses=changing)
    async def note(name: str, body: TextBody, reader: Signed, response: Response, if_match: IfMatch = None) -> TicketBody:
        return await desk.do(name, if_match, reader, lambda message_id: commands.Note(message_id, body.text), response)

    @router.post("/tickets/{name}/wait", summary="Ask the business something and wait for it", responses=changing)
    async def wait(name: str, body: TextBody, reader: Signed, response: Response, if_match: IfMatch = None) -> TicketBody:
        return await desk.do(name, if_match, reader, lambda message_id: commands.Wait(message_id, body.text), response)

    @router.post("/tickets/{name}/refer", summary="Send the matter to an outside authority", responses=changing)
    async def refer(name: str, body: ReferBody, reader: Signed, response: Response, if_match: IfMatch = None) -> TicketBody:
        return await desk.do(name, if_match, reader, lambda _: commands.Refer(body.authority, body.reason), response)

    @router.post("/tickets/{name}/resolve", summary="Declare it solved", responses=changing)
    async def resolve(name: str, body: ResolveBody, reader: Signed, response: Response, if_match: IfMatch = None) -> TicketBody:
        return await desk.do(name, if_match, reader, lambda message_id: commands.Resolve(message_id, body.text), response)

    @router.post("/tickets/{name}/reopen", summary="Take up work again", responses=changing)
    async def reopen(name: str, body: ReasonBody, reader: Signed, response: Response, if_match: IfMatch = None) -> TicketBody:
        return await desk.do(name, if_match, reader, lambda _: commands.Reopen(body.reason), response)

    @router.post("/tickets/{name}/reject", summary="Decline it, with the legal basis", responses=changing)
    async def reject(name: str, body: RejectBody, reader: Signed, response: Response, if_match: IfMatch = None) -> TicketBody:
        return await desk.do(name, if_match, reader, lambda message_id: commands.Reject(message_id, body.reason, body.legal_basis), response)

    return router


def _row(row: dict[str, Any], now: Any) -> QueueRow:  # noqa: ANN401
    due = due_at(row)
    return QueueRow(id=row["_id"], due_at=due, overdue=due is not None and due < now, **{name: row[name] for name in QueueRow.model_fields if name in row})
