"""Nothing that was accepted is lost: every request has its ticket, and every message is on it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import found, merged, pages, rows, there
from kit.mongo import Document
from services.intake.storage import CONVERSATIONS, SUBMISSIONS
from services.routing.storage import MESSAGES, TICKETS

_REMEDY = "see whether routing runs (/readyz) and whether `helpdesk dlq list routing` holds it; `helpdesk dlq replay` brings it in"


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    async for page in pages(_ticket_ids(installation), tally):
        for finding in await _judge(installation, page):
            yield finding.key


async def _ticket_ids(installation: Installation) -> AsyncIterator[str]:
    """Of everything intake said yes to, each once."""
    intake = installation.database("intake")
    conversations = rows(intake[CONVERSATIONS.name], {}, {"_id": 1})
    submissions = rows(intake[SUBMISSIONS.name], {"ticket_id": {"$gt": ""}}, {"_id": 0, "ticket_id": 1}, by="ticket_id")
    async for ticket_id, _, _ in merged(_keyed(conversations, "_id"), _keyed(submissions, "ticket_id")):
        yield ticket_id


async def _keyed(documents: AsyncIterator[Document], field: str) -> AsyncIterator[tuple[str, bool]]:
    last = None
    async for row in documents:
        if row[field] != last:
            last = row[field]
            yield last, True


async def _judge(installation: Installation, ticket_ids: Sequence[str]) -> list[Finding]:
    """Intake is read first: what is there by then and settled must be in routing, whatever is written meanwhile."""
    intake, routing, before = installation.database("intake"), installation.database("routing"), installation.settled_before
    conversations = await found(intake[CONVERSATIONS.name], ticket_ids, {"reference": 1, "opened_at": 1})
    fields = {"ticket_id": 1, "reference": 1, "message_id": 1, "received_at": 1}
    submissions = await found(intake[SUBMISSIONS.name], ticket_ids, fields, field="ticket_id")
    tickets = await there(routing[TICKETS.name], ticket_ids)
    messages = await there(routing[MESSAGES.name], [row["message_id"] for row in submissions])

    lacking: dict[str, Finding] = {}
    late: dict[str, list[Finding]] = defaultdict(list)
    for row in conversations:
        if row["_id"] not in tickets and row["opened_at"] < before:
            lacking[row["_id"]] = _no_ticket(row["_id"], f"intake/conversations/{row['_id']}", row["reference"])
    for row in submissions:
        ticket_id = row["ticket_id"]
        if row["received_at"] >= before:
            continue
        if ticket_id not in tickets:
            lacking.setdefault(ticket_id, _no_ticket(ticket_id, f"intake/submissions/{row['_id']}", row["reference"]))
        elif row["message_id"] not in messages:
            what = f"was accepted for {row['reference']} (ticket {ticket_id}), but the ticket has no message {row['message_id']}"
            late[ticket_id].append(Finding(ticket_id, f"intake/submissions/{row['_id']}", what, _REMEDY))
    return [*lacking.values(), *(finding for findings in late.values() for finding in findings)]


def _no_ticket(ticket_id: str, record: str, reference: str) -> Finding:
    return Finding(ticket_id, record, f"request {reference} was accepted, but routing has no ticket {ticket_id}", _REMEDY)


ACCEPTED = Invariant("accepted", "every accepted request has its ticket, with all its messages", _suspects, _judge)
