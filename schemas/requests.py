"""`helpdesk.requests.v1`: what businesses sent, written by intake alone."""

from typing import Annotated, Final, Literal, get_args

from pydantic import Discriminator, Field, Tag, TypeAdapter

from schemas.envelope import Event, Instant, UnknownEvent, tag_of
from schemas.values import Attachment, Business, Channel, Contact, Language


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


Known = RequestReceived | MessageReceived
KNOWN: Final = frozenset(str(get_args(event.model_fields["type"].annotation)[0]) for event in get_args(Known))

RequestEvent = Annotated[
    Annotated[RequestReceived, Tag("request_received")]
    | Annotated[MessageReceived, Tag("message_received")]
    | Annotated[UnknownEvent, Tag("unknown")],
    Discriminator(tag_of(KNOWN)),
]

request_events: Final[TypeAdapter[RequestReceived | MessageReceived | UnknownEvent]] = TypeAdapter(RequestEvent)
