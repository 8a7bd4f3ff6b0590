"""A log file that cannot fill the disk: the file and one older one."""

from contextlib import suppress
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Self

LIMIT_BYTES = 5_000_000  # two such files hold weeks of a laptop's warnings and are still opened by any editor


class LimitedLog:
    """Appends lines; past the limit the file becomes `NAME.1`. A full disk loses log lines, never the server that writes them."""

    def __init__(self, path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path, self._limit = path, limit_bytes
        self._file: BufferedWriter | None = None

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(OSError):
            if self._file is not None:
                self._file.close()

    def write(self, line: bytes) -> None:
        """Append one line, at once readable by others."""
        with suppress(OSError, ValueError):
            if self._file is None:
                return
            if self._file.tell() + len(line) > self._limit:
                self._turn()
            self._file.write(line)
            self._file.flush()

    def _turn(self) -> None:
        assert self._file is not None  # noqa: S101  (asked by the caller)
        self._file.close()
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._file = self._path.open("ab")
