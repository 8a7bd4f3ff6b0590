"""A mail taken apart for reading: whatever is wrong with it, something readable comes out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser

LINK = re.compile(r"(https?://[^\s<>\"]+[^\s<>\".,;:!?)\]])")
LANGUAGE = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")


@dataclass(frozen=True, slots=True)
class Attachment:
    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    headers: tuple[tuple[str, str], ...]
    language: str | None
    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]


def read(raw: bytes) -> Letter:
    message = BytesParser(policy=policy.default).parsebytes(raw)
    parts = [part for part in message.walk() if not part.is_multipart()]
    text = next((part for part in parts if _is_body(part, "text/plain")), None)
    html = next((part for part in parts if _is_body(part, "text/html")), None)
    languages = (_header(part, "Content-Language").strip() for part in message.walk())  # libraries put it on a part or above all
    return Letter(
        headers=tuple((name, _header(message, name)) for name in dict.fromkeys(message.keys())),
        language=next((language for language in languages if LANGUAGE.match(language)), None),
        text=None if text is None else _text(text),
        html=None if html is None else _text(html),
        attachments=tuple(_attachment(part, n) for n, part in enumerate(parts, 1) if part is not text and part is not html),
    )


def subject_of(head: bytes) -> str:
    """The subject, from the headers alone."""
    return _header(BytesHeaderParser(policy=policy.default).parsebytes(head), "Subject")


def linked(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is a web address."""
    for piece in LINK.split(text):
        if piece:
            yield piece, LINK.fullmatch(piece) is not None


def _is_body(part: EmailMessage, content_type: str) -> bool:
    return part.get_content_type() == content_type and part.get_content_disposition() != "attachment"


def _header(message: EmailMessage, name: str) -> str:
    """All values of a header, decoded; as they came when the standard library chokes on them (it does on some)."""
    try:
        return ", ".join(str(value) for value in message.get_all(name, []))
    except Exception:  # noqa: BLE001 (its parser fails in many ways on input from outside: IndexError, TypeError, ...)
        return ", ".join(str(value) for key, value in message.raw_items() if key.lower() == name.lower())


def _text(part: EmailMessage) -> str:
    octets = _octets(part).replace(b"\r\n", b"\n")
    try:
        return octets.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:  # a charset nobody has heard of
        return octets.decode("utf-8", "replace")


def _attachment(part: EmailMessage, number: int) -> Attachment:
    return Attachment(part.get_filename() or f"part-{number}", part.get_content_type(), _octets(part))


def _octets(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
