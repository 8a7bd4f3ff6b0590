"""A small event to journal, publish and consume."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Tag, TypeAdapter

from schemas.envelope import Event, UnknownEvent, tag_of

START: Final = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


class Happened(Event):
    type: Literal["happened"] = "happened"
    what: str


happenings: Final[TypeAdapter[Happened | UnknownEvent]] = TypeAdapter(
    Annotated[
        Annotated[Happened, Tag("happened")] | Annotated[UnknownEvent, Tag("unknown")],
        Discriminator(tag_of(frozenset({"happened"}))),
    ]
)


def happened(ticket: str, number: int, **changed: Any) -> Happened:
    """Number `number` of a ticket; a second after the one before."""
    fields: dict[str, Any] = {
        "id": f"{ticket}-{number}",
        "source": "helpdesk/tests",
        "occurred_at": START + timedelta(seconds=number),
        "ticket_id": ticket,
        "sequence": number,
        "what": f"{ticket} {number}",
    }
    return Happened.model_validate(fields | changed)
