"""Reading mails in a process of their own: bounded in time and memory, whatever somebody wrote into them."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from kit.errors import TransientError
from services.intake.mail.child import LENGTH
from services.intake.mail.letter import Letter

LONGEST: Final = 20.0
"""Seconds for one mail; ordinary ones take a millisecond, 25 MB take one second."""

TRIES: Final = 2
"""A reader that was killed by somebody else says nothing about the mail."""


class Unreadable(Exception):
    """This mail cannot be read; the text is the reason, as a short word."""


class Parser:
    """One reading process, started when it is needed. `command`: what else to run instead, in tests."""

    def __init__(self, *, longest: float = LONGEST, command: tuple[str, ...] = ("-m", "services.intake.mail.child")) -> None:
        self._longest = longest
        self._command = command
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def parse(self, raw: bytes) -> Letter:
        """One mail at a time. Raises Unreadable; TransientError when no process can be started."""
        async with self._turn:
            for _ in range(TRIES):
                try:
                    return await asyncio.wait_for(self._ask(raw), self._longest)
                except TimeoutError:
                    await self._end()
                    raise Unreadable("too_slow") from None
                except (asyncio.IncompleteReadError, OSError):
                    await self._end()
                except _Failed:
                    raise
                except BaseException:
                    await self._end()  # it may be in the middle of an answer
                    raise
            raise Unreadable("reader_died")

    async def close(self) -> None:
        async with self._turn:
            await self._end()

    async def _ask(self, raw: bytes) -> Letter:
        process = self._process or await self._start()
        if process.stdin is None or process.stdout is None:
            raise TransientError("the mail reader has no pipes")
        process.stdin.write(LENGTH.pack(len(raw)) + raw)
        head, files = (await asyncio.gather(process.stdin.drain(), _answer(process.stdout)))[1]
        if not head:
            raise _Failed(files.decode("ascii", "replace"))
        return Letter.of_frames(head, files)

    async def _start(self) -> asyncio.subprocess.Process:
        """It gets the way to our code and nothing else of our environment."""
        environment = {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=environment,
            )
        except OSError as error:
            raise TransientError(f"the mail reader cannot be started: {error}") from error
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


class _Failed(Unreadable):
    """The reader is well, the mail is not."""


async def _answer(stream: asyncio.StreamReader) -> tuple[bytes, bytes]:
    frames = []
    for _ in range(2):
        size: int = LENGTH.unpack(await stream.readexactly(LENGTH.size))[0]
        frames.append(await stream.readexactly(size))
    return frames[0], frames[1]
