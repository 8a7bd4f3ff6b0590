"""Why a clock stands where it stands: as JSON for programs, as a page for people."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import HTMLResponse

from schemas.values import Language, LocalText
from services.routing.access import Reader
from services.routing.api.bodies import problems
from services.routing.api.desk import Desk, Name
from services.routing.api.explained import ExplanationBody, body
from services.routing.api.refusals import NOT_FOUND, refused
from services.routing.api.signing_in import SignedIn
from services.routing.directory import Directory
from services.routing.domain.naming import named
from services.routing.domain.sentences import fill
from services.routing.explaining import account, revisions_of
from services.routing.history import HistoryRepository
from services.routing.pages.explanation import HEADERS, ExplanationPage

NO_CLOCK: Final = LocalText(
    vi="Yêu cầu này không có đồng hồ “{asked}”; các đồng hồ hiện có: {names}.",
    en="This ticket has no clock {asked}. Those it has are: {names}.",
)

ClockName = Annotated[
    str,
    Path(
        description="Kind and cycle, as the ticket lists them: `resolution-1`; `hand_over-1-2` is the second of its cycle.", max_length=64
    ),
]
Accept = Annotated[str | None, Header(description="`text/html` for a page to read.", max_length=1000)]
InLanguage = Annotated[Language | None, Query(description="Of the page; yours when left out.")]

PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "JSON, or a page where `Accept` prefers it"}
}


def routes(desk: Desk, history: HistoryRepository, directory: Directory, now: Callable[[], datetime], signed_in: SignedIn) -> APIRouter:
    router = APIRouter(prefix="/api/v1/tickets/{name}", tags=["tickets"], responses=problems(401, 404, 422))
    Signed = Annotated[Reader, Depends(signed_in)]

    @router.get("/clocks/{clock}/explain", summary="Why a deadline is what it is", responses=PAGE, response_model=ExplanationBody)
    async def explained(
        name: Name, clock: ClockName, reader: Signed, response: Response, accept: Accept = None, lang: InLanguage = None
    ) -> ExplanationBody | Response:
        """Every stretch of time since the clock started, counted or skipped, with its reason; they sum to what was spent."""
        ticket = await desk.find(name, reader)
        clocks = named(ticket.clocks)
        if clock not in clocks:
            names = ", ".join(clocks) or "-"
            sentence = fill(NO_CLOCK, asked=clock, names=names)
            raise refused(reader.language, 404, NOT_FOUND, sentence, field="clock", extra={"clocks": list(clocks)})
        asked = clocks[clock]
        ctx = await directory.covering(revisions_of([asked]))
        events, recorded = await history.events(ticket.id), await history.worked(ticket.id, asked)
        found = account(ticket, clock, asked, ctx, events, now(), recorded=recorded)
        if prefers_a_page(accept):
            page = ExplanationPage(ctx.org.name).render(found, lang or reader.language)
            return HTMLResponse(page, headers=dict(HEADERS))
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Accept"
        return body(found)

    return router


def prefers_a_page(accept: str | None) -> bool:
    """RFC 9110 section 12.5.1: HTML is named with a higher weight than JSON; what names neither gets JSON."""
    weights = {"text/html": 0.0, "application/json": 0.0}
    for item in (accept or "").split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        if kind in weights:
            weights[kind] = _weight(parameters)
    return weights["text/html"] > weights["application/json"]


def _weight(parameters: list[str]) -> float:
    given = next((value for name, _, value in (parameter.partition("=") for parameter in parameters) if name.strip() == "q"), "1")
    try:
        return float(given)
    except ValueError:
        return 0.0
