"""Settings without which mail works, and less well than it could: answers, reports and senders are then known by less."""

from collections.abc import Iterable, Iterator
from typing import Final

from helpdesk.checking.installation import Installation
from kit.organisation import OrganisationStore
from services.intake.mail.imap.accounts import accounts_of
from services.intake.settings import IntakeSettings
from services.notifier.settings import NotifierSettings

_RESERVED: Final = ("example", "test", "invalid", "localhost", "localdomain", "example.com", "example.net", "example.org")
"""Domains that are nobody's (RFC 2606): an installation whose addresses all have one is a demonstration."""


async def setting_warnings(installation: Installation, intake: IntakeSettings, notifier: NotifierSettings) -> list[str]:
    """Of an installation that people write to. All processes should have the settings of the one that asks."""
    store = OrganisationStore(installation.database("intake"))
    await store.refresh()
    if not store.loaded:
        return []
    boxes = [group.mailbox for group in store.current.organisation.groups if group.mailbox]
    return list(_lacking(intake, notifier)) if in_use([*boxes, notifier.mail_from]) else []


def in_use(addresses: Iterable[str]) -> bool:
    """Whether one of them may be somebody's."""
    domains = (address.rpartition("@")[2].lower().rstrip(".") for address in addresses)
    return any(not any(domain == name or domain.endswith(f".{name}") for name in _RESERVED) for domain in domains)


def _lacking(intake: IntakeSettings, notifier: NotifierSettings) -> Iterator[str]:
    """Said as of here, since a command may run without what the services are given."""
    if not notifier.plus_addressing:
        yield (
            "HELPDESK_PLUS_ADDRESSING is off: answers find their ticket by Message-IDs alone, which some mail programs leave out;"
            " switch it on where the servers of all group mailboxes take `mailbox+anything`"
        )
    if not notifier.bounce_address:
        yield (
            "HELPDESK_BOUNCE_ADDRESS is not set: mail that comes back is known by what it returns alone, and no address that is no good"
            " is ever suppressed"
        )
    named = intake.mail_authserv_id.strip() or any(account.authserv_ids for account in accounts_of(intake.imap_urls.get_secret_value()))
    if not named and not intake.ses_topics:
        yield (
            "HELPDESK_MAIL_AUTHSERV_ID is not set, nor authserv= in HELPDESK_IMAP_URLS: no sender of a mail is ever shown as proven, and a"
            " reference in a subject leads to no ticket"
        )
