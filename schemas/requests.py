"""`helpdesk.requests.v1`: what businesses sent, written by intake alone."""

from typing import Annotated, Final, Literal, get_args

from pydantic import Discriminator, Field, Tag, TypeAdapter

from schemas.envelope import Event, EventAdapter, Instant, UnknownEvent, tag_of
from schemas.values import HTML, NEW_TEXT, REFUSED, Attachment, Business, Channel, Contact, Language, RefusedFiles, Trust


class RequestReceived(Event):
    """A business asked; the ticket's life begins with this event."""

    type: Literal["request_received"] = "request_received"
    reference: str
    channel: Channel
    topic: str | None = Field(default=None, description="Key of the topic the business chose.")
    unit: str | None = Field(default=None, description="Key of the unit the business named.")
    group: str | None = Field(default=None, description="Key of the group whose mailbox or chat account was addressed.")
    subject: str
    text: str
    language: Language
    business: Business
    contact: Contact
    attachments: tuple[Attachment, ...] = ()
    message_id: str = Field(description="Id of the first message.")
    received_at: Instant
    trust: Trust | None = Field(default=None, description="How far the sender's address is proven; None where it did not come by mail.")
    linked_to: str | None = Field(
        default=None, description="Reference of a request this one belongs to: the same mail to another group, or one that was over."
    )
    new_text: str | None = Field(default=None, description=NEW_TEXT)
    html: Attachment | None = Field(default=None, description=HTML)
    refused: RefusedFiles | None = Field(default=None, description=REFUSED)


class MessageReceived(Event):
    """A business said more on a ticket it has."""

    type: Literal["message_received"] = "message_received"
    message_id: str
    channel: Channel
    author_name: str | None = None
    text: str
    attachments: tuple[Attachment, ...] = ()
    automatic: str | None = Field(default=None, description="Why it is taken for automatic mail.")
    received_at: Instant
    trust: Trust | None = Field(default=None, description="How far the sender's address is proven; None where it did not come by mail.")
    verified: bool | None = Field(
        default=None, description="False: written by somebody else than who asked, or under a forged address. None: nobody could check."
    )
    new_text: str | None = Field(default=None, description=NEW_TEXT)
    html: Attachment | None = Field(default=None, description=HTML)
    refused: RefusedFiles | None = Field(default=None, description=REFUSED)


class DeliveryBounced(Event):
    """A mail server reported on a mail of ours, and the report carries a sign that only that mail had."""

    type: Literal["delivery_bounced"] = "delivery_bounced"
    delivery: str = Field(description="The first twelve hexadecimal digits of the delivery's id, which name it within its ticket.")
    action: Literal["failed", "delayed", "complained"] = Field(
        default="failed", description="`delayed`: still being tried; `complained`: it arrived and was called unwanted."
    )
    hard: bool = Field(description="The address is no good: nothing sent there will ever arrive.")
    status: str = Field(description="RFC 3463.")
    diagnostic: str
    recipient: str | None = Field(default=None, description="The address the report is about, as the report has it.")
    original_recipient: str | None = Field(
        default=None, description="The address it was sent to at first, where the report tells that too: mail is passed on."
    )
    proven: bool = Field(default=False, description="It came to that mail's own return path; the mail's id alone is known to others too.")
    received_at: Instant


Known = RequestReceived | MessageReceived | DeliveryBounced
KNOWN: Final = frozenset(str(get_args(event.model_fields["type"].annotation)[0]) for event in get_args(Known))

RequestEvent = Annotated[
    Annotated[RequestReceived, Tag("request_received")]
    | Annotated[MessageReceived, Tag("message_received")]
    | Annotated[DeliveryBounced, Tag("delivery_bounced")]
    | Annotated[UnknownEvent, Tag("unknown")],
    Discriminator(tag_of(KNOWN)),
]

request_events: Final[TypeAdapter[Known | UnknownEvent]] = EventAdapter(RequestEvent, Known)
