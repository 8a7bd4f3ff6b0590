"""Events that are known and right are read the short way; everything else is read, and refused, as it would be without one."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas import notifications, requests, tickets
from schemas.envelope import EventAdapter, UnknownEvent

EVENTS = Path(__file__).parents[2] / "data" / "events"
TOPICS: tuple[tuple[frozenset[str], Any, Any], ...] = (
    (requests.KNOWN, requests.RequestEvent, requests.request_events),
    (tickets.KNOWN, tickets.TicketEvent, tickets.ticket_events),
    (notifications.KNOWN, notifications.NotificationEvent, notifications.notification_events),
)
READERS: dict[str, tuple[TypeAdapter[Any], TypeAdapter[Any]]] = {
    kind: (TypeAdapter(event), adapter) for known, event, adapter in TOPICS for kind in known
}
"""Of each type: the long way, and what is used."""

EXAMPLE = json.loads((EVENTS / "ticket_opened.json").read_bytes())


def outcome(adapter: TypeAdapter[Any], raw: bytes) -> object:
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        return str(error)


@pytest.mark.parametrize("kind", sorted(READERS))
def test_both_ways_read_the_same_event_and_find_the_same_wrong(kind: str) -> None:
    long, short = READERS[kind]
    written = json.loads((EVENTS / f"{kind}.json").read_bytes())
    assert isinstance(short, EventAdapter)
    assert not isinstance(short.validate_json(json.dumps(written)), UnknownEvent)
    for changes in ({}, {"sequence": "7"}, {"a_later_field": 1}, {"occurred_at": "yesterday"}, {"sequence": -1}, {"ticket_id": None}):
        raw = json.dumps(written | changes).encode()
        assert outcome(short, raw) == outcome(long, raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'{"type": "ticket_opened"',
        json.dumps(EXAMPLE | {"type": "from_the_future"}).encode(),
        json.dumps({name: value for name, value in EXAMPLE.items() if name != "type"}).encode(),
        b'{"type": "ticket_closed", ' + json.dumps(EXAMPLE).encode()[1:],
        json.dumps(EXAMPLE).encode()[:-1] + b', "type": "ticket_closed"}',
        json.dumps(EXAMPLE).encode()[:-1] + b', "type": "from_the_future"}',
    ],
)
def test_what_is_no_event_or_of_no_certain_type_is_the_same_both_ways(raw: bytes) -> None:
    long, short = READERS["ticket_opened"]
    assert outcome(short, raw) == outcome(long, raw)


@pytest.mark.parametrize("kind", [[], {}, ["ticket_opened"], 5, None, True])
def test_a_type_that_is_no_text_is_wrong_like_anything_else(kind: Any) -> None:
    with pytest.raises(ValidationError, match="type"):
        tickets.ticket_events.validate_json(json.dumps(EXAMPLE | {"type": kind}))
