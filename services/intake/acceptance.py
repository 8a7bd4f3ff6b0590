"""Accepting: what a business sent becomes durable, with the event it causes, in one transaction. Then we say yes."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import Counter

from kit import trace
from kit.batch import Batcher
from kit.errors import RefusedError
from kit.ids import derived_id, new_id
from kit.journal import JOURNAL, Journal
from kit.mongo import Database, Document, DuplicateKey, Mongo, Session, translated
from schemas.requests import DeliveryBounced, MessageReceived, RequestReceived
from schemas.values import Attachment, Business, Channel, Contact, Language, Trust
from services.intake.domain import reference
from services.intake.domain.bounces import Failure
from services.intake.storage import CONVERSATIONS, SUBMISSIONS, THREADS

SOURCE = "helpdesk/intake"

ACCEPTED = Counter("helpdesk_accepted", "Submissions accepted", ["channel", "kind"])

TICK = timedelta(milliseconds=1)
"""MongoDB keeps milliseconds: the least by which one event of a stream follows another."""


@dataclass(frozen=True)
class Opening:
    """A new request. `source` is its key at whoever sent it: the same key is the same request.

    `thread` names the conversation it begins; `replaces` the ticket that conversation was about before.
    """

    source: str
    fingerprint: str
    channel: Channel
    subject: str
    text: str
    language: Language
    business: Business
    contact: Contact
    received_at: datetime
    topic: str | None = None
    unit: str | None = None
    group: str | None = None
    attachments: tuple[Attachment, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)
    thread: str | None = None
    replaces: str | None = None
    trust: Trust | None = None
    linked_to: str | None = None
    """Reference of the request it belongs to."""


@dataclass(frozen=True)
class Saying:
    """One more message on a ticket there is."""

    source: str
    fingerprint: str
    ticket_id: str
    channel: Channel
    text: str
    received_at: datetime
    author_name: str | None = None
    attachments: tuple[Attachment, ...] = ()
    automatic: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    trust: Trust | None = None
    verified: bool | None = None


@dataclass(frozen=True)
class Bounced:
    """What a mail server said about a mail of ours. `source` is the report's key; `delivery` as in `DeliveryBounced`."""

    source: str
    ticket_id: str
    delivery: str
    failure: Failure
    received_at: datetime
    proven: bool = False
    """It came to the return path of that very mail, which only servers that carried it know."""


@dataclass(frozen=True)
class Receipt:
    """What the sender is told. `repeated`: it had been accepted before and nothing was written now."""

    ticket_id: str
    reference: str
    message_id: str
    received_at: datetime
    repeated: bool = False


class KeyUsedBefore(RefusedError):
    """The same key came with another content before; that first content is what was accepted."""

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used for another request. Use a new key for new content.", status=409, title="Key used before"
        )


class ThreadTaken(Exception):
    """Another message of the same conversation opened a ticket a moment ago: say it there instead."""


