"""What servers on the way wrote into a mail about it: whom it was for, and how far its sender is proven."""

import re
from typing import Final

from services.intake.domain.authentication import LONGEST
from services.intake.mail.headers import Fields

MOST: Final = 20
"""Fields of one name that are looked at."""

_NOTED: Final = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-rcpt-to", "x-gm-original-to", "x-forwarded-to")
_ADDRESS: Final = re.compile(r"[^\s<>,;\"]{1,64}@[^\s<>,;\"]{1,255}")


def delivered_to(fields: Fields) -> tuple[str, ...]:
    """Each once."""
    noted = [value[:1000].decode("latin-1") for name in _NOTED for value in fields.all(name)[:MOST]]
    return tuple(dict.fromkeys(address for value in noted for address in _ADDRESS.findall(value)))[:MOST]


def authentication(fields: Fields) -> tuple[str, ...]:
    """As they stand, with folded lines made one, and as much of them as shows that one is too long."""
    return tuple(" ".join(value.decode("latin-1").split())[: LONGEST + 1] for value in fields.all("authentication-results")[:MOST])
