"""What a mail is: more on a ticket, a new request, or nobody's request; and having it accepted as that, once."""

import hashlib
from collections.abc import Callable
from typing import Final, Literal

from kit.mongo import Database, Document, translated
from schemas.text import clean_line
from schemas.values import Business, Contact, Language
from services.intake.acceptance import Acceptance, Opening, Receipt, Saying
from services.intake.domain import identity
from services.intake.domain.mailboxes import Mailboxes
from services.intake.domain.request import LONGEST_NAME, LONGEST_SUBJECT
from services.intake.domain.spoken import guess_language
from services.intake.domain.text import first_line
from services.intake.mail.arrivals import Settled
from services.intake.mail.enclosures import content_of
from services.intake.mail.letter import Letter
from services.intake.mail.threads import Thread, Threads
from services.intake.storage import SUBMISSIONS
from services.intake.storing import FileStore

As = Literal["request", "message", "automatic", "duplicate"]

_NO_SUBJECT: Final = {"vi": "(Không có tiêu đề)", "en": "(No subject)"}
_UNVERIFIED: Final = {"vi": "{name} (địa chỉ chưa xác minh)", "en": "{name} (address not verified)"}
_NOBODY: Final = "(không rõ / unknown)"
_UNREADABLE: Final = "Thư không đọc được / Unreadable mail"
_UNREADABLE_TEXT: Final = (
    "Hệ thống không đọc được một thư gửi đến {mailbox} (mã thư: {id}, lý do: {reason}). Thư gốc được giữ nguyên. "
    "Vui lòng nhờ quản trị viên mở thư, hoặc liên hệ người gửi: {sender}.\n\n"
    "A mail to {mailbox} could not be read (mail id: {id}, reason: {reason}). The original is kept as it came. "
    "Ask an administrator to open it, or contact the sender: {sender}."
)


