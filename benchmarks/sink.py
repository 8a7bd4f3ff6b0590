"""A mail server that accepts everything and notes when: the cheapest there can be, so that it measures us and not itself."""

import asyncio
import time
from collections.abc import Callable
from typing import cast

Noted = Callable[[str, float], None]


class Sink(asyncio.Protocol):
    """Just enough SMTP (RFC 5321), with the pipelining (RFC 2920) of the relays in use."""

    def __init__(self, noted: Noted) -> None:
        self._noted = noted
        self._buffer = b""
        self._recipient = ""
        self._in_data = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._say(b"220 sink")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer:
            end = self._buffer.find(b"\r\n.\r\n" if self._in_data else b"\r\n")
            if end < 0:
                return
            if self._in_data:
                self._buffer = self._buffer[end + 5 :]
                self._in_data = False
                self._noted(self._recipient, time.monotonic())
                self._say(b"250 2.0.0 accepted")
            else:
                line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
                self._command(line)

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"RCPT":
            self._recipient = line[line.find(b"<") + 1 : line.find(b">")].decode("ascii", "replace")
        if verb == b"EHLO":
            self._say(b"250-sink\r\n250 PIPELINING")
        elif verb == b"DATA":
            self._in_data = True
            self._say(b"354 go on")
        elif verb == b"QUIT":
            self._say(b"221 bye")
            if self._transport is not None:
                self._transport.close()
        else:
            self._say(b"250 sink")

    def _say(self, line: bytes) -> None:
        if self._transport is not None:
            self._transport.write(line + b"\r\n")


async def serve(port: int, noted: Noted) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(lambda: Sink(noted), "127.0.0.1", port)
