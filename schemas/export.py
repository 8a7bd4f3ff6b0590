"""`python -m schemas.export`: the events and the organisation file as JSON Schema, for those who don't read Python.

A schema that would break readers of the exported one is refused: such a change is a new topic version. Deleting
the exported file first is the deliberate way around, and a review sees it.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from schemas import topics
from schemas.compatibility import incompatibilities
from schemas.notifications import notification_events
from schemas.organisation import Organisation
from schemas.requests import request_events
from schemas.tickets import ticket_events

FOLDER: Final = Path(__file__).parent / "json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def exported() -> dict[str, Mapping[str, Any]]:
    """File name to schema, as they follow from the classes now."""
    return {
        f"{topics.REQUESTS}.json": _events(topics.REQUESTS, request_events),
        f"{topics.TICKETS}.json": _events(topics.TICKETS, ticket_events),
        f"{topics.NOTIFICATIONS}.json": _events(topics.NOTIFICATIONS, notification_events),
        "organisation.json": {"$schema": DIALECT} | Organisation.model_json_schema(mode="validation"),
    }


def _events(topic: str, adapter: TypeAdapter[Any]) -> Mapping[str, Any]:
    return {"$schema": DIALECT, "title": topic} | adapter.json_schema(mode="serialization")


def text_of(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def broken_promises(folder: Path) -> list[str]:
    """What the classes no longer keep of what the files in `folder` promise."""
    return [
        f"{name}{problem}"
        for name, schema in exported().items()
        if (folder / name).exists()
        for problem in incompatibilities(json.loads((folder / name).read_text("utf-8")), schema)
    ]


def main(folder: Path = FOLDER) -> int:
    problems = broken_promises(folder)
    if problems:
        print("\n".join(["Refused; older readers would break:", *problems, "Make it additive, or a new topic version."]), file=sys.stderr)
        return 1
    folder.mkdir(exist_ok=True)
    for name, schema in exported().items():
        (folder / name).write_text(text_of(schema), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