class Filing:
    """Every method may be repeated for the same row: the key of what it submits is the same each time."""

    def __init__(
        self, database: Database, acceptance: Acceptance, files: FileStore, threads: Threads, mailboxes: Callable[[], Mailboxes]
    ) -> None:
        self._submissions = database[SUBMISSIONS.name]
        self._acceptance = acceptance
        self._files = files
        self._threads = threads
        self._mailboxes = mailboxes

    async def file(self, row: Document, letter: Letter) -> Settled:
        """Have it accepted as what it is. Raises TransientError."""
        mailboxes = self._mailboxes()
        if set(letter.loops) & mailboxes.domains:
            return Settled(row["_id"], "kept", {"reason": "own_mail"})
        sender = sender_of(row, letter)
        automatic = letter.automatic or automatic_by_envelope(row, sender, mailboxes)
        thread = await self._threads.of(letter, sender)
        if thread is not None and (not thread.over or await self._said(thread, letter)):
            return await self._say(row, letter, thread, sender, automatic)
        if automatic is not None:
            about = {"ticket_id": thread.ticket_id} if thread else {}
            return Settled(row["_id"], "kept", {"reason": automatic, **about})
        return await self._open(row, letter, sender)

    async def park(self, row: Document, reason: str) -> Settled:
        """The mail stays as it came, and a request says so, so that somebody looks at it. Raises TransientError."""
        sender = identity.email_address(row["envelope"]["from"])
        text = _UNREADABLE_TEXT.format(mailbox=row["mailbox"], id=row["_id"], reason=reason, sender=sender or _NOBODY)
        opening = Opening(
            source=f"mail:{row['mailbox']}:raw-{row['sha256']}",
            fingerprint=row["sha256"],
            channel="email",
            subject=_UNREADABLE,
            text=text,
            language="vi",
            business=Business(name=sender or _NOBODY),
            contact=Contact(email=sender),
            received_at=row["received_at"],
            group=row["group"],
            raw={"mail": row["_id"]},
        )
        receipt = await self._acceptance.open(opening)
        return Settled(row["_id"], "parked", {"reason": reason, "ticket_id": receipt.ticket_id})

    async def _said(self, thread: Thread, letter: Letter) -> bool:
        """Whether it stands on the ticket already, which may have been closed since."""
        return await self._acceptance.earlier(_source(thread.ticket_id, letter), letter.content_hash) is not None

    async def _say(self, row: Document, letter: Letter, thread: Thread, sender: str, automatic: str | None) -> Settled:
        source = _source(thread.ticket_id, letter)
        receipt = await self._acceptance.earlier(source, letter.content_hash)
        if receipt is None:
            content = await content_of(letter, thread.language)
            saying = Saying(
                source=source,
                fingerprint=letter.content_hash,
                ticket_id=thread.ticket_id,
                channel="email",
                text=content.text,
                received_at=row["received_at"],
                author_name=_author(letter, sender, thread),
                attachments=await content.stored(self._files),
                automatic=automatic,
                raw=_raw(row, letter),
            )
            receipt = await self._acceptance.say(saying)
        return await self._settled(row, source, receipt, "automatic" if automatic else "message")

    async def _open(self, row: Document, letter: Letter, sender: str) -> Settled:
        source = _source(row["mailbox"], letter)
        receipt = await self._acceptance.earlier(source, letter.content_hash)
        if receipt is None:
            language = guess_language(f"{letter.subject}\n{letter.text}")
            content = await content_of(letter, language)
            opening = Opening(
                source=source,
                fingerprint=letter.content_hash,
                channel="email",
                subject=_subject(letter, language),
                text=content.text,
                language=language,
                business=Business(name=letter.name[:LONGEST_NAME] or sender.rpartition("@")[2] or _NOBODY),
                contact=Contact(name=letter.name[:LONGEST_NAME] or None, email=sender or None),
                received_at=row["received_at"],
                group=row["group"],
                attachments=await content.stored(self._files),
                raw=_raw(row, letter),
            )
            receipt = await self._acceptance.open(opening)
        return await self._settled(row, source, receipt, "request")

    async def _settled(self, row: Document, source: str, receipt: Receipt, kind: As) -> Settled:
        """A repeat is a second copy, unless it is this very row, which was interrupted after it was accepted."""
        if receipt.repeated:
            with translated():
                first = await self._submissions.find_one({"_id": source}, {"raw.mail": 1})
            if first is not None and first["raw"].get("mail") != row["_id"]:
                kind = "duplicate"
        return Settled(row["_id"], "done", {"ticket_id": receipt.ticket_id, "as": kind})


def sender_of(row: Document, letter: Letter) -> str:
    """Who wrote it, as a person would answer: the From address, else that of the envelope; empty when there is neither."""
    return identity.email_address(letter.address) or identity.email_address(row["envelope"]["from"]) or ""


def automatic_by_envelope(row: Document, sender: str, mailboxes: Mailboxes) -> str | None:
    """What the header does not show."""
    if not row["envelope"]["from"]:
        return "null_return_path"
    return "own_address" if sender and mailboxes.find(sender) is not None else None


def _source(about: str, letter: Letter) -> str:
    """Equal for copies of one mail, whichever way they came: Message-ID and content, never the id alone, which anybody can use again."""
    digest = hashlib.sha256(f"{letter.message_id or ''}\x00{letter.content_hash}".encode())
    return f"mail:{about}:{digest.hexdigest()}"


def _author(letter: Letter, sender: str, thread: Thread) -> str | None:
    if thread.known:
        return letter.name[:LONGEST_NAME] or None
    named = clean_line(f"{letter.name} <{sender}>" if letter.name else sender or _NOBODY)
    return _UNVERIFIED[thread.language].format(name=named)


def _subject(letter: Letter, language: Language) -> str:
    return first_line(letter.subject, LONGEST_SUBJECT) or first_line(letter.text, LONGEST_SUBJECT) or _NO_SUBJECT[language]


def _raw(row: Document, letter: Letter) -> Document:
    return {"mail": row["_id"], "message_id": letter.message_id, "problems": list(letter.problems)}
