"""A server process that dies with us, whose output goes to a log of limited size."""

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Literal

from helpdesk.embedded.errors import ServerDiedError
from helpdesk.embedded.logfile import LimitedLog

GUARD = Path(__file__).with_name("guard.py")
LINES_KEPT = 25  # enough for a Java exception with its cause, short enough for a terminal
LONGEST_LINE = 16_384
Tie = Literal["kernel", "pipe"]


def best_tie() -> Tie:
    """How a child is bound to us on this platform; see guard.py."""
    return "kernel" if sys.platform == "linux" else "pipe"


class Child:
    """One run of one program: start once, stop once or more.

    The kernel sends its parent-death signal when the *thread* that forked ends, so the forking thread is the one that copies the
    output, and it lives as long as the program does. The program gets its own session: Ctrl-C in a terminal reaches us alone, and we
    decide the order of stopping.
    """

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None, tie: Tie | None = None) -> None:
        self._command, self._log, self._env = list(command), log, env
        self._tie = tie or best_tie()
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._spawned, self._ended = threading.Event(), threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._refusal: OSError | None = None

    @property
    def pid(self) -> int:
        """Process id of the program (of its guard where the tie is a pipe)."""
        return self._running().pid

    @property
    def alive(self) -> bool:
        """Whether the program still runs."""
        return self._process is not None and not self._ended.is_set()

    def last_lines(self) -> str:
        """The end of what the program has written, for error messages."""
        return "\n".join(self._lines)

    def start(self) -> None:
        """Start the program; blocks only until it is forked."""
        threading.Thread(target=self._live, name=f"child-{Path(self._command[0]).name}", daemon=True).start()
        self._spawned.wait()
        if self._refusal is not None:
            raise ServerDiedError(f"{self._command[0]} cannot be run: {self._refusal}") from self._refusal

    def stop(self, grace_seconds: float) -> None:
        """SIGTERM, after the grace SIGKILL; returns when the program is gone. Stopping again does nothing; blocks."""
        if self.alive:
            self._running().terminate()
            if not self._ended.wait(grace_seconds):
                self.kill()

    def kill(self) -> None:
        """SIGKILL to the program and all it started; returns when it is gone; blocks."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self._running().pid, signal.SIGKILL)
            self._ended.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServerDiedError("not started")
        return self._process

    def _live(self) -> None:
        try:
            self._process = self._spawn()
        except OSError as refusal:
            self._refusal = refusal
            self._ended.set()
            return
        finally:
            self._spawned.set()
        try:
            self._copy_output(self._process)
        finally:
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._ended.set()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), self._tie, str(os.getpid()), *self._command],
            stdin=subprocess.PIPE if self._tie == "pipe" else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._env,
            start_new_session=True,
        )

    def _copy_output(self, process: subprocess.Popen[bytes]) -> None:
        output = process.stdout
        assert isinstance(output, BufferedReader)  # noqa: S101  (asked for above)
        with output, LimitedLog(self._log) as log:
            while line := output.readline(LONGEST_LINE):
                self._lines.append(line.decode(errors="replace").rstrip())
                log.write(line)
