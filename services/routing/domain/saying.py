"""Officers say something: to the business, to each other, to another authority."""

from schemas.tickets import AnswerGiven, NoteAdded, QuestionAsked, TicketReferred
from schemas.values import Attachment, LocalText, Message, MessageKind
from services.routing.domain import measuring, sentences
from services.routing.domain.commands import Actor, Note, Refer, Reply, Wait
from services.routing.domain.draft import Draft
from services.routing.domain.moves import Refused, guard
from services.routing.domain.ticket import OVER


def reply(draft: Draft, command: Reply, actor: Actor) -> Draft:
    """Anybody of the group may answer, whoever holds the ticket: a lease must never keep a business waiting."""
    if draft.ticket.status in OVER:
        raise Refused(sentences.fill(sentences.OVER, current=sentences.statuses(draft.ticket.status)), field="status", conflict=True)
    message = written(draft, actor, "answer", command.message_id, command.text, attachments=command.attachments)
    return taken_up(draft, actor).keep(message).record(AnswerGiven, message=message, by=actor.key)


def note(draft: Draft, command: Note, actor: Actor) -> Draft:
    """Possible in every status: it says nothing to the business and moves nothing."""
    message = written(draft, actor, "note", command.message_id, command.text, attachments=command.attachments)
    return draft.keep(message).record(NoteAdded, message=message, by=actor.key)


def wait(draft: Draft, command: Wait, actor: Actor) -> Draft:
    guard(draft.ticket.status, "waiting")
    message = written(draft, actor, "question", command.message_id, command.text, attachments=command.attachments)
    waiting = measuring.follow_status(taken_up(draft, actor).change(status="waiting"), draft.at)
    return waiting.keep(message).record(QuestionAsked, message=message, by=actor.key)


def refer(draft: Draft, command: Refer, actor: Actor) -> Draft:
    guard(draft.ticket.status, "referred")
    authority = required(command.authority, "authority", sentences.AUTHORITY_MISSING)
    reason = required(command.reason, "reason", sentences.REASON_MISSING)
    referred = measuring.follow_status(taken_up(draft, actor).change(status="referred"), draft.at)
    return referred.record(TicketReferred, authority=authority, reason=reason, by=actor.key)


def taken_up(draft: Draft, actor: Actor) -> Draft:
    """A new ticket that somebody acts on is open; one that nobody has is theirs if they are of its group."""
    ticket = draft.ticket
    spec = draft.ctx.org.officer(actor.key)
    member = spec is not None and ticket.group in spec.groups
    return draft.change(
        status="open" if ticket.status == "new" else ticket.status,
        officer=actor.key if ticket.officer is None and member else ticket.officer,
    )


def written(
    draft: Draft, actor: Actor, kind: MessageKind, message_id: str, text: str, *, attachments: tuple[Attachment, ...] = ()
) -> Message:
    """The officer's message; a note is internal, everything else public."""
    return Message(
        id=message_id,
        kind=kind,
        public=kind != "note",
        author_role="officer",
        author_name=actor.name,
        text=required(text, "text", sentences.TEXT_MISSING),
        attachments=attachments,
        at=draft.at,
    )


def required(text: str, field: str, sentence: LocalText) -> str:
    if not text.strip():
        raise Refused(sentence, field=field)
    return text.strip()
