"""Files inside a JSON body: `[{"filename": …, "content": base64}]`."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.intake.domain.problems import FieldProblem

ATTACHMENT_FIELDS: Final = ("filename", "content")


@dataclass(frozen=True)
class Attached:
    filename: str
    content: bytes


def read_attachments(value: object, field: str = "attachments") -> tuple[tuple[Attached, ...], tuple[FieldProblem, ...]]:
    """The files that could be read, and what is wrong with the others (`attachments.0.content` is the first one's content)."""
    if value is None:
        return (), ()
    if not isinstance(value, list):
        return (), (FieldProblem(field, "not_a_list"),)
    read: list[Attached] = []
    problems: list[FieldProblem] = []
    for position, item in enumerate(value):
        wrong = list(_wrong(item, f"{field}.{position}"))
        problems += wrong
        if not wrong:
            read.append(Attached(item["filename"], _decoded(item["content"]) or b""))
    return tuple(read), tuple(problems)


def _wrong(item: object, path: str) -> Iterable[FieldProblem]:
    if not isinstance(item, Mapping):
        yield FieldProblem(path, "not_an_object")
        return
    for name in [name for name in item if name not in ATTACHMENT_FIELDS]:
        yield FieldProblem(f"{path}.{name[:40]}", "unknown_field", {"name": name[:40], "known": ", ".join(ATTACHMENT_FIELDS)})
    if not isinstance(item.get("filename"), str) or not item["filename"].strip():
        yield FieldProblem(f"{path}.filename", "filename_missing")
    if _decoded(item.get("content")) is None:
        yield FieldProblem(f"{path}.content", "not_base64")


def _decoded(content: object) -> bytes | None:
    """RFC 4648 section 4, padded and without line breaks, as `base64 -w0` writes it."""
    if not isinstance(content, str):
        return None
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return None
