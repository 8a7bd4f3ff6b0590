"""The folders that are read, put together."""

from collections.abc import Callable
from functools import partial
from typing import Final

from kit.loops import Loop
from kit.mongo import Database, Mongo
from kit.publishing import process_name
from kit.service import Service
from services.intake.domain.mailboxes import Mailboxes
from services.intake.mail.arrivals import Arrivals
from services.intake.mail.imap.accounts import accounts_of
from services.intake.mail.imap.folders import Folders
from services.intake.mail.imap.watcher import Watcher
from services.intake.settings import IntakeSettings

STEP_EVERY: Final = 1.0
"""Seconds before a folder is tried that another process reads, or whose server cannot IDLE."""


def add_imap(
    service: Service,
    settings: IntakeSettings,
    mongo: Mongo,
    database: Database,
    arrivals: Arrivals,
    mailboxes: Callable[[], Mailboxes],
) -> None:
    """Read the folders that settings name, if any. ValueError when they are not written as they should be."""
    accounts = accounts_of(settings.imap_urls.get_secret_value())
    if not accounts:
        return
    folders = Folders(database, process_name(), mongo.now)
    service.closers.append(folders.release)
    for account in accounts:
        watcher = Watcher(account, folders, arrivals, mailboxes, service.logger, max_bytes=settings.mail_max_bytes)
        service.loops.append(partial(Loop, logger=service.logger)(f"imap {account.mailbox}", watcher.step, every=STEP_EVERY))
        service.closers.append(watcher.close)
