"""Mail that no person wrote to us: answering it, or counting it as a request, is how two machines talk to each other for ever."""

import re
from collections.abc import Callable
from typing import Final

from services.intake.mail.headers import Fields, structured

MOST_HOPS: Final = 50
"""Received fields; a mail that passed that many servers goes round in circles."""

_LIST_FIELDS: Final = ("list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailing-list")
_REPLY_FIELDS: Final = ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-failed-recipients")
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_SUPPRESSED: Final = frozenset({"all", "autoreply", "oof", "dr"})
_ROBOTS: Final = re.compile(r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+=._-].*)?", re.IGNORECASE)
_SUBJECTS: Final = re.compile(
    r"(auto(matic)?[ -]?(reply|response)\b|out of (the )?office\b|undeliver(able|ed)\b|delivery status notification\b"
    r"|trả lời tự động|tự động trả lời|thư trả lời tự động|vắng mặt)",
    re.IGNORECASE,
)


def automatic_reason(fields: Fields, address: str, subject: str) -> str | None:
    """The first sign there is (RFC 3834 section 2, and what else programs write); None for a person's mail."""
    return next((reason for reason, holds in _SIGNS if holds(fields)), None) or _by_name(address, subject)


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


def _suppressed(fields: Fields) -> bool:
    words = {word.strip().lower() for word in fields.plain("x-auto-response-suppress").split(",")}
    return bool(words & _SUPPRESSED)


_SIGNS: Final[tuple[tuple[str, Callable[[Fields], bool]], ...]] = (
    ("report", lambda fields: structured(fields.raw("content-type")).value == "multipart/report"),
    ("auto_submitted", _auto_submitted),
    ("auto_response_suppress", _suppressed),
    ("precedence", lambda fields: fields.plain("precedence").lower() in _BULK),
    ("mailing_list", lambda fields: any(fields.all(name) for name in _LIST_FIELDS)),
    ("auto_reply", lambda fields: any(fields.all(name) for name in _REPLY_FIELDS)),
    ("mail_loop", lambda fields: len(fields.all("received")) > MOST_HOPS),
)
