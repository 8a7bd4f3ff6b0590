"""What the services promise each other: exported, additive only, and old records still read."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from schemas import export, notifications, requests, tickets
from schemas.compatibility import compatible, incompatibilities
from schemas.envelope import UnknownEvent

EVENTS = Path(__file__).parents[1] / "data" / "events"

KNOWN_BY: dict[str, TypeAdapter[Any]] = (
    dict.fromkeys(requests.KNOWN, requests.request_events)
    | dict.fromkeys(tickets.KNOWN, tickets.ticket_events)
    | dict.fromkeys(notifications.KNOWN, notifications.notification_events)
)


def golden(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return value


def test_exported_schemas_keep_what_the_committed_files_promise() -> None:
    assert export.broken_promises(export.FOLDER) == []


@pytest.mark.parametrize("name", export.exported())
def test_exported_schemas_are_up_to_date(name: str) -> None:
    committed = (export.FOLDER / name).read_text("utf-8")
    assert committed == export.text_of(export.exported()[name]), "run: make schemas"


def test_no_exported_file_is_left_over() -> None:
    assert {path.name for path in export.FOLDER.iterdir()} == set(export.exported())


def test_there_is_one_golden_event_of_every_type_and_no_other() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == {*KNOWN_BY, "from_the_future"}


@pytest.mark.parametrize("kind", sorted(KNOWN_BY))
def test_golden_events_still_parse_and_come_out_as_they_went_in(kind: str) -> None:
    adapter, written = KNOWN_BY[kind], golden(kind)
    event = adapter.validate_python(written)
    assert not isinstance(event, UnknownEvent)
    assert json.loads(adapter.dump_json(event, exclude_unset=True)) == written


@pytest.mark.parametrize("kind", sorted(KNOWN_BY))
def test_golden_events_survive_fields_of_a_newer_release(kind: str) -> None:
    event = KNOWN_BY[kind].validate_python(golden(kind) | {"a_later_field": {"x": 1}})
    assert event == KNOWN_BY[kind].validate_python(golden(kind))


LATER = {"new_text", "html", "refused"}


@pytest.mark.parametrize("kind", ["request_received", "message_received", "ticket_opened", "business_replied"])
def test_events_from_before_new_texts_html_forms_and_refused_files_are_read_as_having_none(kind: str) -> None:
    written = golden(kind)
    said = written.get("message", written)
    for name in LATER:
        said.pop(name, None)
    event = KNOWN_BY[kind].validate_python(written)
    read = getattr(event, "message", event)
    assert (read.new_text, read.html, read.refused, read.text) == (None, None, None, said["text"])
    assert not LATER & json.loads(event.model_dump_json(exclude_none=True)).keys()


@pytest.mark.parametrize("adapter", [requests.request_events, tickets.ticket_events, notifications.notification_events])
def test_an_event_type_of_the_future_is_read_as_unknown(adapter: TypeAdapter[Any]) -> None:
    assert isinstance(adapter.validate_python(golden("from_the_future")), UnknownEvent)


# The checker itself: each change to the schema below, and what is said of it.

OLD: dict[str, Any] = {
    "$defs": {
        "Opened": {
            "type": "object",
            "title": "Opened",
            "properties": {
                "type": {"const": "opened", "type": "string"},
                "at": {"type": "string", "format": "date-time"},
                "status": {"enum": ["new", "open"], "type": "string"},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "unit": {"anyOf": [{"$ref": "#/$defs/Unit"}, {"type": "null"}]},
                "percents": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 100}},
            },
            "required": ["at"],
        },
        "Unit": {"type": "object", "title": "Unit", "properties": {"key": {"type": "string"}, "parent": {"$ref": "#/$defs/Unit"}}},
        "Closed": {"type": "object", "title": "Closed", "properties": {"type": {"const": "closed", "type": "string"}}},
    },
    "oneOf": [{"$ref": "#/$defs/Opened"}, {"$ref": "#/$defs/Closed"}],
}

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    change(new)
    return new


def fields(schema: dict[str, Any], name: str = "Opened") -> dict[str, Any]:
    properties: dict[str, Any] = schema["$defs"][name]["properties"]
    return properties


INCOMPATIBLE: dict[str, tuple[Change, str]] = {
    "field removed": (lambda s: fields(s).pop("note"), "Opened.note: was removed"),
    "field of a field removed": (lambda s: fields(s, "Unit").pop("key"), "Opened.unit.key: was removed"),
    "type changed": (lambda s: fields(s).update(status={"type": "integer"}), "Opened.status: type was string, is integer"),
    "format changed": (lambda s: fields(s).update(at={"type": "string"}), "Opened.at: format was date-time, is free"),
    "new required field": (
        lambda s: (fields(s).update(by={"type": "string"}), s["$defs"]["Opened"]["required"].append("by")),
        "Opened.by: is now required",
    ),
    "optional field required": (lambda s: s["$defs"]["Opened"]["required"].append("note"), "Opened.note: is now required"),
    "event type removed": (lambda s: s["oneOf"].pop(), "the topic: Closed was removed"),
    "tag renamed": (lambda s: fields(s, "Closed").update(type={"const": "shut", "type": "string"}), "Closed.type: no longer allows closed"),
    "enumeration narrowed": (lambda s: fields(s)["status"].update(enum=["open"]), "Opened.status: no longer allows new"),
    "free text listed": (
        lambda s: fields(s, "Unit")["key"].update(enum=["a"]),
        "Opened.unit.key: no longer allows what it did not list before",
    ),
    "null no longer allowed": (lambda s: fields(s).update(note={"type": "string"}), "Opened.note: null was removed"),
    "null newly allowed": (
        lambda s: fields(s).update(at={"anyOf": [fields(s)["at"], {"type": "null"}]}),
        "Opened.at: became null, which older readers refuse",
    ),
    "minimum raised": (lambda s: fields(s)["percents"]["items"].update(minimum=1), "Opened.percents[]: minimum was raised"),
    "maximum lowered": (lambda s: fields(s)["percents"]["items"].update(maximum=99), "Opened.percents[]: maximum was lowered"),
    "length limited": (lambda s: fields(s)["at"].update(maxLength=20), "Opened.at: maxLength was lowered"),
    "pattern added": (lambda s: fields(s)["at"].update(pattern="Z$"), "Opened.at: the pattern changed"),
    "unknown fields refused": (
        lambda s: s["$defs"]["Opened"].update(additionalProperties=False),
        "Opened: no longer allows unknown fields",
    ),
}

COMPATIBLE: dict[str, Change] = {
    "nothing": lambda _: None,
    "optional field added": lambda s: fields(s).update(by={"type": "string", "default": ""}),
    "event type added": lambda s: s["oneOf"].append({"type": "object", "title": "Merged", "properties": {}}),
    "enumeration widened": lambda s: fields(s)["status"]["enum"].append("merged"),
    "limit relaxed": lambda s: fields(s)["percents"]["items"].update(maximum=1000),
    "words changed": lambda s: s["$defs"]["Opened"].update(description="Another sentence."),
    "no longer required": lambda s: s["$defs"]["Opened"].update(required=[]),
}


@pytest.mark.parametrize(("change", "said"), INCOMPATIBLE.values(), ids=INCOMPATIBLE)
def test_a_change_that_breaks_somebody_is_refused_and_named(change: Change, said: str) -> None:
    assert incompatibilities(OLD, changed(change)) == (said,)
    assert not compatible(OLD, changed(change))


@pytest.mark.parametrize("change", COMPATIBLE.values(), ids=COMPATIBLE)
def test_an_additive_change_is_allowed(change: Change) -> None:
    assert incompatibilities(OLD, changed(change)) == ()


def test_export_refuses_to_overwrite_a_schema_it_would_break(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, schema = next(iter(export.exported().items()))
    older = copy.deepcopy(dict(schema))
    older["$defs"]["RequestReceived"]["properties"]["gone"] = {"type": "string"}
    (tmp_path / name).write_text(export.text_of(older), "utf-8")

    assert export.main(tmp_path) == 1
    assert "RequestReceived.gone: was removed" in capsys.readouterr().err
    assert json.loads((tmp_path / name).read_text("utf-8")) == older


def test_export_writes_every_schema_where_none_is_broken(tmp_path: Path) -> None:
    assert export.main(tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(export.exported())
