"""The form's fields: their names on the page are the paths of the API's body, so both speak of the same field."""

import uuid
from collections.abc import Mapping
from typing import Final

from schemas.values import Language
from services.intake.domain.problems import FieldProblem

TRAP: Final = "website"
"""Hidden from people; a robot that fills in every field fills in this one. Such a request gets the same page and is not kept."""

SUBMISSION_ID: Final = "submission_id"
SWITCH: Final = "switch"
FILES: Final = "attachments"
REPLACEMENT: Final = "\ufffd"
"""Stands where bytes were no UTF-8."""

TYPED: Final = (
    "topic",
    "unit",
    "business.name",
    "business.tax_code",
    "contact.name",
    "contact.email",
    "contact.phone",
    "subject",
    "text",
    "language",
)


def body(values: Mapping[str, str]) -> dict[str, object]:
    """The fields of the form as the body that `request.read_request` reads; other fields are left behind."""
    nested: dict[str, object] = {}
    business: dict[str, object] = {}
    contact: dict[str, object] = {}
    parts = {"": nested, "business": business, "contact": contact}
    for path in TYPED:
        head, _, name = path.rpartition(".")
        parts[head][name] = values.get(path, "")
    return nested | {"business": business, "contact": contact}


def caught(values: Mapping[str, str]) -> bool:
    """Whether a robot filled in the field that people do not see."""
    return bool(values.get(TRAP, "").strip())


def unreadable(values: Mapping[str, str]) -> tuple[FieldProblem, ...]:
    """The fields that came in another encoding than UTF-8, so that nobody knows what was typed."""
    return tuple(FieldProblem(path, "not_utf8") for path in TYPED if REPLACEMENT in values.get(path, ""))


def switched(values: Mapping[str, str]) -> Language | None:
    """The language somebody wants to see the form in, which is not yet sending it."""
    match values.get(SWITCH):
        case "vi":
            return "vi"
        case "en":
            return "en"
        case _:
            return None


def submission_id(values: Mapping[str, str]) -> str | None:
    """The id that makes a form sent twice one request; None where it is missing or was tampered with."""
    try:
        return str(uuid.UUID(values.get(SUBMISSION_ID, "")))
    except ValueError:
        return None


def field_id(path: str) -> str:
    """The HTML id of the field at `path`: `business.name` gives `business-name`, `attachments.3` gives `attachments`."""
    known = path if path in TYPED else path.partition(".")[0]
    return known.replace(".", "-")
