"""The envelope around every event, with CloudEvents 1.0 names where CloudEvents has one.

On the wire the body is JSON and the same attributes stand in `ce_*` record headers
(CloudEvents Kafka protocol binding, section 3.2), so that tools can route without decoding.
A header `log` numbers the log a record was sent to, once Kafka has lost one (docs/decisions/006).
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError


class Model(BaseModel):
    """A frozen value that ignores fields it does not know, so that older readers survive newer writers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""An aware instant, always carried in UTC."""


class Event(Model):
    """One fact. Events of one ticket are read in the order of their writer's journal."""

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(description="Unique; deterministic where the event follows from another one.")
    source: str = Field(description="The service that wrote it, e.g. `helpdesk/routing`.")
    type: str = Field(description="snake_case of the class name.")
    version: int = Field(default=1, description="Version of this type; only additive changes within one topic version.")
    occurred_at: Instant = Field(description="When it became true.")
    ticket_id: str = Field(description="The ticket it is about; the record's key.")
    sequence: int = Field(default=0, ge=0, description="Position in the writer's stream of this ticket, from 1.")
    caused_by: str | None = Field(default=None, description="`id` of the event or command that led to it.")
    traceparent: str | None = Field(default=None, description="W3C Trace Context.")


class UnknownEvent(Event):
    """An event of a type this release has never heard of: skipped and counted, never dead-lettered."""


def tag_of(known: frozenset[str]) -> Any:  # noqa: ANN401 (pydantic hands over dicts and models alike)
    """A discriminator that sends unknown types to `UnknownEvent` instead of failing."""

    def tag(value: Any) -> str:  # noqa: ANN401
        kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
        return kind if isinstance(kind, str) and kind in known else "unknown"

    return tag


T = TypeVar("T")


class EventAdapter(TypeAdapter[T]):  # type: ignore[misc]  # final for type checkers alone: nothing of it is changed but the way to the answer
    """The events of one topic; `known` is the union of their classes, which `event` takes `UnknownEvent` and `tag_of` to."""

    def __init__(self, event: Any, known: Any) -> None:  # noqa: ANN401 (unions and annotated types have no type of their own)
        super().__init__(event)
        self._known = TypeAdapter[T](Annotated[known, Field(discriminator="type")])

    def validate_json(self, data: str | bytes | bytearray, /, **options: Any) -> T:  # noqa: ANN401 (handed on)
        """As ever, but what is known and right is read without `tag_of`: to ask a function, all of it is made into Python objects first.

        That was a third of reading an event.
        """
        try:
            return self._known.validate_json(data, **options)
        except ValidationError:
            return super().validate_json(data, **options)
