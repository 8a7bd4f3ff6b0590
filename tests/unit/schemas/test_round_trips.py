"""What is journalled can be read again, whatever of it is empty: the journal leaves out what is None."""

import json
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter

from kit.journal import entry
from schemas import notifications, requests, tickets
from schemas.envelope import Event

EVENTS = Path(__file__).parents[2] / "data" / "events"

ADAPTERS: dict[str, TypeAdapter[Any]] = (
    dict.fromkeys(requests.KNOWN, requests.request_events)
    | dict.fromkeys(tickets.KNOWN, tickets.ticket_events)
    | dict.fromkeys(notifications.KNOWN, notifications.notification_events)
)


def written(kind: str) -> Event:
    event = ADAPTERS[kind].validate_json((EVENTS / f"{kind}.json").read_bytes())
    assert isinstance(event, Event)
    return event


def may_be_none(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, UnionType} and NoneType in get_args(annotation)


def emptied(value: Any) -> Any:
    """With None wherever the type allows it, all the way down; not validated, so that nothing refuses it before it is written."""
    if isinstance(value, tuple):
        return tuple(emptied(item) for item in value)
    if not isinstance(value, BaseModel):
        return value
    fields = {
        name: None if may_be_none(field.annotation) else emptied(getattr(value, name)) for name, field in type(value).model_fields.items()
    }
    return value.model_construct(**fields)


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
def test_an_event_with_nothing_optional_in_it_is_read_as_it_was_journalled(kind: str) -> None:
    event = emptied(written(kind))
    assert ADAPTERS[kind].validate_json(entry("topic", event)["body"]) == event


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
def test_an_event_with_everything_in_it_is_read_as_it_was_journalled(kind: str) -> None:
    event = written(kind)
    assert ADAPTERS[kind].validate_json(entry("topic", event)["body"]) == event


def models_of(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for part in get_args(annotation) for model in models_of(part)}


def everything_below(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    for field in model.model_fields.values():
        for inner in models_of(field.annotation) - seen:
            seen.add(inner)
            everything_below(inner, seen)
    return seen


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
def test_what_may_be_none_may_be_left_out(kind: str) -> None:
    """Also in values that the example of this event has none of."""
    event = type(written(kind))
    required = [
        f"{model.__name__}.{name}"
        for model in everything_below(event, {event})
        for name, field in model.model_fields.items()
        if may_be_none(field.annotation) and field.is_required()
    ]
    assert required == []


def test_the_journal_leaves_out_what_is_none() -> None:
    assert None not in json.loads(entry("topic", emptied(written("clock_repaired")))["body"]).values()
