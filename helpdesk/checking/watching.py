"""What is looked at now, on a terminal; nothing where nobody watches."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from helpdesk.checking.invariant import Invariant


class Watching:
    """Calling it says how far an invariant is."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._status = Console(stderr=True).status("")
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, invariant: Invariant, count: int) -> None:
        if self._status is not None:
            self._status.update(f"{invariant.meaning}: {count:,} looked at")