class Acceptance:
    """Makes submissions durable; many at a time share one transaction."""

    def __init__(self, mongo: Mongo, database: Database, journal: Journal) -> None:
        self._mongo = mongo
        self._journal = journal
        self._conversations = database[CONVERSATIONS.name]
        self._submissions = database[SUBMISSIONS.name]
        self._threads = database[THREADS.name]
        self._entries = database[JOURNAL.name]
        self._openings: Batcher[Opening, Receipt] = Batcher(self._commit)

    async def earlier(self, source: str, fingerprint: str) -> Receipt | None:
        """What was answered when this key came before, so that its files need not be stored twice. Raises KeyUsedBefore."""
        rows = await self._known([source])
        answer = _answer_known(fingerprint, rows[source], first=False) if rows else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def open(self, opening: Opening) -> Receipt:
        """Durable when it returns. Raises KeyUsedBefore or ThreadTaken."""
        receipt = await self._openings.submit(opening)
        ACCEPTED.labels(opening.channel, "repeat" if receipt.repeated else "request").inc()
        return receipt

    async def _commit(self, openings: Sequence[Opening]) -> Sequence[Receipt | Exception]:
        """Written without asking first: a key that came before is rare, and stands in its own way."""
        wanted: dict[str, Opening] = {}
        for opening in openings:
            wanted.setdefault(opening.source, opening)
        known: dict[str, Document | Exception] = {}
        try:
            written: dict[str, Document | Exception] = await self._write(list(wanted.values()))
        except DuplicateKey:
            known = await self._known(list(wanted))
            written = await self._write_all([opening for source, opening in wanted.items() if source not in known])
        firsts = {id(opening) for source, opening in wanted.items() if source not in known}
        outcomes = known | written
        return [_answer(opening, outcomes[opening.source], first=id(opening) in firsts) for opening in openings]

    async def _write(self, openings: Sequence[Opening]) -> "dict[str, Document | Exception]":
        """One transaction for all. Raises DuplicateKey, and has written nothing, when a key of one of them stands in the way."""
        drafts = [_Draft(opening) for opening in openings]
        await self._mongo.transaction(lambda session: self._insert(drafts, session))
        return {draft.opening.source: draft.submission for draft in drafts}

    async def _write_all(self, openings: Sequence[Opening]) -> "dict[str, Document | Exception]":
        """The same; when a key stands in the way, one transaction for each, so that only the one at fault is affected."""
        if not openings:
            return {}
        try:
            return await self._write(openings)
        except DuplicateKey:
            if len(openings) == 1:
                return {openings[0].source: await self._settle(openings[0])}
        outcomes: dict[str, Document | Exception] = {}
        for opening in openings:
            outcomes |= await self._write_all([opening])
        return outcomes

    async def _settle(self, opening: Opening) -> "Document | Exception":
        """Somebody holds one of the keys: the same source, the same conversation, or (once in 10^11) the same reference."""
        earlier = await self._known([opening.source])
        if earlier:
            return earlier[opening.source]
        if opening.thread is not None:
            with translated():
                row = await self._threads.find_one({"_id": opening.thread})
            if row is not None and row["ticket_id"] != opening.replaces:
                return ThreadTaken(opening.thread)
        return (await self._write_all([opening]))[opening.source]

    async def _known(self, sources: Sequence[str]) -> "dict[str, Document | Exception]":
        with translated():
            rows = await self._submissions.find({"_id": {"$in": list(sources)}}, {"raw": 0}).to_list(None)
        return {row["_id"]: row for row in rows}

    async def _insert(self, drafts: "Sequence[_Draft]", session: Session) -> None:
        await self._submissions.insert_many([draft.submission for draft in drafts], session=session)
        await self._conversations.insert_many([draft.conversation for draft in drafts], session=session)
        await self._journal.append([draft.event for draft in drafts], session)
        for draft in drafts:
            if draft.opening.thread is not None:
                await self._take_thread(draft, session)

    async def _take_thread(self, draft: "_Draft", session: Session) -> None:
        opening = draft.opening
        if opening.replaces is None:
            await self._threads.insert_one({"_id": opening.thread, "ticket_id": draft.ticket_id}, session=session)
            return
        result = await self._threads.update_one(
            {"_id": opening.thread, "ticket_id": opening.replaces}, {"$set": {"ticket_id": draft.ticket_id}}, session=session
        )
        if result.matched_count != 1:
            raise DuplicateKey(f"thread {opening.thread} moved on")

    async def say(self, saying: Saying) -> Receipt:
        """Durable when it returns. RefusedError 404: no such ticket. Raises KeyUsedBefore."""
        known = await self._known([saying.source])
        if not known:
            try:
                receipt = await self._mongo.transaction(lambda session: self._say(saying, session))
            except DuplicateKey:
                known = await self._known([saying.source])
                if not known:
                    raise
            else:
                ACCEPTED.labels(saying.channel, "message").inc()
                return receipt
        answer = _answer(saying, known[saying.source], first=False)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _say(self, saying: Saying, session: Session) -> Receipt:
        row = await self._step(saying.ticket_id, saying.received_at, session)
        if row is None:
            raise RefusedError("There is no request with this reference. Check it, or send a new request.", status=404, title="Not found")
        event = _message_event(saying, row["version"], row["last_at"])
        submission = _submission(saying, saying.ticket_id, row["reference"], event.message_id)
        await self._submissions.insert_one(submission, session=session)
        await self._journal.append([event], session)
        return Receipt(saying.ticket_id, row["reference"], event.message_id, saying.received_at)

    async def report(self, bounced: Bounced) -> bool:
        """Durable when it returns, once however often it comes. False: there is no such ticket."""
        event_id = derived_id("intake", bounced.source, bounced.ticket_id)

        async def work(session: Session) -> bool:
            if await self._entries.find_one({"_id": event_id}, {"_id": 1}, session=session):
                return True
            row = await self._step(bounced.ticket_id, bounced.received_at, session)
            if row is not None:
                await self._journal.append([_bounce_event(bounced, event_id, row["version"], row["last_at"])], session)
            return row is not None

        return await self._mongo.transaction(work)

    async def _step(self, ticket_id: str, received_at: datetime, session: Session) -> Document | None:
        """The conversation with the place and time of its next event, which it keeps; None where there is none."""
        row: Document | None = await self._conversations.find_one(
            {"_id": ticket_id}, {"version": 1, "last_at": 1, "reference": 1}, session=session
        )
        if row is None:
            return None
        step = {"version": row["version"] + 1, "last_at": max(received_at, row["last_at"] + TICK)}
        await self._conversations.update_one({"_id": ticket_id}, {"$set": step}, session=session)
        return row | step


