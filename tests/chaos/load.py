"""Businesses that keep asking whatever is broken, and remember what they were promised."""

import asyncio
import secrets
from dataclasses import dataclass, field

from kit.ids import new_id
from tests.support.installation import Accepted, Installation


@dataclass
class Businesses:
    """Every request has an address of its own, so that its mails can be counted."""

    installation: Installation
    asked: dict[str, Accepted] = field(default_factory=dict)
    """What was accepted, by the asker's address."""

    async def one_asks(self) -> Accepted:
        """As a patient client: the same request under the same key until it is accepted."""
        key = new_id()
        email = f"b{secrets.token_hex(5)}@doanhnghiep.example"
        accepted = await self.installation.insist(key, email=email)
        self.asked[email] = accepted
        return accepted

    async def ask(self, count: int, at_once: int = 5) -> list[Accepted]:
        turns = asyncio.Semaphore(at_once)

        async def one() -> Accepted:
            async with turns:
                return await self.one_asks()

        return await asyncio.gather(*(one() for _ in range(count)))

    async def keep_asking(self, stop: asyncio.Event, at_least: int, pause: float = 0.4) -> None:
        while not stop.is_set() or len(self.asked) < at_least:
            await self.one_asks()
            await asyncio.sleep(pause)
