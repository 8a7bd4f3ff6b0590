"""Accepting: what a business sent becomes durable, with the event it causes, in one transaction. Then we say yes."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import Counter

from kit.batch import Batcher
from kit.errors import RefusedError
from kit.ids import derived_id, new_id
from kit.journal import JOURNAL, Journal
from kit.mongo import Database, Document, DuplicateKey, Mongo, Session, UpdateOne, Writes, translated
from services.intake.accepted import Bounced, Opening, Saying, bounce_event, message_event, request_event, submission_of
from services.intake.domain import reference
from services.intake.storage import CONVERSATIONS, SUBMISSIONS, THREADS

ACCEPTED = Counter("helpdesk_accepted", "Submissions accepted", ["channel", "kind"])

PACE = 0.04
"""Seconds from one commit of new requests to the next. A client that waits for each answer before it sends again gets 25 a second."""

TICK = timedelta(milliseconds=1)
"""MongoDB keeps milliseconds: the least by which one event of a stream follows another."""


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
        self._openings: Batcher[Opening, Receipt] = Batcher(self._commit, pace=PACE)

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
        await self._mongo.write(self._writes(drafts))
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

    def _writes(self, drafts: "Sequence[_Draft]") -> Writes:
        writes = Writes()
        writes.insert(self._submissions, [draft.submission for draft in drafts])
        writes.insert(self._conversations, [draft.conversation for draft in drafts])
        self._journal.add([draft.event for draft in drafts], writes)
        for draft in drafts:
            if draft.opening.thread is not None:
                self._take_thread(draft, writes)
        return writes

    def _take_thread(self, draft: "_Draft", writes: Writes) -> None:
        opening = draft.opening
        if opening.replaces is None:
            writes.insert(self._threads, [{"_id": opening.thread, "ticket_id": draft.ticket_id}])
            return
        mine = UpdateOne({"_id": opening.thread, "ticket_id": opening.replaces}, {"$set": {"ticket_id": draft.ticket_id}})
        writes.update(self._threads, [mine], unmatched=lambda: DuplicateKey(f"thread {opening.thread} moved on"))

    async def say(self, saying: Saying) -> Receipt:
        """Durable when it returns. RefusedError 404: no such ticket. Raises KeyUsedBefore."""
        known = await self._known([saying.source])
        if not known:
            try:
                receipt = await self._mongo.transaction(lambda session: self._say(saying, session))
            except DuplicateKey:
                known = await self._known([saying.source])
                if not known and (said := await self.said(saying.ticket_id, saying.key)):
                    return said
                if not known:
                    raise
            else:
                ACCEPTED.labels(saying.channel, "message").inc()
                return receipt
        answer = _answer(saying, known[saying.source], first=False)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def said(self, ticket_id: str, key: str) -> Receipt | None:
        """What was answered when it came onto this ticket before, from whichever source."""
        query = {"ticket_id": ticket_id, "message_id": derived_id("message", key, ticket_id)}
        with translated():
            row = await self._submissions.find_one(query, {"raw": 0})
        return _receipt(row, repeated=True) if row is not None else None

    async def _say(self, saying: Saying, session: Session) -> Receipt:
        row = await self._step(saying.ticket_id, saying.received_at, session)
        if row is None:
            raise RefusedError("There is no request with this reference. Check it, or send a new request.", status=404, title="Not found")
        event = message_event(saying, row["version"], row["last_at"])
        submission = submission_of(saying, saying.ticket_id, row["reference"], event.message_id)
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
                await self._journal.append([bounce_event(bounced, event_id, row["version"], row["last_at"])], session)
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
        self.event = request_event(opening, self.ticket_id, number)
        self.submission = submission_of(opening, self.ticket_id, number, self.event.message_id)
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
            **({"group": opening.group} if opening.group else {}),
            **({"root": opening.root} if opening.root else {}),
        }


def _answer(sent: Opening | Saying, outcome: "Document | Exception", *, first: bool) -> Receipt | Exception:
    return _answer_known(sent.fingerprint, outcome, first=first)


def _answer_known(fingerprint: str, outcome: "Document | Exception", *, first: bool) -> Receipt | Exception:
    if isinstance(outcome, Exception):
        return outcome
    if outcome["fingerprint"] != fingerprint:
        return KeyUsedBefore()
    return _receipt(outcome, repeated=not first)


def _receipt(row: Document, *, repeated: bool) -> Receipt:
    return Receipt(row["ticket_id"], row["reference"], row["message_id"], row["received_at"], repeated=repeated)
