"""One mail to several departments: whose ticket it is on, and who gets one of their own."""

from collections.abc import Iterable

from services.intake.domain.mailboxes import Mailboxes


def addressed(mailboxes: Mailboxes, addresses: Iterable[str]) -> frozenset[str]:
    """The groups that these addresses lead to."""
    found = (mailboxes.find(address) for address in addresses)
    return frozenset(mailbox.group for mailbox in found if mailbox is not None)


def own_first(mailboxes: Mailboxes, group: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """Each once, those of the group before the others: a mail that carries tokens of two tickets is for each group about its own."""
    listed = dict.fromkeys(addresses)
    own = dict.fromkeys(address for address in listed if group in addressed(mailboxes, [address]))
    return tuple(own | listed)


def homes(mailboxes: Mailboxes, groups: frozenset[str]) -> frozenset[str]:
    """Where mail about a ticket of these groups is at home: a group that has no mailbox writes under the focal point's."""
    return groups if not groups or groups & frozenset(mailboxes.by_address.values()) else groups | {mailboxes.focal_point}


def is_further(group: str, at_home: frozenset[str], asked: frozenset[str]) -> bool:
    """Whether this group was asked besides those whose ticket it is. Whoever is asked alone is meant as one of them."""
    return group not in at_home and bool(asked & at_home)
