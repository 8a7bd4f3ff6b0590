"""The page behind the link in a notice. To look changes nothing, for programs look too; one click turns it off (RFC 8058)."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from structlog.typing import FilteringBoundLogger

from kit.language import language_of
from services.notifier.domain.notices import Notice
from services.notifier.notice_links import notice_signed
from services.notifier.preferences import Preferences

BY_LINK: Final = "link"
_TEMPLATES: Final = Path(__file__).parent / "notice_templates"
_STYLE: Final = (
    "body{font:16px/1.5 Arial,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}"
)
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class NoticePages:
    def __init__(self, preferences: Preferences, secrets: Sequence[str], now: Callable[[], datetime], logger: FilteringBoundLogger) -> None:
        self._preferences = preferences
        self._secrets = secrets
        self._now = now
        self._logger = logger
        loader = FileSystemLoader(_TEMPLATES)
        self._page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, auto_reload=False).get_template("page.html.j2")

    def add_to(self, app: FastAPI) -> None:
        """`/notices/…` on this app."""
        path = "/notices/{notice}/{officer}/{token}"
        app.add_api_route(path, self.show, methods=["GET"], include_in_schema=False, response_class=HTMLResponse)
        app.add_api_route(path, self.turn_off, methods=["POST"], include_in_schema=False, response_class=HTMLResponse)
        app.add_api_route(f"{path}/on", self.turn_on, methods=["POST"], include_in_schema=False, response_class=HTMLResponse)

    async def show(self, request: Request, notice: str, officer: str, token: str) -> HTMLResponse:
        known = self._known(notice, officer, token)
        off = (officer, known) in await self._preferences.off([officer])
        return self._rendered(request, known, officer, on=not off)

    async def turn_off(self, request: Request, notice: str, officer: str, token: str) -> HTMLResponse:
        """The body does not matter: a mail program says `List-Unsubscribe=One-Click`, the page nothing."""
        return await self._turn(request, self._known(notice, officer, token), officer, on=False)

    async def turn_on(self, request: Request, notice: str, officer: str, token: str) -> HTMLResponse:
        return await self._turn(request, self._known(notice, officer, token), officer, on=True)

    def _known(self, notice: str, officer: str, token: str) -> Notice:
        found = notice_signed(self._secrets, officer, notice, token)
        if found is None:
            raise HTTPException(404)
        return found

    async def _turn(self, request: Request, notice: Notice, officer: str, *, on: bool) -> HTMLResponse:
        if await self._preferences.turn(officer, notice, on=on, by=BY_LINK, at=self._now()):
            self._logger.info("notice.turned", officer=officer, notice=notice, on=on, by=BY_LINK)
        return self._rendered(request, notice, officer, on=on)

    def _rendered(self, request: Request, notice: Notice, officer: str, *, on: bool) -> HTMLResponse:
        path = request.url.path.removesuffix("/on")
        page = self._page.render(language=language_of(request), notice=notice, officer=officer, on=on, path=path, style=_STYLE)
        return HTMLResponse(page, headers=_HEADERS)
