"""Values that several events carry."""

from datetime import timedelta
from typing import Final, Literal

from pydantic import Field

from schemas.envelope import Instant, Model

Language = Literal["vi", "en"]
Channel = Literal["form", "api", "email", "chat"]
AuthorRole = Literal["business", "officer", "system"]
MessageKind = Literal["request", "message", "answer", "question", "resolution", "note"]
ClockKind = Literal["first_response", "next_response", "resolution", "hand_over"]
ClockState = Literal["running", "paused", "met", "missed", "cancelled"]
Priority = Literal["low", "normal", "high", "urgent"]
Trust = Literal["pass", "fail", "none"]
"""Whether the domain of a mail's sender stands for it (DMARC alignment, RFC 7489 section 3.1), as our own mail server saw it."""

TicketStatus = Literal["new", "open", "waiting", "referred", "resolved", "closed", "merged", "rejected"]

NEW_TEXT: Final = "`text` without the quoted mail and the signature; None where nothing was left out."
HTML: Final = "The HTML form of a mail where it shows more than `text`, made safe: no scripts, nothing is loaded from elsewhere."
REFUSED: Final = "Files that were sent with it and not kept; None where all were."
"""What these fields mean, wherever they stand."""


class LocalText(Model):
    """A name in both languages."""

    vi: str
    en: str

    def in_language(self, language: Language) -> str:
        return self.en if language == "en" else self.vi


class Named(Model):
    """Something the organisation file names: a topic, a unit."""

    key: str
    name: LocalText


class Business(Model):
    name: str
    tax_code: str | None = None


class ChatAddress(Model):
    """Where a chat answer goes: the account it came by and the conversation on it."""

    account: str
    conversation: str


class Contact(Model):
    """The person who asked. At least one of `email`, `phone`, `chat` is set."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    chat: ChatAddress | None = None


class Attachment(Model):
    """A stored file; `content_type` was sniffed from its bytes, never taken from the sender."""

    id: str = Field(description="Id in intake's file store; says nothing about the content.")
    filename: str
    content_type: str
    size: int = Field(ge=0, description="Bytes.")
    sha256: str


class RefusedFiles(Model):
    """Files that were sent and not kept, in the words their sender is told; the names in them are the sender's, shortened."""

    because: tuple[LocalText, ...] = Field(description="Of the first few: which file, why it was not kept and what to do about it.")
    more: int = Field(default=0, ge=0, description="How many others were not kept.")


class Message(Model):
    """Anything said on a ticket."""

    id: str
    kind: MessageKind
    public: bool
    author_role: AuthorRole
    author_name: str | None = None
    text: str
    attachments: tuple[Attachment, ...] = ()
    channel: Channel | None = Field(default=None, description="Set on what the business sent.")
    automatic: str | None = Field(default=None, description="Why it is taken for automatic mail; such messages start and stop nothing.")
    at: Instant
    trust: Trust | None = Field(default=None, description="How far the sender's address is proven; None where it did not come by mail.")
    verified: bool | None = Field(
        default=None, description="False: written by somebody else than who asked, or under a forged address. None: nobody could check."
    )
    new_text: str | None = Field(default=None, description=NEW_TEXT)
    html: Attachment | None = Field(default=None, description=HTML)
    refused: RefusedFiles | None = Field(default=None, description=REFUSED)


class Person(Model):
    """Somebody of the organisation who can be told something."""

    key: str
    name: str
    email: str | None = None
    language: Language = "vi"


class Group(Model):
    """A support group as others need to see it."""

    key: str
    name: LocalText
    unit: Named
    mailbox: str | None = Field(default=None, description="The group's own e-mail address.")
    timezone: str = Field(default="Asia/Ho_Chi_Minh", description="IANA zone of its calendar.")


class Deadline(Model):
    """One clock of a ticket as others need to see it."""

    kind: ClockKind
    cycle: int = Field(ge=1)
    state: ClockState
    due_at: Instant | None = Field(default=None, description="None while paused and when cancelled.")
    missed_at: Instant | None = Field(default=None, description="The instant the target was reached with the work not done.")
    left: timedelta | None = Field(default=None, description="Working time left, while paused and the target is in hours.")
    left_days: int | None = Field(default=None, ge=0, description="Working days left, while paused and the target is in days.")
    finished_at: Instant | None = None


class Ticket(Model):
    """The ticket as it stands after the event that carries it, so that no reader has to ask back."""

    reference: str
    status: TicketStatus
    subject: str
    topic: Named
    unit: Named | None = Field(default=None, description="The unit the business named.")
    language: Language
    channel: Channel
    priority: Priority = "normal"
    member_tier: str | None = Field(
        default=None, description="Tier of the business as a member on the day the ticket was opened; internal."
    )
    business: Business
    contact: Contact
    group: Group
    officer: Person | None = None
    deadlines: tuple[Deadline, ...] = ()
    opened_at: Instant
    resolved_at: Instant | None = None
    linked_to: str | None = Field(
        default=None, description="Reference of a request this one belongs to: the same mail to another group, or one that was over."
    )
    version: int = Field(ge=1, description="Equals the sequence of the event that carries it.")
