"""Mail addresses as they travel: the domain in its IDNA form, all of it seven-bit unless the recipient's own name is not."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""RFC 5322 dot-atom: quoted local parts are legal, never seen, and a door for injection."""

_ANY_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*")
"""The same with letters of every script (RFC 6531 section 3.3)."""

_DOMAIN: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")

_LONGEST: Final = 254
"""RFC 5321 section 4.5.3.1.3, without the angle brackets."""

_LONGEST_LOCAL: Final = 64
"""RFC 5321 section 4.5.3.1.1."""


class BadAddress(ValueError):
    """No mail can be sent there; the message says why."""


def ascii_address(address: str) -> str:
    """An address that every mail server takes, as ours have to be. Raises `BadAddress`."""
    return _travelling(address, _LOCAL)


def recipient_address(address: str) -> str:
    """The address of somebody we write to; what is not ASCII in it needs SMTPUTF8 (RFC 6531) on every hop. Raises `BadAddress`."""
    return _travelling(unicodedata.normalize("NFC", address), _ANY_LOCAL)


def _travelling(address: str, local_part: "re.Pattern[str]") -> str:
    local, at, domain = address.strip().rpartition("@")
    if not at or _octets(local) > _LONGEST_LOCAL or not local_part.fullmatch(local) or not local.isprintable():
        raise BadAddress("the address has no usable part before the @")
    encoded = _ascii_domain(domain)
    if _octets(local) + 1 + len(encoded) > _LONGEST:
        raise BadAddress("the address is longer than 254 characters")
    return f"{local}@{encoded}"


def _octets(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=10_000)
def _ascii_domain(domain: str) -> str:
    try:
        encoded = domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise BadAddress("the domain of the address can't be encoded") from None
    if not _DOMAIN.fullmatch(encoded):
        raise BadAddress("the domain of the address is malformed")
    return encoded
