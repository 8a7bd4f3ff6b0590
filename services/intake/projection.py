"""Tickets as intake hears of them: what the status page shows, kept beside what intake itself said."""

from collections.abc import Sequence
from typing import Any, Final

from kit.mongo import Collection, Conflict, Document, Mongo, UpdateOne, Writes, translated
from schemas.envelope import Event
from schemas.tickets import AnswerGiven, BusinessReplied, QuestionAsked, TicketEventBase, TicketOpened, TicketResolved
from schemas.values import Message
from services.intake.domain.request import LONGEST_TEXT

SHOWN_MESSAGES: Final = 100
"""The latest messages of a ticket that are kept for its page: of the longest texts there are, 8 MB of the 16 a document can hold."""


class Projection:
    """Applies `helpdesk.tickets.v1` to the conversations."""

    def __init__(self, mongo: Mongo, conversations: Collection) -> None:
        self._mongo = mongo
        self._conversations = conversations

    async def apply(self, events: Sequence[Event]) -> None:
        """All of the batch at once where that is possible. What was seen, or is of a ticket that is not ours, changes nothing."""
        changes = [_write(event) for event in events if isinstance(event, TicketEventBase)]
        writes = Writes()  # one by one, each would be noted beside it in case it has to be tried again: that cost as much as the writes
        writes.update(self._conversations, changes)
        try:
            await self._mongo.write(writes, retry_for=0)
        except Conflict:  # somebody writes there too, or so much has changed in a large conversation that no cache holds it all
            with translated():
                await self._conversations.bulk_write(changes, ordered=True)


def _write(event: TicketEventBase) -> UpdateOne:
    change: dict[str, Any] = {"$set": {"seen": event.sequence, "ticket": event.ticket.model_dump(mode="json", exclude_none=True)}}
    message = public_message(event)
    if message is not None:
        change["$push"] = {"messages": {"$each": [_kept(message)], "$slice": -SHOWN_MESSAGES}}
    return UpdateOne({"_id": event.ticket_id, "seen": {"$lt": event.sequence}}, change)


def _kept(message: Message) -> Document:
    """Without the page of its HTML form, which is for officers, and with its new text only where both texts fit into the place of one."""
    both = len(message.text) + len(message.new_text or "")
    return message.model_dump(mode="json", exclude_none=True, exclude={"html"} if both <= LONGEST_TEXT else {"html", "new_text"})


def public_message(event: Event) -> Message | None:
    """What the event says to, or has from, the business; automatic mail is nobody's word."""
    if not isinstance(event, TicketOpened | BusinessReplied | AnswerGiven | QuestionAsked | TicketResolved):
        return None
    message = event.message
    return message if message is not None and message.public and message.automatic is None else None
