"""A decision in the making: the ticket so far and the events that brought it there."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self

from schemas.tickets import TicketEventBase
from schemas.values import LocalText, Message
from services.routing.domain.clocks import Clock
from services.routing.domain.context import Context
from services.routing.domain.identity import derived_id
from services.routing.domain.ticket import Said, Ticket, snapshot

SOURCE: Final = "helpdesk/routing"


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from one input: the ticket as it now is, the events to journal, the messages to keep.

    `events` continue the ticket's sequence without a gap. Without events the ticket may still differ in what it
    remembers (an accepted message is no longer awaited), under the version it had.
    """

    ticket: Ticket
    events: tuple[TicketEventBase, ...] = ()
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """`cause` is the id of the event that led here, or whatever else names this step of this ticket's life uniquely."""

    ticket: Ticket
    ctx: Context
    now: datetime
    cause: str
    caused_by: str | None = None
    events: tuple[TicketEventBase, ...] = ()
    messages: tuple[Message, ...] = ()

    @property
    def next_sequence(self) -> int:
        return self.ticket.version + 1

    @property
    def at(self) -> datetime:
        """The next event's instant; never before the last one's, whatever the clocks of two machines say."""
        return max(self.now, self.ticket.last_event_at)

    def change(self, **changes: Any) -> Self:  # noqa: ANN401 (fields of Ticket; a wrong name fails in `replace`)
        return replace(self, ticket=replace(self.ticket, **changes))

    def swap(self, changed: Iterable[tuple[Clock, Clock]]) -> Self:
        """Put each clock's new state in the place of its old one."""
        after = {id(old): new for old, new in changed}
        return self.change(clocks=tuple(after.get(id(clock), clock) for clock in self.ticket.clocks))

    def add(self, *started: Clock) -> Self:
        return self.change(clocks=self.ticket.clocks + started)

    def record(self, kind: type[TicketEventBase], *name: str, cause: str | None = None, **fields: object) -> Self:
        """Add an event of this kind that carries the ticket as it is now; `name` tells two of a kind and cause apart."""
        type_: str = kind.model_fields["type"].default
        ticket = replace(self.ticket, version=self.next_sequence, last_event_at=self.at)
        event = kind.model_validate(
            {
                "id": derived_id(cause or self.cause, type_, *name),
                "source": SOURCE,
                "type": type_,
                "occurred_at": ticket.last_event_at,
                "ticket_id": ticket.id,
                "sequence": ticket.version,
                "caused_by": self.caused_by,
                "ticket": snapshot(ticket, self.ctx.org),
                **fields,
            }
        )
        return replace(self, ticket=ticket, events=(*self.events, event))

    def keep(self, message: Message) -> Self:
        """Remember the message; one that staff says in public is awaited until a server accepts it."""
        draft = replace(self, messages=(*self.messages, message))
        if not (message.public and message.author_role == "officer"):
            return draft
        said = Said(message.id, self.next_sequence, self.ticket.group, self.ticket.officer)
        return draft.change(awaiting=(*self.ticket.awaiting, said))

    def in_words(self, sentence: LocalText) -> str:
        """The sentence in the language of the lead of the group that has the ticket, who reads it."""
        lead = self.ctx.org.officer(self.ctx.group(self.ticket.group).lead)
        return sentence.in_language(lead.language if lead else "vi")

    def decision(self) -> Decision:
        return Decision(self.ticket, self.events, self.messages)
