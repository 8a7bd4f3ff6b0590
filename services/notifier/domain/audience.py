"""Who has to be told of a ticket event, and where: the whole plan, decided from the event alone."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import NAMESPACE_URL, uuid5

from schemas.envelope import Event, UnknownEvent
from schemas.notifications import Audience, DeliveryChannel
from schemas.tickets import (
    AnswerGiven,
    BusinessReplied,
    ClockFinished,
    ClockRepaired,
    DeadlineMissed,
    DeadlinesMoved,
    DeadlineWarned,
    DeliveryTroubled,
    NoteAdded,
    QuestionAsked,
    TicketAssigned,
    TicketClaimed,
    TicketClosed,
    TicketEscalated,
    TicketEvent,
    TicketEventBase,
    TicketOpened,
    TicketPrioritised,
    TicketReferred,
    TicketReopened,
    TicketResolved,
)
from schemas.values import ChatAddress, Group, Language, Message, Person, Ticket

Template = Literal[
    "acknowledgement",
    "answer",
    "question",
    "resolution",
    "assignment",
    "new_message",
    "deadline_warned",
    "deadline_missed",
    "escalation",
    "delivery_trouble",
]
"""What is said; the name of its folder of templates."""

ToldToBusiness = TicketOpened | BusinessReplied | AnswerGiven | QuestionAsked | TicketResolved
TO_BUSINESS: Final[Mapping[type[TicketEventBase], Template]] = {
    TicketOpened: "acknowledgement",
    BusinessReplied: "acknowledgement",
    AnswerGiven: "answer",
    QuestionAsked: "question",
    TicketResolved: "resolution",
}

ToldToStaff = TicketOpened | TicketAssigned | BusinessReplied | DeadlineWarned | DeadlineMissed | TicketEscalated | DeliveryTroubled
TO_STAFF: Final[Mapping[type[TicketEventBase], Template]] = {
    TicketOpened: "assignment",
    TicketAssigned: "assignment",
    BusinessReplied: "new_message",
    DeadlineWarned: "deadline_warned",
    DeadlineMissed: "deadline_missed",
    TicketEscalated: "escalation",
    DeliveryTroubled: "delivery_trouble",
}

SILENT: Final[frozenset[type[Event]]] = frozenset(
    {
        TicketClaimed,
        TicketPrioritised,
        NoteAdded,
        TicketReferred,
        TicketReopened,
        TicketClosed,
        ClockFinished,
        DeadlinesMoved,
        ClockRepaired,
        UnknownEvent,
    }
)
"""Events nobody is told of. With the two tables above it names every event there is."""

ALARMS: Final[frozenset[type[TicketEventBase]]] = frozenset({DeadlineWarned, DeadlineMissed, TicketEscalated})
"""Those that name nobody were recorded and are told nobody: a warning of what has passed already, a step that tells no one."""

BUSINESS: Final = "@business"
"""The recipient of whoever asked: one lane per ticket whatever their address, and no key an officer could have."""

MAILBOX_LANGUAGE: Final[Language] = "vi"
"""A group's mailbox is read by all its officers; the organisation's own language is the first of the two."""

_NAMESPACE: Final = uuid5(NAMESPACE_URL, "helpdesk")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing one recipient has to be told once. `id` follows from event, recipient and channel."""

    id: str
    event_id: str
    ticket_id: str
    lane: str
    """Deliveries of one lane go out in the order they were planned."""
    template: Template
    audience: Audience
    recipient: str
    """`@business`, the key of a person, or `group:KEY` for a mailbox."""
    channel: DeliveryChannel
    address: str
    """E-mail address, `ACCOUNT:CONVERSATION` for chat, empty for the status page."""
    language: Language
    message_id: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class _Recipient:
    key: str
    channel: DeliveryChannel
    address: str
    language: Language
    name: str | None


