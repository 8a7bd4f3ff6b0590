"""What is accepted, as the doors hand it in, and the event and the record that each becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kit import trace
from kit.ids import derived_id
from kit.mongo import Document
from schemas.requests import DeliveryBounced, MessageReceived, RequestReceived
from schemas.values import Attachment, Business, Channel, Contact, Language, RefusedFiles, Trust
from services.intake.domain.bounces import Failure

SOURCE = "helpdesk/intake"


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
    root: str | None = None
    """The ticket that was the first of those which one conversation by mail became, each in another group."""
    new_text: str | None = None
    html: Attachment | None = None
    refused: RefusedFiles | None = None


@dataclass(frozen=True)
class Saying:
    """One more message on a ticket there is. `same`: what it is known by on that ticket, where it may come from several sources."""

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
    new_text: str | None = None
    html: Attachment | None = None
    refused: RefusedFiles | None = None
    same: str | None = None

    @property
    def key(self) -> str:
        return self.same or self.source


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


def request_event(opening: Opening, ticket_id: str, number: str) -> RequestReceived:
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
        new_text=opening.new_text,
        html=opening.html,
        refused=opening.refused,
    )


def message_event(saying: Saying, version: int, at: datetime) -> MessageReceived:
    return MessageReceived(
        id=derived_id("intake", saying.key, saying.ticket_id),
        source=SOURCE,
        occurred_at=at,
        ticket_id=saying.ticket_id,
        sequence=version,
        traceparent=trace.current.get(),
        message_id=derived_id("message", saying.key, saying.ticket_id),
        channel=saying.channel,
        author_name=saying.author_name,
        text=saying.text,
        attachments=saying.attachments,
        automatic=saying.automatic,
        received_at=saying.received_at,
        trust=saying.trust,
        verified=saying.verified,
        new_text=saying.new_text,
        html=saying.html,
        refused=saying.refused,
    )


def bounce_event(bounced: Bounced, event_id: str, version: int, at: datetime) -> DeliveryBounced:
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
        original_recipient=failure.original or None,
        proven=bounced.proven,
        received_at=bounced.received_at,
    )


def submission_of(sent: Opening | Saying, ticket_id: str, number: str, message_id: str) -> Document:
    """What is kept of it: how a repeat is known, and which files belong to it."""
    return {
        "_id": sent.source,
        "fingerprint": sent.fingerprint,
        "ticket_id": ticket_id,
        "reference": number,
        "message_id": message_id,
        "channel": sent.channel,
        "received_at": sent.received_at,
        "files": [file.id for file in (*sent.attachments, sent.html) if file is not None],
        "raw": dict(sent.raw),
    } | ({"html": sent.html.id} if sent.html else {})
