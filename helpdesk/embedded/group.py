"""What an embedded Kafka and an embedded MongoDB have in common: numbered processes on one data folder."""

import asyncio
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path

from helpdesk.embedded.errors import DataInUseError, ServerDiedError
from helpdesk.embedded.folder import FolderLock
from helpdesk.embedded.process import Child

GRACE_SECONDS = 15  # one node stops in a second, three Kafka nodes take 6 s: the last one has lost its quorum on the way down
WATCH_SECONDS = 0.5
Progress = Callable[[str], None]


def silent(_line: str) -> None:
    """Progress nobody asked for."""


class ServerGroup(ABC):
    """Processes numbered from 1, listening on consecutive ports; their data is kept in `<data>/<name>` from one start to the next."""

    title: str
    name: str
    log_name: str

    def __init__(self, data: Path, nodes: int, base_port: int) -> None:
        self.data, self.count, self.base_port = data.absolute(), nodes, base_port
        self._lock = FolderLock(self.data / f"{self.name}.lock")
        self._children: dict[int, Child] = {}

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the nodes that run."""
        return tuple(child.pid for child in self._children.values() if child.alive)

    async def start(self, progress: Progress = silent) -> None:
        """Ready to serve when it returns; starting a running server does nothing. Raises EmbeddedError with what to do."""
        if self._children:
            return
        self._lock.take()
        try:
            await asyncio.to_thread(self._prepare, progress)
            progress(f"starting {self.title}")
            for number in range(1, self.count + 1):
                self._launch(number)
            await self._until_ready()
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL; stopping again does nothing."""
        await self._end(lambda child: child.stop(GRACE_SECONDS))

    async def kill(self) -> None:
        """SIGKILL to all nodes at once; what they have handed to the system stays on the disk."""
        await self._end(Child.kill)

    async def kill_node(self, number: int) -> None:
        """SIGKILL to one node; the others go on."""
        await asyncio.to_thread(self._children[number].kill)

    async def start_node(self, number: int) -> None:
        """Start a killed node again and wait as `start` does."""
        if not self._children[number].alive:
            self._launch(number)
        await self._until_ready()

    async def until_dead(self) -> None:
        """Wait until the server is stopped; raises ServerDiedError when a node ends by itself."""
        while self._children:
            self._require_alive("while it was serving")
            await asyncio.sleep(WATCH_SECONDS)

    def wipe(self) -> None:
        """Delete all its data, as a lost disk would; only when stopped."""
        if self._children:
            raise DataInUseError(f"stop {self.title} before its data is deleted")
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """Where the data is, one folder for each node."""
        return self.data / self.name

    @property
    def ports(self) -> range:
        """What the nodes listen on, in their order."""
        return range(self.base_port, self.base_port + self.count)

    @abstractmethod
    def _prepare(self, progress: Progress) -> None:
        """Everything that must be so before the first process starts; may block."""

    @abstractmethod
    def _command(self, number: int) -> list[str]:
        """What runs the node."""

    @abstractmethod
    async def _until_ready(self) -> None:
        """Return once clients are served."""

    def _launch(self, number: int) -> None:
        log = self.data / (f"{self.log_name}.log" if number == 1 else f"{self.log_name}-{number}.log")
        self._children[number] = Child(self._command(number), log)
        self._children[number].start()

    def _require_alive(self, when: str) -> None:
        for child in list(self._children.values()):
            if not child.alive:
                raise ServerDiedError(f"{self.title} ended {when}. Its last lines:\n{child.last_lines()}")

    def _not_ready(self, seconds: int, children: Iterable[Child]) -> ServerDiedError:
        lines = "\n".join(child.last_lines() for child in children)
        return ServerDiedError(f"{self.title} was not ready in {seconds} s. Its last lines:\n{lines}")

    async def _end(self, how: Callable[[Child], None]) -> None:
        await asyncio.gather(*(asyncio.to_thread(how, child) for child in self._children.values()))
        self._children.clear()
        self._lock.release()
