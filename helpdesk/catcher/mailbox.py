"""The caught mails: one `.eml` file each, the newest kept, and a small index of them in memory."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Final

from helpdesk.catcher.letter import subject_of

KEEP: Final = 1_000
"""Enough for days of trying things out; more only slows the page down."""

STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
TO: Final = "Delivered-To: "
FROM: Final = "Return-Path: "


@dataclass(frozen=True, slots=True)
class Caught:
    """What the list shows of a mail. `sender` and `recipients` are the envelope's, not what the mail claims."""

    id: str
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    size: int

    def is_for(self, to: str) -> bool:
        """Whether a recipient's address contains `to`; case does not matter."""
        return any(to.strip().casefold() in recipient.casefold() for recipient in self.recipients)


class Mailbox:
    """Mails in a folder, named by arrival so that their order survives a restart.

    Above each stand its envelope: a `Delivered-To` for each recipient, then `Return-Path`; below that the mail as it came.
    """

    def __init__(self, folder: Path, keep: int = KEEP) -> None:
        self._folder = folder
        self._keep = keep
        self._index: dict[str, Caught] = {}

    def open(self) -> None:
        """Index what is in the folder, which is made when missing. Blocks."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._index = {path.stem: _caught(path.stem, path.read_bytes()) for path in sorted(self._folder.glob("*.eml"))}
        self._forget_oldest()

    async def add(self, raw: bytes, sender: str, recipients: Sequence[str], at: datetime) -> Caught:
        """Keep a mail; on disk when it returns. OSError when the disk refuses."""
        key = f"{at.astimezone(UTC).strftime(STAMP)}-{uuid.uuid4().hex[:8]}"
        envelope = [*(f"{TO}{_line(recipient)}" for recipient in recipients), f"{FROM}<{_line(sender)}>"]
        content = "\r\n".join([*envelope, ""]).encode("utf-8", "surrogateescape") + raw
        await asyncio.to_thread(self._write, key, content)
        self._index[key] = _caught(key, content)
        self._forget_oldest()
        return self._index[key]

    def newest(self, to: str = "", limit: int = KEEP) -> list[Caught]:
        return [caught for caught in reversed(self._index.values()) if not to or caught.is_for(to)][:limit]

    def find(self, key: str) -> Caught | None:
        return self._index.get(key)

    def raw(self, key: str) -> bytes:
        """The mail as it was kept. KeyError when there is none of that id."""
        if key not in self._index:
            raise KeyError(key)
        return self._path(key).read_bytes()

    def clear(self) -> int:
        """Throw all mails away; how many there were."""
        count = len(self._index)
        self._drop(list(self._index))
        return count

    def _forget_oldest(self) -> None:
        self._drop(list(self._index)[: max(0, len(self._index) - self._keep)])

    def _drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._path(key).unlink(missing_ok=True)
            del self._index[key]

    def _write(self, key: str, content: bytes) -> None:
        part = self._path(key).with_suffix(".part")  # a crash leaves no half mail under a name that counts
        part.write_bytes(content)
        part.replace(self._path(key))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.eml"


def _line(address: str) -> str:
    return " ".join(address.splitlines())


def _caught(key: str, content: bytes) -> Caught:
    head = content.split(b"\r\n\r\n", 1)[0]
    lines = head.decode("utf-8", "replace").split("\r\n")
    recipients = tuple(line.removeprefix(TO) for line in takewhile(lambda line: line.startswith(TO), lines))
    return Caught(
        id=key,
        at=datetime.strptime(key.rsplit("-", 1)[0], STAMP).replace(tzinfo=UTC),
        sender=lines[len(recipients)].removeprefix(FROM).strip("<>"),
        recipients=recipients,
        subject=subject_of(head),
        size=len(content),
    )
