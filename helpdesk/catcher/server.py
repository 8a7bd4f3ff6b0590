"""The catcher as one thing to start and stop."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import uvicorn
from structlog.typing import FilteringBoundLogger

from helpdesk.catcher.chats import Chats
from helpdesk.catcher.mailbox import Mailbox
from helpdesk.catcher.pages import pages
from helpdesk.catcher.sink import Sink, Taker
from kit.web import listening_socket


def _now() -> datetime:
    return datetime.now(UTC)


class Catcher:
    """SMTP on one port, the web page on another; `port 0` takes free ones, and the attributes tell which."""

    def __init__(  # noqa: PLR0913 (what it listens on, keeps and is told)
        self,
        folder: Path,
        smtp_port: int,
        http_port: int,
        *,
        host: str = "127.0.0.1",
        clock: Callable[[], datetime] = _now,
        logger: FilteringBoundLogger,
        chat_secrets: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.smtp_port = smtp_port
        self.http_port = http_port
        self.mailbox = Mailbox(folder)
        self.chats = Chats(folder, chat_secrets)
        self._host = host
        self._clock = clock
        self._logger = logger
        self._sink: Sink | None = None
        self._web: _Web | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listening on both ports when it returns. OSError when one is taken."""
        await asyncio.to_thread(self.mailbox.open)
        await asyncio.to_thread(self.chats.open)
        listener = listening_socket(self._host, self.http_port)
        self._sink = Sink(Taker(self.mailbox, self._clock, self._logger), self._host, self.smtp_port)
        try:
            self.smtp_port = await self._sink.start()
        except OSError:
            listener.close()
            raise
        self.http_port = int(listener.getsockname()[1])
        await self._serve(listener)

    async def stop(self) -> None:
        if self._sink is not None:
            await self._sink.stop()
        if self._web is not None and self._serving is not None:
            self._web.should_exit = True
            await self._serving

    async def _serve(self, listener: socket.socket) -> None:
        config = uvicorn.Config(
            pages(self.mailbox, self.chats, self._clock),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._web = _Web(config)
        self._serving = asyncio.create_task(self._web.serve(sockets=[listener]))
        await self._web.ready.wait()


class _Web(uvicorn.Server):
    """Says when it is ready, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()
