"""What the endpoints about tickets share: find for a reader, decide, save, show."""

import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Header, Path, Response

from kit import trace
from kit.errors import RefusedError
from kit.ids import derived_id
from kit.mongo import DuplicateKey
from schemas.tickets import DeliveryTroubled
from schemas.values import Message
from services.routing.access import Reader
from services.routing.api.bodies import AttachmentBody, ClockRow, MessageBody, Returned, TicketBody
from services.routing.api.links import FileLinks
from services.routing.api.refusals import (
    CHANGED,
    FASTER,
    IF_MATCH_BAD,
    IF_MATCH_MISSING,
    NEVER_WAS,
    NO_TICKET,
    NO_VERSION,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_VALID,
    READ_ONLY,
    UNMATCHED,
    against_the_rules,
    refused,
)
from services.routing.api.signing_in import SignedIn
from services.routing.deciding import automatic_officers, change_of
from services.routing.directory import Directory
from services.routing.domain import clocks, commands
from services.routing.domain.decide import Decision, decide
from services.routing.domain.moves import MOVES, Refused
from services.routing.domain.naming import named
from services.routing.domain.sentences import fill
from services.routing.domain.ticket import OVER, Ticket, snapshot
from services.routing.history import HistoryRepository
from services.routing.repository import Stale, TicketRepository

Name = Annotated[str, Path(description="Id or reference of a ticket; a reference in any case, with or without dashes.", max_length=64)]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The `ETag` of the ticket as you saw it.", examples=['"3"'], max_length=40)
]

ATTEMPTS: Final = 3
"""Times a command is decided again because something changed that made no new version, such as a delivery that was noted."""

REFERENCE_CHARACTERS: Final = 9


class Asked:
    """Who asks for which ticket, as they saw it; a dependency of every endpoint that changes one."""

    def __init__(self, name: str, reader: Reader, if_match: str | None, response: Response) -> None:
        self.name = name
        self.reader = reader
        self.if_match = if_match
        self.response = response


def asking(signed_in: SignedIn) -> Callable[..., Asked]:
    Signed = Annotated[Reader, Depends(signed_in)]

    def asked(name: Name, reader: Signed, response: Response, if_match: IfMatch = None) -> Asked:
        return Asked(name, reader, if_match, response)

    return asked


class Desk:
    def __init__(
        self, tickets: TicketRepository, history: HistoryRepository, directory: Directory, links: FileLinks, now: Callable[[], datetime]
    ) -> None:
        self._tickets = tickets
        self._history = history
        self._directory = directory
        self._links = links
        self._now = now

    async def find(self, name: str, reader: Reader) -> Ticket:
        """404 for what is not there and for what this reader may not see alike."""
        ticket_id = id_of(name)
        ticket = (
            (await self._tickets.load([ticket_id])).get(ticket_id) if ticket_id else await self._tickets.by_reference(reference_of(name))
        )
        if ticket is None or self._group(ticket) not in reader.sees:
            raise refused(reader.language, 404, NOT_FOUND, NO_TICKET, field="name")
        return ticket

    async def show(self, ticket: Ticket, reader: Reader, response: Response) -> TicketBody:
        response.headers["ETag"] = f'"{ticket.version}"'
        response.headers["Cache-Control"] = "no-store"
        address = self._links.of_ticket(ticket.id, self._now())
        returned = [returned_body(event) for event in await self._history.troubles(ticket.id)]
        of_message = {one.message_id: one for one in returned}
        messages = [message_body(message, address, of_message.get(message.id)) for message in await self._tickets.messages(ticket.id)]
        return TicketBody(
            id=ticket.id,
            ticket=snapshot(ticket, self._directory.context().org),
            clocks=clock_rows(ticket),
            messages=messages,
            returned=returned,
            linked=await self._tickets.linked(ticket),
            can=possible(ticket, self._works(ticket, reader)),
        )

    async def do(self, asked: Asked, make: Callable[[str], commands.Command]) -> TicketBody:
        """Carry out a command on the version the officer saw. 403, 404, 409, 412, 422 or 428, with what to do.

        `make` is given the id for what is said: the same for the same officer and version, so that a request sent twice says it once.
        """
        reader = asked.reader
        seen = version_of(asked.if_match, reader)
        for _ in range(ATTEMPTS):
            ticket = await self.find(asked.name, reader)
            if not self._works(ticket, reader):
                group = self._directory.context().group(ticket.group)
                raise refused(reader.language, 403, NOT_ALLOWED, fill(READ_ONLY, group=group.name))
            if ticket.version != seen:
                break
            command = make(derived_id(ticket.id, str(seen), reader.officer.key))
            decision = await self._decided(ticket, command, reader)
            if await self._saved(ticket, decision):
                return await self.show(decision.ticket, reader, asked.response)
        raise await self._conflict(await self.find(asked.name, reader), seen, reader)

    async def _decided(self, ticket: Ticket, command: commands.Command, reader: Reader) -> Decision:
        ctx = await self._directory.knowing([ticket])
        actor = commands.Actor(reader.officer.key, reader.officer.name)
        moves = isinstance(command, commands.Assign)
        work = await self._tickets.open_work(automatic_officers(ctx)) if moves else {}
        try:
            return decide(ticket, command, actor, ctx, self._now(), open_work=work)
        except Refused as refusal:
            raise against_the_rules(refusal, reader.language) from refusal

    async def _saved(self, ticket: Ticket, decision: Decision) -> bool:
        """False when the ticket moved on meanwhile."""
        change = change_of(ticket, decision, self._directory.context(), cause=ticket.id, trace=trace.current.get())
        try:
            await self._tickets.save([change], now=self._now())
        except (Stale, DuplicateKey):
            return False
        return True

    async def _conflict(self, ticket: Ticket, seen: int, reader: Reader) -> RefusedError:
        current = await self.show(ticket, reader, Response())
        extra: dict[str, Any] = {"current": current.model_dump(mode="json"), "version": ticket.version}
        if 1 <= seen <= ticket.version:
            return refused(reader.language, 412, FASTER, CHANGED, field="If-Match", extra=extra)
        sentence = fill(NEVER_WAS, version=str(ticket.version), seen=str(seen))
        return refused(reader.language, 412, NO_VERSION, sentence, field="If-Match", extra=extra)

    def _group(self, ticket: Ticket) -> str:
        """Where it is seen: at the focal point when its own group is no longer in the organisation."""
        return self._directory.context().group(ticket.group).key

    def _works(self, ticket: Ticket, reader: Reader) -> bool:
        return self._group(ticket) in reader.works


