"""What a mail is: more on a ticket, a new request, or nobody's request; and having it accepted as that, once."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Literal

from kit.errors import TransientError
from kit.mail_tokens import SentDelivery
from kit.mongo import Database, Document, translated
from schemas.values import Business, Contact, Trust
from services.intake.acceptance import Acceptance, Receipt, ThreadTaken
from services.intake.accepted import Bounced, Opening, Saying
from services.intake.domain import identity
from services.intake.domain.bounces import Bounce
from services.intake.domain.departments import addressed, homes, is_further, own_first
from services.intake.domain.mailboxes import Mailboxes
from services.intake.domain.request import LONGEST_NAME, LONGEST_SUBJECT
from services.intake.domain.spoken import guess_language
from services.intake.domain.text import first_line
from services.intake.domain.trust import trust_of
from services.intake.mail import shown
from services.intake.mail.arrivals import Settled
from services.intake.mail.automatic import UNSURE, answers_by_itself
from services.intake.mail.contacts import contact_of
from services.intake.mail.enclosures import content_of
from services.intake.mail.letter import Letter
from services.intake.mail.threads import Thread, Threads, addresses, place
from services.intake.mail.unread import NOBODY, Unread
from services.intake.storage import SUBMISSIONS
from services.intake.storing import FileStore

As = Literal["request", "message", "automatic", "duplicate", "bounce"]

_OF_REPORTS: Final = frozenset({"automatic_subject", "bounce"})
"""What makes a mail look automatic because a report stands in it."""


class Filing:
    """Every method may be repeated for the same row: the key of what it submits is the same each time."""

    def __init__(
        self,
        database: Database,
        acceptance: Acceptance,
        files: FileStore,
        threads: Threads,
        mailboxes: Callable[[], Mailboxes],
    ) -> None:
        self._submissions = database[SUBMISSIONS.name]
        self._acceptance = acceptance
        self._files = files
        self._threads = threads
        self._mailboxes = mailboxes
        self._unread = Unread(acceptance, threads)

    async def file(self, row: Document, letter: Letter) -> Settled:
        """Have it accepted as what it is. Raises TransientError."""
        opens = "opens" in row
        sent = self._threads.returned(letter, row["envelope"]["to"])
        about = sent or self._threads.reported(letter)
        if about is not None and letter.bounce is not None and not opens and (sent is not None or _by_machine(row, letter.bounce)):
            return await self._report(row, letter, about, proven=sent is not None)
        if self._threads.ours(letter) and not opens:
            return _kept(row, letter, "own_mail")
        receipt = await self._acceptance.earlier(_source(row["group"], letter), letter.content_hash)
        sender = sender_of(row, letter)
        found = _Found(row, letter, sender, self._trust(row, letter, sender), row["group"])
        if receipt is not None:
            return await (self._again(row, receipt) if opens else self._copy(found, receipt, self._automatic(found, sent)))
        thread = await self._threads.of(letter, sender, self._addresses(found), found.trust, row["group"])
        among_staff = await self._among_staff(found, thread)
        if among_staff is not None and not opens:
            return _kept(row, letter, "from_staff", among_staff)
        thread = thread or await self._stub(row, sender)
        if opens and "stub" not in row:
            return await self._open(found, thread or among_staff)
        return await self._place_on_all(found, thread, None if opens else self._automatic(found, sent))

    async def _place_on_all(self, found: "_Found", thread: Thread | None, automatic: str | None) -> Settled:
        """On the ticket it is about, and after that on the others of this group whose reply addresses it has."""
        if thread is None:
            return await self._place(found, None, automatic)
        settled = await self._place(replace(found, about=thread.ticket_id), thread, automatic)
        told = {thread.ticket_id, settled.changes.get("ticket_id")}
        await self._tell(found, [each for each in self._named(found) if each not in told], automatic)
        return settled

    async def _copy(self, found: "_Found", receipt: Receipt, automatic: str | None) -> Settled:
        """Of a mail that this group had before, or the same one read again: this one may have the reply addresses of other tickets."""
        with translated():
            first = await self._submissions.find_one({"ticket_id": receipt.ticket_id, "message_id": receipt.message_id}, {"raw.about": 1})
        told = {receipt.ticket_id, first["raw"].get("about") if first else None}
        named = self._named(found)
        further = await self._tell(found, [each for each in named if each not in told], automatic)
        return further[0] if further and named[0] not in told else await self._again(found.row, receipt)

    async def _tell(self, found: "_Found", ticket_ids: Sequence[str], automatic: str | None) -> list[Settled]:
        """What it became on each of these tickets, where it has a key of its own: the group's is of what it became first."""
        threads = [await self._threads.ticket(each, found.sender) for each in ticket_ids]
        return [await self._place_further(found, each, automatic) for each in threads if each is not None]

    async def _place_further(self, found: "_Found", thread: Thread, automatic: str | None) -> Settled:
        receipt = await self._acceptance.earlier(_source(thread.ticket_id, found.letter), found.letter.content_hash)
        if receipt is not None:
            return await self._again(found.row, receipt)
        if await self._among_staff(found, thread) is not None:
            return _kept(found.row, found.letter, "from_staff", thread)
        return await self._place(replace(found, key=thread.ticket_id, about=thread.ticket_id), thread, automatic)

    def _named(self, found: "_Found") -> tuple[str, ...]:
        """The tickets whose reply addresses under this group's mailbox it has, those of the envelope first."""
        mailboxes, group = self._mailboxes(), found.row["group"]
        return self._threads.named(each for each in self._addresses(found) if group in addressed(mailboxes, [each]))

    async def _among_staff(self, found: "_Found", thread: Thread | None) -> Thread | None:
        """The ticket about which an officer writes, who did not ask: what officers say by mail is nothing for the asker's eyes.

        None for everybody else, and for what begins something new. An officer who is one of several that wrote it counts as much.
        """
        officers = self._officers(found, thread)
        if not officers:
            return None
        told = await self._threads.told_staff(found.letter, found.sender, self._addresses(found))
        if told is not None or thread is None:
            return told
        asked = [await self._threads.ticket(thread.ticket_id, each) for each in officers]
        return thread if any(each is None or not each.known for each in asked) else None

    def _officers(self, found: "_Found", thread: Thread | None) -> list[str]:
        """Those of staff who wrote it, or handed it in under another name; what they only passed on of who asked is the asker's."""
        mailboxes, envelope = self._mailboxes(), found.row["envelope"]["from"] or ""
        wrote = [each for each in (found.sender, *found.letter.writers) if mailboxes.is_staff(each)]
        if thread is not None and thread.known:
            return list(dict.fromkeys(wrote))
        handed = [each for each in found.letter.resenders if mailboxes.is_staff(each)]
        return list(dict.fromkeys([*wrote, *handed, *([envelope] if mailboxes.handed_in_by_staff(envelope) else [])]))

    def _automatic(self, found: "_Found", sent: SentDelivery | None) -> str | None:
        by_envelope = automatic_by_envelope(found.row, found.sender, self._mailboxes()) or ("to_return_path" if sent else None)
        bounce, stated = found.letter.bounce, found.letter.automatic
        if bounce is not None and stated in _OF_REPORTS and not _by_machine(found.row, bounce):
            stated = None  # somebody tells us of a report, and has more to say than it
        return by_envelope if stated in UNSURE and by_envelope else stated or by_envelope

    async def _place(self, found: "_Found", thread: Thread | None, automatic: str | None) -> Settled:
        """On the ticket it belongs to, on one of its own, or on none. Automatic mail moves nothing: it is said after the end too."""
        if thread is not None and automatic is not None and answers_by_itself(automatic, found.sender, found.letter.subject):
            return await self._say(found, thread, automatic)
        live = thread is not None and await self._is_live(found, thread)
        if thread is not None and self._is_further(found, thread):
            return await self._say_and_pass_on(found, thread, live=live)
        if thread is not None and live:
            return await self._say(found, thread, None)
        if automatic is not None and automatic not in UNSURE:
            return _kept(found.row, found.letter, automatic)
        return await (self._go_on(found, thread) if thread is not None else self._open(found, None))

    async def _go_on(self, found: "_Found", thread: Thread) -> Settled:
        """After the end: on the request that stands for a mail that could not be read, else on the one ticket that follows."""
        stub = await self._stub(found.row, found.sender)
        if stub is not None and stub.known:
            return await self._say(found, stub, None)
        return await self._open_beside(found, thread, thread.root)

    async def _is_live(self, found: "_Found", thread: Thread) -> bool:
        """Whether more is said on it. The request that stood for the mail is its envelope's sender's: for nobody else's words."""
        if thread.ticket_id == found.row.get("stub"):
            return thread.known
        return not thread.over or await self._said(found, thread)

    async def _say_and_pass_on(self, found: "_Found", thread: Thread, *, live: bool) -> Settled:
        """A mail on another group's ticket that asks this one too: it is said there, and here on a ticket of its own, linked to it.

        What the conversation goes on to ask of this group is said on that ticket as well, until it is over.
        """
        if live:
            await self._say(found, thread, None, passing=True)
        return await self._open_beside(found, thread, thread.root)

    def _addresses(self, found: "_Found") -> tuple[str, ...]:
        return own_first(self._mailboxes(), found.row["group"], addresses(found.letter, found.row["envelope"]["to"]))

    def _is_further(self, found: "_Found", thread: Thread) -> bool:
        mailboxes, written = self._mailboxes(), self._addresses(found)
        at_home = homes(mailboxes, thread.groups) | addressed(mailboxes, self._threads.boxes(thread.ticket_id, written))
        return is_further(found.row["group"], at_home, addressed(mailboxes, written))

    async def park(self, row: Document, reason: str) -> Settled:
        """Of what cannot be read. Raises TransientError."""
        return await self._unread.park(row, reason)

    async def settled(self, row: Document, settled: Settled) -> None:
        """Whoever has the request that stood for the mail while it could not be read hears what it became. Raises TransientError."""
        await self._unread.explain(row, settled)

    async def _stub(self, row: Document, sender: str) -> Thread | None:
        """The request that was opened when this mail could not be read: now that it can be, it is said there, by whose request it is."""
        return await self._threads.ticket(row["stub"], sender) if "stub" in row else None

    async def _said(self, found: "_Found", thread: Thread) -> bool:
        """Whether it stands on the ticket already, which may have been closed since."""
        return await self._acceptance.said(thread.ticket_id, _source(thread.ticket_id, found.letter)) is not None

    @staticmethod
    def _trust(row: Document, letter: Letter, sender: str) -> Trust:
        """Of the first address in From. Where it names several, nobody can tell whom their servers stood for, but a bad word counts."""
        trust: Trust = row["verdict"] if "verdict" in row else trust_of(letter.authentication, row.get("authserv", ()), sender)
        return "none" if trust == "pass" and (not sender or "many_senders" in letter.problems) else trust

    async def _report(self, row: Document, letter: Letter, sent: SentDelivery, *, proven: bool) -> Settled:
        """A mail of ours has one recipient, so of several failures the worst is its own."""
        failures = letter.bounce.recipients if letter.bounce else ()
        kept = _kept(row, letter, "bounce", sent)
        if not failures:
            return kept
        worst = max(failures, key=lambda failure: (failure.hard, failure.action == "failed", failure.action == "complained"))
        bounced = Bounced(_source(f"bounce:{sent.delivery}", letter), sent.ticket_id, sent.delivery, worst, row["received_at"], proven)
        if not await self._acceptance.report(bounced):
            return kept
        return Settled(row["_id"], "done", {"ticket_id": sent.ticket_id, "as": "bounce"})

    async def _other(self, letter: Letter, source: str) -> Thread | None:
        """The ticket of the same mail to another group."""
        if not letter.message_id:
            return None
        query = {"raw.message_id": letter.message_id, "fingerprint": letter.content_hash, "_id": {"$ne": source}}
        with translated():
            other: Document | None = await self._submissions.find_one(query, {"ticket_id": 1}, sort=[("received_at", 1)])
        return await self._threads.ticket(other["ticket_id"]) if other else None

    async def _say(self, found: "_Found", thread: Thread, automatic: str | None, *, passing: bool = False) -> Settled:
        """`passing`: on a ticket of others, besides what it becomes in the group it came to, whose key is left for that."""
        row, letter = found.row, found.letter
        kind: As = "automatic" if automatic else "message"
        content = await content_of(letter, thread.language)
        saying = Saying(
            source=_source(thread.ticket_id if passing else found.key, letter),
            fingerprint=letter.content_hash,
            ticket_id=thread.ticket_id,
            channel="email",
            text=content.text,
            received_at=row["received_at"],
            author_name=shown.author(letter, found.sender, thread, found.trust),
            attachments=await content.stored(self._files),
            new_text=content.new_text,
            html=await content.stored_page(self._files),
            refused=content.refused,
            automatic=automatic,
            raw=_raw(found, kind),
            trust=found.trust,
            verified=thread.verified(found.trust),
            same=_source(thread.ticket_id, letter),
        )
        receipt = await self._acceptance.say(saying)
        return await self._again(row, receipt) if receipt.repeated else _done(row, receipt, kind)

    async def _open(self, found: "_Found", about: Thread | None) -> Settled:
        """`about`: what it goes on with after its end, and is linked to; else it is linked to the same mail to another group."""
        other = None if about else await self._other(found.letter, _source(found.row["group"], found.letter))
        return await self._open_beside(found, other, other.root) if other else await self._begin(found, about)

    async def _open_beside(self, found: "_Found", other: Thread, root: str) -> Settled:
        """On the sender's own ticket of the conversation in this group, which this mail opens if there is none, or it is over.

        Nobody's mail is said on a ticket of somebody else's here: it would be on a status page that the sender knows nothing of.
        """
        contact = contact_of(found.letter, found.sender, self._mailboxes()).address
        for _ in range(2):
            beside = await self._beside(found, root, contact)
            if beside is not None and beside.known and (opened := await self._opened(found, beside)):
                return await self._again(found.row, opened)
            if beside is not None and beside.known and not beside.over:
                return await self._say(found, replace(beside, known=contact == found.sender), None)
            with suppress(ThreadTaken):  # and then there is one
                return await self._begin(found, other, root, beside)
        raise TransientError(f"the ticket of {found.row['group']} beside {root} was over as soon as it was opened")

    async def _opened(self, found: "_Found", thread: Thread) -> Receipt | None:
        """What was answered when this mail opened that ticket, as it may have for another one that it is about."""
        digest = found.letter.content_hash
        query = {"ticket_id": thread.ticket_id, "raw.as": "request", "raw.message_id": found.letter.message_id, "fingerprint": digest}
        with translated():
            row = await self._submissions.find_one(query, {"raw": 0})
        return Receipt(row["ticket_id"], row["reference"], row["message_id"], row["received_at"], repeated=True) if row else None

    async def _beside(self, found: "_Found", root: str, contact: str) -> Thread | None:
        group = found.row["group"]
        beside = await self._threads.beside(root, group, found.sender, contact)
        first = await self._threads.ticket(root, found.sender) if beside is None else None
        return first if first is not None and group in first.groups else beside

    async def _begin(self, found: "_Found", other: Thread | None, root: str | None = None, replaces: Thread | None = None) -> Settled:
        """A new ticket. Raises ThreadTaken where there is a `root`."""
        row, letter = found.row, found.letter
        contact = contact_of(letter, found.sender, self._mailboxes())
        language = guess_language(f"{letter.subject}\n{letter.text}")
        content = await content_of(letter, language)
        opening = Opening(
            source=_source(found.key, letter),
            fingerprint=letter.content_hash,
            channel="email",
            subject=shown.subject(letter, language),
            text=content.text,
            language=language,
            business=Business(name=contact.name[:LONGEST_NAME] or contact.address.rpartition("@")[2] or NOBODY),
            contact=Contact(name=contact.name[:LONGEST_NAME] or None, email=contact.address or None),
            received_at=row["received_at"],
            group=row["group"],
            attachments=await content.stored(self._files),
            new_text=content.new_text,
            html=await content.stored_page(self._files),
            refused=content.refused,
            raw=_raw(found, "request"),
            trust="none" if found.trust == "pass" and contact.address != found.sender else found.trust,
            linked_to=other.reference if other else None,
            root=root,
            thread=place(root, row["group"], found.sender, contact.address) if root and found.sender else None,
            replaces=replaces.ticket_id if replaces and replaces.ticket_id != root else None,
        )
        receipt = await self._acceptance.open(opening)
        return await self._again(row, receipt) if receipt.repeated else _done(row, receipt, "request")

    async def _again(self, row: Document, receipt: Receipt) -> Settled:
        """A second copy, unless it is this very row, which was interrupted after it was accepted."""
        query = {"ticket_id": receipt.ticket_id, "message_id": receipt.message_id}
        with translated():
            first = await self._submissions.find_one(query, {"raw.mail": 1, "raw.as": 1})
        raw = first["raw"] if first else {}
        return _done(row, receipt, raw.get("as", "request") if raw.get("mail") == row["_id"] else "duplicate")


