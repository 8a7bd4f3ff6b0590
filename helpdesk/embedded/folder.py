"""The data folder of one server: one owner at a time."""

import os
import sys
from pathlib import Path

from helpdesk.embedded.errors import DataInUseError, MissingPartError, UnusableFolderError

if sys.platform != "win32":
    import fcntl


class FolderLock:
    """An flock(2) on `NAME.lock`; the kernel drops it with the process, so a crash leaves nothing to clean up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> None:
        """Raise DataInUseError when another server, of this process or another, has it; UnusableFolderError where nothing can be kept."""
        if sys.platform == "win32":
            raise MissingPartError("the embedded servers run on Linux and macOS; on Windows use WSL or Docker (docker compose up)")
        handle = self._opened()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            owner = os.read(handle, 20).decode() or "?"
            os.close(handle)
            raise DataInUseError(
                f"{self._path.with_suffix('')} is in use by process {owner}; stop that one, or choose another folder with --data"
            ) from taken
        os.truncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle = handle

    def _opened(self) -> int:
        folder = self._path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as refused:
            found = "is a file" if folder.is_file() else f"cannot be written: {refused.strerror}"
            raise UnusableFolderError(f"--data {folder} {found}; choose another folder with --data") from refused

    def release(self) -> None:
        """Let others have the folder; releasing twice does nothing."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
