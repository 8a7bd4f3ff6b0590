"""One dead letter, as its headers tell it. Whatever is not as `kit.deadletters` writes it is shown as unknown, never an error."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self

from aiokafka import ConsumerRecord

from kit.deadletters import TRUNCATED
from kit.errors import RefusedError
from schemas.topics import SERVICES

_ID: Final = re.compile(r"([a-z]+)/(\d{1,9})/(\d{1,18})", re.ASCII)
_ORIGIN: Final = re.compile(r"([A-Za-z0-9._-]{1,249})/(\d{1,9})/(\d{1,18})", re.ASCII)


class Place(NamedTuple):
    """Where a record is: in a topic, or, as a dead letter's id, in a service's dead-letter topic."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


def place_of(letter_id: str) -> Place:
    """What an id like `routing/0/17` names. Raises RefusedError."""
    match = _ID.fullmatch(letter_id.strip())
    if match is None or match[1] not in SERVICES:
        raise RefusedError(
            f"{letter_id[:80]!r} is no id of a dead letter; one looks like routing/0/17, and `helpdesk dlq list` shows them."
        )
    return Place(match[1], int(match[2]), int(match[3]))


@dataclass(frozen=True)
class DeadLetter:
    """`origin` None: it does not say where it came from. `written` tells it from another that later gets the same place."""

    place: Place
    origin: Place | None
    error: str
    detail: str
    at: datetime
    written: int
    """Kafka's timestamp of the record in the dead-letter topic, in milliseconds."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    """Those it had originally."""
    truncated: bool = False
    """Only the beginning of the record is here; the whole of it stands at `origin` until it expires."""

    @property
    def id(self) -> str:
        return str(self.place)

    @property
    def size(self) -> int:
        return len(self.value or b"")

    @classmethod
    def read(cls, service: str, record: ConsumerRecord) -> Self:
        said = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
        written = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        return cls(
            place=Place(service, record.partition, record.offset),
            origin=_origin(said.get("x-origin", "")),
            error=said.get("x-error") or "unknown",
            detail=_detail(said.get("x-detail", "")),
            at=_instant(said.get("x-at", "")) or written,
            written=record.timestamp,
            key=record.key,
            value=record.value,
            headers=tuple(_original_headers(said.get("x-headers", ""))),
            truncated=TRUNCATED in said,
        )


def _origin(text: str) -> Place | None:
    match = _ORIGIN.fullmatch(text)
    return Place(match[1], int(match[2]), int(match[3])) if match else None


def _detail(text: str) -> str:
    found = _json(text)
    return found if isinstance(found, str) else text


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _original_headers(text: str) -> Iterable[tuple[str, bytes]]:
    found = _json(text)
    for pair in found if isinstance(found, list) else ():
        match pair:
            case [str(name), str(value)] if all(ord(character) < 256 for character in value):  # noqa: PLR2004 (Latin-1)
                yield name, value.encode("latin-1")


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
