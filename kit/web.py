"""HTTP basics: problem JSON (RFC 9457) for every refusal, health, metrics, a server that stops cleanly."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from kit import trace
from kit.documentation import add_documentation
from kit.errors import RefusedError, TransientError
from kit.language import language_of
from kit.mongo import DriverError, is_passing
from kit.problems import FAILED, problem, too_large, unavailable, worded
from kit.validation import invalid

KEEP_ALIVE = 75
"""Seconds an idle connection is kept: longer than the 60 s of the usual proxies, so that they close first and never race us."""


def web_app(title: str, *, description: str, version: str, logger: FilteringBoundLogger, max_body: int) -> FastAPI:
    """An app whose every error is problem JSON and whose bodies are limited to `max_body` bytes."""
    app = FastAPI(
        title=title,
        description=description,
        version=version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # the redirect would send people to whatever host the request named
        separate_input_output_schemas=False,
        strict_content_type=False,  # a body that names no type is read as JSON; no browser is signed in by itself where one is taken
    )
    add_documentation(app)
    app.add_middleware(BodyLimit, limit=max_body)
    app.add_middleware(Traced)
    app.add_middleware(HeadAsGet)
    _answer_errors(app, logger, max_body)
    return app


def _answer_errors(app: FastAPI, logger: FilteringBoundLogger, max_body: int) -> None:
    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)  # noqa: S101 (registered for this type)
        return problem(error.status, error.title, error.detail, errors=error.errors, headers=error.headers, extra=error.extra)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        return worded(error.status_code, language_of(request), otherwise=str(error.detail), headers=error.headers)

    async def trouble(request: Request, error: Exception) -> Response:
        if isinstance(error, TransientError | TimeoutError) or is_passing(error):
            logger.warning("web.unavailable", path=request.url.path, error=str(error)[:300])
            return unavailable(language_of(request))
        logger.error("web.failed", path=request.url.path, exc_info=error)
        return worded(FAILED, language_of(request))

    async def gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=400)  # nobody reads it, and it is nobody's fault to look into

    async def too_much(request: Request, _error: Exception) -> Response:
        return too_large(max_body, language_of(request))

    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(_TooLargeError, too_much)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    for kind in (TransientError, TimeoutError, DriverError, Exception):
        app.add_exception_handler(kind, trouble)


class Traced:
    """Puts the caller's trace context, or a new one, where whatever is written meanwhile finds it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            header = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
            trace.current.set(trace.accepted(header))
        await self._app(scope, receive, send)


class HeadAsGet:
    """What can be asked for can be asked for without its body (RFC 9110 section 9.3.2); the server leaves that out of the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses bodies over `limit` bytes with 413, by their declared length or while they arrive."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > self._limit:
            await self._too_large(scope)(scope, receive, send)
            return
        seen = 0
        answered = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise _TooLargeError(413)
            return message

        async def noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _TooLargeError:
            if not answered:
                await self._too_large(scope)(scope, receive, send)

    def _too_large(self, scope: Scope) -> JSONResponse:
        return too_large(self._limit, language_of(Request(scope)))


class _TooLargeError(HTTPException):
    """An HTTPException, because FastAPI turns whatever else is raised while it reads a body into a 400."""


def add_health(app: FastAPI, *, alive: Callable[[], list[str]], missing: Callable[[], Awaitable[list[str]]]) -> None:
    """`/livez`: restart me when it fails. `/readyz`: do not send me work yet, with what is missing. `/metrics`: Prometheus."""

    @app.get("/livez", include_in_schema=False)
    async def livez() -> Response:
        stuck = alive()
        if stuck:
            return problem(503, "Stuck", "Restart this process.", extra={"stuck": stuck})
        return JSONResponse({"status": "alive"})

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        lacking = await missing()
        if lacking:
            return problem(503, "Not ready", "It will be when what is missing answers.", extra={"missing": lacking})
        return JSONResponse({"status": "ready"})

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class WebServer:
    """uvicorn inside somebody else's event loop: the service's runner owns the signals."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._port = port
        self._host = host
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=10,
            timeout_keep_alive=KEEP_ALIVE,
            server_header=False,
            lifespan="off",
        )
        self._server = _Quiet(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listening when it returns. OSError naming the port when it is taken."""
        listener = listening_socket(self._host, self._port)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._task.done():
                await self._task
                return
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Finish the requests under way, for at most 10 s."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Quiet(uvicorn.Server):
    """Leaves signals alone."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket. OSError with a sentence when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP: asyncio turns Nagle's algorithm off for no other, and every second answer then waits 40 ms for the client's delayed ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"port {port} on {host} is taken: {error.strerror}") from error
    listener.setblocking(False)  # noqa: FBT003 (the standard library's own signature)
    return listener
