"""E-mail addresses, telephone numbers and tax codes, each brought to the one form in which it is kept, or None."""

import re
import unicodedata
from typing import Final

LONGEST_EMAIL: Final = 254
"""RFC 5321 section 4.5.3.1.3: a path of 256 octets less its angle brackets."""

_LONGEST_LOCAL_PART: Final = 64
_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_ANY_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_PHONE_DECORATION: Final = re.compile(r"[\s.\-‐‑–()/]")
_INTERNATIONAL: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_VIETNAMESE: Final = re.compile(r"0[1-9][0-9]{8,9}")
_TAX_DECORATION: Final = re.compile(r"[\s.]")
_TAX_CODE: Final = re.compile(r"([0-9]{10})(?:[-‐‑–]?([0-9]{3}))?|[0-9]{12}")


def email_address(line: str) -> str | None:
    """`local@domain` with an ASCII local part (RFC 5321 without quoting) and the domain in lower-case ASCII (IDNA).

    Other letters before the @ are legal (RFC 6531) and hardly in use; typed into a form they are a keyboard's doing.
    """
    return _address(line, _LOCAL_PART)


def sender_address(line: str) -> str | None:
    """The same of somebody who wrote from there, so that it exists, whatever the letters of its local part."""
    return _address(unicodedata.normalize("NFC", line), _ANY_LOCAL_PART)


def _address(line: str, local_part: "re.Pattern[str]") -> str | None:
    local, at, domain = line.rpartition("@")
    if not at or _octets(local) > _LONGEST_LOCAL_PART or not local_part.fullmatch(local) or not local.isprintable():
        return None
    ascii_domain = _ascii_domain(domain)
    if ascii_domain is None:
        return None
    address = f"{local}@{ascii_domain}"
    return address if _octets(address) <= LONGEST_EMAIL else None


def _octets(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _ascii_domain(domain: str) -> str | None:
    try:
        name = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = name.split(".")
    well_formed = len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    return name if well_formed else None


def phone_number(line: str) -> str | None:
    """E.164. A leading 0 means Viet Nam (+84, nine or ten digits after it); a leading 00 is the international prefix."""
    number = _PHONE_DECORATION.sub("", line)
    if number.startswith("00"):
        number = "+" + number[2:]
    if number.startswith("+840"):
        number = number[3:]
    elif re.fullmatch(r"84[1-9][0-9]{8,9}", number):
        number = "+" + number
    if _VIETNAMESE.fullmatch(number):
        return "+84" + number[1:]
    return number if _INTERNATIONAL.fullmatch(number) else None


def tax_code(line: str) -> str | None:
    """A Vietnamese tax code: ten digits, or ten and three (`0101234567-001`) for a dependent unit.

    Household businesses use the twelve digits of a personal identification number since 1 July 2025 (Circular 86/2024/TT-BTC).
    """
    match = _TAX_CODE.fullmatch(_TAX_DECORATION.sub("", line))
    if match is None:
        return None
    head, branch = match.groups()
    if head is None:
        return match[0]
    return f"{head}-{branch}" if branch else head
