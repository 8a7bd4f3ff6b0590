"""What a chat bridge would have got: answers posted to a chat account's callback URL, kept beside the mails."""

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from helpdesk.catcher.mailbox import KEEP, STAMP
from kit.errors import RefusedError
from kit.webhooks import verify

LARGEST: Final = 1_000_000
"""Bytes of one post; an answer has at most 20,000 characters."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message to a conversation, signed by whoever knows the account's secret."""

    id: str
    at: str
    webhook_id: str
    account: str
    conversation: str
    reference: str
    text: str


class Chats:
    """One `.json` file a message; `secrets` are those of each account that may post here."""

    def __init__(self, folder: Path, secrets: Mapping[str, Sequence[str]], keep: int = KEEP) -> None:
        self._folder = folder
        self._secrets = secrets
        self._keep = keep
        self._said: dict[str, Said] = {}

    def open(self) -> None:
        """Take up what is in the folder, which is made when missing. Blocks."""
        self._folder.mkdir(parents=True, exist_ok=True)
        found = [Said(**json.loads(path.read_bytes())) for path in sorted(self._folder.glob("*.json"))]
        self._said = {said.id: said for said in found}
        self._forget_oldest()

    async def hear(self, account: str, headers: Mapping[str, str], raw: bytes, at: datetime) -> Said | None:
        """Keep a message; None for one that is here already. RefusedError for what is not signed by the account."""
        if account not in self._secrets:
            raise RefusedError(f"This catcher knows no chat account {account[:40]!r}.", status=404, title="Not found")
        webhook_id = verify(self._secrets[account], headers, raw, at)
        if any(said.webhook_id == webhook_id for said in self._said.values()):
            return None
        body = _message(raw)
        words = {name: str(body.get(name, "")) for name in ("conversation", "reference", "text")}
        key = f"{at.astimezone(UTC).strftime(STAMP)}-{sha256(webhook_id.encode()).hexdigest()[:8]}"
        said = Said(id=key, at=at.isoformat().replace("+00:00", "Z"), webhook_id=webhook_id, account=account, **words)
        self._said[key] = said
        await asyncio.to_thread(self._write, said)
        self._forget_oldest()
        return said

    def newest(self, limit: int = KEEP) -> list[Said]:
        return list(reversed(self._said.values()))[:limit]

    def clear(self) -> int:
        """Throw all away; how many there were."""
        count = len(self._said)
        self._drop(list(self._said))
        return count

    def _forget_oldest(self) -> None:
        self._drop(list(self._said)[: max(0, len(self._said) - self._keep)])

    def _drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._path(key).unlink(missing_ok=True)
            del self._said[key]

    def _write(self, said: Said) -> None:
        part = self._folder / f"{uuid.uuid4().hex}.part"  # a crash leaves no half message under a name that counts
        part.write_text(json.dumps(asdict(said), ensure_ascii=False), encoding="utf-8")
        part.replace(self._path(said.id))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def _message(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise RefusedError("The body must be a JSON object.", status=400, title="Not a message")
    return body
