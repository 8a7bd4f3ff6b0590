"""What the holder of a status link may see: the conversation of one ticket, and nothing of any other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from kit.links import BadLink, ExpiredLink, read_token, status_url
from kit.mongo import Database, Document, translated
from schemas.values import Channel, Language, Message, Ticket, TicketStatus
from services.intake.domain import reference as references
from services.intake.pages.view import StatusView, status_view, waiting_view
from services.intake.refusals import Refusal
from services.intake.storage import CONVERSATIONS, THREADS

OVER: Final[frozenset[TicketStatus]] = frozenset({"closed", "rejected", "merged"})
"""A chat that goes on after these is about something new."""


@dataclass(frozen=True)
class Links:
    """Makes and reads status links. `secrets`: newest first; the newest signs."""

    public_url: str
    secrets: Sequence[str]

    def url(self, ticket_id: str, reference: str, received_at: datetime) -> str:
        """The same for the same submission, however often it is asked."""
        return status_url(self.public_url, self.secrets[0], reference, ticket_id, received_at)

    def with_token(self, reference: str, token: str) -> str:
        """The status page of a token that was made before."""
        return f"{self.public_url.rstrip('/')}/requests/{reference}?k={token}"

    def ticket_id(self, token: str, now: datetime, language: Language) -> str:
        """The ticket the token is for. Raises Refusal `bad_link` or `expired_link`."""
        try:
            return read_token(self.secrets, token, now)
        except BadLink as error:
            raise Refusal("bad_link", language) from error
        except ExpiredLink as error:
            raise Refusal("expired_link", language) from error


@dataclass(frozen=True)
class Conversation:
    """`ticket` is None until routing has opened it; `messages` are the public ones."""

    ticket_id: str
    reference: str
    subject: str
    language: Language
    channel: Channel
    opened_at: datetime
    ticket: Ticket | None
    messages: tuple[Message, ...]

    @property
    def over(self) -> bool:
        return self.ticket is not None and self.ticket.status in OVER

    def view(self, timezone: str) -> StatusView:
        """As the page shows it; `timezone` is the organisation's, used until a group with its own has the ticket."""
        if self.ticket is not None:
            return status_view(self.ticket, self.messages)
        return waiting_view(self.reference, self.subject, self.opened_at, self.messages, timezone)

    @classmethod
    def of(cls, row: Document) -> Self:
        ticket = Ticket.model_validate(row["ticket"]) if row.get("ticket") else None
        messages = tuple(Message.model_validate(message) for message in row["messages"])
        return cls(
            ticket_id=row["_id"],
            reference=row["reference"],
            subject=row["subject"],
            language=row["language"],
            channel=row["channel"],
            opened_at=row["opened_at"],
            ticket=ticket,
            messages=messages if ticket else (_first_message(row),),
        )


class Conversations:
    """Reads what acceptance and the projection wrote."""

    def __init__(self, database: Database) -> None:
        self._conversations = database[CONVERSATIONS.name]
        self._threads = database[THREADS.name]

    async def get(self, ticket_id: str) -> Conversation | None:
        with translated():
            row = await self._conversations.find_one({"_id": ticket_id})
        return Conversation.of(row) if row else None

    async def of_thread(self, thread: str) -> Conversation | None:
        """What a chat conversation is about now."""
        with translated():
            row = await self._threads.find_one({"_id": thread})
        return await self.get(row["ticket_id"]) if row else None


async def linked(conversations: Conversations, links: Links, reference: str, token: str, now: datetime, language: Language) -> Conversation:
    """The request of that reference, if the token is for it. Whoever has no valid token learns nothing about the reference."""
    conversation = await conversations.get(links.ticket_id(token, now, language))
    if conversation is None or conversation.reference != _canonical(reference):
        raise Refusal("bad_link", language)
    return conversation


def _canonical(reference: str) -> str | None:
    try:
        return references.parse(reference)
    except (references.MalformedReference, references.MistypedReference):
        return None


def _first_message(row: Document) -> Message:
    """Shown for the moment until the ticket is open and has its own."""
    return Message(
        id=row["_id"], kind="request", public=True, author_role="business", text=row["text"], channel=row["channel"], at=row["opened_at"]
    )
