"""The files in a `winmail.dat`, which Outlook sends in place of them ([MS-OXTNEF]): a list of attributes, one after the other.

Its words are left where they are, in a format of their own (compressed RTF); the file itself stays beside what was found in it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schemas.text import clean_line
from services.intake.mail.charsets import decoded
from services.intake.mail.letter import Enclosed

MOST: Final = 100
"""Files that are taken out; none can be larger than what it lies in."""

_SIGNATURE: Final = b"\x78\x9f\x3e\x22"
_HEADER: Final = struct.Struct("<BII")
_CODEPAGE, _BEGINS, _TITLE, _DATA, _PROPERTIES = 0x00069007, 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_LONG_NAME: Final = 0x3707
"""PidTagAttachLongFilename; the title has room for eight letters and an extension in old programs."""

_FIXED: Final = {0x2: 4, 0x3: 4, 0x4: 4, 0x5: 8, 0x6: 8, 0x7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_UNICODE, _VARIABLE = 0x1F, frozenset({0x1E, 0x1F, 0xD, 0x102})
_NAMED: Final = 0x8000
_MULTIPLE: Final = 0x1000


@dataclass
class _File:
    title: str = ""
    long_name: str = ""
    content: bytes | None = None


def files_in(raw: bytes) -> tuple[Enclosed, ...]:
    """In their order. What is broken or of another kind ends the reading; what was found before it counts."""
    found: list[_File] = []
    charset = "windows-1252"
    for kind, data in _attributes(raw):
        if kind == _CODEPAGE:
            charset = f"cp{int.from_bytes(data[:4], 'little')}"
        elif kind == _BEGINS:
            found.append(_File())
        elif found:
            _fill(found[-1], kind, data, charset)
    complete = [each for each in found if each.content is not None][:MOST]
    return tuple(Enclosed(each.long_name or each.title or "tep.bin", each.content or b"") for each in complete)


def is_winmail(raw: bytes) -> bool:
    """By its first bytes: many programs on the way give it another type or name."""
    return raw.startswith(_SIGNATURE)


def _fill(file: _File, kind: int, data: bytes, charset: str) -> None:
    if kind == _TITLE:
        file.title = clean_line(decoded(data.split(b"\x00")[0][:1000], charset))
    elif kind == _DATA:
        file.content = data
    elif kind == _PROPERTIES:
        file.long_name = _long_name(data, charset)


def _attributes(raw: bytes) -> Iterator[tuple[int, bytes]]:
    position = 6 if is_winmail(raw) else len(raw)
    while position + _HEADER.size <= len(raw):
        _, kind, size = _HEADER.unpack_from(raw, position)
        start = position + _HEADER.size
        if start + size > len(raw):
            return
        yield kind, raw[start : start + size]
        position = start + size + 2


def _long_name(data: bytes, charset: str) -> str:
    try:
        return _Properties(data).text(_LONG_NAME, charset)
    except (struct.error, KeyError):
        return ""


class _Properties:
    """[MS-OXTNEF] 2.1.3.4. Raises struct.error and KeyError for what cannot be read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def text(self, wanted: int, charset: str) -> str:
        for _ in range(min(self._number(), 1000)):
            kind, name = struct.unpack("<HH", self._take(4))
            if name >= _NAMED:
                self._skip_name()
            value = self._first(kind)
            if name == wanted and value is not None:
                text = value.decode("utf-16-le", "replace") if kind == _UNICODE else decoded(value, charset)
                return clean_line(text.split("\x00")[0])
        return ""

    def _first(self, kind: int) -> bytes | None:
        """The first value of a property, whose others are passed over."""
        single = kind & ~_MULTIPLE
        if single in _VARIABLE:
            first = None
            for number in range(self._number()):
                value = self._padded()
                first = value if number == 0 else first
            return first
        count = self._number() if kind & _MULTIPLE else 1
        return self._take(_FIXED[single] * count)[: _FIXED[single]]

    def _skip_name(self) -> None:
        self._take(16)
        if self._number():
            self._padded()
        else:
            self._take(4)

    def _padded(self) -> bytes:
        size = self._number()
        found = self._take(size)
        self._position += -size % 4
        return found

    def _number(self) -> int:
        return int(struct.unpack("<I", self._take(4))[0])

    def _take(self, size: int) -> bytes:
        found = self._data[self._position : self._position + size]
        if len(found) < size:
            raise struct.error("it ends too early")
        self._position += size
        return found
