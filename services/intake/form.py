"""The form in the browser, and the page that says it arrived."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter
from prometheus_client import Counter
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kit.ids import new_id
from schemas.values import Language
from services.intake.acceptance import KeyUsedBefore
from services.intake.bodies import LARGEST_FORM
from services.intake.browsers import PagesNow, page, page_language, problem_page, remember
from services.intake.desk import Desk, Incoming, open_request
from services.intake.domain import form as fields
from services.intake.domain import reference as references
from services.intake.domain.problems import FieldProblem, Invalid
from services.intake.pages.language import QUERY
from services.intake.refusals import Refusal
from services.intake.storing import SentFile
from services.intake.submitted import parts_of

TRAPPED = Counter("helpdesk_form_trapped", "Forms with the hidden field filled in: shown as received, not kept")

FORM_HEADERS = {"Cache-Control": "private, no-cache"}
"""Kept for going back, which brings the same form with the same id: sent again, it is one request. A new visit gets a new one."""

NOT_SENT = FieldProblem("", "submission_stale")
"""Keeps a form from being accepted whose language was switched; never shown."""

_MOST_PARTS = 50
"""Parts a form may have; the domain says how many files, and says it better than a parser."""


@dataclass(frozen=True)
class Typed:
    """A form as it is shown: under which id, with what in it, and what is wrong with that."""

    submission_id: str
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Sequence[FieldProblem] = ()


@dataclass(frozen=True)
class SentForm:
    """A form as it arrived: what was typed, and the files. `whole`: nothing of it was cut off."""

    values: Mapping[str, str]
    files: Sequence[SentFile]
    whole: bool

    @property
    def submission_id(self) -> str | None:
        return fields.submission_id(self.values)

    @property
    def problems(self) -> tuple[FieldProblem, ...]:
        """What is wrong with the form itself, whatever was typed into it."""
        if not self.whole:
            return (FieldProblem("", "form_incomplete"),)
        return () if self.submission_id else (FieldProblem("", "submission_stale"),)


def form_routes(desk: Desk, pages: PagesNow) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def empty_form(request: Request) -> Response:
        language = page_language(request)
        html = _form(desk, pages, language, Typed(new_id()))
        return remember(page(html, headers=FORM_HEADERS), request, language)

    @router.post("/")
    async def send_form(request: Request) -> Response:
        return await receive_form(desk, pages, request)

    @router.get("/requests/{reference}/received")
    async def received(request: Request, reference: str, k: str = "") -> Response:
        """Reads no request: whoever was caught by the trap gets the same page."""
        language = page_language(request)
        try:
            desk.links.ticket_id(k, desk.now(), language)
            shown = references.parse(reference)
        except (Refusal, references.MalformedReference, references.MistypedReference):
            return problem_page(pages(), "bad_link", language)
        html = pages().received(language, shown, desk.links.with_token(shown, k))
        return remember(page(html), request, language)

    return router


async def receive_form(desk: Desk, pages: PagesNow, request: Request) -> Response:
    """Accept it and go to the page that says so, or show it again with what is wrong."""
    if too_long(request):
        return problem_page(pages(), "too_large", page_language(request))
    async with read_form(desk, request) as sent:
        return await _accept(desk, pages, request, sent)


async def _accept(desk: Desk, pages: PagesNow, request: Request, sent: SentForm) -> Response:
    values = sent.values
    language = form_language(values, request)
    if fields.caught(values):
        TRAPPED.inc()
        return _to_received(_pretended_url(desk), language)
    submission_id = sent.submission_id or new_id()
    body, other = fields.body(values), fields.switched(values)
    found = (*fields.unreadable(values), *sent.problems, *((NOT_SENT,) if other else ()))
    try:
        receipt = await open_request(desk, Incoming(f"form:{submission_id}", "form", language, body, sent.files, {"body": body}, found))
    except Invalid as error:
        shown = Typed(submission_id, values, [problem for problem in error.problems if problem is not NOT_SENT])
        return remember(_again(desk, pages, other or language, shown), request, other or language)
    except KeyUsedBefore:
        return problem_page(pages(), "conflict", language)
    return _to_received(desk.status_url(receipt), language)


def too_long(request: Request) -> bool:
    """By its declared length; browsers always declare one, and the app's own limit holds for what grows unannounced."""
    declared = request.headers.get("content-length", "")
    return declared.isdigit() and int(declared) > LARGEST_FORM


@asynccontextmanager
async def read_form(desk: Desk, request: Request) -> AsyncIterator[SentForm]:
    """Files stay on disk while they arrive, so that slow senders cost no memory."""
    async with parts_of(request, most=_MOST_PARTS) as parts:
        files = [part for part in parts.form.getlist(fields.FILES) if isinstance(part, UploadFile)]
        async with desk.room.held(sum(part.size or 0 for part in files)):
            yield SentForm(_values(parts.form), [await _file(part) for part in files], parts.whole)


def form_language(values: Mapping[str, str], request: Request) -> Language:
    match values.get("language"):
        case "vi":
            return "vi"
        case "en":
            return "en"
        case _:
            return page_language(request)


def _values(form: FormData) -> dict[str, str]:
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


async def _file(part: UploadFile) -> SentFile:
    return SentFile(part.filename or "", await part.read())


def _to_received(url: str, language: Language) -> RedirectResponse:
    """Post/Redirect/Get: reloading the page that follows sends nothing again. It is in the language of the form."""
    address = urlsplit(url)
    query = f"{address.query}&{urlencode({QUERY: language})}"
    return RedirectResponse(f"{address.path}/received?{query}", status_code=303, headers={"Cache-Control": "no-store"})


def _pretended_url(desk: Desk) -> str:
    """As good as a real one to look at; there is no request behind it."""
    reference = references.mint(secrets.token_bytes(references.RANDOM_BYTES))
    return desk.links.url(new_id(), reference, desk.now())


def _again(desk: Desk, pages: PagesNow, language: Language, again: Typed) -> HTMLResponse:
    """Nothing was stored, so the same id may be sent again."""
    return page(_form(desk, pages, language, again), status=422)


def _form(desk: Desk, pages: PagesNow, language: Language, typed: Typed) -> str:
    organisation = desk.organisation.current.organisation
    return pages().form(
        language,
        organisation.topics,
        organisation.units,
        values=typed.values,
        errors=typed.errors,
        submission_id=typed.submission_id,
    )
