"""One message of a chat conversation, checked as a whole."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.values import Language
from services.intake.domain import identity
from services.intake.domain.files import AcceptedFile, Upload
from services.intake.domain.request import LONGEST_NAME, Body, Reading, spoken_language

LONGEST_ID: Final = 200
CHAT_FIELDS: Final = (
    "conversation",
    "message_id",
    "text",
    "name",
    "business",
    "email",
    "phone",
    "language",
    "topic",
    "unit",
    "attachments",
)


@dataclass(frozen=True)
class ChatMessage:
    """Cleaned, but for `conversation`: answers are sent to exactly that id."""

    conversation: str
    text: str
    language: Language
    name: str | None = None
    business: str | None = None
    email: str | None = None
    phone: str | None = None
    topic: str | None = None
    unit: str | None = None
    files: tuple[AcceptedFile, ...] = ()


def read_chat(
    body: object, *, topics: Collection[str], units: Collection[str], files: Sequence[Upload] = (), language: Language = "vi"
) -> ChatMessage:
    """`language` is used where the body names none. Raises Invalid with every problem."""
    reading = Reading()
    top = reading.part(body, "", CHAT_FIELDS)
    conversation = _conversation(reading, top)
    reading.line(top, "message_id", LONGEST_ID, too_long="id_long")
    text = reading.paragraphs(top, "text", missing="message_missing")
    name = reading.line(top, "name", LONGEST_NAME, too_long="contact_name_long")
    business = reading.line(top, "business", LONGEST_NAME, too_long="business_name_long")
    email, phone = _reachable(reading, top)
    spoken = spoken_language(reading, top, language)
    topic, unit = reading.chosen(top, "topic", topics), reading.chosen(top, "unit", units)
    accepted = reading.files(files)
    reading.finish()
    return ChatMessage(
        conversation=conversation,
        text=text,
        language=spoken,
        name=name or None,
        business=business or None,
        email=email,
        phone=phone,
        topic=topic or None,
        unit=unit or None,
        files=accepted,
    )


def _conversation(reading: Reading, top: Body) -> str:
    if not reading.line(top, "conversation", LONGEST_ID, too_long="id_long"):
        reading.note("conversation", "conversation_missing")
    return str(top.get("conversation", ""))


def _reachable(reading: Reading, top: Body) -> tuple[str | None, str | None]:
    """Both optional: the conversation itself is where we can answer."""
    typed_email = reading.line(top, "email", identity.LONGEST_EMAIL, too_long="email_long")
    typed_phone = reading.line(top, "phone")
    email, phone = identity.email_address(typed_email), identity.phone_number(typed_phone)
    if typed_email and email is None:
        reading.note("email", "email_malformed")
    if typed_phone and phone is None:
        reading.note("phone", "phone_malformed")
    return email, phone
