"""Watching one folder: connect, store what is new, wait for more (IDLE, RFC 2177), and look again now and then whatever was heard."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, ParamSpec, TypeVar

from prometheus_client import Counter, Gauge
from structlog.typing import FilteringBoundLogger

from kit.errors import TransientError
from services.intake.domain.mailboxes import Mailboxes
from services.intake.mail.arrivals import Arrivals, Arrived
from services.intake.mail.imap.accounts import Account
from services.intake.mail.imap.connection import Connection, LoginRefused, Lost
from services.intake.mail.imap.fetching import Batch, Fetcher
from services.intake.mail.imap.folders import Folders, bookmark_for

LOOKED = Gauge("helpdesk_imap_looked_timestamp_seconds", "When the folder was last read to its end", ["mailbox"])
FAILURES = Counter("helpdesk_imap_failures", "Failures of reading a folder", ["mailbox", "kind"])

STEP: Final = 1.0
"""Seconds of one wait for news: after that it is asked whether to stop, and whether the lease is still ours."""

IDLE_FOR: Final = 300.0
"""Seconds after which IDLE is ended and the folder looked into. Servers may hang up after 30 minutes (RFC 2177), routers in between
earlier, and some servers forget to tell."""

POLL_EVERY: Final = 30.0
"""Seconds between looks where the server cannot IDLE."""

LOGIN_AGAIN: Final = 60.0
"""Seconds before a refused login is tried again, twice as many each time: accounts get locked by too many."""

LONGEST_REST: Final = 900.0

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True)
class Times:
    """How long what takes, in seconds."""

    idle_for: float = IDLE_FOR
    poll_every: float = POLL_EVERY
    login_again: float = LOGIN_AGAIN


class Watcher:
    """One folder. `step` is run by a loop; what it raises is counted and remembered here, and retried later."""

    def __init__(  # noqa: PLR0913 (each is one collaborator)
        self,
        account: Account,
        folders: Folders,
        arrivals: Arrivals,
        mailboxes: Callable[[], Mailboxes],
        logger: FilteringBoundLogger,
        *,
        max_bytes: int,
        times: Times = Times(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = account
        self._folders = folders
        self._arrivals = arrivals
        self._mailboxes = mailboxes
        self._logger = logger.bind(mailbox=account.mailbox, host=account.host, folder=account.folder)
        self._fetcher = Fetcher(account, max_bytes)
        self._times = times
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")
        self._connection: Connection | None = None
        self._fetching: asyncio.Future[Batch] | None = None
        self._idling = False
        self._look_at = 0.0
        self._rest_until = 0.0
        self._refusals = 0

    async def step(self) -> bool:
        """Do the next thing; True when there is something to do at once. TransientError for any trouble with the server."""
        if self._clock() < self._rest_until:
            return False
        if not await self._folders.hold(self._account):
            await self._hang_up()
            return False
        try:
            return await self._watch()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self._hang_up()
            await self._went_wrong(error)
            raise

    async def close(self) -> None:
        await self._hang_up()
        self._thread.shutdown(wait=False)

    async def _watch(self) -> bool:
        connection = self._connection or await self._connect()
        if self._clock() < self._look_at:
            return await self._wait(connection)
        if self._idling:
            await self._in_thread(connection.end_idle)
            self._idling = False
        if await self._take(connection):
            return True
        await self._folders.went_well(self._account)
        LOOKED.labels(self._account.mailbox).set_to_current_time()
        if connection.idles:
            await self._in_thread(connection.begin_idle)
            self._idling = True
        self._look_at = self._clock() + (self._times.idle_for if self._idling else self._times.poll_every)
        return self._idling

    async def _connect(self) -> Connection:
        self._connection = connection = await self._in_thread(Connection, self._account)
        self._idling, self._look_at, self._refusals = False, 0.0, 0
        self._logger.info("imap.connected", idle=connection.idles)
        return connection

    async def _wait(self, connection: Connection) -> bool:
        """For news; where the server has none to give, the loop waits."""
        if not self._idling:
            return False
        if await self._in_thread(connection.wait, STEP):
            self._look_at = 0.0
        return True

    async def _take(self, connection: Connection) -> bool:
        """Store what comes next. The bookmark moves when that is done, so that whatever happens in between is done again."""
        if self._fetching is None:
            self._fetching = asyncio.ensure_future(self._fetch(connection))
        # A large mail on a slow line takes longer than a lease: look up from it now and then.
        done, _ = await asyncio.wait({self._fetching}, timeout=STEP)
        if not done:
            return True
        fetching, self._fetching = self._fetching, None
        batch = fetching.result()
        await self._store(batch.mails)
        await self._folders.move(self._account, batch.then)
        return batch.more

    async def _fetch(self, connection: Connection) -> Batch:
        mailboxes = self._mailboxes()
        mailbox = mailboxes.find(self._account.mailbox)
        if mailbox is None:
            raise TransientError("no group of the organisation has this mailbox: load one that has, or correct HELPDESK_IMAP_URLS")
        folder = await self._in_thread(connection.look)
        known = await self._folders.bookmark(self._account)
        mark = bookmark_for(self._account, folder, known, self._arrivals.now())
        if known is not None and known.validity != mark.validity:
            self._logger.warning("imap.numbers_changed", before=known.validity, now=mark.validity)
        return await self._in_thread(self._fetcher.next, connection, folder, mark, mailboxes, mailbox)

    async def _store(self, mails: tuple[Arrived, ...]) -> None:
        """One after the other, since the order in which they are stored is that in which one sender's mails are read."""
        for mail in mails:
            mail_id = await self._arrivals.keep(mail)
            self._logger.info("mail.fetched", mail=mail_id, size=len(mail.content), unfit=mail.unfit)

    async def _went_wrong(self, error: Exception) -> None:
        kind = _kind(error)
        FAILURES.labels(self._account.mailbox, kind).inc()
        self._logger.warning("imap.failed", kind=kind, error=str(error)[:300])
        if isinstance(error, LoginRefused):
            self._rest_until = self._clock() + min(self._times.login_again * 2**self._refusals, LONGEST_REST)
            self._refusals += 1
        try:
            await self._folders.went_wrong(self._account, kind, str(error))
        except TransientError as trouble:
            self._logger.warning("imap.trouble_not_noted", error=str(trouble)[:300])

    async def _hang_up(self) -> None:
        connection, self._connection, self._idling = self._connection, None, False
        fetching, self._fetching = self._fetching, None
        if connection is not None:
            connection.interrupt()
            await self._in_thread(connection.close)
        if fetching is not None:
            await asyncio.wait({fetching})
            fetching.exception()

    async def _in_thread(self, work: Callable[P, T], *arguments: P.args, **_: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *arguments))


def _kind(error: Exception) -> str:
    match error:
        case LoginRefused():
            return "login"
        case Lost():
            return "server"
        case _:
            return "ours"
