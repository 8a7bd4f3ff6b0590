"""Mail as bytes: RFC 5322 headers with RFC 2047 words, and a text and an HTML part, all seven-bit.

Only an address whose name is not ASCII stands in its header as UTF-8 (RFC 6532), since nothing else can say it.

Written out because the standard library's `EmailMessage` takes 9 ms for such a mail (its header parser checks every Vietnamese word),
twenty times all the rest of a delivery. Tests read the result back with the standard library and compare.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

_LINE: Final = 76
"""RFC 5322 section 2.1.1 wants lines of at most 78 characters, RFC 2047 section 2 lines with encoded words of at most 76."""
_WORD_OVERHEAD: Final = len("=?utf-8?b??=")
_LEAST_ROOM: Final = 24
"""Less than that left on a line: an encoded word starts on the next one."""

_PLAIN: Final = re.compile(r"[ -~]*")
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udfff]")
"""Control characters, line separators and marks that turn the direction of writing: nothing a name or a sentence needs."""
_MOSTLY_ASCII: Final = 6
_CONTINUES_MASK: Final = 0b1100_0000
_CONTINUES: Final = 0b1000_0000
"""A byte in the middle of a UTF-8 character (RFC 3629 section 3)."""


def visible(text: str) -> str:
    """Text of several lines without control characters, its lines ended by a newline alone."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """The same in one line: nothing that came from outside can begin a new header or paragraph."""
    if text.isprintable() and "  " not in text and text == text.strip(" "):  # nearly always, and ten times cheaper than what follows
        return text
    return " ".join(_UNSEEN.sub(" ", text).split())


def unstructured(name: str, value: str, prefix: str = "") -> str:
    """A header of free text; `prefix` is ASCII that stays readable in front of encoded words."""
    text = one_line(value)
    if _PLAIN.fullmatch(text) and "=?" not in text and len(name) + 2 + len(prefix) + len(text) <= _LINE:
        return f"{name}: {prefix}{text}"
    start = f"{name}: {prefix}"
    return start + _encoded(text, len(start))


def mailbox(name: str, display: str | None, address: str) -> str:
    """A header with one address, already in the form it travels in."""
    shown = one_line(display or "")
    if not shown:
        return f"{name}: {address}"
    if not _PLAIN.fullmatch(shown) or "=?" in shown:
        phrase = _encoded(shown, len(name) + 2)
    else:
        phrase = shown if _ATOMS.fullmatch(shown) else '"' + re.sub(r'(["\\])', r"\\\1", shown) + '"'
    last = f"{name}: {phrase}".rsplit("\r\n", 1)[-1]
    gap = " " if len(last) + len(address) + 3 <= _LINE else "\r\n "
    return f"{name}: {phrase}{gap}<{address}>"


def alternative(headers: Iterable[str], text: str, html: str, boundary: str) -> bytes:
    """The whole mail. `boundary` must begin with `=_`, which neither encoding can produce."""
    head = [*headers, "MIME-Version: 1.0", f'Content-Type: multipart/alternative; boundary="{boundary}"', "", ""]
    limit = f"--{boundary}".encode()
    return b"\r\n".join(["\r\n".join(head).encode() + limit, _part("plain", text), limit, _part("html", html), limit + b"--\r\n"])


def _part(subtype: str, body: str) -> bytes:
    raw = body.replace("\n", "\r\n").encode()
    seldom = (len(raw) - len(body)) * _MOSTLY_ASCII < len(raw)
    encoding = "quoted-printable" if seldom else "base64"
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + (binascii.b2a_qp(raw) if seldom else _base64_lines(raw))


def _base64_lines(raw: bytes) -> bytes:
    encoded = base64.b64encode(raw)
    return b"".join([encoded[start : start + _LINE] + b"\r\n" for start in range(0, len(encoded), _LINE)])


def _encoded(text: str, column: int) -> str:
    """RFC 2047 words of whole characters, beginning at `column` of the first line."""
    words = [f"=?utf-8?b?{base64.b64encode(chunk).decode()}?=" for chunk in _chunks(text, _LINE - column)]
    start = "\r\n " if _LINE - column < _LEAST_ROOM else ""
    return start + "\r\n ".join(words)


def _chunks(text: str, first_room: int) -> Iterator[bytes]:
    """UTF-8 pieces, none cut inside a character, each short enough for its line."""
    room = first_room if first_room >= _LEAST_ROOM else _LINE - 1
    raw = text.encode()
    start = 0
    while len(raw) - start > (longest := (room - _WORD_OVERHEAD) // 4 * 3):
        end = start + longest
        while raw[end] & _CONTINUES_MASK == _CONTINUES:
            end -= 1
        yield raw[start:end]
        start, room = end, _LINE - 1
    yield raw[start:]
