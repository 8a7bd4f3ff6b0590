"""Mail that no person wrote to us: answering it, or counting it as a request, is how two machines talk to each other for ever."""

import re
from collections.abc import Callable
from typing import Final

from services.intake.mail.headers import Fields, structured

MOST_HOPS: Final = 50
"""Received fields; a mail that passed that many servers goes round in circles."""

UNSURE: Final = frozenset({"auto_response_suppress", "automatic_subject", "robot_sender", "mailing_list", "bounce"})
"""Signs that mails of people show too: goods are undeliverable, firms write from no-reply addresses, through lists and gateways.

Alone they make no request go away, and no answer to a ticket.
"""

_LIST_FIELDS: Final = ("list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailing-list")
_REPLY_FIELDS: Final = ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-failed-recipients")
_DENIED: Final = frozenset({"", "no", "false"})
"""Values of these by which a person's program says that it is none."""

_BULK: Final = frozenset({"bulk", "junk", "auto_reply"})
_SUPPRESSED: Final = frozenset({"all", "autoreply", "oof", "dr"})
_ROBOTS: Final = re.compile(r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+=._-].*)?", re.IGNORECASE)
_SERVERS: Final = re.compile(r"(mailer-daemon|bounces?)([+=._-].*)?", re.IGNORECASE)
_PERHAPS_SERVERS: Final = re.compile(r"postmaster([+=._-].*)?", re.IGNORECASE)
"""Small firms write from there as well: it takes one of these signs, or a subject, besides."""

_OF_SERVERS: Final = frozenset({"auto_response_suppress", "bounce"})
_SUBJECTS: Final = re.compile(
    r"(auto(matic)?[ -]?(reply|response)\b|out of (the )?office\b|undeliver(able|ed)\b|delivery status notification\b"
    r"|trả lời tự động|tự động trả lời|thư trả lời tự động|vắng mặt)",
    re.IGNORECASE,
)
_ABSENT: Final = re.compile(
    r"(auto(matic)?[ -]?(reply|response)|out of (the )?office( auto(matic)?[ -]?(reply|response))?"
    r"|(thư )?trả lời tự động|tự động trả lời|vắng mặt)\s*(:|$|(re|fwd?)\s*:)",
    re.IGNORECASE,
)
"""What programs put before the subject they answer; the same words go on otherwise where a person writes of them."""


def automatic_reason(fields: Fields, address: str, subject: str) -> str | None:
    """The surest sign there is (RFC 3834 section 2, and what else programs write), see UNSURE; None for a person's mail."""
    found = next((reason for reason, holds in _SIGNS if holds(fields)), None)
    if found == "auto_response_suppress" and _ABSENT.match(subject):
        return "auto_reply"
    return found or _by_name(address, subject)


def answers_by_itself(reason: str, address: str, subject: str) -> bool:
    """Whether what answers a ticket is a program's: for a sure sign, a mail server's, or a label of those who are away.

    There the rest of the subject is ours, which a person's answer puts other words before, if any.
    """
    return reason not in UNSURE or _from_server(reason, address, subject) or _ABSENT.match(subject) is not None


def _from_server(reason: str, address: str, subject: str) -> bool:
    name = address.rpartition("@")[0]
    if _PERHAPS_SERVERS.fullmatch(name):
        return reason in _OF_SERVERS or _SUBJECTS.match(subject) is not None
    return _SERVERS.fullmatch(name) is not None


def by_program(fields: Fields, address: str) -> bool:
    """Whether its header or its address says so, apart from its form."""
    says_so = any(holds(fields) for reason, holds in _SIGNS if reason != "report")
    return says_so or _ROBOTS.fullmatch(address.rpartition("@")[0]) is not None


def _by_name(address: str, subject: str) -> str | None:
    if is_robot(address):
        return "robot_sender"
    return "automatic_subject" if _SUBJECTS.match(subject) else None


def is_robot(address: str) -> bool:
    """Whether its name says that nobody reads what comes there."""
    return _ROBOTS.fullmatch(address.rpartition("@")[0]) is not None


def _auto_submitted(fields: Fields) -> bool:
    return any(value.split(b";")[0].split(b"(")[0].strip().lower() not in {b"no", b""} for value in fields.all("auto-submitted"))


def _says_reply(fields: Fields) -> bool:
    return any(value.decode("latin-1").strip().lower() not in _DENIED for name in _REPLY_FIELDS for value in fields.all(name))


def _suppressed(fields: Fields) -> bool:
    """It wants no automatic answers ([MS-OXCMAIL] 2.1.3.2.20), which says nothing about who wrote it."""
    words = {word.strip().lower() for word in fields.plain("x-auto-response-suppress").split(",")}
    return bool(words & _SUPPRESSED)


def _through_list(fields: Fields) -> bool:
    return fields.plain("precedence").lower() == "list" or any(fields.all(name) for name in _LIST_FIELDS)


_SIGNS: Final[tuple[tuple[str, Callable[[Fields], bool]], ...]] = (
    ("report", lambda fields: structured(fields.raw("content-type")).value == "multipart/report"),
    ("auto_submitted", _auto_submitted),
    ("precedence", lambda fields: fields.plain("precedence").lower() in _BULK),
    ("auto_reply", _says_reply),
    ("mail_loop", lambda fields: len(fields.all("received")) > MOST_HOPS),
    ("auto_response_suppress", _suppressed),
    ("mailing_list", _through_list),
)
"""The sure ones first: what is unsure hides none of them."""