@dataclass(frozen=True)
class _Found:
    """A mail that was read, and what is known of who wrote it."""

    row: Document
    letter: Letter
    sender: str
    trust: Trust
    key: str
    """What it is known by, with its content: its group, or a ticket that it is said on besides."""
    about: str | None = None
    """The ticket it was found to belong to, which may be over."""


def _done(row: Document, receipt: Receipt, kind: As) -> Settled:
    return Settled(row["_id"], "done", {"ticket_id": receipt.ticket_id, "as": kind})


def _kept(row: Document, letter: Letter, reason: str, about: Thread | SentDelivery | None = None) -> Settled:
    """With what a person needs to see whether that is right."""
    wrote = {"address": sender_of(row, letter), "subject": first_line(letter.subject, LONGEST_SUBJECT)}
    return Settled(row["_id"], "kept", {"reason": reason, "wrote": wrote, **({"ticket_id": about.ticket_id} if about else {})})


def sender_of(row: Document, letter: Letter) -> str:
    """Who wrote it, as a person would answer: the From address, else that of the envelope; empty when there is neither."""
    return identity.sender_address(letter.address) or identity.sender_address(row["envelope"]["from"] or "") or ""


def _by_machine(row: Document, bounce: Bounce) -> bool:
    """Whether a report is a server's own, and not what a person passes on: RFC 3464 section 2 has it come from nobody."""
    return row["envelope"]["from"] == "" or bounce.by_machine


def automatic_by_envelope(row: Document, sender: str, mailboxes: Mailboxes) -> str | None:
    """What the header does not show."""
    if row["envelope"]["from"] == "":
        return "null_return_path"
    return "own_address" if sender and mailboxes.find(sender) is not None else None


def _source(about: str, letter: Letter) -> str:
    """Equal for copies of one mail to one group, or on one ticket, whichever way and under whichever of our addresses they came.

    Message-ID and content make it, never the id alone, which anybody can use again.
    """
    digest = hashlib.sha256(f"{letter.message_id or ''}\x00{letter.content_hash}".encode())
    return f"mail:{about}:{digest.hexdigest()}"


def _raw(found: _Found, kind: As) -> Document:
    letter, about = found.letter, {"about": found.about} if found.about else {}
    return {"mail": found.row["_id"], "as": kind, "message_id": letter.message_id, "problems": list(letter.problems)} | about
