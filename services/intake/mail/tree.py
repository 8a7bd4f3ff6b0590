"""The parts of a mail: every leaf once, as text of the mail or as a file, whatever the structure.

Our own splitter instead of the standard library's: it looks at each byte once per level and stops at fixed depths and counts, so its time
is bounded by the size of the mail; and nothing that it does not understand is dropped: it becomes a file.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Literal

from services.intake.mail.charsets import decoded, is_known
from services.intake.mail.headers import Fields, Structured, base64_decoded, read_header, structured
from services.intake.mail.letter import Enclosed

DEEPEST: Final = 30
MOST_PARTS: Final = 500
MOST_LINES: Final = 1_000
"""Of the header of a part; there are many parts, and a dozen lines say what it is."""

LONGEST_WORDS: Final = 2_000_000
"""Characters of one text that are read; the whole stays in the stored mail."""

_PLAIN: Final = Structured("text/plain")
_OPAQUE: Final = "application/octet-stream"
_DYNAMIC: Final = "text/x-amp-html"
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,60}/[a-z0-9][a-z0-9.+_-]{0,80}")
_LONGEST_BOUNDARY: Final = 200
_LONGEST_ID: Final = 400
_BODY_NAME: Final = re.compile(r"[^.]*(?:\.(?:txt|html?))?", re.IGNORECASE)
"""What some programs call a text that is no file."""

_COMMENT: Final = re.compile(r"\([^()]*\)")
_TOKEN: Final = re.compile(r"[a-z0-9-]+")
_UU_BEGIN: Final = re.compile(rb"(?:\A|[\r\n])begin [^\r\n]*")
_LINE: Final = re.compile(rb"[^\r\n]+")
_REST: Final = "phan-con-lai.bin"
"""What was too deep or too much to be taken apart."""

_NAMES: Final = {
    "text/html": "noi-dung.html",
    "text/calendar": "invite.ics",
    "text/plain": "noi-dung.txt",
    "message/rfc822": "thu.eml",
    "message/delivery-status": "delivery-status.txt",
    "message/global-delivery-status": "delivery-status.txt",
    "message/feedback-report": "feedback-report.txt",
    "text/rfc822-headers": "headers.txt",
    "application/pdf": "tep.pdf",
    "application/ms-tnef": "winmail.dat",
    "application/vnd.ms-tnef": "winmail.dat",
    "application/pkcs7-mime": "smime.p7m",
    "application/pkcs7-signature": "smime.p7s",
    "application/pgp-signature": "signature.asc",
    "application/pgp-encrypted": "encrypted.asc",
    "image/jpeg": "anh.jpg",
    "image/png": "anh.png",
    "image/gif": "anh.gif",
}
"""For parts without a name of their own."""

_CLOSED: Final = {
    "application/pgp-encrypted": "encrypted",
    "application/pkcs7-mime": "encrypted",
    "application/x-pkcs7-mime": "encrypted",
}
"""What only another program can open: kept as a file, and named, since words may be in it."""


@dataclass(frozen=True)
class Words:
    """A text of the mail, still in the form it came in."""

    kind: Literal["plain", "html"]
    text: str
    spare: bool = False
    """Another form of words that stand in the mail already (multipart/alternative)."""

    dynamic: bool = False
    """HTML for programs that run it (AMP): read only where there is no other form."""


Part = Words | Enclosed


class Tree:
    """Walks one mail. `problems` says what was beyond the limits."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parts = 0
        self._alternatives = 0
        self._spoken = False
        self.problems: list[str] = []

    def parts(self, fields: Fields, start: int) -> list[Part]:
        """Of the mail whose body begins at `start`, in their order."""
        return self._entity(fields, start, len(self._raw), 0, default=_PLAIN)

    def _entity(self, fields: Fields, start: int, end: int, depth: int, default: Structured) -> list[Part]:
        kind = structured(fields.raw("content-type"))
        if "/" not in kind.value:
            kind = default
        if kind.value.startswith("multipart/"):
            inside = self._multipart(kind, start, end, depth)
            if inside is not None:
                return inside
            kind = Structured("text/plain", {})
        return [self._leaf(fields, kind, start, end)]

    def _multipart(self, kind: Structured, start: int, end: int, depth: int) -> list[Part] | None:
        """None: there are no parts in it, and the whole is a text."""
        boundary = kind.parameters.get("boundary", "").encode("utf-8") or self._guessed(start, end)
        room = MOST_PARTS - self._parts
        spans = list(islice(self._split(boundary, start, end), max(room, 1))) if boundary else []
        if not spans:
            return None
        if depth >= DEEPEST or room <= 0:
            self.problems.append("too_deep" if room > 0 else "too_many_parts")
            return [Enclosed(_REST, self._raw[start:end], content_type=_OPAQUE)]
        self._parts += len(spans)
        default = Structured("message/rfc822") if kind.value == "multipart/digest" else _PLAIN
        self._alternatives += kind.value == "multipart/alternative"
        children = [self._child(first, last, depth, default) for first, last in spans]
        self._alternatives -= kind.value == "multipart/alternative"
        if len(spans) == room:
            self.problems.append("too_many_parts")
            children.append([Enclosed(_REST, self._raw[spans[-1][1] : end], content_type=_OPAQUE)])
        if kind.value == "multipart/alternative":
            return _best(children)
        return [part for child in children for part in child]

    def _child(self, start: int, end: int, depth: int, default: Structured) -> list[Part]:
        fields, body = read_header(self._raw, start, end, MOST_LINES)
        return self._entity(fields, body, end, depth + 1, default)

    def _split(self, boundary: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Spans between delimiter lines (RFC 2046 section 5.1.1); the last may lack its closing line."""
        delimiter = b"--" + boundary[:_LONGEST_BOUNDARY]
        opened: int | None = None
        position = start
        while (found := self._raw.find(delimiter, position, end)) >= 0:
            position = found + len(delimiter)
            if found != start and self._raw[found - 1] != ord("\n"):
                continue
            line_end = self._raw.find(b"\n", position, end) + 1 or end
            rest = self._raw[position : min(line_end, position + 1000)].strip()
            if rest not in {b"", b"--"}:
                continue
            if opened is not None:
                yield opened, self._without_line_end(opened, found)
            if rest:
                return
            opened = position = line_end
        if opened is not None and opened < end:
            yield opened, end

    def _without_line_end(self, start: int, end: int) -> int:
        """The line end before a delimiter belongs to the delimiter."""
        if end - 2 >= start and self._raw[end - 2 : end] == b"\r\n":
            return end - 2
        return max(end - 1, start)

    def _guessed(self, start: int, end: int) -> bytes:
        """The boundary of a multipart that forgot to say which: its first line, if that looks like one."""
        body = self._raw[start : min(end, start + 1000)].lstrip(b"\r\n")
        line = body.split(b"\n", 1)[0].strip()
        return line[2:] if line.startswith(b"--") and len(line) > 4 else b""  # noqa: PLR2004 (`--` and something more)

    def _leaf(self, fields: Fields, kind: Structured, start: int, end: int) -> Part:
        shown = structured(fields.raw("content-disposition"))
        filename = shown.parameters.get("filename") or kind.parameters.get("name") or ""
        content = _transfer_decoded(self._raw[start:end], fields.plain("content-transfer-encoding"))
        is_text = kind.value in {"text/plain", "text/html"} or (kind.value.startswith("text/") and kind.value not in _NAMES)
        if is_text and shown.value != "attachment" and (not filename or self._is_body(kind, shown)):
            return self._words(kind, content)
        inline = shown.value != "attachment" and (shown.value == "inline" or bool(fields.raw("content-id")))
        if problem := _CLOSED.get(kind.value):
            self.problems.append(problem)
        content_type = kind.value if _TYPE.fullmatch(kind.value) else _OPAQUE
        content_id = _content_id(fields) if content_type.startswith("image/") else ""
        return Enclosed(filename or self._name(kind.value, start, end), content, inline, content_type, content_id)

    def _is_body(self, kind: Structured, shown: Structured) -> bool:
        """Of texts that only their type names, the first of the mail, and the forms of one."""
        if kind.value not in {"text/plain", "text/html"} or shown.parameters.get("filename"):
            return False
        return _BODY_NAME.fullmatch(kind.parameters.get("name", "")) is not None and (not self._spoken or self._alternatives > 0)

    def _words(self, kind: Structured, content: bytes) -> Words:
        charset = kind.parameters.get("charset")
        if charset and not is_known(charset) and not content.isascii():
            self.problems.append("unknown_charset")
        text = decoded(content, charset)[:LONGEST_WORDS]
        self._spoken = self._spoken or bool(text.strip())
        return Words("html" if kind.value in {"text/html", _DYNAMIC} else "plain", text, dynamic=kind.value == _DYNAMIC)

    def _name(self, content_type: str, start: int, end: int) -> str:
        if content_type == "message/rfc822":
            subject = read_header(self._raw, start, end, MOST_LINES)[0].text("subject")[:100]
            return f"{subject}.eml" if subject else _NAMES[content_type]
        return _NAMES.get(content_type, "tep.bin" if content_type != _OPAQUE else "tep")


def _content_id(fields: Fields) -> str:
    return "".join(fields.plain("content-id").split()).removeprefix("<").removesuffix(">")[:_LONGEST_ID]


def _best(children: list[list[Part]]) -> list[Part]:
    """Of alternatives the first with plain words in it, else the last with any, is read; the words of the others are spare."""
    children = _without_dynamic(children)
    spoken = [child for child in children if any(isinstance(part, Words) and part.text.strip() for part in child)]
    plain = [child for child in spoken if all(part.kind == "plain" for part in child if isinstance(part, Words))]
    chosen = plain[0] if plain else spoken[-1] if spoken else []
    return [part if child is chosen or isinstance(part, Enclosed) else replace(part, spare=True) for child in children for part in child]


def _without_dynamic(children: list[list[Part]]) -> list[list[Part]]:
    others = [[part for part in child if not (isinstance(part, Words) and part.dynamic)] for child in children]
    told = any(isinstance(part, Words) and part.text.strip() for child in others for part in child)
    return others if told else children


def _transfer_decoded(content: bytes, named: str) -> bytes:
    """RFC 2045 section 6, with comments or in quotes too; what is unknown is taken as it is."""
    token = _TOKEN.search(_COMMENT.sub(" ", named.lower()))
    encoding = token[0] if token else ""
    if encoding == "base64":
        return base64_decoded(content)
    if encoding == "quoted-printable":
        return quopri.decodestring(content)
    return _uudecoded(content) if encoding in {"x-uuencode", "uuencode", "uue", "x-uue"} else content


def _uudecoded(content: bytes) -> bytes:
    """What would grow is taken as it is: a line may leave out its spaces, so two bytes can stand for 63."""
    begin = _UU_BEGIN.search(content)
    if begin is None:
        return content
    out = bytearray()
    for match in _LINE.finditer(content, begin.end()):
        if match[0].strip() == b"end":
            break
        try:
            out += binascii.a2b_uu(match[0])
        except binascii.Error:
            continue
        if len(out) > len(content):
            return content
    return bytes(out)
