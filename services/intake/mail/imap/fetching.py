"""From mails in a folder to mails in our hands: what is fetched, how much of it, and what is made of one that cannot be had."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.intake.domain.mailboxes import Mailbox, Mailboxes
from services.intake.mail.arrivals import Arrived
from services.intake.mail.envelopes import LONGEST, envelope_of
from services.intake.mail.imap.accounts import Account
from services.intake.mail.imap.connection import Connection, Folder, Listed, Lost, Refused
from services.intake.mail.imap.folders import Bookmark

WINDOW: Final = 200
"""UIDs asked for at once. Where many in a row are gone, twice as many the next time."""

WIDEST: Final = 100_000
"""All of them in one answer are a line of less than the million bytes that `imaplib` reads."""

TOGETHER: Final = 50
AT_ONCE: Final = 4_000_000
"""Bytes of mail fetched before they are stored and the bookmark moves, unless one mail alone is larger."""

TRIES: Final = 3
"""How often a mail that the server refuses to give is asked for, before it is let go as unreadable."""


@dataclass(frozen=True)
class Batch:
    """Mails in their order, the bookmark once they are stored, and whether there may be more."""

    mails: tuple[Arrived, ...]
    then: Bookmark
    more: bool


class Fetcher:
    """Reads one folder; blocking, from one thread alone."""

    def __init__(self, account: Account, max_bytes: int) -> None:
        self._account = account
        self._max_bytes = max_bytes
        self._refused: Counter[tuple[int, int]] = Counter()

    def next(self, connection: Connection, folder: Folder, mark: Bookmark, mailboxes: Mailboxes, mailbox: Mailbox) -> Batch:
        """What comes after the bookmark. Raises Lost."""
        for low, high in windows(mark.last, folder.next_uid):
            listed = connection.listed(low, high, TOGETHER)
            if listed:
                chosen = first_of(listed)
                mails = [self._mail(connection, mark, each, mailboxes, mailbox) for each in chosen if not _before(each, mark.since)]
                then = Bookmark(mark.validity, chosen[-1].uid, mark.since)
                return Batch(tuple(mail for mail in mails if mail is not None), then, more=then.last + 1 < folder.next_uid)
        return Batch((), mark, more=False)

    def _mail(self, connection: Connection, mark: Bookmark, listed: Listed, mailboxes: Mailboxes, mailbox: Mailbox) -> Arrived | None:
        """None when it was taken out of the folder meanwhile. Raises Lost while the server may still give it."""
        try:
            content, unfit = self._content(connection, listed)
        except Refused as error:
            name = (mark.validity, listed.uid)
            self._refused[name] += 1
            if self._refused[name] < TRIES:
                raise Lost(f"UID {listed.uid} was not given: {error}") from error
            content, unfit = self._note(mark, listed), "not_given"
        return self._arrived(content, unfit, mailboxes, mailbox) if content is not None else None

    def _content(self, connection: Connection, listed: Listed) -> tuple[bytes | None, str | None]:
        """All of it, or its header and why not all."""
        if listed.size <= self._max_bytes:
            content = connection.content(listed.uid, self._max_bytes + 1)
            if content is None or len(content) <= self._max_bytes:
                return content, None
        return connection.header(listed.uid, LONGEST), "too_large"

    def _note(self, mark: Bookmark, listed: Listed) -> bytes:
        """Where the mail can be found by hand."""
        where = f"{self._account.user} at {self._account.host}, {self._account.folder}"
        return f"X-Helpdesk-Not-Given: {where}, UIDVALIDITY {mark.validity}, UID {listed.uid}\r\n\r\n".encode()

    def _arrived(self, content: bytes, unfit: str | None, mailboxes: Mailboxes, mailbox: Mailbox) -> Arrived:
        sender, delivered_to = envelope_of(content)
        ours = tuple(address for address in delivered_to if mailboxes.find(address) is not None)
        digest = hashlib.sha256(content + (unfit or "").encode()).hexdigest()
        return Arrived(
            content=content,
            sender=sender,
            recipients=ours or (mailbox.address,),
            mailboxes=(mailbox,),
            peer=self._account.host,
            helo="",
            door="imap",
            key=f"imap:{mailbox.address}:{digest}",
            unfit=unfit,
            authserv_ids=self._account.authserv_ids,
        )


def windows(last: int, next_uid: int) -> Iterator[tuple[int, int]]:
    """The UIDs after `last` that there can be, in pieces; each is twice as wide as the one before, up to a limit."""
    low, width = last + 1, WINDOW
    while low < next_uid:
        yield low, min(low + width, next_uid) - 1
        low, width = low + width, min(width * 2, WIDEST)


def first_of(listed: list[Listed]) -> list[Listed]:
    """As many from the beginning as are stored together; always one."""
    size = 0
    for count, each in enumerate(listed):
        size += each.size
        if count and size > AT_ONCE:
            return listed[:count]
    return listed


def _before(listed: Listed, since: datetime | None) -> bool:
    return since is not None and listed.came_at is not None and listed.came_at < since
