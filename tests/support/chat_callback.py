"""The other side of a chat account: takes what is posted to its callback URL and checks the signature, as a bridge would."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kit.web import WebServer
from kit.webhooks import verify


@dataclass
class ChatCallback:
    """Listens on `port`; `posts` are the bodies that were signed with `secret`, `refused` counts the others."""

    port: int
    secret: str
    posts: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        self._server = WebServer(Starlette(routes=[Route("/said", self._take, methods=["POST"])]), "127.0.0.1", self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/said"

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop()

    async def _take(self, request: Request) -> Response:
        raw = await request.body()
        try:
            verify([self.secret], request.headers, raw, datetime.now(UTC))  # noqa: TID251 (it checks against its own clock)
        except Exception:
            self.refused += 1
            raise
        self.posts.append(json.loads(raw))
        return Response(status_code=204)
