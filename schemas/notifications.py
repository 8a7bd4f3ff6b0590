"""`helpdesk.notifications.v1`: what became of the things people had to be told, written by the notifier alone."""

from typing import Annotated, Final, Literal, get_args

from pydantic import Discriminator, Field, Tag, TypeAdapter

from schemas.envelope import Event, EventAdapter, Instant, UnknownEvent, tag_of

Audience = Literal["business", "staff"]
DeliveryChannel = Literal["email", "chat", "page"]
"""`page`: the business left no address; what is public is read on its status page."""


class DeliveryEvent(Event):
    delivery_id: str
    event_id: str = Field(description="The ticket event that had to be told.")
    message_id: str | None = Field(default=None, description="The public message it carried, when it carried one.")
    audience: Audience
    template: str = Field(description="What was said, e.g. `acknowledgement`, `answer`, `deadline_missed`.")
    channel: DeliveryChannel


class NotificationDelivered(DeliveryEvent):
    """The next server on the way accepted it."""

    type: Literal["notification_delivered"] = "notification_delivered"
    accepted_at: Instant
    attempts: int = Field(ge=1)


class NotificationFailed(DeliveryEvent):
    """It will not be tried again."""

    type: Literal["notification_failed"] = "notification_failed"
    reason: str
    attempts: int = Field(ge=0)
    bounced: Literal["hard", "soft"] | None = Field(
        default=None, description="Set when it was accepted first and came back. `hard`: the address is no good."
    )
    address: str | None = Field(default=None, description="Where it was to go.")
    suppressed: bool | None = Field(
        default=None, description="Whether nothing more is sent to that address now, until somebody lifts it. None: an older release."
    )


Known = NotificationDelivered | NotificationFailed
KNOWN: Final = frozenset(str(get_args(event.model_fields["type"].annotation)[0]) for event in get_args(Known))

NotificationEvent = Annotated[
    Annotated[NotificationDelivered, Tag("notification_delivered")]
    | Annotated[NotificationFailed, Tag("notification_failed")]
    | Annotated[UnknownEvent, Tag("unknown")],
    Discriminator(tag_of(KNOWN)),
]

notification_events: Final[TypeAdapter[Known | UnknownEvent]] = EventAdapter(NotificationEvent, Known)
