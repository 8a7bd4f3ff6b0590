"""What a mail says, read out of its bytes: plain values that survive the way out of the process that reads them."""

import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final, Self

from services.intake.domain.bounces import Bounce, Failure


@dataclass(frozen=True)
class Enclosed:
    """A part of the mail that is a file. `inline`: shown within the text where the sender's program could."""

    filename: str
    content: bytes
    inline: bool = False
    content_type: str = "application/octet-stream"
    """As the sender named it, lower case; what it is can only be seen from the content."""
    content_id: str = ""
    """Of a picture, without angle brackets: what the HTML form calls it (`cid:`)."""


@dataclass(frozen=True)
class Person:
    """An entry of From, To or Cc. Anybody can write anything as the name."""

    address: str
    name: str = ""


@dataclass(frozen=True)
class Letter:
    """All text is NFC without control characters; nothing in it is to be trusted."""

    message_id: str | None
    address: str
    """Of the first From; empty when there is none."""
    name: str
    """The display name; anybody can write anything there."""
    subject: str
    text: str
    """All of it, with what it quotes."""
    references: tuple[str, ...]
    """Message ids with their angle brackets: In-Reply-To, then References from last to first."""
    automatic: str | None
    """Why its headers make it automatic mail."""
    loops: tuple[str, ...]
    """Values of X-Helpdesk-Loop: the installations it has been through."""
    content_hash: str
    """SHA-256 (hex) of what the sender wrote; equal for copies that came by different ways."""
    problems: tuple[str, ...] = ()
    attachments: tuple[Enclosed, ...] = ()
    new_text: str = ""
    """`text` without quotes and signature; all of it where that is in doubt."""
    html_safe: str | None = None
    """The HTML form where it shows more than the text, without scripts and without pictures from elsewhere: fit for an officer's eyes."""
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    written_at: datetime | None = None
    """Of the Date field, in the sender's zone; anybody can write anything there."""
    in_reply_to: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    """The References field, in its own order."""
    bounce: Bounce | None = None
    delivered_to: tuple[str, ...] = ()
    """Addresses that servers on the way noted as the recipient's; tokens in them are signed, nothing else in them counts."""
    authentication: tuple[str, ...] = ()
    """Authentication-Results fields as they stand, the topmost first; anybody can have written them."""
    writers: tuple[str, ...] = ()
    """Every address in From and Sender, and in what lists and programs write beside these for who wrote it."""
    resenders: tuple[str, ...] = ()
    """Who handed it on, as it was."""

    def to_frames(self) -> tuple[bytes, bytes]:
        """JSON, and the files one after the other."""
        head = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "attachments"}
        head["attachments"] = [{**vars(part), "content": len(part.content)} for part in self.attachments]
        for name in _PEOPLE:
            head[name] = [vars(each) for each in getattr(self, name)]
        head["written_at"] = self.written_at.isoformat() if self.written_at else None
        head["bounce"] = asdict(self.bounce) if self.bounce else None
        return json.dumps(head).encode(), b"".join(part.content for part in self.attachments)

    @classmethod
    def of_frames(cls, head: bytes, files: bytes) -> Self:
        values: dict[str, Any] = json.loads(head)
        parts: list[Enclosed] = []
        start = 0
        for part in values.pop("attachments"):
            end = start + part["content"]
            parts.append(Enclosed(**{**part, "content": files[start:end]}))
            start = end
        for name in _LINES:
            values[name] = tuple(values[name])
        for name in _PEOPLE:
            values[name] = tuple(Person(**each) for each in values[name])
        values["written_at"] = datetime.fromisoformat(values["written_at"]) if values["written_at"] else None
        values["bounce"] = _bounce(values["bounce"])
        return cls(**values, attachments=tuple(parts))


_PEOPLE: Final = ("to", "cc", "reply_to")
_PROVENANCE: Final = ("delivered_to", "authentication", "writers", "resenders")
_LINES: Final = ("references", "in_reply_to", "mentioned", "loops", "problems", *_PROVENANCE)


def _bounce(found: dict[str, Any] | None) -> Bounce | None:
    if found is None:
        return None
    return Bounce(tuple(Failure(**each) for each in found["recipients"]), found["original_message_id"], found["by_machine"])
