"""Which group a mail address belongs to."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from schemas.organisation import Organisation

POSTMASTER: Final = "postmaster"
_QUOTED: Final = re.compile(r'\A"([^"\\\s@]+)"\Z')
"""Quotation marks that say nothing: `"hong"@` is `hong@` (RFC 5322 section 3.4.1)."""

_SIGNED: Final = re.compile(r"\A(?:prvs=[^=@]*=|btv1==[^=@]*==)")
"""What servers put before a return path to know their own bounces (BATV)."""


@dataclass(frozen=True)
class Mailbox:
    """An address of ours in its one spelling, and the group that gets its mail."""

    address: str
    group: str


@dataclass(frozen=True)
class Mailboxes:
    """All the addresses mail comes in by. RFC 5321 makes local parts case-sensitive; nobody has two mailboxes that differ in case."""

    by_address: Mapping[str, str]
    focal_point: str
    domains: frozenset[str]
    staff: frozenset[str] = frozenset()
    """Addresses of the people we tell about tickets of others, without tags."""

    @classmethod
    def of(cls, organisation: Organisation, sender: str | None = None, bounces: str | None = None) -> Self:
        """`sender`: where our own mail comes from, `bounces`: its return path; both are the focal point's unless a group has them."""
        by_address: dict[str, str] = {_spelt(address): organisation.focal_point for address in (sender, bounces) if address}
        taken = set()
        for group in organisation.groups:
            address = _spelt(group.mailbox) if group.mailbox else None
            if address and address not in taken:
                by_address[address] = group.key
                taken.add(address)
        told = (*(officer.email for officer in organisation.officers), organisation.competent_authority.email)
        staff = frozenset(_untagged(_spelt(address)) for address in told if address)
        return cls(by_address, organisation.focal_point, frozenset(address.rpartition("@")[2] for address in by_address), staff)

    def is_staff(self, address: str) -> bool:
        """Anybody can write such an address: it may cost a mail rights, and never gives it any. `hong+anything@` is `hong@`."""
        return _untagged(_spelt(address)) in self.staff

    def handed_in_by_staff(self, return_path: str) -> bool:
        """What a mailbox passes on of others has a tag that names more (`hong+caf_=help=x.example@`): nobody wrote that from there."""
        local = _SIGNED.sub("", _spelt(return_path))
        return "=" not in local.rpartition("@")[0].partition("+")[2] and self.is_staff(local)

    def find(self, address: str) -> Mailbox | None:
        """The mailbox of an envelope recipient. `box+anything@` is `box@`; `postmaster` is everywhere (RFC 5321 section 4.5.1)."""
        spelt = _spelt(address)
        local, _, domain = spelt.rpartition("@")
        if spelt == POSTMASTER or (local == POSTMASTER and domain in self.domains):
            return Mailbox(spelt, self.by_address.get(spelt, self.focal_point))
        for candidate in (spelt, _untagged(spelt)):
            if candidate in self.by_address:
                return Mailbox(candidate, self.by_address[candidate])
        return None


def one_per_group(found: Iterable[Mailbox | None]) -> tuple[Mailbox, ...]:
    """A group addressed twice, as `postmaster` and by name, gets the mail once, by its first address."""
    first: dict[str, Mailbox] = {}
    for mailbox in found:
        if mailbox is not None:
            first.setdefault(mailbox.group, mailbox)
    return tuple(first.values())


def _untagged(spelt: str) -> str:
    local, at, domain = spelt.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def _spelt(address: str) -> str:
    """Lower case, with the domain in its IDNA form where it has one, without what programs write around an address or into it."""
    local, at, domain = (part.strip() for part in address.strip("<>' \t\r\n").rpartition("@"))
    domain = domain.rstrip(".")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
    plain = _QUOTED.sub(r"\1", local)
    return f"{plain}{at}{domain}".lower()
