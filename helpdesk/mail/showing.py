"""A mail as `helpdesk mail parse` prints it."""

from collections.abc import Iterable
from typing import Any

from services.intake.domain.bounces import Bounce
from services.intake.mail.letter import Enclosed, Letter, Person


def as_data(letter: Letter) -> dict[str, Any]:
    """`text` is what is new, `full_text` all of it. Message ids have their angle brackets."""
    return {
        "message_id": f"<{letter.message_id}>" if letter.message_id else None,
        "from": {"name": letter.name, "address": letter.address},
        "to": _people(letter.to),
        "cc": _people(letter.cc),
        "subject": letter.subject,
        "date": letter.written_at.isoformat() if letter.written_at else None,
        "text": letter.new_text,
        "full_text": letter.text,
        "attachments": [_attachment(part) for part in letter.attachments],
        "in_reply_to": next(iter(letter.in_reply_to), None),
        "references": list(letter.mentioned),
        "automatic": letter.automatic,
        "bounce": _bounce(letter.bounce) if letter.bounce else None,
        "problems": list(letter.problems),
    }


def unreadable(reason: str) -> dict[str, Any]:
    """A mail that the reader gave up: the service parks it, and somebody looks at it."""
    nothing = Letter(
        message_id=None,
        address="",
        name="",
        subject="",
        text="",
        references=(),
        automatic=None,
        loops=(),
        content_hash="",
        problems=(reason,),
    )
    return as_data(nothing)


def _people(people: Iterable[Person]) -> list[dict[str, str]]:
    return [{"name": each.name, "address": each.address} for each in people]


def _attachment(part: Enclosed) -> dict[str, Any]:
    return {"filename": part.filename, "content_type": part.content_type, "size": len(part.content)}


def _bounce(bounce: Bounce) -> dict[str, Any]:
    recipients = [
        {"address": each.address, "status": each.status, "hard": each.hard, "diagnostic": each.diagnostic} for each in bounce.recipients
    ]
    return {"recipients": recipients, "original_message_id": bounce.original_message_id}
