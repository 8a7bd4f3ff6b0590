"""Reading mails in processes of their own: bounded in time and memory, whatever somebody wrote into them."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from kit.errors import TransientError
from services.intake.mail.child import LENGTH, allowed
from services.intake.mail.letter import Letter

READERS: Final = 2
"""Processes: one slow mail does not hold up the others. A sender's mails are read one after the other, large ones one at a time."""

TRIES: Final = 2
"""A reader that was killed by somebody else says nothing about the mail."""

_OUT_OF_TIME: Final = -getattr(signal, "SIGPROF", 0) or None
"""How a process ended that used up its CPU time."""


class Unreadable(Exception):
    """This mail cannot be read; the text is the reason, as a short word."""


def longest(size: int) -> float:
    """Seconds by the clock on the wall for a mail of so many bytes, beside the reader's own limit: the machine may have much else to do."""
    return 10.0 + 3 * allowed(size)


class Parser:
    """Reading processes, started when they are needed. `longest` and `command`: other limits, and what else to run, in tests."""

    def __init__(
        self,
        *,
        readers: int = READERS,
        longest: Callable[[int], float] = longest,
        command: tuple[str, ...] = ("-m", "services.intake.mail.child"),
    ) -> None:
        self._readers = [_Reader(longest, command) for _ in range(readers)]
        self._idle = list(self._readers)
        self._turns = asyncio.Semaphore(readers)

    async def parse(self, raw: bytes) -> Letter:
        """In turn. Raises Unreadable; TransientError when no process can be started."""
        async with self._turns:
            with self._reader() as reader:
                return await reader.parse(raw)

    async def close(self) -> None:
        """When what is being read has been read. It may be used again."""
        for _ in self._readers:
            await self._turns.acquire()
        for reader in self._readers:
            await reader.end()
            self._turns.release()

    @contextmanager
    def _reader(self) -> Iterator["_Reader"]:
        """The one that read last, so that a second is started only where two are needed."""
        reader = self._idle.pop()
        try:
            yield reader
        finally:
            self._idle.append(reader)


class _Reader:
    """One process, and one mail at a time."""

    def __init__(self, longest: Callable[[int], float], command: tuple[str, ...]) -> None:
        self._longest = longest
        self._command = command
        self._process: asyncio.subprocess.Process | None = None

    async def parse(self, raw: bytes) -> Letter:
        for _ in range(TRIES):
            try:
                return await asyncio.wait_for(self._ask(raw), self._longest(len(raw)))
            except TimeoutError:
                await self.end()
                raise Unreadable("too_slow") from None
            except (asyncio.IncompleteReadError, OSError):
                code = await self._exit_code()
                await self.end()
                if code == _OUT_OF_TIME:
                    raise Unreadable("too_slow") from None
            except _Failed:
                raise
            except BaseException:
                await self.end()  # it may be in the middle of an answer
                raise
        raise Unreadable("reader_died")

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

    async def _exit_code(self) -> int | None:
        """Of a process that closed its pipes: it has ended or is about to. A signal's number is below zero."""
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._process.wait(), 1.0) if self._process else None
        return None

    async def end(self) -> None:
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
