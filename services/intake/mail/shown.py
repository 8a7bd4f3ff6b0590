"""What people are shown of a mail in a line: who wrote it, and what it is about."""

from typing import Final

from schemas.text import clean_line
from schemas.values import Language, Trust
from services.intake.domain.request import LONGEST_NAME, LONGEST_SUBJECT
from services.intake.domain.text import first_line
from services.intake.mail.letter import Letter
from services.intake.mail.threads import Thread
from services.intake.mail.unread import NOBODY

_NO_SUBJECT: Final = {"vi": "(Không có tiêu đề)", "en": "(No subject)"}
_UNVERIFIED: Final = {"vi": "{name} (địa chỉ chưa xác minh)", "en": "{name} (address not verified)"}


def author(letter: Letter, sender: str, thread: Thread, trust: Trust) -> str | None:
    """Their own name, or with their address and a warning where it was not who asked; None where they have no name."""
    if thread.verified(trust) is not False:
        return letter.name[:LONGEST_NAME] or None
    named = clean_line(f"{letter.name} <{sender}>" if letter.name else sender or NOBODY)
    return _UNVERIFIED[thread.language].format(name=named)


def subject(letter: Letter, language: Language) -> str:
    """Of a mail without one, how it begins."""
    return first_line(letter.subject, LONGEST_SUBJECT) or first_line(letter.text, LONGEST_SUBJECT) or _NO_SUBJECT[language]
