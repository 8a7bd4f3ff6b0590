"""One mail, read: bytes in, a `Letter` out, for any bytes at all."""

import hashlib
import re
from typing import Final

from schemas.text import clean_text, composed
from services.intake.domain.quotes import is_answer, new_text
from services.intake.mail.automatic import automatic_reason
from services.intake.mail.bounces import bounce_of
from services.intake.mail.dates import written_at
from services.intake.mail.headers import Fields, read_header, readable
from services.intake.mail.html_form import heard, shows_more, words_beyond
from services.intake.mail.letter import Enclosed, Letter
from services.intake.mail.markup import LONGEST, LONGEST_SHOWN, marked_text, safe_html, stripped_text, text_of
from services.intake.mail.provenance import authentication, delivered_to
from services.intake.mail.sender import first_sender, people, resenders_of, several_senders, writers_of
from services.intake.mail.tree import Tree, Words
from services.intake.mail.winmail import files_in, is_winmail

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
    words = heard([part for part in parts if isinstance(part, Words)])
    files = tuple(file for part in parts if isinstance(part, Enclosed) for file in (part, *files_in(part.content)))
    text = _text(words)
    address, name = first_sender(fields.raw("from"))
    subject = readable(fields.raw("subject")[:LONGEST_SUBJECT])
    bounce = bounce_of(fields, text, files)
    safe = _html_safe(words, text)
    return Letter(
        message_id=_message_id(fields),
        address=address,
        name=name,
        subject=subject,
        text=text[:LONGEST_TEXT],
        new_text=_new_text(words, text, subject, answers=_is_answer(fields, subject))[:LONGEST_TEXT],
        html_safe=safe,
        references=_references(fields),
        in_reply_to=_ids(fields, "in-reply-to")[:MOST_REFERENCES],
        mentioned=_ids(fields, "references")[:MOST_REFERENCES],
        to=people(fields.raw("to")),
        cc=people(fields.raw("cc")),
        reply_to=people(fields.raw("reply-to")),
        written_at=written_at(fields.raw("date")),
        automatic=automatic_reason(fields, address, subject) or ("bounce" if bounce else None),
        loops=tuple(value.decode("latin-1").strip().lower() for value in fields.all("x-helpdesk-loop"))[:20],
        content_hash=_content_hash(raw, fields, address, subject, _everything_said(text, safe), files),
        problems=_problems(fields, tree, text, files),
        attachments=files,
        bounce=bounce,
        delivered_to=delivered_to(fields),
        authentication=authentication(fields),
        writers=writers_of(fields),
        resenders=resenders_of(fields),
    )


def _text(words: list[Words]) -> str:
    """All the texts in their order; HTML only where the sender gave nothing plainer."""
    texts, read = [], 0
    for part in words:
        if part.spare:
            continue
        if part.kind == "html":
            read += len(part.text)
        seen = part.text if part.kind == "plain" else text_of(part.text) if read <= LONGEST else stripped_text(part.text)
        texts.append(clean_text(seen))
    return "\n\n".join(text for text in texts if text)


def _is_answer(fields: Fields, subject: str) -> bool:
    return bool(fields.raw("in-reply-to") or fields.raw("references")) or is_answer(subject)


def _new_text(words: list[Words], text: str, subject: str, *, answers: bool) -> str:
    """By the words themselves; where these show no quote, by the marks in the HTML form.

    Marks see more than words do: where they find quotes and nothing that may be left out, nothing is.
    """
    found = new_text(text, subject, answers=answers)
    if not found.complete and all(part.kind == "plain" for part in words if not part.spare):
        return found.text
    pages = [part.text for part in words if part.kind == "html"]
    marked = marked_text(pages[0]) if len(pages) == 1 and len(words) <= 2 else None  # noqa: PLR2004 (it, and its plain form)
    if marked is None:
        return found.text
    by_marks = new_text(clean_text(marked), subject, answers=answers)
    if not by_marks.complete:
        return by_marks.text
    return text if any(line.startswith(">") for line in marked.split("\n")) else found.text


def _html_safe(words: list[Words], text: str) -> str | None:
    """None where it shows nothing more than the text, if the sender wrote that: what we made of HTML ourselves may lack anything."""
    pages = [part for part in words if part.kind == "html"]
    # Cleaned before it is made safe: bringing text into form C afterwards can join a tag's end with a mark behind it, and reopen the tag.
    safe = safe_html(clean_text("\n".join(part.text for part in pages)[:LONGEST_SHOWN])) if pages else ""
    made_of_it = not all(part.spare for part in pages)
    return safe if safe.strip() and (made_of_it or shows_more(safe, text)) else None


def _everything_said(text: str, safe: str | None) -> str:
    """Two mails may share a text that only says that they are HTML."""
    beyond = words_beyond(safe, text) if safe else ""
    return f"{text}\x00{beyond}" if beyond else text


def _message_id(fields: Fields) -> str | None:
    """As Exchange, mailing lists and hand-made programs write them; without white space, for that comes from folding."""
    value = fields.plain("message-id")
    found = _ID.search(value)
    identity = _SPACE.sub("", found[1] if found else value)[:400]
    return identity or None


def _ids(fields: Fields, name: str) -> tuple[str, ...]:
    """With their angle brackets. Some libraries make RFC 2047 words of ids that are longer than a line."""
    value = fields.text(name) if b"=?" in fields.raw(name) else fields.plain(name)
    return tuple(f"<{_SPACE.sub('', found)}>" for found in _ID.findall(value))


def _references(fields: Fields) -> tuple[str, ...]:
    found = list(dict.fromkeys([*_ids(fields, "in-reply-to"), *reversed(_ids(fields, "references"))]))
    return tuple(found if len(found) <= MOST_REFERENCES else [*found[: MOST_REFERENCES // 2], *found[-MOST_REFERENCES // 2 :]])


def _content_hash(raw: bytes, fields: Fields, address: str, subject: str, text: str, files: tuple[Enclosed, ...]) -> str:
    """Without what each server adds on the way. A mail with neither id nor date is equal only to the very same bytes."""
    if not fields.raw("message-id") and not fields.raw("date"):
        return hashlib.sha256(raw).hexdigest()
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    said = [address.lower(), composed(subject), fields.plain("date"), lines]
    digest = hashlib.sha256("\x00".join(said).encode())
    for file in sorted(hashlib.sha256(file.content).hexdigest() for file in files):
        digest.update(b"\x00" + file.encode())
    return digest.hexdigest()


def _problems(fields: Fields, tree: Tree, text: str, files: tuple[Enclosed, ...]) -> tuple[str, ...]:
    found = {
        "winmail": any(is_winmail(file.content) for file in files),
        "header_cut": fields.cut,
        "no_sender": not fields.raw("from"),
        "many_senders": len(fields.all("from")) > 1 or several_senders(fields.raw("from")),
        "text_cut": len(text) > LONGEST_TEXT,
    }
    return tuple(dict.fromkeys([*tree.problems, *(name for name, holds in found.items() if holds)]))
