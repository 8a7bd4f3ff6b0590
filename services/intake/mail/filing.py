"""What a mail is: more on a ticket, a new request, or nobody's request; and having it accepted as that, once."""

import hashlib
from collections.abc import Callable, Collection
from typing import Final, Literal

from kit.mail_tokens import SentDelivery
from kit.mongo import Database, Document, translated
from schemas.text import clean_line
from schemas.values import Business, Contact, Language, Trust
from services.intake.acceptance import Acceptance, Bounced, Opening, Receipt, Saying
from services.intake.domain import identity
from services.intake.domain.mailboxes import Mailboxes
from services.intake.domain.request import LONGEST_NAME, LONGEST_SUBJECT
from services.intake.domain.spoken import guess_language
from services.intake.domain.text import first_line
from services.intake.domain.trust import trust_of
from services.intake.mail.arrivals import Settled
from services.intake.mail.enclosures import content_of
from services.intake.mail.letter import Letter
from services.intake.mail.threads import Thread, Threads
from services.intake.storage import SUBMISSIONS
from services.intake.storing import FileStore

As = Literal["request", "message", "automatic", "duplicate", "bounce"]

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


UNSURE: Final = frozenset({"automatic_subject", "robot_sender", "mailing_list", "bounce"})
"""Signs that mails of people show too: goods are undeliverable, firms write from no-reply addresses. Alone they make no request go away."""


class Filing:
    """Every method may be repeated for the same row: the key of what it submits is the same each time."""

    def __init__(
        self,
        database: Database,
        acceptance: Acceptance,
        files: FileStore,
        threads: Threads,
        mailboxes: Callable[[], Mailboxes],
        authserv_ids: Collection[str] = (),
    ) -> None:
        self._submissions = database[SUBMISSIONS.name]
        self._acceptance = acceptance
        self._files = files
        self._threads = threads
        self._mailboxes = mailboxes
        self._authserv_ids = authserv_ids

    async def file(self, row: Document, letter: Letter) -> Settled:
        """Have it accepted as what it is. Raises TransientError."""
        mailboxes, recipients = self._mailboxes(), row["envelope"]["to"]
        sent = self._threads.returned(letter, recipients)
        about = sent or self._threads.reported(letter)
        if about is not None and letter.bounce is not None:
            return await self._report(row, letter, about, proven=sent is not None)
        if set(letter.loops) & mailboxes.domains:
            return Settled(row["_id"], "kept", {"reason": "own_mail"})
        sender = sender_of(row, letter)
        by_envelope = automatic_by_envelope(row, sender, mailboxes) or ("to_return_path" if sent else None)
        automatic = by_envelope if letter.automatic in UNSURE and by_envelope else letter.automatic or by_envelope
        trust = self._trust(letter, sender)
        thread = await self._threads.of(letter, sender, recipients, trust) or await self._stub(row, sender)
        if thread is not None and (not thread.over or thread.ticket_id == row.get("stub") or await self._said(thread, letter)):
            return await self._say(row, letter, thread, sender, automatic, trust)
        if automatic is not None and (thread is not None or automatic not in UNSURE):
            ticket = {"ticket_id": thread.ticket_id} if thread else {}
            return Settled(row["_id"], "kept", {"reason": automatic, **ticket})
        return await self._open(row, letter, sender, trust, thread)

    async def park(self, row: Document, reason: str) -> Settled:
        """The mail stays as it came, and a request says so, so that somebody looks at it. Raises TransientError."""
        sender = identity.email_address(row["envelope"]["from"] or "")
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

    async def _stub(self, row: Document, sender: str) -> Thread | None:
        """The request that was opened when this mail could not be read: now that it can be, it is said there."""
        return await self._threads.ticket(row["stub"], sender) if "stub" in row else None

    async def _said(self, thread: Thread, letter: Letter) -> bool:
        """Whether it stands on the ticket already, which may have been closed since."""
        return await self._acceptance.earlier(_source(thread.ticket_id, letter), letter.content_hash) is not None

    def _trust(self, letter: Letter, sender: str) -> Trust:
        """Of the one address in From; where it names several, nobody can tell whom their servers stood for."""
        one = sender if sender and "many_senders" not in letter.problems else ""
        return trust_of(letter.authentication, self._authserv_ids, one)

    async def _report(self, row: Document, letter: Letter, sent: SentDelivery, *, proven: bool) -> Settled:
        """A mail of ours has one recipient, so of several failures the worst is its own."""
        failures = letter.bounce.recipients if letter.bounce else ()
        kept = Settled(row["_id"], "kept", {"reason": "bounce", "ticket_id": sent.ticket_id})
        if not failures:
            return kept
        worst = max(failures, key=lambda failure: (failure.hard, failure.action == "failed", failure.action == "complained"))
        bounced = Bounced(_source(f"bounce:{sent.delivery}", letter), sent.ticket_id, sent.delivery, worst, row["received_at"], proven)
        if not await self._acceptance.report(bounced):
            return kept
        return Settled(row["_id"], "done", {"ticket_id": sent.ticket_id, "as": "bounce"})

    async def _linked_to(self, letter: Letter, source: str, over: Thread | None) -> str | None:
        """The request that is over, which this mail went on with; else that of the same mail to another group."""
        if over is not None:
            return over.reference
        if not letter.message_id:
            return None
        query = {"raw.message_id": letter.message_id, "fingerprint": letter.content_hash, "_id": {"$ne": source}}
        with translated():
            other: Document | None = await self._submissions.find_one(query, {"reference": 1}, sort=[("received_at", 1)])
        return other["reference"] if other else None

    async def _say(self, row: Document, letter: Letter, thread: Thread, sender: str, automatic: str | None, trust: Trust) -> Settled:
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
                author_name=_author(letter, sender, thread, trust),
                attachments=await content.stored(self._files),
                automatic=automatic,
                raw=_raw(row, letter),
                trust=trust,
                verified=thread.verified(trust),
            )
            receipt = await self._acceptance.say(saying)
        return await self._settled(row, source, receipt, "automatic" if automatic else "message")

    async def _open(self, row: Document, letter: Letter, sender: str, trust: Trust, over: Thread | None) -> Settled:
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
                trust=trust,
                linked_to=await self._linked_to(letter, source, over),
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
    return identity.email_address(letter.address) or identity.email_address(row["envelope"]["from"] or "") or ""


def automatic_by_envelope(row: Document, sender: str, mailboxes: Mailboxes) -> str | None:
    """What the header does not show."""
    if row["envelope"]["from"] == "":
        return "null_return_path"
    return "own_address" if sender and mailboxes.find(sender) is not None else None


def _source(about: str, letter: Letter) -> str:
    """Equal for copies of one mail, whichever way they came: Message-ID and content, never the id alone, which anybody can use again."""
    digest = hashlib.sha256(f"{letter.message_id or ''}\x00{letter.content_hash}".encode())
    return f"mail:{about}:{digest.hexdigest()}"


def _author(letter: Letter, sender: str, thread: Thread, trust: Trust) -> str | None:
    if thread.verified(trust) is not False:
        return letter.name[:LONGEST_NAME] or None
    named = clean_line(f"{letter.name} <{sender}>" if letter.name else sender or _NOBODY)
    return _UNVERIFIED[thread.language].format(name=named)


def _subject(letter: Letter, language: Language) -> str:
    return first_line(letter.subject, LONGEST_SUBJECT) or first_line(letter.text, LONGEST_SUBJECT) or _NO_SUBJECT[language]


def _raw(row: Document, letter: Letter) -> Document:
    return {"mail": row["_id"], "message_id": letter.message_id, "problems": list(letter.problems)}