class _Draft:
    """The documents and the event of one new request; made once, so that a transaction tried again writes the same."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.ticket_id = new_id()
        number = reference.mint(secrets.token_bytes(reference.RANDOM_BYTES))
        self.event = _request_event(opening, self.ticket_id, number)
        self.submission = _submission(opening, self.ticket_id, number, self.event.message_id)
        self.conversation: Document = {
            "_id": self.ticket_id,
            "reference": number,
            "version": 1,
            "last_at": opening.received_at,
            "channel": opening.channel,
            "language": opening.language,
            "subject": opening.subject,
            "text": opening.text,
            "email": opening.contact.email,
            "opened_at": opening.received_at,
            "seen": 0,
            "messages": [],
        }


def _request_event(opening: Opening, ticket_id: str, number: str) -> RequestReceived:
    return RequestReceived(
        id=derived_id("intake", opening.source, ticket_id),
        source=SOURCE,
        occurred_at=opening.received_at,
        ticket_id=ticket_id,
        sequence=1,
        traceparent=trace.current.get(),
        reference=number,
        channel=opening.channel,
        topic=opening.topic,
        unit=opening.unit,
        group=opening.group,
        subject=opening.subject,
        text=opening.text,
        language=opening.language,
        business=opening.business,
        contact=opening.contact,
        attachments=opening.attachments,
        message_id=derived_id("message", opening.source, ticket_id),
        received_at=opening.received_at,
        trust=opening.trust,
        linked_to=opening.linked_to,
    )


def _message_event(saying: Saying, version: int, at: datetime) -> MessageReceived:
    return MessageReceived(
        id=derived_id("intake", saying.source, saying.ticket_id),
        source=SOURCE,
        occurred_at=at,
        ticket_id=saying.ticket_id,
        sequence=version,
        traceparent=trace.current.get(),
        message_id=derived_id("message", saying.source, saying.ticket_id),
        channel=saying.channel,
        author_name=saying.author_name,
        text=saying.text,
        attachments=saying.attachments,
        automatic=saying.automatic,
        received_at=saying.received_at,
        trust=saying.trust,
        verified=saying.verified,
    )


def _bounce_event(bounced: Bounced, event_id: str, version: int, at: datetime) -> DeliveryBounced:
    failure = bounced.failure
    return DeliveryBounced(
        id=event_id,
        source=SOURCE,
        occurred_at=at,
        ticket_id=bounced.ticket_id,
        sequence=version,
        traceparent=trace.current.get(),
        delivery=bounced.delivery,
        action=failure.action,
        hard=failure.hard,
        status=failure.status,
        diagnostic=failure.diagnostic,
        recipient=failure.address,
        proven=bounced.proven,
        received_at=bounced.received_at,
    )


def _submission(sent: Opening | Saying, ticket_id: str, number: str, message_id: str) -> Document:
    return {
        "_id": sent.source,
        "fingerprint": sent.fingerprint,
        "ticket_id": ticket_id,
        "reference": number,
        "message_id": message_id,
        "channel": sent.channel,
        "received_at": sent.received_at,
        "files": [attachment.id for attachment in sent.attachments],
        "raw": dict(sent.raw),
    }


def _answer(sent: Opening | Saying, outcome: "Document | Exception", *, first: bool) -> Receipt | Exception:
    return _answer_known(sent.fingerprint, outcome, first=first)


def _answer_known(fingerprint: str, outcome: "Document | Exception", *, first: bool) -> Receipt | Exception:
    if isinstance(outcome, Exception):
        return outcome
    if outcome["fingerprint"] != fingerprint:
        return KeyUsedBefore()
    return Receipt(outcome["ticket_id"], outcome["reference"], outcome["message_id"], outcome["received_at"], repeated=not first)
