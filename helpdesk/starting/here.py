"""One `helpdesk up` for each data folder, and where the one that runs can be found."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from helpdesk.embedded.errors import DataInUseError
from helpdesk.embedded.folder import FolderLock

LOCK: Final = "up.lock"
ADDRESSES: Final = "up.json"
CHAT: Final = "Chat in"
"""The name of the demo account's webhook among the addresses."""

MAIL: Final = "Mail in"
MAIL_OUT: Final = "Mail out"
CATCHER: Final = "Mail catcher"
"""Each address is followed by words."""


class AlreadyRunningError(Exception):
    """Another `helpdesk up` has the folder; the text says which and where it answers."""


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Raises AlreadyRunningError; the lock goes with the process."""
    lock = FolderLock(data / LOCK)
    try:
        lock.take()
    except DataInUseError as taken:
        raise AlreadyRunningError(_told(data)) from taken
    try:
        (data / ADDRESSES).unlink(missing_ok=True)  # of one that was killed
        yield
    finally:
        (data / ADDRESSES).unlink(missing_ok=True)
        lock.release()


def write_addresses(data: Path, addresses: Mapping[str, str]) -> None:
    """For whoever starts it a second time, and for commands that speak to it."""
    (data / ADDRESSES).write_text(json.dumps(dict(addresses), indent=2), encoding="utf-8")


def addresses_of(data: Path) -> dict[str, str]:
    """Of the one that runs on this folder; none while it is starting or when there is none."""
    try:
        found: Any = json.loads((data / ADDRESSES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(address) for name, address in found.items()} if isinstance(found, dict) else {}


def _told(data: Path) -> str:
    pid = (data / LOCK).read_text(encoding="utf-8") or "?"
    addresses = addresses_of(data)
    if not addresses:
        return f"already running here (pid {pid}), and still starting"
    width = max(len(name) for name in addresses)
    rows = [f"  {name:<{width}}  {address}" for name, address in addresses.items()]
    return "\n".join([f"already running here (pid {pid}): its addresses are", *rows])
