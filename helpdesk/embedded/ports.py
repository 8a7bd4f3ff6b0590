"""Free ports on loopback, and who holds one that is not free."""

import random
import socket
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from helpdesk.embedded.errors import PortTakenError

LOOPBACK = "127.0.0.1"
# Below Linux's ephemeral ports (32768 and up): no outgoing connection can sit on the port while its server is being restarted.
RANGE: Final = range(20_000, 32_000)
LISTENING = "0A"  # TCP_LISTEN as /proc/net/tcp writes it


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_ports(count: int, besides: Container[int] = (), *, within: range = RANGE) -> list[int]:
    """Different ports free at this moment, none of `besides`; nobody reserves them."""
    found: list[int] = []
    for port in random.sample(within, len(within)):
        if port not in besides and is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise PortTakenError(f"no free port between {within.start} and {within.stop}")


def require_free(port: int, option: str, patience_seconds: float = 1.0) -> None:
    """Raise PortTakenError that names the holder and the option to change; waits a moment for a server that is just stopping. Blocks."""
    require_all_free({option: port}, patience_seconds)


def require_all_free(ports: Mapping[str, int], patience_seconds: float = 1.0, *, otherwise: str = "") -> None:
    """PortTakenError with every port that is taken, by the option that changes it. Blocks.

    `otherwise`: what else to do where it is more than one.
    """
    until = time.monotonic() + patience_seconds
    while taken := {option: port for option, port in ports.items() if not is_free(port)}:
        if time.monotonic() > until:
            raise PortTakenError(_sentence(taken, otherwise))
        time.sleep(0.05)


def require_different(ports: Mapping[str, int]) -> None:
    """PortTakenError with each port that more than one option asks for, and those options."""
    askers: dict[int, list[str]] = {}
    for option, port in ports.items():
        askers.setdefault(port, []).append(option)
    twice = [f"port {port} is asked for by {' and '.join(options)}; give each its own" for port, options in askers.items() if options[1:]]
    if twice:
        raise PortTakenError("\n".join(twice))


def _sentence(taken: Mapping[str, int], otherwise: str) -> str:
    told = [f"port {port} is taken{_by_whom(port)}; choose another with {option}" for option, port in taken.items()]
    return "\n".join([*told, otherwise] if otherwise and len(told) > 1 else told)


def is_answering(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _by_whom(port: int) -> str:
    """` by NAME (process N)` where the system tells us (Linux, own processes), else nothing."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(handle.readlink()) in inodes for handle in (process / "fd").iterdir()):
                return f" by {(process / 'comm').read_text().strip()} (process {process.name})"
    return ""


def _listening_inodes(port: int) -> Iterator[str]:
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with suppress(OSError):
            for row in table.read_text().splitlines()[1:]:
                fields = row.split()
                if fields[3] == LISTENING and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    yield fields[9]
