"""What a dead letter says of itself: what is wrong and where, not how the library beneath us writes its errors."""

import json

import pytest
from pydantic import TypeAdapter, ValidationError

from kit.deadletters import reason
from kit.errors import PermanentError
from schemas.requests import request_events

SOUND = {
    "id": "1",
    "source": "helpdesk/intake",
    "type": "delivery_bounced",
    "occurred_at": "2026-03-02T01:00:00Z",
    "ticket_id": "t",
}


def refused(value: bytes) -> str:
    with pytest.raises(ValidationError) as error:
        request_events.validate_json(value)
    return reason(error.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"not JSON", "Invalid JSON: expected ident at line 1 column 2"),
        (b"", "Invalid JSON: EOF while parsing a value at line 1 column 0"),
        (b"[]", "Input should be an object"),
        (
            json.dumps({name: value for name, value in SOUND.items() if name != "id"} | {"type": "of_tomorrow"}).encode(),
            "id: Field required",
        ),
        (b'{"type": "of_tomorrow"}', "id: Field required; source: Field required; occurred_at: Field required; and 1 more"),
        (
            json.dumps(SOUND | {"type": "of_tomorrow", "sequence": -1, "version": None}).encode(),
            "version: Input should be a valid integer; sequence: Input should be greater than or equal to 0",
        ),
    ],
)
def test_an_event_that_is_not_as_it_should_be_says_where_and_what(value: bytes, said: str) -> None:
    assert refused(value) == said


def test_a_place_deep_in_an_event_is_a_path_without_the_event_s_own_type() -> None:
    parts = refused(json.dumps(SOUND | {"type": "request_received"}).encode()).split("; ")
    assert parts
    assert not any("request_received" in part for part in parts)


def test_where_there_is_no_union_the_whole_place_is_told() -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(dict[str, list[int]]).validate_python({"a": [1, "x"]})
    assert reason(error.value) == "a.1: Input should be a valid integer, unable to parse string as an integer"


def test_an_error_of_ours_is_told_as_it_is() -> None:
    assert reason(PermanentError("no group for it")) == "no group for it"
