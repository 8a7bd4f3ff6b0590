"""The status page: where a request stands, what was said, its files, and a form to say more."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kit.ids import new_id
from schemas.values import Language
from services.intake.acceptance import KeyUsedBefore
from services.intake.bodies import language_of
from services.intake.browsers import PagesNow, page, page_language, problem_page, remember
from services.intake.desk import Desk, Incoming, add_message
from services.intake.domain import form as fields
from services.intake.domain.problems import Invalid
from services.intake.form import SentForm, form_language, read_form, too_long
from services.intake.pages.rendering import FollowUpForm, Pages
from services.intake.refusals import Refusal
from services.intake.status import Conversation, linked

_UNSAFE: Final = re.compile(r'[^\x20-\x7e]|["\\%]')
"""What clients of the plain `filename` parameter read differently from each other."""


def following_routes(desk: Desk, pages: PagesNow) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/requests/{reference}")
    async def show_status(request: Request, reference: str, k: str = "", sent: str = "") -> Response:
        language = page_language(request)
        try:
            conversation = await linked(desk.conversations, desk.links, reference, k, desk.now(), language)
        except Refusal as error:
            return _refused(pages(), error, language)
        language = page_language(request, conversation.language)
        html = _status(desk, pages, language, conversation, FollowUpForm(k, new_id(), sent=bool(sent)))
        return remember(page(html), request, language)

    @router.post("/requests/{reference}/messages")
    async def say_more(request: Request, reference: str, k: str = "") -> Response:
        return await receive_follow_up(desk, pages, request, reference, k)

    @router.get("/files/{file_id}")
    @router.get("/requests/{reference}/files/{file_id}")
    async def download(request: Request, file_id: str, k: str = "") -> Response:
        language = language_of(request)
        stored = await desk.files.fetch(desk.links.ticket_id(k, desk.now(), language), file_id)
        if stored is None:
            raise Refusal("file_gone", language)
        if stored.page:
            return Response(stored.content, media_type="text/html; charset=utf-8", headers=PAGE_HEADERS)
        return Response(stored.content, media_type="application/octet-stream", headers=download_headers(stored.filename))

    return router


async def receive_follow_up(desk: Desk, pages: PagesNow, request: Request, reference: str, k: str) -> Response:
    """Accept it and go back to the status page, or show it again with what is wrong."""
    if too_long(request):
        return problem_page(pages(), "too_large", page_language(request))
    async with read_form(desk, request) as sent:
        return await _say(desk, pages, request, reference, k, sent)


async def _say(desk: Desk, pages: PagesNow, request: Request, reference: str, k: str, sent: SentForm) -> Response:
    language = form_language(sent.values, request)
    try:
        conversation = await linked(desk.conversations, desk.links, reference, k, desk.now(), language)
    except Refusal as error:
        return _refused(pages(), error, language)
    submission_id = sent.submission_id or new_id()
    text = sent.values.get("text", "")
    found = (*fields.unreadable({"text": text}), *sent.problems)
    try:
        source = f"form:{conversation.ticket_id}:{submission_id}"
        await add_message(
            desk, conversation, Incoming(source, "form", language, {"text": text}, sent.files, {"body": {"text": text}}, found)
        )
    except Invalid as error:
        again = FollowUpForm(k, submission_id, text, error.problems)
        return page(_status(desk, pages, language, conversation, again), status=422)
    except (KeyUsedBefore, Refusal):
        return problem_page(pages(), "conflict", language)
    address = f"/requests/{conversation.reference}?{urlencode({'k': k, 'sent': '1', 'lang': language})}"
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


_FILE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}

PAGE_HEADERS: Final[Mapping[str, str]] = _FILE_HEADERS | {
    "Content-Disposition": "inline",
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: cid:; form-action 'none'; base-uri 'none'"
    ),
}
"""For the HTML form of a mail: it was made safe before it was stored, and what that missed has no scripts, no origin and no network."""


def download_headers(filename: str) -> dict[str, str]:
    """Saved, never shown: a file of a stranger must not run as a page of ours. RFC 6266, with the RFC 8187 form of any name."""
    plain = _UNSAFE.sub("_", filename)
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        **_FILE_HEADERS,
    }


def _refused(pages: Pages, error: Refusal, language: Language) -> Response:
    return problem_page(pages, "expired_link" if error.kind == "expired_link" else "bad_link", language)


def _status(desk: Desk, pages: PagesNow, language: Language, conversation: Conversation, follow_up: FollowUpForm) -> str:
    return pages().status(language, conversation.view(desk.organisation.current.organisation.timezone), follow_up)
