"""`helpdesk.tickets.v1`: what happened to a ticket, written by routing alone.

Every event carries the whole `ticket` as it stands after it.
"""

from datetime import timedelta
from typing import Annotated, Final, Literal, get_args

from pydantic import Discriminator, Field, Tag, TypeAdapter

from schemas.envelope import Event, EventAdapter, Instant, Model, UnknownEvent, tag_of
from schemas.values import ClockKind, Group, LocalText, Message, Person, Priority, Ticket

ToldAs = Literal["officer", "lead", "relieved_lead", "supervisor", "authority", "authority_unreachable"]
"""In what capacity somebody is told of a step: `relieved_lead` led the group the ticket was taken from, `authority_unreachable` is asked to
pass it on to an authority that has no e-mail address."""


class TicketEventBase(Event):
    ticket: Ticket


class TicketOpened(TicketEventBase):
    """A request became a ticket, in a group's queue, with its clocks started."""

    type: Literal["ticket_opened"] = "ticket_opened"
    message: Message
    because: str = Field(description="The rule that chose the group, in words.")
    policy_because: str | None = Field(default=None, description="Which policy measures it and why, in words.")
    recipients: tuple[Person, ...] = Field(default=(), description="Officer and others to tell of the assignment.")


class TicketAssigned(TicketEventBase):
    """The ticket went to another group or officer."""

    type: Literal["ticket_assigned"] = "ticket_assigned"
    because: str
    by: str = Field(description="Key of the officer, or `system`.")
    from_group: str | None = None
    policy_because: str | None = Field(
        default=None, description="Which policy measures it from now on and why; set when the group changed."
    )
    recipients: tuple[Person, ...] = ()


class TicketPrioritised(TicketEventBase):
    """An officer changed how urgent it is; `ticket.deadlines` are those of the policy that applies now."""

    type: Literal["ticket_prioritised"] = "ticket_prioritised"
    priority: Priority
    from_priority: Priority
    because: str
    policy_because: str | None = Field(default=None, description="Which policy measures it now and why, in words.")
    by: str


class TicketClaimed(TicketEventBase):
    """An officer took the ticket; the claim is a lease."""

    type: Literal["ticket_claimed"] = "ticket_claimed"
    by: str
    until: Instant


class BusinessReplied(TicketEventBase):
    """The business said more; `reopened` tells whether that ended waiting or a resolution."""

    type: Literal["business_replied"] = "business_replied"
    message: Message
    reopened: bool = False
    recipients: tuple[Person, ...] = Field(default=(), description="Officer, or the group's lead, to tell.")


class AnswerGiven(TicketEventBase):
    """An officer answered in public."""

    type: Literal["answer_given"] = "answer_given"
    message: Message
    by: str


class QuestionAsked(TicketEventBase):
    """An officer asked the business something; the ticket waits for it."""

    type: Literal["question_asked"] = "question_asked"
    message: Message
    by: str


class NoteAdded(TicketEventBase):
    """An internal note; never shown to the business."""

    type: Literal["note_added"] = "note_added"
    message: Message
    by: str


class TicketReferred(TicketEventBase):
    """The ticket is with an outside authority."""

    type: Literal["ticket_referred"] = "ticket_referred"
    authority: str
    reason: str
    by: str


class TicketResolved(TicketEventBase):
    """The officer declares the difficulty solved; `message` is the public answer that says how."""

    type: Literal["ticket_resolved"] = "ticket_resolved"
    message: Message | None = None
    by: str


class TicketReopened(TicketEventBase):
    """A new cycle begins."""

    type: Literal["ticket_reopened"] = "ticket_reopened"
    reason: str
    by: str


class TicketClosed(TicketEventBase):
    """The reopen window has passed."""

    type: Literal["ticket_closed"] = "ticket_closed"


class ClockFinished(TicketEventBase):
    """A clock ended because its work was done; the verdict never changes again."""

    type: Literal["clock_finished"] = "clock_finished"
    clock: ClockKind
    cycle: int
    verdict: Literal["met", "missed", "cancelled"]
    finished_at: Instant


class MovedDeadline(Model):
    """One clock that a newer revision measures otherwise. Of a paused one: what it would be due without the pause."""

    clock: ClockKind
    cycle: int
    started_at: Instant
    paused: bool = False
    old_due_at: Instant | None = None
    new_due_at: Instant | None = None


class DeadlinesMoved(TicketEventBase):
    """A newer revision of the organisation measures the ticket otherwise; `ticket.deadlines` are the new ones."""

    type: Literal["deadlines_moved"] = "deadlines_moved"
    revision: int = Field(description="The first revision that measures this way.")
    because: str
    moves: tuple[MovedDeadline, ...]


class ClockRepaired(TicketEventBase):
    """An administrator corrected what the record said of a clock; what it said before stays in the record."""

    type: Literal["clock_repaired"] = "clock_repaired"
    clock: ClockKind
    cycle: int
    started_at: Instant
    old_verdict: Literal["met", "missed", "cancelled"] | None = Field(default=None, description="None of a clock that was still measured.")
    new_verdict: Literal["met", "missed", "cancelled"] | None = None
    old_due_at: Instant | None = None
    new_due_at: Instant | None = None
    because: str
    by: str


