"""The desk behind every door: checks what came in by form, API or chat, stores its files, and has it accepted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kit.organisation import OrganisationStore
from kit.room import Room
from schemas.values import Attachment, Channel, Language
from services.intake.acceptance import Acceptance, Receipt
from services.intake.accepted import Opening, Saying
from services.intake.domain.files import LARGEST_TOTAL, AcceptedFile
from services.intake.domain.problems import FieldProblem, Invalid
from services.intake.domain.request import fingerprint, read_follow_up, read_request
from services.intake.pages.view import ANSWERABLE
from services.intake.refusals import Refusal
from services.intake.status import Conversation, Conversations, Links
from services.intake.storing import FileStore, SentFile, examine

LARGEST_JSON: Final = LARGEST_TOTAL * 4 // 3 + 1_000_000
"""Bytes of the largest body there may be: the largest files, in base64, and room for the rest."""


@dataclass(frozen=True)
class Desk:
    """What the doors share. `now` is the database server's time."""

    acceptance: Acceptance
    files: FileStore
    organisation: OrganisationStore
    conversations: Conversations
    links: Links
    now: Callable[[], datetime]
    room: Room = field(default_factory=lambda: Room(LARGEST_JSON))
    """For large bodies and their files: one of the largest at a time, or many that are not."""

    def status_url(self, receipt: Receipt) -> str:
        """The link the sender is given; a repeat is given the same one."""
        return self.links.url(receipt.ticket_id, receipt.reference, receipt.received_at)


@dataclass(frozen=True)
class Incoming:
    """Something a business sent: `body` as the API takes it without its files. `source` is the sender's key for it."""

    source: str
    channel: Channel
    language: Language
    body: object
    sent: Sequence[SentFile] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[FieldProblem] = ()
    """What was found wrong while the files were read."""


async def open_request(desk: Desk, incoming: Incoming) -> Receipt:
    """Durable when it returns. Raises Invalid with every problem, KeyUsedBefore, TransientError."""
    organisation = desk.organisation.current.organisation
    sent = [file for file in incoming.sent if file.chosen]
    uploads = await examine(sent)
    with every_problem(incoming.problems):
        request = read_request(
            incoming.body,
            topics={topic.key for topic in organisation.topics},
            units={unit.key for unit in organisation.units},
            files=uploads,
            language=incoming.language,
        )
    digest = fingerprint(request)
    stored = await store_files(desk, incoming.source, digest, request.files, sent)
    if isinstance(stored, Receipt):
        return stored
    return await desk.acceptance.open(
        Opening(
            source=incoming.source,
            fingerprint=digest,
            channel=incoming.channel,
            subject=request.subject,
            text=request.text,
            language=request.language,
            business=request.business,
            contact=request.contact,
            received_at=desk.now(),
            topic=request.topic,
            unit=request.unit,
            attachments=stored,
            raw=incoming.raw,
        )
    )


async def add_message(desk: Desk, conversation: Conversation, incoming: Incoming) -> Receipt:
    """Durable when it returns. Raises Invalid with every problem, KeyUsedBefore, Refusal `cannot_answer`, TransientError."""
    desk.organisation.current  # noqa: B018 (as long as nothing is loaded, nothing is accepted)
    if conversation.ticket is not None and conversation.ticket.status not in ANSWERABLE:
        raise Refusal("cannot_answer", incoming.language)
    sent = [file for file in incoming.sent if file.chosen]
    uploads = await examine(sent)
    with every_problem(incoming.problems):
        message = read_follow_up(incoming.body, files=uploads)
    digest = fingerprint(message)
    stored = await store_files(desk, incoming.source, digest, message.files, sent)
    if isinstance(stored, Receipt):
        return stored
    return await desk.acceptance.say(
        Saying(
            source=incoming.source,
            fingerprint=digest,
            ticket_id=conversation.ticket_id,
            channel=incoming.channel,
            text=message.text,
            received_at=desk.now(),
            attachments=stored,
            raw=incoming.raw,
        )
    )


@contextmanager
def every_problem(found: Sequence[FieldProblem]) -> Iterator[None]:
    """Raise Invalid with what was found before and what is found inside, if there is anything."""
    try:
        yield
    except Invalid as error:
        raise Invalid((*error.problems, *found)) from error
    if found:
        raise Invalid(tuple(found))


async def store_files(
    desk: Desk, source: str, digest: str, accepted: Sequence[AcceptedFile], sent: Sequence[SentFile]
) -> tuple[Attachment, ...] | Receipt:
    """The stored files; or, where this key came before, what was answered then: its files are there already."""
    if not accepted:
        return ()
    return await desk.acceptance.earlier(source, digest) or await desk.files.keep(accepted, sent)
