"""The web side: a list, a mail, its parts, and the same as JSON."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from helpdesk.catcher.chats import LARGEST, Chats
from helpdesk.catcher.letter import Letter, linked, read
from helpdesk.catcher.mailbox import KEEP, Caught, Mailbox
from kit.errors import RefusedError
from kit.problems import problem

HERE: Final = Path(__file__).parent

PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'"
)
MAIL_POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "form-action 'none'; frame-ancestors 'self'"
)
"""A mail shows its text and style, loads nothing, runs nothing; its links open outside of it."""

PLAIN: Final = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}

Endpoint = Callable[[Request], Awaitable[Response]]


def pages(mailbox: Mailbox, chats: Chats, clock: Callable[[], datetime]) -> Starlette:
    """The app over a mailbox and what was said in chats."""
    views, heard = _Views(mailbox, chats), _Heard(chats, clock)
    routes = [
        Route("/", views.listing),
        Route("/messages/{id}", views.mail),
        Route("/messages/{id}/html", views.html),
        Route("/messages/{id}/raw", views.raw),
        Route("/messages/{id}/attachments/{number:int}", views.attachment),
        Route("/api/messages", views.api_list, methods=["GET"]),
        Route("/api/messages", views.api_clear, methods=["DELETE"]),
        Route("/api/messages/{id}", views.api_mail),
        Route("/chat/{account}", heard.callback, methods=["POST"]),
        Route("/api/chats", heard.api_list, methods=["GET"]),
        Route("/api/chats", heard.api_clear, methods=["DELETE"]),
        Route("/api/newest", views.api_newest),
        Route("/livez", views.alive),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused, RefusedError: _refused})


class _Views:
    def __init__(self, mailbox: Mailbox, chats: Chats) -> None:
        self._mailbox = mailbox
        self._chats = chats
        self._templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined)
        self._templates.globals["moment"] = _moment

    async def listing(self, request: Request) -> Response:
        to = request.query_params.get("to", "")
        shown = {"mails": self._mailbox.newest(to), "chats": [] if to else self._chats.newest()}
        return self._page("list.html", **shown, to=to, newest=self._newest(), keep=KEEP)

    async def mail(self, request: Request) -> Response:
        caught, letter = self._opened(request)
        return self._page("mail.html", caught=caught, letter=letter, pieces=list(linked(letter.text or "")))

    async def html(self, request: Request) -> Response:
        _, letter = self._opened(request)
        if letter.html is None:
            raise HTTPException(404, "This mail has no HTML part.")
        headers = {"Content-Security-Policy": MAIL_POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        return HTMLResponse('<base target="_blank">' + letter.html, headers=headers)

    async def raw(self, request: Request) -> Response:
        caught = self._caught(request)
        return Response(self._mailbox.raw(caught.id), media_type="text/plain; charset=utf-8", headers=PLAIN)

    async def attachment(self, request: Request) -> Response:
        _, letter = self._opened(request)
        number = request.path_params["number"]
        if not 1 <= number <= len(letter.attachments):
            raise HTTPException(404, f"This mail has {len(letter.attachments)} attachments; number {number} is none of them.")
        found = letter.attachments[number - 1]
        headers = PLAIN | {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.filename, safe='')}"}
        return Response(found.content, media_type="application/octet-stream", headers=headers)

    async def api_list(self, request: Request) -> Response:
        limit = request.query_params.get("limit", str(KEEP))
        if not limit.isdecimal():
            raise HTTPException(422, "`limit` must be a whole number.")
        return JSONResponse([_summary(caught) for caught in self._mailbox.newest(request.query_params.get("to", ""), int(limit))])

    async def api_mail(self, request: Request) -> Response:
        caught, letter = self._opened(request)
        return JSONResponse(_summary(caught) | _details(letter))

    async def api_clear(self, _request: Request) -> Response:
        return JSONResponse({"deleted": self._mailbox.clear()})

    async def api_newest(self, _request: Request) -> Response:
        return JSONResponse({"newest": self._newest()})

    async def alive(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    def _caught(self, request: Request) -> Caught:
        caught = self._mailbox.find(request.path_params["id"])
        if caught is None:
            raise HTTPException(404, f"There is no such mail; the newest {KEEP} are kept.")
        return caught

    def _opened(self, request: Request) -> tuple[Caught, Letter]:
        caught = self._caught(request)
        return caught, read(self._mailbox.raw(caught.id))

    def _newest(self) -> str:
        """Changes with whatever arrives."""
        mails, said = self._mailbox.newest(limit=1), self._chats.newest(limit=1)
        return "/".join([*(mail.id for mail in mails), *(message.id for message in said)])

    def _page(self, template: str, **values: object) -> Response:
        headers = {"Content-Security-Policy": PAGE_POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return HTMLResponse(self._templates.get_template(template).render(**values), headers=headers)


class _Heard:
    """The other end of a chat account's callback URL, and what came there."""

    def __init__(self, chats: Chats, clock: Callable[[], datetime]) -> None:
        self._chats = chats
        self._clock = clock

    async def callback(self, request: Request) -> Response:
        """204 for a new message, 409 for one that is here already: both say that it need not come again."""
        raw = b""
        async for part in request.stream():
            raw += part
            if len(raw) > LARGEST:
                raise HTTPException(413, f"Send at most {LARGEST:,} bytes.")
        said = await self._chats.hear(request.path_params["account"], request.headers, raw, self._clock())
        return Response(status_code=204 if said else 409)

    async def api_list(self, _request: Request) -> Response:
        return JSONResponse([asdict(said) for said in self._chats.newest()])

    async def api_clear(self, _request: Request) -> Response:
        return JSONResponse({"deleted": self._chats.clear()})


def _summary(caught: Caught) -> dict[str, Any]:
    return {
        "id": caught.id,
        "at": caught.at.isoformat().replace("+00:00", "Z"),
        "from": caught.sender,
        "to": list(caught.recipients),
        "subject": caught.subject,
        "size": caught.size,
    }


def _moment(at: str) -> str:
    """In this machine's zone."""
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _details(letter: Letter) -> dict[str, Any]:
    attachments = [{"filename": x.filename, "content_type": x.content_type, "size": len(x.content)} for x in letter.attachments]
    return {"headers": [list(pair) for pair in letter.headers], "text": letter.text, "html": letter.html, "attachments": attachments}


async def _refused(_request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return problem(error.status_code, error.detail, error.detail)
    assert isinstance(error, RefusedError)  # noqa: S101 (registered for these two)
    return problem(error.status, error.title, error.detail)
