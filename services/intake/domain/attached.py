"""Files inside a JSON body: `[{"filename": …, "content": base64}]`."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.intake.domain.files import MOST_FILES
from services.intake.domain.problems import FieldProblem, unknown_fields

ATTACHMENT_FIELDS: Final = ("filename", "content")


@dataclass(frozen=True)
class Attached:
    """`position` is its place in the sender's list."""

    filename: str
    content: bytes
    position: int


def read_attachments(value: object, field: str = "attachments") -> tuple[tuple[Attached, ...], tuple[FieldProblem, ...]]:
    """The files that could be read, and what is wrong with the others (`attachments.0.content` is the first one's content)."""
    if value is None:
        return (), ()
    if not isinstance(value, list):
        return (), (FieldProblem(field, "not_a_list"),)
    if len(value) > MOST_FILES:  # not looked into: a body of a few megabytes can hold a million of them
        return (), (FieldProblem(field, "files_many", {"count": len(value), "most": MOST_FILES}),)
    read: list[Attached] = []
    problems: list[FieldProblem] = []
    for position, item in enumerate(value):
        path = f"{field}.{position}"
        content = _decoded(item.get("content")) if isinstance(item, Mapping) else None
        wrong = list(_wrong(item, content, path))
        problems += wrong
        if content is not None and not wrong:
            read.append(Attached(item["filename"], content, position))
    return tuple(read), tuple(problems)


def _wrong(item: object, content: bytes | None, path: str) -> Iterable[FieldProblem]:
    if not isinstance(item, Mapping):
        yield FieldProblem(path, "not_an_object")
        return
    for name in unknown_fields(item, ATTACHMENT_FIELDS):
        yield FieldProblem(f"{path}.{name}", "unknown_field", {"name": name, "known": ", ".join(ATTACHMENT_FIELDS)})
    if not isinstance(item.get("filename"), str) or not item["filename"].strip():
        yield FieldProblem(f"{path}.filename", "filename_missing")
    if content is None:
        yield FieldProblem(f"{path}.content", "not_base64")


def _decoded(content: object) -> bytes | None:
    """RFC 4648 section 4, padded and without line breaks, as `base64 -w0` writes it."""
    if not isinstance(content, str):
        return None
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return None
