"""What a mail says, read out of its bytes: plain values that survive the way out of the process that reads them."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True)
class Enclosed:
    """A part of the mail that is a file. `inline`: shown within the text where the sender's program could."""

    filename: str
    content: bytes
    inline: bool = False


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

    def to_frames(self) -> tuple[bytes, bytes]:
        """JSON, and the files one after the other."""
        head = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "attachments"}
        head["attachments"] = [{**asdict(part), "content": len(part.content)} for part in self.attachments]
        return json.dumps(head).encode(), b"".join(part.content for part in self.attachments)

    @classmethod
    def of_frames(cls, head: bytes, files: bytes) -> Self:
        values: dict[str, Any] = json.loads(head)
        parts: list[Enclosed] = []
        start = 0
        for part in values.pop("attachments"):
            end = start + part["content"]
            parts.append(Enclosed(part["filename"], files[start:end], part["inline"]))
            start = end
        for name in ("references", "loops", "problems"):
            values[name] = tuple(values[name])
        return cls(**values, attachments=tuple(parts))
