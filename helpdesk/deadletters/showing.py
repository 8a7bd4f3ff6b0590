"""A dead letter on paper: a line in the list, or everything about it."""

import json
from collections.abc import Iterator
from typing import Any, Final

from helpdesk.deadletters.handled import Decision
from helpdesk.deadletters.letter import DeadLetter
from helpdesk.deadletters.printable import printable, printable_lines

LONGEST: Final = 20_000
"""Characters of a value that are shown; `--raw` gives all of it."""

_DUMPED: Final = 4_096
_WIDTH: Final = 16


def line(letter: DeadLetter, decision: Decision | None) -> str:
    """Two lines: what a person decides by."""
    origin = str(letter.origin) if letter.origin else "unknown origin"
    head = f"{letter.id:<16} {letter.at:%Y-%m-%d %H:%M:%S}Z  {printable(letter.error, 40)}"
    where = f"from {origin}  key {_key(letter, 40)}  {size(letter)}"
    done = f"\n{'':<16} {printable(str(decision), 200)}" if decision else ""
    return f"{head}  {where}\n{'':<16} {printable(letter.detail, 160)}{done}"


def as_data(letter: DeadLetter, decision: Decision | None) -> dict[str, Any]:
    """The same for programs."""
    return {
        "id": letter.id,
        "origin": str(letter.origin) if letter.origin else None,
        "error": letter.error,
        "detail": letter.detail,
        "at": letter.at.isoformat(),
        "key": letter.key.decode("utf-8", "backslashreplace") if letter.key is not None else None,
        "size": letter.size,
        "decision": {"action": decision.action, "at": decision.at.isoformat(), "why": decision.why} if decision else None,
    }


def full(letter: DeadLetter, decision: Decision | None) -> Iterator[str]:
    yield f"id       {letter.id}"
    yield f"origin   {letter.origin or 'unknown'}"
    yield f"when     {letter.at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"error    {printable(letter.error)}"
    said, *more = printable_lines(letter.detail.rstrip()).split("\n")
    yield f"detail   {said}"
    yield from (f"         {said}" for said in more)
    yield f"key      {_key(letter)}"
    if decision:
        yield f"handled  {printable(str(decision))}"
    yield "headers" if letter.headers else "headers  none"
    for name, value in letter.headers:
        yield f"  {printable(name)}: {printable(value.decode('utf-8', 'backslashreplace'), 500)}"
    yield f"value    {size(letter)}"
    yield from _value(letter.value or b"")


def size(letter: DeadLetter) -> str:
    return f"{letter.size:,} byte{'' if letter.size == 1 else 's'}"


def _key(letter: DeadLetter, longest: int | None = None) -> str:
    return "none" if letter.key is None else printable(letter.key.decode("utf-8", "backslashreplace"), longest)


def _value(value: bytes) -> Iterator[str]:
    if not value:
        return
    try:
        shown = json.dumps(json.loads(value), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        yield from _hexdump(value[:_DUMPED])
        left = len(value) - _DUMPED
    else:
        yield printable_lines(shown[:LONGEST])
        left = len(shown) - LONGEST
    if left > 0:
        yield f"… {left:,} more; `--raw` writes all of it"


def _hexdump(value: bytes) -> Iterator[str]:
    """As `hexdump -C` does: offset, bytes, ASCII."""
    for start in range(0, len(value), _WIDTH):
        row = value[start : start + _WIDTH]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)  # noqa: PLR2004 (printable ASCII)
        yield f"{start:08x}  {row.hex(' '):<{_WIDTH * 3}} |{text}|"
