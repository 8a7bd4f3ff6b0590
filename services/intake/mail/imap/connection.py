"""One connection to an IMAP server. Everything here blocks, and is called from one thread alone.

Folders are opened with EXAMINE and mails read with BODY.PEEK, so that nothing we do shows in the mailbox: a person may read along,
and what a person has read is no less ours.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from imapclient import IMAPClient, SocketTimeout  # type: ignore[import-untyped]
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError  # type: ignore[import-untyped]

from kit.errors import TransientError
from services.intake.mail.imap.accounts import Account

ANSWER_WITHIN: Final = 30.0
"""Seconds for each answer of the server."""


class Lost(TransientError):
    """The server is away, or made no sense: connect again."""


class LoginRefused(TransientError):
    """User or password are not right, or not right now."""


class Refused(Exception):
    """The server will not give one mail, and is otherwise well."""


@dataclass(frozen=True)
class Folder:
    """`next_uid`: what the next mail to come will have at least (RFC 9051 section 2.3.1.1)."""

    validity: int
    next_uid: int


@dataclass(frozen=True)
class Listed:
    """A mail in the folder: its size in bytes, and when it came there."""

    uid: int
    size: int
    came_at: datetime | None


class Connection:
    """Logged in when made. Raises LoginRefused or Lost, as everything here does."""

    def __init__(self, account: Account) -> None:
        self._folder = account.folder
        with _translated():
            context = ssl.create_default_context(cafile=account.ca_file)
            timeout = SocketTimeout(connect=ANSWER_WITHIN, read=ANSWER_WITHIN)
            self._client: Any = IMAPClient(account.host, account.port, ssl=account.tls, ssl_context=context, timeout=timeout)
        self._client.normalise_times = False
        try:
            with _translated():
                self._log_in(account, context)
                self.idles = bool(self._client.has_capability("IDLE"))
        except BaseException:
            self.close()
            raise

    def _log_in(self, account: Account, context: ssl.SSLContext) -> None:
        if not account.tls:
            if self._client.has_capability("STARTTLS"):
                self._client.starttls(context)
            elif not account.may_be_clear:
                raise LoginRefused("the server offers no STARTTLS, and the password is not sent in clear")
        try:
            self._client.login(account.user, account.password)
        except LoginError as error:
            raise LoginRefused(f"login refused: {str(error)[:200]}") from None

    def look(self) -> Folder:
        """What the folder is now."""
        with _translated():
            seen = self._client.select_folder(self._folder, readonly=True)
            if b"UIDNEXT" not in seen:  # older servers say it only when asked (RFC 3501 section 6.3.1)
                seen |= self._client.folder_status(self._folder, ["UIDNEXT"])
            return Folder(int(seen[b"UIDVALIDITY"]), int(seen[b"UIDNEXT"]))

    def listed(self, low: int, high: int, most: int) -> list[Listed]:
        """The first mails with these UIDs, both included, in their order; at least one when there is one."""
        with _translated():
            uids = sorted(uid for uid in self._client.search(["UID", f"{low}:{high}"]) if low <= uid <= high)[:most]
            found = self._client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
            return [Listed(uid, int(found[uid][b"RFC822.SIZE"]), found[uid].get(b"INTERNALDATE")) for uid in uids if uid in found]

    def content(self, uid: int, most: int) -> bytes | None:
        """The mail, or its first `most` bytes; None when it is gone. Raises Refused."""
        return self._part(uid, "BODY.PEEK[]", b"BODY[]", most)

    def header(self, uid: int, most: int) -> bytes | None:
        """Its header, or the first `most` bytes of that; None when it is gone. Raises Refused."""
        return self._part(uid, "BODY.PEEK[HEADER]", b"BODY[HEADER]", most)

    def _part(self, uid: int, wanted: str, named: bytes, most: int) -> bytes | None:
        """Asked for in part, so that no server can send more than we hold, whatever it says the size is."""
        with _translated():
            try:
                found = self._client.fetch([uid], [f"{wanted}<0.{most}>"]).get(uid, {})
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                raise Refused(str(error)[:200]) from error
        part = found.get(named + b"<0>", found.get(named))
        return bytes(part) if part is not None else None

    def begin_idle(self) -> None:
        """RFC 2177."""
        with _translated():
            self._client.idle()

    def wait(self, seconds: float) -> bool:
        """Whether something happened in the folder within `seconds`."""
        began = time.monotonic()
        with _translated():
            heard = self._client.idle_check(timeout=seconds)
            if any(response[0] == b"BYE" for response in heard):
                raise Lost("the server says goodbye")
            # At the end of the stream the client returns at once and with nothing, for ever.
            if not heard and time.monotonic() - began < seconds / 2:
                raise Lost("the server has hung up")
        return any(len(response) > 1 and response[1] in {b"EXISTS", b"EXPUNGE", b"RECENT"} for response in heard)

    def end_idle(self) -> None:
        with _translated():
            self._client.idle_done()

    def interrupt(self) -> None:
        """Make whatever waits for the server stop waiting; from any thread."""
        with suppress(Exception):
            self._client.socket().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up; politeness would be one more answer to wait for."""
        with suppress(Exception):
            self._client.shutdown()


@contextmanager
def _translated() -> Iterator[None]:
    """Whatever the client raises on a broken line or a strange answer means: this connection is of no more use."""
    try:
        yield
    except (TransientError, Refused):
        raise
    except (IMAPClientError, OSError, EOFError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise Lost(f"{type(error).__name__}: {str(error)[:200]}") from error
