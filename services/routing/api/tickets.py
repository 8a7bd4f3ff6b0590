"""One ticket, and everything an officer does with it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from services.routing.access import Reader
from services.routing.api.bodies import (
    AssignBody,
    History,
    PrioritiseBody,
    ReasonBody,
    ReferBody,
    RejectBody,
    ReleaseBody,
    ResolveBody,
    TextBody,
    TicketBody,
    problems,
)
from services.routing.api.desk import Asked, Desk, Name, asking
from services.routing.api.history import entry
from services.routing.api.signing_in import SignedIn
from services.routing.directory import Directory
from services.routing.domain import commands
from services.routing.history import HistoryRepository

CHANGING = problems(401, 403, 404, 409, 412, 413, 415, 422, 428)


def reading_routes(desk: Desk, history: HistoryRepository, directory: Directory, signed_in: SignedIn) -> APIRouter:
    router = APIRouter(prefix="/api/v1/tickets/{name}", tags=["tickets"], responses=problems(401, 404, 422))
    Signed = Annotated[Reader, Depends(signed_in)]

    @router.get("", summary="One ticket with its messages")
    async def ticket(name: Name, reader: Signed, response: Response) -> TicketBody:
        return await desk.show(await desk.find(name, reader), reader, response)

    @router.get("/history", summary="Who did what, when and why")
    async def told(name: Name, reader: Signed) -> History:
        """Everything that happened to the ticket, in your language."""
        found = await desk.find(name, reader)
        organisation = directory.context().org
        entries = [entry(event, organisation, reader.language) for event in await history.of(found.id)]
        return History(reference=found.reference, entries=entries)

    return router


def handing_routes(desk: Desk, signed_in: SignedIn) -> APIRouter:
    router = APIRouter(prefix="/api/v1/tickets/{name}", tags=["tickets"], responses=CHANGING)
    Here = Annotated[Asked, Depends(asking(signed_in))]

    @router.post("/claim", summary="Take it; a lease that keeps others from claiming")
    async def claim(asked: Here) -> TicketBody:
        return await desk.do(asked, lambda _: commands.Claim())

    @router.post("/release", summary="Put it back into its group's queue")
    async def release(asked: Here, body: ReleaseBody) -> TicketBody:
        return await desk.do(asked, lambda _: commands.Release(body.reason))

    @router.post("/assign", summary="Give it to another group or officer")
    async def assign(asked: Here, body: AssignBody) -> TicketBody:
        return await desk.do(asked, lambda _: commands.Assign(body.reason, body.group, body.officer))

    @router.post("/prioritise", summary="Say how urgent it is; the deadlines follow")
    async def prioritise(asked: Here, body: PrioritiseBody) -> TicketBody:
        return await desk.do(asked, lambda _: commands.Prioritise(body.priority, body.reason))

    return router


def saying_routes(desk: Desk, signed_in: SignedIn) -> APIRouter:
    router = APIRouter(prefix="/api/v1/tickets/{name}", tags=["tickets"], responses=CHANGING)
    Here = Annotated[Asked, Depends(asking(signed_in))]

    @router.post("/reply", summary="Answer the business")
    async def reply(asked: Here, body: TextBody) -> TicketBody:
        return await desk.do(asked, lambda message_id: commands.Reply(message_id, body.text))

    @router.post("/note", summary="Write something the business never sees")
    async def note(asked: Here, body: TextBody) -> TicketBody:
        return await desk.do(asked, lambda message_id: commands.Note(message_id, body.text))

    @router.post("/wait", summary="Ask the business something and wait for it")
    async def wait(asked: Here, body: TextBody) -> TicketBody:
        return await desk.do(asked, lambda message_id: commands.Wait(message_id, body.text))

    @router.post("/refer", summary="Send the matter to an outside authority")
    async def refer(asked: Here, body: ReferBody) -> TicketBody:
        return await desk.do(asked, lambda _: commands.Refer(body.authority, body.reason))

    return router


def ending_routes(desk: Desk, signed_in: SignedIn) -> APIRouter:
    router = APIRouter(prefix="/api/v1/tickets/{name}", tags=["tickets"], responses=CHANGING)
    Here = Annotated[Asked, Depends(asking(signed_in))]

    @router.post("/resolve", summary="Declare it solved")
    async def resolve(asked: Here, body: ResolveBody) -> TicketBody:
        return await desk.do(asked, lambda message_id: commands.Resolve(message_id, body.text))

    @router.post("/reopen", summary="Take up work again")
    async def reopen(asked: Here, body: ReasonBody) -> TicketBody:
        return await desk.do(asked, lambda _: commands.Reopen(body.reason))

    @router.post("/reject", summary="Decline it, with the legal basis")
    async def reject(asked: Here, body: RejectBody) -> TicketBody:
        return await desk.do(asked, lambda message_id: commands.Reject(message_id, body.reason, body.legal_basis))

    return router
