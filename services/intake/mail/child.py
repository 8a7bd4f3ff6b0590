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
"""Bytes of address space: ten times what the largest mail takes."""


def main(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    while (raw := read_frame(incoming)) is not None:
        outgoing.writelines(LENGTH.pack(len(frame)) + frame for frame in answer(raw))
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


def confine() -> None:
    """What Ctrl-C in a terminal sends to every process is for the parent to act on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import resource  # noqa: PLC0415 (absent on Windows)
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    confine()
    main(sys.stdin.buffer, sys.stdout.buffer)
