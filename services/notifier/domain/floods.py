"""When an address gets so much mail about new work that the rest of the minute is better told in one mail."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zlib import crc32

A_MINUTE: Final = timedelta(minutes=1)

AFTERWARDS: Final = timedelta(seconds=2)
"""Between a minute's end and the mail about it: what was decided in its last instant is written down by then."""

MOST: Final = 10_000
"""Addresses kept in mind: about a megabyte."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Floods:
    """What this process counts for itself; what is lost with it, and what is planned a second time, makes a few mails more or fewer.

    Minutes are cut at the same instants by every process, so that what all of them put off for one address is told together, and at
    another second for each address.
    """

    per_minute: int
    """Mails that go at once to one address in a minute; 0: all of them."""
    most: int = MOST
    _counted: dict[str, tuple[datetime, int]] = field(default_factory=dict)

    def until(self, address: str, now: datetime) -> datetime | None:
        """When one more mail to the address is told with others; None: it goes at once. Each call counts one."""
        if not self.per_minute:
            return None
        name = address.casefold()
        end = _end_of_minute(name, now)
        counting, count = self._counted.get(name, (end, 0))
        count = count + 1 if counting == end else 1
        if len(self._counted) >= self.most and name not in self._counted:
            self._counted.clear()
        self._counted[name] = end, count
        return end + AFTERWARDS if count > self.per_minute else None


def _end_of_minute(name: str, now: datetime) -> datetime:
    begins = _EPOCH + timedelta(seconds=crc32(name.encode("utf-8", "surrogatepass")) % 60)
    return begins + ((now - begins) // A_MINUTE + 1) * A_MINUTE
