"""Correcting the record: a wrong verdict or deadline, by an administrator, with a reason."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from services.routing.api.bodies import RepairBody, TicketBody
from services.routing.api.desk import Asked, Desk, asking
from services.routing.api.signing_in import SignedIn
from services.routing.api.tickets import CHANGING
from services.routing.domain import commands

ClockName = Annotated[str, Path(description="Kind and cycle: `resolution-1`; `hand_over-1-2` is the second of its cycle.", max_length=64)]


def routes(desk: Desk, signed_in: SignedIn) -> APIRouter:
    router = APIRouter(prefix="/api/v1/tickets/{name}", tags=["tickets"], responses=CHANGING)
    Here = Annotated[Asked, Depends(asking(signed_in))]

    @router.post("/clocks/{clock}/repair", summary="Correct a verdict or a deadline, with the reason")
    async def repair(asked: Here, clock: ClockName, body: RepairBody) -> TicketBody:
        """Administrators only. What the record said before stays in it and in the history; reports count what it says now."""
        due_at = body.due_at
        return await desk.do(asked, lambda _: commands.RepairClock(clock, body.because, body.verdict, due_at))

    return router
