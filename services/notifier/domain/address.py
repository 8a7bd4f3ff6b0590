"""Mail addresses as they travel: seven-bit, with the domain in its IDNA form."""

import re
from typing import Final

_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""RFC 5322 dot-atom: quoted local parts are legal, never seen, and a door for injection."""

_DOMAIN: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")

_LONGEST: Final = 254
"""RFC 5321 section 4.5.3.1.3, without the angle brackets."""

_LONGEST_LOCAL: Final = 64
"""RFC 5321 section 4.5.3.1.1."""


class BadAddress(ValueError):
    """No mail can be sent there; the message says why."""


def ascii_address(address: str) -> str:
    """The address for envelopes and headers. Raises `BadAddress`; a local part outside ASCII needs SMTPUTF8 on every hop and is refused."""
    local, at, domain = address.strip().rpartition("@")
    if not at or len(local) > _LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        raise BadAddress("the address has no usable part before the @")
    encoded = _ascii_domain(domain)
    if len(local) + 1 + len(encoded) > _LONGEST:
        raise BadAddress("the address is longer than 254 characters")
    return f"{local}@{encoded}"


def _ascii_domain(domain: str) -> str:
    try:
        encoded = domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise BadAddress("the domain of the address can't be encoded") from None
    if not _DOMAIN.fullmatch(encoded):
        raise BadAddress("the domain of the address is malformed")
    return encoded
