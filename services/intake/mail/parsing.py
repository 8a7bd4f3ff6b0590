"""One mail, read: bytes in, a `Letter` out, for any bytes at all."""

import hashlib
import re
import unicodedata
from typing import Final

from services.intake.domain.text import clean_text
from services.intake.mail.automatic import automatic_reason
from services.intake.mail.headers import Fields, read_header, readable
from services.intake.mail.letter import Enclosed, Letter
from services.intake.mail.markup import text_of
from services.intake.mail.sender import first_sender
from services.intake.mail.tree import Tree, Words

MOST_REFERENCES: Final = 200
LONGEST_SUBJECT: Final = 4 * 1024
"""Bytes of a subject that are decoded."""

LONGEST_TEXT: Final = 1_000_000
"""Characters of text that are handed on; what is cut stays in the stored mail."""

_SPACE: Final = re.compile(r"\s+")
_ID: Final = re.compile(r"<([^<>\r\n]{1,400})>")


def parse(raw: bytes) -> Letter:
    """Reads at most what the limits of each step allow, in time proportional to the size of the mail."""
    fields, body = read_header(raw, 0, len(raw))
    tree = Tree(raw)
    parts = tree.parts(fields, body)
    text = _text([part for part in parts if isinstance(part, Words)])
    files = tuple(part for part in parts if isinstance(part, Enclosed))
    address, name = first_sender(fields.raw("from"))
    subject = readable(fields.raw("subject")[:LONGEST_SUBJECT])
    return Letter(
        message_id=_message_id(fields),
        address=address,
        name=name,
        subject=subject,
        text=text[:LONGEST_TEXT],
        references=_references(fields),
        automatic=automatic_reason(fields, address, subject),
        loops=tuple(value.decode("latin-1").strip().lower() for value in fields.all("x-helpdesk-loop"))[:20],
        content_hash=_content_hash(raw, fields, address, subject, text, files),
        problems=_problems(fields, tree, text),
        attachments=files,
    )


def _text(words: list[Words]) -> str:
    """All the texts in their order; HTML only where the sender gave nothing plainer."""
    return "\n\n".join(text for text in (clean_text(text_of(part.text) if part.kind == "html" else part.text) for part in words) if text)


def _message_id(fields: Fields) -> str | None:
    """As Exchange, mailing lists and hand-made programs write them; without white space, for that comes from folding."""
    value = fields.plain("message-id")
    found = _ID.search(value)
    identity = _SPACE.sub("", found[1] if found else value)[:400]
    return identity or None


def _references(fields: Fields) -> tuple[str, ...]:
    def ids(name: str) -> list[str]:
        # Some libraries make RFC 2047 words of ids that are longer than a line.
        value = fields.text(name) if b"=?" in fields.raw(name) else fields.plain(name)
        return [f"<{_SPACE.sub('', found)}>" for found in _ID.findall(value)]

    found = list(dict.fromkeys([*ids("in-reply-to"), *reversed(ids("references"))]))
    return tuple(found if len(found) <= MOST_REFERENCES else [*found[: MOST_REFERENCES // 2], *found[-MOST_REFERENCES // 2 :]])


def _content_hash(raw: bytes, fields: Fields, address: str, subject: str, text: str, files: tuple[Enclosed, ...]) -> str:
    """Without what each server adds on the way. A mail with neither id nor date is equal only to the very same bytes."""
    if not fields.raw("message-id") and not fields.raw("date"):
        return hashlib.sha256(raw).hexdigest()
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    said = [address.lower(), unicodedata.normalize("NFC", subject), fields.plain("date"), lines]
    digest = hashlib.sha256("\x00".join(said).encode())
    for file in sorted(hashlib.sha256(file.content).hexdigest() for file in files):
        digest.update(b"\x00" + file.encode())
    return digest.hexdigest()


def _problems(fields: Fields, tree: Tree, text: str) -> tuple[str, ...]:
    found = {
        "header_cut": fields.cut,
        "no_sender": not fields.raw("from"),
        "many_senders": len(fields.all("from")) > 1,
        "text_cut": len(text) > LONGEST_TEXT,
    }
    return tuple(dict.fromkeys([*tree.problems, *(name for name, holds in found.items() if holds)]))
