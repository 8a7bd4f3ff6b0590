"""What came in by the form or the API, checked as a whole: everything that is wrong is told at once."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from schemas.text import clean_line, clean_text, says_nothing
from schemas.values import Business, Contact, Language
from services.intake.domain import identity
from services.intake.domain.files import AcceptedFile, Upload, check_files
from services.intake.domain.problems import FieldProblem, Invalid, Param, unknown_fields
from services.intake.domain.text import first_line

LONGEST_TEXT: Final = 20_000
LONGEST_SUBJECT: Final = 200
LONGEST_NAME: Final = 200
"""Lengths are counted in characters (code points) after cleaning."""

LONGEST_LINE: Final = 2_000
LONGEST_TYPED: Final = 5 * LONGEST_TEXT
"""What is longer than these before cleaning is not cleaned to find out: a body may hold 35 MB."""

REQUEST_FIELDS: Final = ("topic", "unit", "subject", "text", "language", "business", "contact", "attachments")
BUSINESS_FIELDS: Final = ("name", "tax_code")
CONTACT_FIELDS: Final = ("name", "email", "phone")
FOLLOW_UP_FIELDS: Final = ("text", "attachments")

Body = Mapping[str, object]


@dataclass(frozen=True)
class NewRequest:
    """A request that may become a ticket: cleaned, canonical, within every limit."""

    topic: str
    unit: str | None
    subject: str
    text: str
    language: Language
    business: Business
    contact: Contact
    files: tuple[AcceptedFile, ...] = ()


@dataclass(frozen=True)
class FollowUp:
    """One more message of the business on a ticket it has."""

    text: str
    files: tuple[AcceptedFile, ...] = ()


def read_request(
    body: object, *, topics: Collection[str], units: Collection[str], files: Sequence[Upload] = (), language: Language = "vi"
) -> NewRequest:
    """The request in `body` (the API's JSON, or `form.body`) with its files; `language` is used where the body names none.

    `attachments` inside the body is the caller's to decode into `files`. Raises Invalid with every problem.
    """
    reading = Reading()
    top = reading.part(body, "", REQUEST_FIELDS)
    topic = reading.chosen(top, "topic", topics)
    if not topic:
        reading.note("topic", "topic_missing")
    unit = reading.chosen(top, "unit", units)
    business = _business(reading, reading.part(top.get("business"), "business", BUSINESS_FIELDS))
    contact = _contact(reading, reading.part(top.get("contact"), "contact", CONTACT_FIELDS))
    subject = reading.line(top, "subject", LONGEST_SUBJECT, too_long="subject_long")
    text = reading.paragraphs(top, "text", missing="text_missing")
    spoken = spoken_language(reading, top, language)
    accepted = reading.files(files)
    reading.finish()
    return NewRequest(topic, unit or None, subject or first_line(text, LONGEST_SUBJECT), text, spoken, business, contact, accepted)


def read_follow_up(body: object, *, files: Sequence[Upload] = ()) -> FollowUp:
    """A later message, `{"text": …}`. Raises Invalid with every problem."""
    reading = Reading()
    top = reading.part(body, "", FOLLOW_UP_FIELDS)
    text = reading.paragraphs(top, "text", missing="message_missing")
    accepted = reading.files(files)
    reading.finish()
    return FollowUp(text, accepted)


def fingerprint(accepted: NewRequest | FollowUp) -> str:
    """SHA-256 (hex) of what was accepted: equal for the same request sent again, whatever its spelling on the wire."""
    canonical = json.dumps(_plain(accepted), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(accepted: NewRequest | FollowUp) -> dict[str, object]:
    """Without what is absent and without what we sniffed: a later release may know more of both."""
    plain: dict[str, object] = {"text": accepted.text, "files": [[file.filename, file.sha256] for file in accepted.files]}
    if isinstance(accepted, NewRequest):
        plain |= {"topic": accepted.topic, "subject": accepted.subject, "language": accepted.language}
        plain |= {"business": accepted.business.model_dump(exclude_none=True), "contact": accepted.contact.model_dump(exclude_none=True)}
        plain |= {"unit": accepted.unit} if accepted.unit else {}
    return plain


def _business(reading: "Reading", source: Body) -> Business:
    name = reading.line(source, "business.name", LONGEST_NAME, too_long="business_name_long")
    if not name:
        reading.note("business.name", "business_name_missing")
    typed = reading.line(source, "business.tax_code")
    tax_code = identity.tax_code(typed)
    if typed and tax_code is None:
        reading.note("business.tax_code", "tax_code_malformed")
    return Business(name=name, tax_code=tax_code)


def _contact(reading: "Reading", source: Body) -> Contact:
    name = reading.line(source, "contact.name", LONGEST_NAME, too_long="contact_name_long")
    typed_email = reading.line(source, "contact.email", identity.LONGEST_EMAIL, too_long="email_long")
    typed_phone = reading.line(source, "contact.phone")
    email, phone = identity.email_address(typed_email), identity.phone_number(typed_phone)
    if typed_email and email is None:
        reading.note("contact.email", "email_malformed")
    if typed_phone and phone is None:
        reading.note("contact.phone", "phone_malformed")
    if not typed_email and not typed_phone:
        reading.note("contact.email", "contact_missing")
    return Contact(name=name or None, email=email, phone=phone)


def spoken_language(reading: "Reading", source: Body, fallback: Language) -> Language:
    typed = reading.line(source, "language")
    for known in get_args(Language):
        if typed == known:
            return known  # type: ignore[no-any-return]  # get_args gives Any
    if typed:
        reading.note("language", "language_unknown", value=typed[:40])
    return fallback


class Reading:
    """Reads one body and notes what is wrong with it, at most one problem a field."""

    def __init__(self) -> None:
        self._problems: dict[str, FieldProblem] = {}

    def note(self, field: str, key: str, **params: Param) -> None:
        self._problems.setdefault(field, FieldProblem(field, key, params))

    def finish(self) -> None:
        if self._problems:
            raise Invalid(tuple(self._problems.values()))

    def part(self, value: object, path: str, known: Sequence[str]) -> Body:
        """The object at `path`; an empty one where it is missing. Raises Invalid where the whole body is none, for nothing is in it."""
        if value is None and path:
            return {}
        if not isinstance(value, Mapping):
            self.note(path, "not_an_object")
            if not path:
                self.finish()
            return {}
        for shown in unknown_fields(value, known):
            self.note(f"{path}.{shown}" if path else shown, "unknown_field", name=shown, known=", ".join(known))
        return value

    def line(self, source: Body, path: str, longest: int | None = None, too_long: str = "") -> str:
        typed = self._string(source, path)
        line = clean_line(typed[:LONGEST_LINE])
        length = len(line) if len(typed) <= LONGEST_LINE else len(typed)
        if longest is not None and length > longest:
            self.note(path, too_long, length=length, longest=longest)
        return line

    def paragraphs(self, source: Body, path: str, missing: str) -> str:
        typed = self._string(source, path)
        if len(typed) > LONGEST_TYPED:
            self.note(path, "text_long", length=len(typed), longest=LONGEST_TEXT)
            return ""
        text = clean_text(typed)
        if says_nothing(text):
            self.note(path, missing)
        if len(text) > LONGEST_TEXT:
            self.note(path, "text_long", length=len(text), longest=LONGEST_TEXT)
        return text

    def chosen(self, source: Body, path: str, known: Collection[str]) -> str:
        """A key out of `known`, or nothing."""
        key = self.line(source, path)
        if key and key not in known:
            self.note(path, f"{path}_unknown", value=key[:40], known=", ".join(sorted(known)[:30]))
        return key

    def files(self, uploads: Sequence[Upload]) -> tuple[AcceptedFile, ...]:
        accepted, problems = check_files(uploads)
        for problem in problems:
            self._problems.setdefault(problem.field, problem)
        return accepted

    def _string(self, source: Body, path: str) -> str:
        value = source.get(path.rpartition(".")[2])
        if isinstance(value, str):
            return value
        if value is not None:
            self.note(path, "not_text")
        return ""
