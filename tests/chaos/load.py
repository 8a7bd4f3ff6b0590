"""Businesses that keep asking whatever is broken, and remember what they were promised."""

import asyncio
import secrets
from dataclasses import dataclass, field
from functools import partial

import aiosmtplib

from kit.ids import new_id
from tests.support.installation import Accepted, Installation
from tests.support.waiting import wait_until


def gave_up(error: aiosmtplib.SMTPResponseException) -> bool:
    """Never: a mail server tries again after a 4xx, and anything else would have lost the mail."""
    if not 400 <= error.code < 500:
        raise ValueError(f"a mail was refused for good: {error}")
    return False


@dataclass
class Businesses:
    """Every request has an address of its own, so that its mails can be counted."""

    installation: Installation
    asked: dict[str, Accepted] = field(default_factory=dict)
    """What was accepted, by the asker's address."""

    wrote: list[str] = field(default_factory=list)
    """Whose mail was taken."""

    async def one_asks(self) -> Accepted:
        """As a patient client: the same request under the same key until it is accepted."""
        key = new_id()
        email = f"b{secrets.token_hex(5)}@doanhnghiep.example"
        accepted = await self.installation.insist(key, email=email)
        self.asked[email] = accepted
        return accepted

    async def one_writes(self) -> None:
        """As a patient mail server: the same mail again until it is taken."""
        email, message_id = f"m{secrets.token_hex(5)}@doanhnghiep.example", f"<{new_id()}@doanhnghiep.example>"

        async def taken() -> bool:
            try:
                await self.installation.mail(email, "Xin hướng dẫn thủ tục.", message_id)
            except aiosmtplib.SMTPResponseException as error:
                return gave_up(error)
            except (aiosmtplib.SMTPException, OSError):
                return False
            return True

        await wait_until(taken, f"the mail of {email} is taken", 90, pause=0.5)
        self.wrote.append(email)

    async def read(self) -> None:
        """Wait until every mail that was taken has become a request."""
        for email in self.wrote:
            if email not in self.asked:
                self.asked[email] = await wait_until(partial(self.installation.asked_by, email), f"the mail of {email} is a request")

    async def ask(self, count: int, at_once: int = 5) -> list[Accepted]:
        turns = asyncio.Semaphore(at_once)

        async def one() -> Accepted:
            async with turns:
                return await self.one_asks()

        return await asyncio.gather(*(one() for _ in range(count)))

    async def keep_asking(self, stop: asyncio.Event, at_least: int, pause: float = 0.4) -> None:
        while not stop.is_set() or len(self.asked) < at_least:
            await self.one_asks()
            if len(self.asked) % 4 == 0:
                await self.one_writes()
            await asyncio.sleep(pause)
