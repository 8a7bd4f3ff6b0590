"""How much goes to one recipient domain at once, and when all of it rests because that domain says it is too much."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

PATIENCE: Final = 3
"""Recipients of one domain that hear it, with nothing accepted between them: one alone may be about that mailbox."""

FIRST_REST: Final = timedelta(seconds=30)
LONGEST_REST: Final = timedelta(hours=1)

FULL: Final = timedelta(seconds=1)
"""Until the next look at a lane for which its domain had no place."""

_TOO_MUCH: Final = re.compile(r"4\d\d\b.{0,20}?\b4\.7\.\d|421\b")
"""Policy and rate limits: RFC 3463 section 3.8 for a temporary reply, and 421, with which large providers limit rates."""

_GREYLISTED: Final = re.compile(r"gr[ae]y-?list", re.IGNORECASE)
"""About the pair of sender and recipient: waiting with the others would only make them wait longer."""


@dataclass
class _Domain:
    told_by: set[str] = field(default_factory=set)
    rests: int = 0
    until: datetime | None = None


@dataclass
class Domains:
    """What this process knows; nothing is lost with it."""

    at_once: int
    _under_way: Counter[str] = field(default_factory=Counter)
    _known: dict[str, _Domain] = field(default_factory=dict)

    def enter(self, address: str, now: datetime) -> datetime | None:
        """None: go on, and call `leave` afterwards. Else when to ask again."""
        name = domain_of(address)
        known = self._known.get(name)
        if known is not None and known.until is not None and known.until > now:
            return known.until
        if self._under_way[name] >= self.at_once:
            return now + FULL
        self._under_way[name] += 1
        return None

    def leave(self, address: str) -> None:
        name = domain_of(address)
        self._under_way[name] -= 1
        if self._under_way[name] <= 0:
            del self._under_way[name]

    def taken(self, address: str) -> None:
        """It accepted a mail: all is well there."""
        self._known.pop(domain_of(address), None)

    def put_off(self, address: str, reason: str, now: datetime) -> None:
        """It did not, and said why. Each rest is twice as long as the one before."""
        if not _TOO_MUCH.match(reason) or _GREYLISTED.search(reason):
            return
        known = self._known.setdefault(domain_of(address), _Domain())
        known.told_by.add(address.lower())
        if known.rests or len(known.told_by) >= PATIENCE:  # after a rest the first one tells
            known.until = now + min(FIRST_REST * 2**known.rests, LONGEST_REST)
            known.rests = min(known.rests + 1, 10)


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()