def plan(event: TicketEvent, chat_accounts: Collection[str] | None = None) -> tuple[Delivery, ...]:
    """Every delivery the event asks for, in sending order.

    `chat_accounts` are the accounts that can be written back to (None: all); a conversation on another falls back to e-mail or the page.
    A reopening is silent: the officer's next message, or the business's own one that caused it, says it better.
    """
    return (*_to_business(event, chat_accounts), *_to_staff(event))


def chat_address(delivery: Delivery) -> ChatAddress:
    """Where a chat delivery goes. Raises `ValueError` for a delivery on another channel."""
    if delivery.channel != "chat":
        raise ValueError("not a chat delivery")
    account, _, conversation = delivery.address.partition(":")
    return ChatAddress(account=account, conversation=conversation)


def _to_business(event: TicketEvent, chat_accounts: Collection[str] | None) -> Iterator[Delivery]:
    """Nothing where the message is automatic (two robots would talk for ever) or internal.

    A later message is acknowledged where files of its mail were not kept: else whoever sent it would take them for received.
    """
    if not isinstance(event, ToldToBusiness):
        return
    message = event.message
    if message is not None and (message.automatic or not message.public):
        return
    asker = _asker(event.ticket, chat_accounts)
    if isinstance(event, BusinessReplied) and not _lacks_files(event.message, asker):
        return
    said = None if message is None or isinstance(event, TicketOpened | BusinessReplied) else message.id
    yield _delivery(event, TO_BUSINESS[type(event)], "business", asker, said)


def _lacks_files(message: Message, asker: _Recipient) -> bool:
    """Whether the asker sent files by mail that were not kept, and can be told by mail; what others wrote on it is not theirs."""
    sent = message.channel == "email" and message.verified is not False
    return sent and message.refused is not None and asker.channel == "email"


def _asker(ticket: Ticket, chat_accounts: Collection[str] | None) -> _Recipient:
    """Answers go back where the question came from; without any address the status page has to do."""
    contact, chat = ticket.contact, ticket.contact.chat
    channel: DeliveryChannel = "email" if contact.email else "page"
    address = contact.email or ""
    if chat is not None and (chat_accounts is None or chat.account in chat_accounts):
        channel, address = "chat", f"{chat.account}:{chat.conversation}"
    return _Recipient(BUSINESS, channel, address, ticket.language, contact.name)


def _to_staff(event: TicketEvent) -> Iterator[Delivery]:
    """To the people named; to the group's mailbox where none of them has an address; never to whoever did it."""
    if not isinstance(event, ToldToStaff) or (isinstance(event, BusinessReplied) and event.message.automatic):
        return
    if type(event) in ALARMS and not event.recipients:
        return
    actor = event.by if isinstance(event, TicketAssigned) else None
    for recipient in tuple(_people(event.recipients)) or tuple(_mailbox(event.ticket.group)):
        if recipient.key != actor:
            yield _delivery(event, TO_STAFF[type(event)], "staff", recipient)


def _people(recipients: Iterable[Person]) -> Iterator[_Recipient]:
    """Each person and each address once: an officer may be the lead as well, two may share a mailbox."""
    seen: set[str] = set()
    for person in recipients:
        address = person.email
        if address and person.key not in seen and address.casefold() not in seen:
            seen |= {person.key, address.casefold()}
            yield _Recipient(person.key, "email", address, person.language, person.name)


def _mailbox(group: Group) -> Iterator[_Recipient]:
    if group.mailbox:
        yield _Recipient(f"group:{group.key}", "email", group.mailbox, MAILBOX_LANGUAGE, group.name.in_language(MAILBOX_LANGUAGE))


def _delivery(event: TicketEventBase, template: Template, audience: Audience, to: _Recipient, message_id: str | None = None) -> Delivery:
    return Delivery(
        id=str(uuid5(_NAMESPACE, f"{event.id}:{to.key}:{to.channel}")),
        event_id=event.id,
        ticket_id=event.ticket_id,
        lane=f"{event.ticket_id}:{to.key}",
        template=template,
        audience=audience,
        recipient=to.key,
        channel=to.channel,
        address=to.address,
        language=to.language,
        message_id=message_id,
        name=to.name,
    )
