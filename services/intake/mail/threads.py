"""Which ticket a mail is about: what only our mail could have told its sender first, what anybody can write last."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from kit.links import ticket_of_staff_thread, ticket_of_thread
from kit.mail_tokens import SentDelivery, delivery_of, marked_by_us, returned_delivery, ticket_of_recipients
from kit.mongo import Database, Document, translated
from schemas.values import Language, Trust
from services.intake.domain import reference as references
from services.intake.mail.letter import Letter
from services.intake.status import OVER
from services.intake.storage import CONVERSATIONS, SUBMISSIONS, THREADS

_REFERENCE: Final = re.compile(r"\bHD[-‐‑–]?[0-9A-Z]{3}[-‐‑–][0-9A-Z]{3}[-‐‑–][0-9A-Z]{3}\b", re.IGNORECASE)
_LOOKED_AT: Final = 3
"""References in one subject that are tried."""

_IDS_LOOKED_AT: Final = 20
"""Message ids of others that are looked up: the newest and the first ones of a long thread."""

_FIELDS: Final = {"reference": 1, "email": 1, "language": 1, "ticket.status": 1, "ticket.group.key": 1, "group": 1, "root": 1}


@dataclass(frozen=True)
class Thread:
    """The ticket a mail belongs to. `known`: it comes from the address of the person who asked (which anybody can write)."""

    ticket_id: str
    reference: str
    language: Language
    known: bool
    over: bool
    root: str
    """The first of the tickets that one conversation became, by groups, senders and what came after an end; itself where there is one."""
    groups: frozenset[str] = frozenset()
    """Who has it, and who it was opened for."""

    def verified(self, trust: Trust) -> bool | None:
        """False: not by who asked, or under a forged address; None: by their address, which nobody vouches for."""
        if not self.known or trust == "fail":
            return False
        return True if trust == "pass" else None


class Threads:
    """Finds the conversation of a mail. `secrets`: all that our ids and tokens may be signed with."""

    def __init__(self, database: Database, secrets: Sequence[str]) -> None:
        self._conversations = database[CONVERSATIONS.name]
        self._submissions = database[SUBMISSIONS.name]
        self._places = database[THREADS.name]
        self._secrets = secrets

    async def of(
        self, letter: Letter, sender: str, recipients: Iterable[str] = (), trust: Trust = "none", group: str = ""
    ) -> Thread | None:
        """By a token of ours among the recipients, else by a message id that we signed, both for whoever has them.

        Else, only for the person who asked: by the message id of a mail that is on a ticket; and by a reference in the subject, if the
        sender's domain stands for the address. `recipients`: of the envelope; those the mail names are looked at as well. `group`: whose
        mailbox it came to.
        """
        addressed = tuple(addresses(letter, recipients))
        for ticket_id in filter(None, self._signed(letter, addressed)):
            found = await self._thread({"_id": ticket_id}, sender)
            if found is not None:
                return found
        return await self._by_foreign_id(letter, sender, group) or await self._by_subject(letter, sender, trust)

    def _signed(self, letter: Letter, addressed: Sequence[str]) -> Iterable[str | None]:
        """Tickets in the order in which their signs count."""
        answered = delivery_of(self._secrets, letter.references)
        return (
            *self._tokens(addressed),
            ticket_of_thread(self._secrets, letter.references),
            answered.ticket_id if answered and answered.to_asker else None,
        )

    def _tokens(self, addressed: Sequence[str]) -> tuple[str | None, ...]:
        bounced = returned_delivery(self._secrets, addressed)
        return ticket_of_recipients(self._secrets, addressed), bounced.ticket_id if bounced and bounced.to_asker else None

    async def told_staff(self, letter: Letter, sender: str, recipients: Iterable[str] = ()) -> Thread | None:
        """The ticket that staff were told of by the mail that this one answers; of a digest's, the one it names."""
        sent = (delivery_of(self._secrets, letter.references), returned_delivery(self._secrets, addresses(letter, recipients)))
        named = [each.ticket_id for each in sent if each is not None and not each.to_asker]
        ticket_id = next(iter(named), None) or ticket_of_staff_thread(self._secrets, letter.references)
        return await self.ticket(ticket_id, sender) if ticket_id else None

    async def _by_foreign_id(self, letter: Letter, sender: str, group: str) -> Thread | None:
        """Their own second thought about a mail of theirs, which has no id of ours in it.

        One mail may have become several tickets: the one of the group that is written to now goes before the others.
        """
        ids = [reference.strip("<>") for reference in letter.references[:_IDS_LOOKED_AT]]
        if not ids or not sender:
            return None
        with translated():
            rows = await self._submissions.find({"raw.message_id": {"$in": ids}}, {"ticket_id": 1, "raw.message_id": 1}).to_list(100)
        rows.sort(key=lambda row: (ids.index(row["raw"]["message_id"]), row["ticket_id"]))
        found = [await self.ticket(ticket_id, sender) for ticket_id in dict.fromkeys(row["ticket_id"] for row in rows)]
        theirs = [each for each in found if each is not None and each.known]
        return next((each for each in theirs if group in each.groups), next(iter(theirs), None))

    async def _by_subject(self, letter: Letter, sender: str, trust: Trust) -> Thread | None:
        if trust != "pass":
            return None
        for written in _REFERENCE.findall(letter.subject)[:_LOOKED_AT]:
            canonical = _canonical(written)
            found = await self._thread({"reference": canonical}, sender) if canonical else None
            if found is not None and found.known:
                return found
        return None

    async def of_envelope(self, recipients: Sequence[str]) -> Thread | None:
        """By a token of ours among the recipients alone, where nothing else can be read."""
        for ticket_id in filter(None, self._tokens(recipients)):
            found = await self.ticket(ticket_id)
            if found is not None:
                return found
        return None

    async def ticket(self, ticket_id: str, sender: str = "") -> Thread | None:
        """The conversation of a ticket."""
        return await self._thread({"_id": ticket_id}, sender)

    async def beside(self, root: str, group: str, sender: str, contact: str) -> Thread | None:
        """The ticket of this `contact` in this group among those that one conversation became, the newest where one was over."""
        with translated():
            row = await self._places.find_one({"_id": place(root, group, sender, contact)})
        return await self.ticket(row["ticket_id"], contact) if row is not None else None

    def named(self, written: Iterable[str]) -> tuple[str, ...]:
        """Every ticket whose token one of these addresses carries, each once."""
        found = dict.fromkeys(ticket_of_recipients(self._secrets, [each]) for each in written)
        return tuple(filter(None, found))

    def boxes(self, ticket_id: str, written: Iterable[str]) -> Iterable[str]:
        """Those of the addresses that carry a token of this ticket."""
        return (each for each in written if ticket_of_recipients(self._secrets, [each]) == ticket_id)

    def ours(self, letter: Letter) -> bool:
        """Whether it is a mail of this installation itself, come round. Our domain in the mark proves nothing: anybody can write it."""
        return marked_by_us(self._secrets, letter.loops)

    def returned(self, letter: Letter, recipients: Iterable[str]) -> SentDelivery | None:
        """The mail of ours whose return path this one came to."""
        return returned_delivery(self._secrets, (*recipients, *letter.delivered_to))

    def reported(self, letter: Letter) -> SentDelivery | None:
        """The mail of ours that a report names by its id. Others know that id too: it proves nothing."""
        named = letter.bounce.original_message_id if letter.bounce else None
        return delivery_of(self._secrets, [named]) if named else None

    async def _thread(self, query: Document, sender: str) -> Thread | None:
        with translated():
            row = await self._conversations.find_one(query, _FIELDS)
        if row is None:
            return None
        email = row.get("email")
        known = bool(email) and email.lower() == sender.lower()  # not folded: `leſan@` is another mailbox than `lesan@`
        ticket = row.get("ticket") or {}
        groups = frozenset(filter(None, ((ticket.get("group") or {}).get("key"), row.get("group"))))
        return Thread(
            row["_id"], row["reference"], row["language"], known, ticket.get("status") in OVER, row.get("root", row["_id"]), groups
        )


def place(root: str, group: str, sender: str, contact: str) -> str:
    """What one sender's ticket in one group is remembered by among those that one conversation became.

    A machine has one for each `contact` that it names, apart from that person's own: to name somebody proves nothing.
    """
    whose = sender if contact == sender else f"{sender} {contact}"
    return f"mail:{root}:{group}:{hashlib.sha256(whose.lower().encode()).hexdigest()}"


def addresses(letter: Letter, recipients: Iterable[str]) -> Iterable[str]:
    """Everybody a mail was for: those of the envelope, those servers noted, those it names."""
    yield from recipients
    yield from letter.delivered_to
    yield from (person.address for person in (*letter.to, *letter.cc))


def _canonical(written: str) -> str | None:
    try:
        return references.parse(written)
    except (references.MalformedReference, references.MistypedReference):
        return None