def returned_body(event: DeliveryTroubled) -> Returned:
    return Returned(
        message_id=event.message_id or None,
        template=event.template,
        address=event.address,
        bounced=event.bounced,
        suppressed=event.suppressed,
        at=event.failed_at or event.occurred_at,
        reason=event.reason,
    )


def message_body(message: Message, address: Callable[[str], str], returned: Returned | None = None) -> MessageBody:
    """`address`: from a file's id to where it can be had."""
    files = tuple(AttachmentBody(**dict(file), url=address(file.id)) for file in message.attachments)
    html = AttachmentBody(**dict(message.html), url=address(message.html.id)) if message.html else None
    new = message.text if message.new_text is None else message.new_text
    return MessageBody(**{**dict(message), "attachments": files, "html": html, "new_text": new, "returned": returned})


def clock_rows(ticket: Ticket) -> list[ClockRow]:
    return [
        ClockRow(
            name=name,
            kind=clock.kind,
            cycle=clock.cycle,
            state=clocks.snapshot(clock).state,
            explain=f"/api/v1/tickets/{ticket.id}/clocks/{name}/explain",
        )
        for name, clock in named(ticket.clocks).items()
    ]


def id_of(name: str) -> str | None:
    """The ticket's id, if it is one."""
    try:
        return str(UUID(name))
    except ValueError:
        return None


def reference_of(name: str) -> str:
    """The reference as it is written, from what a person typed: any case, with or without prefix, dashes and spaces."""
    typed = "".join(character for character in unicodedata.normalize("NFKC", name).upper() if character.isalnum())
    nine = typed.removeprefix("HD") if len(typed) > REFERENCE_CHARACTERS else typed
    return f"HD-{nine[:3]}-{nine[3:6]}-{nine[6:]}" if len(nine) == REFERENCE_CHARACTERS else name.upper()


def version_of(if_match: str | None, reader: Reader) -> int:
    if if_match is None:
        raise refused(reader.language, 428, UNMATCHED, IF_MATCH_MISSING, field="If-Match")
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 (more than any version)
        raise refused(reader.language, 422, NOT_VALID, IF_MATCH_BAD, field="If-Match")
    return int(text)


def possible(ticket: Ticket, works: bool) -> list[str]:  # noqa: FBT001
    """What the ticket's status allows whoever works on it."""
    if not works:
        return []
    status, moves = ticket.status, MOVES[ticket.status]
    actions = ["note"]
    if status not in OVER:
        actions.append("reply")
    if status not in OVER and status != "resolved":
        actions += ["claim", "assign", "prioritise"] + (["release"] if ticket.officer else [])
    needed = {"wait": "waiting", "refer": "referred", "resolve": "resolved", "reject": "rejected"}
    actions += [action for action, wanted in needed.items() if wanted in moves]
    if "open" in moves and status not in {"new", "open"}:
        actions.append("reopen")
    return sorted(actions)