class DeadlineWarned(TicketEventBase):
    """A share of a clock's target is used up."""

    type: Literal["deadline_warned"] = "deadline_warned"
    clock: ClockKind
    cycle: int
    percent: int
    due_at: Instant
    reached_at: Instant | None = Field(default=None, description="When the share was used up, however late it was seen.")
    recipients: tuple[Person, ...] = ()
    tell_at: Instant | None = Field(default=None, description="The end of the group's quiet hours; None: tell at once.")


class DeadlineMissed(TicketEventBase):
    """A clock reached its target with the work not done. `due_at` is the true instant, however late it was seen."""

    type: Literal["deadline_missed"] = "deadline_missed"
    clock: ClockKind
    cycle: int
    due_at: Instant
    late_by: timedelta = Field(description="How long after `due_at` it was recorded.")
    recipients: tuple[Person, ...] = ()
    tell_at: Instant | None = Field(default=None, description="The end of the group's quiet hours; None: tell at once.")


class TicketEscalated(TicketEventBase):
    """A step of the ladder was taken; `ticket.group` is who has it now."""

    type: Literal["ticket_escalated"] = "ticket_escalated"
    step: int = Field(ge=0, description="Position in the policy's ladder.")
    clock: ClockKind
    cycle: int
    due_at: Instant = Field(description="When the step was due.")
    because: str
    because_in: LocalText | None = Field(default=None, description="`because` in both languages.")
    number: int | None = Field(default=None, ge=1, description="Which of the ladder's steps for this clock it is.")
    steps: int | None = Field(default=None, ge=1, description="How many steps the ladder has for this clock.")
    from_group: Group
    to_authority: str | None = Field(default=None, description="Set when it went to the competent authority.")
    authority: LocalText | None = Field(default=None, description="`to_authority` in both languages.")
    recipients: tuple[Person, ...] = ()
    told_as: dict[str, ToldAs] = Field(default_factory=dict, description="Key of a recipient to the capacity in which it is told.")
    tell_at: Instant | None = Field(default=None, description="The end of the group's quiet hours; None: tell at once.")


class DeliveryTroubled(TicketEventBase):
    """Something said to the business did not reach it; the officer sees it and it does not count as answered."""

    type: Literal["delivery_troubled"] = "delivery_troubled"
    message_id: str = Field(default="", description="The message that did not arrive; empty for an acknowledgement, which carries none.")
    template: str | None = Field(default=None, description="What was to be said, as `NotificationFailed` names it.")
    reason: str
    address: str | None = Field(default=None, description="Where it was to go.")
    bounced: Literal["hard", "soft"] | None = Field(default=None, description="How it came back, if it was accepted first.")
    suppressed: bool | None = Field(default=None, description="Whether nothing more is sent to that address now.")
    failed_at: Instant | None = Field(default=None, description="When it failed, or the report came that it had.")
    recipients: tuple[Person, ...] = ()


Known = (
    TicketOpened
    | TicketAssigned
    | TicketPrioritised
    | TicketClaimed
    | BusinessReplied
    | AnswerGiven
    | QuestionAsked
    | NoteAdded
    | TicketReferred
    | TicketResolved
    | TicketReopened
    | TicketClosed
    | ClockFinished
    | DeadlineWarned
    | DeadlineMissed
    | TicketEscalated
    | DeliveryTroubled
    | DeadlinesMoved
    | ClockRepaired
)
KNOWN: Final = frozenset(str(get_args(event.model_fields["type"].annotation)[0]) for event in get_args(Known))

TicketEvent = Annotated[
    Annotated[TicketOpened, Tag("ticket_opened")]
    | Annotated[TicketAssigned, Tag("ticket_assigned")]
    | Annotated[TicketPrioritised, Tag("ticket_prioritised")]
    | Annotated[TicketClaimed, Tag("ticket_claimed")]
    | Annotated[BusinessReplied, Tag("business_replied")]
    | Annotated[AnswerGiven, Tag("answer_given")]
    | Annotated[QuestionAsked, Tag("question_asked")]
    | Annotated[NoteAdded, Tag("note_added")]
    | Annotated[TicketReferred, Tag("ticket_referred")]
    | Annotated[TicketResolved, Tag("ticket_resolved")]
    | Annotated[TicketReopened, Tag("ticket_reopened")]
    | Annotated[TicketClosed, Tag("ticket_closed")]
    | Annotated[ClockFinished, Tag("clock_finished")]
    | Annotated[DeadlineWarned, Tag("deadline_warned")]
    | Annotated[DeadlineMissed, Tag("deadline_missed")]
    | Annotated[TicketEscalated, Tag("ticket_escalated")]
    | Annotated[DeliveryTroubled, Tag("delivery_troubled")]
    | Annotated[DeadlinesMoved, Tag("deadlines_moved")]
    | Annotated[ClockRepaired, Tag("clock_repaired")]
    | Annotated[UnknownEvent, Tag("unknown")],
    Discriminator(tag_of(KNOWN)),
]

ticket_events: Final[TypeAdapter[Known | UnknownEvent]] = EventAdapter(TicketEvent, Known)
