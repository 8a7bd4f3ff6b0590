"""`helpdesk up` as a person runs it: a process of its own, on free ports, with what it prints."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final, Self

from tests.support.ports import free_ports

OPTIONS: Final = (
    "--intake-port",
    "--routing-port",
    "--notifier-port",
    "--mail-port",
    "--catcher-port",
    "--catcher-smtp-port",
    "--kafka-port",
    "--mongo-port",
)
SET_BY_US: Final = ("HELPDESK_", "KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI")


class Up:
    """One run of it; `with` ends it for certain."""

    def __init__(
        self, data: Path, *arguments: str, ports: Mapping[str, int] | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self.data = data
        self.ports = dict(ports or some_ports())
        options = [part for option, port in self.ports.items() for part in (option, str(port))]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(SET_BY_US)}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "helpdesk", "up", "--data", str(data), *options, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean | dict(variables or {}),
        )
        self._lines: list[bytes] = []
        self._readers = [threading.Thread(target=self._read, args=(pipe,)) for pipe in (self.process.stdout, self.process.stderr)]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            self._lines.extend(pipe)

    @property
    def said(self) -> str:
        return b"".join(self._lines).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait(30)

    def until_ready(self, seconds: float = 90) -> float:
        """How long it took, in seconds."""
        while "\nready (" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < self.began + seconds, self.said
            time.sleep(0.05)
        return time.monotonic() - self.began

    def address(self, option: str) -> str:
        return f"http://127.0.0.1:{self.ports[option]}"

    def tokens(self) -> dict[str, str]:
        """Of the demo's accounts, as they are printed."""
        rows = [line.split() for line in self.said.splitlines()]
        return {row[0]: row[1] for row in rows if len(row) > 1 and row[1].startswith("hd_")}

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60) -> float:
        """How long it took to end, in seconds."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.wait(seconds)
        return time.monotonic() - began

    def wait(self, seconds: float) -> int:
        """The exit code; everything it had to say is in `said` then."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join()
        return code


def some_ports() -> dict[str, int]:
    return dict(zip(OPTIONS, free_ports(len(OPTIONS)), strict=True))


def descendants(pid: int) -> dict[int, str]:
    """Processes started by `pid`, and by those, with their command lines."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry.name))
    found, waiting = {}, list(children.get(pid, []))
    while waiting:
        child = waiting.pop()
        found[child] = command_line(child)
        waiting += children.get(child, [])
    return found


def command_line(pid: int) -> str:
    """Empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def still_running(processes: Mapping[int, str], seconds: float = 10) -> list[str]:
    """Which of them are still there after a while; a number that was given to another program in between does not count."""
    until = time.monotonic() + seconds
    while True:
        left = [line for pid, line in processes.items() if command_line(pid) == line]
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.1)
