"""People at browsers get pages: what goes wrong outside the API is shown in words, and every page carries its security headers."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.language import DEFAULT
from kit.organisation import OrganisationStore
from kit.problems import PROBLEM
from schemas.values import Language, LocalText
from services.intake.pages.headers import PRIVATE_HEADERS, SECURITY_HEADERS
from services.intake.pages.language import COOKIE, QUERY, negotiate
from services.intake.pages.rendering import PROBLEM_STATUS, Pages, ProblemKind

PagesNow = Callable[[], Pages]

_MACHINES: Final = ("/api/", "/hooks/", "/livez", "/readyz", "/metrics", "/docs", "/openapi.json")
_YEAR: Final = 365 * 24 * 3600
_NOBODY: Final = LocalText(vi="Bộ phận hỗ trợ doanh nghiệp", en="Business support")
"""Shown while no organisation is loaded."""

_KINDS: Final[Mapping[int, ProblemKind]] = {
    400: "unreadable",
    403: "bad_link",
    404: "not_found",
    405: "not_found",
    409: "conflict",
    410: "expired_link",
    413: "too_large",
    503: "unavailable",
}


def current_pages(organisation: OrganisationStore) -> PagesNow:
    """The pages under the name the organisation has now."""
    made: dict[int, Pages] = {}

    def pages() -> Pages:
        number = organisation.current.number if organisation.loaded else 0
        if number not in made:
            made.clear()
            made[number] = Pages(organisation.current.organisation.name if number else _NOBODY)
        return made[number]

    return pages


def page(html: str, *, status: int = 200, headers: Mapping[str, str] = PRIVATE_HEADERS) -> HTMLResponse:
    return HTMLResponse(html, status_code=status, headers={**SECURITY_HEADERS, **headers})


def problem_page(pages: Pages, kind: ProblemKind, language: Language) -> HTMLResponse:
    """A wrong link looks the same whether or not there is such a request: 404, as in the API."""
    status = 404 if kind == "bad_link" else PROBLEM_STATUS[kind]
    return page(pages.problem(language, kind), status=status)


def page_language(request: Request, otherwise: Language = DEFAULT) -> Language:
    return negotiate(request.query_params.get(QUERY), request.cookies.get(COOKIE), request.headers.get("accept-language"), otherwise)


def switched(request: Request, language: Language) -> str | None:
    """The query that shows the same page in the other language; None for what was sent, which would not be sent again."""
    if request.method != "GET":
        return None
    others = [(name, value) for name, value in request.query_params.multi_items() if name != QUERY]
    return "?" + urlencode([*others, (QUERY, "vi" if language == "en" else "en")])


def remember(response: HTMLResponse, request: Request, language: Language) -> HTMLResponse:
    """Keep the language that was chosen on the page for a year."""
    if request.query_params.get(QUERY):
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, language, max_age=_YEAR, httponly=True, samesite="lax", secure=secure)
    return response


def wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_MACHINES)


class ForBrowsers:
    """Around the whole app: turns problem JSON into a page for those who read pages."""

    def __init__(self, app: ASGIApp, pages: PagesNow) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not wants_page(Request(scope)):
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Translated(Request(scope), self._pages, receive, send))


class _Translated:
    """A `send` that swaps problem JSON for a page, and lets everything else through."""

    def __init__(self, request: Request, pages: PagesNow, receive: Receive, send: Send) -> None:
        self._request = request
        self._pages = pages
        self._receive = receive
        self._send = send
        self._swapped = False

    async def __call__(self, message: Message) -> None:
        if self._swapped:
            return
        if message["type"] == "http.response.start" and _is_problem(message):
            self._swapped = True
            await self._page(message["status"], MutableHeaders(raw=message["headers"]))(self._request.scope, self._receive, self._send)
            return
        await self._send(message)

    def _page(self, status: int, headers: Mapping[str, str]) -> HTMLResponse:
        kind, language = _KINDS.get(status, "failed"), page_language(self._request)
        html = self._pages().problem(language, kind, switched(self._request, language))
        kept = {name: headers[name] for name in ("retry-after", "allow") if name in headers}
        return page(html, status=status, headers={**PRIVATE_HEADERS, **kept})


def _is_problem(message: MutableMapping[str, Any]) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(PROBLEM.encode()) for name, value in message["headers"])
