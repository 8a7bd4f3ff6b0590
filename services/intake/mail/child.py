"""The process that reads mails: no network, no secrets, little memory, and nothing lost when it dies.

It is started by `parser.Parser` and reads frames (four bytes of length, then that many bytes) from standard input until that ends. To each
mail it answers two frames: the letter as JSON, and its files. When reading fails it answers an empty frame and the name of the error.
"""

import signal
import struct
import sys
from typing import BinaryIO, Final

from services.intake.mail.parsing import parse

LENGTH: Final = struct.Struct(">I")
MEMORY: Final = 1024 * 1024 * 1024
"""Bytes of address space: several times what the largest mail takes."""

SECONDS: Final = 1.0
SECONDS_PER_MB: Final = 0.5
"""Of CPU time, so that a busy machine counts little. Ordinary mails take a millisecond, files of 25 MB one second, 2 MB of HTML 0.8."""


def allowed(size: int) -> float:
    """Seconds of CPU time for a mail of so many bytes; whoever takes longer is ended by the kernel."""
    return SECONDS + SECONDS_PER_MB * size / 1_000_000


def main(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    while (raw := read_frame(incoming)) is not None:
        limit(allowed(len(raw)))
        frames = answer(raw)
        limit(0)
        outgoing.writelines(LENGTH.pack(len(frame)) + frame for frame in frames)
        outgoing.flush()


def answer(raw: bytes) -> tuple[bytes, bytes]:
    """The parser is written not to raise; what nobody thought of is parked, not lost."""
    try:
        return parse(raw).to_frames()
    except (Exception, RecursionError, MemoryError) as error:  # noqa: BLE001 (named to the parent, which parks the mail)
        return b"", type(error).__name__.encode()


def read_frame(incoming: BinaryIO) -> bytes | None:
    head = incoming.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size: int = LENGTH.unpack(head)[0]
    return incoming.read(size)


def limit(seconds: float) -> None:
    """The signal's default action needs nothing of this process, which may be deep in a library. 0 ends the limit."""
    if hasattr(signal, "setitimer"):  # absent on Windows, where the parent's own limit remains
        signal.setitimer(signal.ITIMER_PROF, seconds)


def confine() -> None:
    """What Ctrl-C in a terminal sends to every process is for the parent to act on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
    try:
        import resource  # noqa: PLC0415 (absent on Windows)
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    confine()
    main(sys.stdin.buffer, sys.stdout.buffer)
