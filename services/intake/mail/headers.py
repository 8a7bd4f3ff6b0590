"""Header fields from raw bytes: capped before anything looks at them, decoded by rules that real mail keeps, and free of line ends.

The standard library's header parser takes 49 s for a subject of 2 MB and raises on ids that Exchange writes; these functions take time
in proportion to what they are given.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from schemas.text import clean_line
from services.intake.mail.charsets import decoded

LONGEST_FIELD: Final = 64 * 1024
LONGEST_BLOCK: Final = 100 * 1024
"""Bytes; what Postfix passes on (`header_size_limit`). Fields beyond it are not read; they stay in the stored mail."""

MOST_LINES: Final = 10_000
"""Lines of a header; after so many only its end is looked for."""

LONGEST_STRUCTURE: Final = 4 * 1024
"""Bytes of Content-Type and Content-Disposition, which are split at every semicolon."""

_FIELD: Final = re.compile(rb"([!-9;-~]+)[ \t]*:")
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_WORD: Final = re.compile(rb"=\?([A-Za-z0-9_.:-]{1,60})(?:\*[A-Za-z0-9-]*)?\?([BbQq])\?([^?]*)\?=")
_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_SECTION: Final = re.compile(r"(?P<name>[^*]+)\*(?:(?P<number>[0-9]{1,3})(?P<coded>\*)?)?")


@dataclass(frozen=True)
class Fields:
    """The header of a mail or of one of its parts: lower-case names and unfolded values, in order."""

    items: tuple[tuple[str, bytes], ...] = ()
    cut: bool = False
    """Something was longer than we read."""

    def all(self, name: str) -> list[bytes]:
        return [value for known, value in self.items if known == name]

    def raw(self, name: str) -> bytes:
        """The first of that name; empty when there is none."""
        return next(iter(self.all(name)), b"")

    def text(self, name: str) -> str:
        return readable(self.raw(name))

    def plain(self, name: str) -> str:
        """Of a field that holds no words for people."""
        return self.raw(name).decode("latin-1").strip()


@dataclass(frozen=True)
class Structured:
    """A value with parameters, as in `text/plain; charset=utf-8`."""

    value: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_header(raw: bytes, start: int, end: int, most_lines: int = MOST_LINES) -> tuple[Fields, int]:
    """The fields from `start`, and where the body begins: after an empty line, or at the first line that is no field."""
    reading = _Reading(most_lines)
    position = start
    while position < end:
        line_end = raw.find(b"\n", position, end) + 1 or end
        line = raw[position : min(line_end, position + LONGEST_FIELD)].rstrip(b"\r\n")
        if not line:
            return reading.fields(), line_end
        if not reading.take(line) and not _is_stray(raw, position, line, line_end):
            return reading.fields(), position
        reading.note_cut(line_end - position > LONGEST_FIELD)
        position = line_end
        if reading.full:
            return reading.fields(), _end_of_header(raw, position, end)
    return reading.fields(), end


def _end_of_header(raw: bytes, position: int, end: int) -> int:
    found = _EMPTY_LINE.search(raw, position - 1, end)
    return found.end() if found else end


def _is_stray(raw: bytes, position: int, line: bytes, line_end: int) -> bool:
    """A first line that is no field, before one that is: the line mailbox files begin with, or what a broken program left there."""
    return position == 0 and (line.startswith((b"From ", b">From ")) or _FIELD.match(raw, line_end) is not None)


class _Reading:
    def __init__(self, most_lines: int) -> None:
        self._most_lines = most_lines
        self._found: list[tuple[str, list[bytes]]] = []
        self._size = 0
        self._total = 0
        self._lines = 0
        self._cut = False

    @property
    def full(self) -> bool:
        return self._total > LONGEST_BLOCK or self._lines > self._most_lines

    def take(self, line: bytes) -> bool:
        """False: this line is no part of a header."""
        self._lines += 1
        if line[:1] in (b" ", b"\t"):
            if self._found:
                self._extend(line)
            return bool(self._found) or not line.strip()
        match = _FIELD.match(line)
        if match is None:
            return False
        self._found.append((match[1].decode("ascii").lower(), []))
        self._size = 0
        self._total += match.end()
        self._extend(line[match.end() :])
        return True

    def _extend(self, piece: bytes) -> None:
        if self._size + len(piece) > LONGEST_FIELD or self._total + len(piece) > LONGEST_BLOCK:
            self._cut = True
            return
        self._found[-1][1].append(piece)
        self._size += len(piece)
        self._total += len(piece)

    def note_cut(self, cut: bool) -> None:  # noqa: FBT001 (said once, here)
        self._cut = self._cut or cut

    def fields(self) -> Fields:
        return Fields(tuple((name, b"".join(pieces).strip()) for name, pieces in self._found), self._cut or self.full)


def readable(raw: bytes) -> str:
    """One line of text: RFC 2047 words decoded, adjacent ones joined first, raw 8-bit as `charsets` reads it."""
    return clean_line("".join(_pieces(raw[:LONGEST_FIELD])))


def _pieces(raw: bytes) -> Iterator[str]:
    position, charset, waiting = 0, "", b""
    for match in _WORD.finditer(raw):
        between = raw[position : match.start()]
        name = match[1].decode("ascii").lower()
        if waiting and (between.strip() or name != charset):
            yield decoded(waiting, charset)
            waiting = b""
        if between.strip() or not position:
            yield decoded(between)
        waiting, charset, position = waiting + _word(match), name, match.end()
    if waiting:
        yield decoded(waiting, charset)
    yield decoded(raw[position:])


def _word(match: "re.Match[bytes]") -> bytes:
    if match[2] in b"Qq":
        return binascii.a2b_qp(match[3].replace(b" ", b"_"), header=True)
    return base64_decoded(match[3])


def base64_decoded(raw: bytes) -> bytes:
    """RFC 4648 section 4, forgiving: other characters are skipped, padding may be missing or stand in the middle."""
    kept = raw.translate(None, _NOT_BASE64).rstrip(b"=")
    if b"=" not in kept:
        return _quads(kept)
    out = bytearray()
    for chunk in _UNPADDED.finditer(kept):
        out += _quads(chunk[0])
    return bytes(out)


_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64: Final = bytes(set(range(256)) - set(_BASE64))
_UNPADDED: Final = re.compile(rb"[^=]+")


def _quads(chunk: bytes) -> bytes:
    """A single character at the end carries less than a byte and is dropped."""
    whole = chunk[:-1] if len(chunk) % 4 == 1 else chunk
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def structured(raw: bytes) -> Structured:
    """The value in lower case, and its parameters with RFC 2231 sections put together and RFC 2047 words decoded."""
    text = raw[:LONGEST_STRUCTURE].decode("latin-1")
    value, _, _ = text.partition(";")
    found = [(match[1].lower(), _unquoted(match[2].strip())) for match in _PARAMETER.finditer(text, len(value))]
    parameters: dict[str, str] = {}
    for name, given in found:
        if "*" not in name:
            parameters.setdefault(name, readable(given.encode("latin-1")))
    return Structured(value.strip().lower(), _sections(found) | parameters if found else {})


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if len(value) > 1 and value[0] == value[-1] == '"' else value


def _sections(found: list[tuple[str, str]]) -> dict[str, str]:
    """RFC 2231: `name*=charset'language'percent-coded`, or `name*0*=…; name*1=…` in any order."""
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, value in found:
        match = _SECTION.fullmatch(name)
        if match is not None:
            coded = match["number"] is None or match["coded"] is not None
            pieces.setdefault(match["name"], {}).setdefault(int(match["number"] or 0), (coded, value))
    return {name: _assembled([numbered[key] for key in sorted(numbered)]) for name, numbered in pieces.items()}


def _assembled(sections: list[tuple[bool, str]]) -> str:
    charset, raw = "", b""
    for position, (coded, value) in enumerate(sections):
        rest = value
        if position == 0 and coded and value.count("'") >= 2:  # noqa: PLR2004 (charset'language'value)
            charset, _, rest = value.split("'", 2)
        raw += unquote_to_bytes(rest) if coded else rest.encode("latin-1")
    return clean_line(decoded(raw, charset))
