"""Ports for the servers of tests."""

import os
import re
from typing import Final

from helpdesk.embedded import ports

FIRST: Final = 10_000  # below those that the embedded servers take for themselves
EACH: Final = 1_000
PARTS: Final = 10


def free_ports(count: int) -> list[int]:
    """Different ports free at this moment.

    Every process of a parallel run has its own part to choose from: none takes another's between the choice and its use.
    """
    return ports.free_ports(count, within=_part())


def free_port_row(count: int) -> int:
    """The first of `count` free ports in a row."""
    return next(port for port in free_ports(50) if all(ports.is_free(port + n) for n in range(count)))


def _part() -> range:
    number = re.search(r"\d+$", os.environ.get("PYTEST_XDIST_WORKER", ""))
    first = FIRST + EACH * (int(number[0]) % PARTS if number else 0)
    return range(first, first + EACH)
