"""Reports tell the truth: there is one outcome for each finished clock, with its verdict and a time that can have been worked."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import found, merged, rows
from kit.mongo import Document, Session
from services.routing.storage import OUTCOMES, TICKETS

Verdicts = frozenset[tuple[str, str]]
"""Outcome ids, each with its verdict."""

_TICKET: Final = {f"state.clocks.{field}": 1 for field in ("kind", "cycle", "started_at", "verdict")}
_OUTCOME: Final = {"ticket_id": 1, "verdict": 1, "started_at": 1, "finished_at": 1, "worked_ms": 1}
_IMPOSSIBLE: Final = "impossible"
_MILLISECOND: Final = timedelta(milliseconds=1)
_REMEDY = "on-time reports count outcomes; correct the collection from the ticket's clocks, whose verdicts are what the events told"


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    routing = installation.database("routing")
    tickets = _finished(rows(routing[TICKETS.name], {}, _TICKET))
    outcomes = _recorded(rows(routing[OUTCOMES.name], {}, _OUTCOME, by="ticket_id"))
    looked = 0
    async for ticket_id, finished, recorded in merged(tickets, outcomes):
        looked += len(recorded or ())
        if looked >= 1_000:  # noqa: PLR2004 (often enough to be seen, seldom enough to cost nothing)
            tally.add(looked)
            looked = 0
        if finished is None or finished != (recorded or frozenset()):
            yield ticket_id
    tally.add(looked)


async def _finished(tickets: AsyncIterator[Document]) -> AsyncIterator[tuple[str, Verdicts | None]]:
    async for row in tickets:
        yield row["_id"], _verdicts(row)


async def _recorded(outcomes: AsyncIterator[Document]) -> AsyncIterator[tuple[str, Verdicts]]:
    ticket_id, seen = None, set[tuple[str, str]]()
    async for row in outcomes:
        if ticket_id is not None and row["ticket_id"] != ticket_id:
            yield ticket_id, frozenset(seen)
            seen = set()
        ticket_id = row["ticket_id"]
        seen.add((row["_id"], row["verdict"] if _possible(row) else _IMPOSSIBLE))
    if ticket_id is not None:
        yield ticket_id, frozenset(seen)


def _verdicts(row: Document) -> Verdicts | None:
    """None when the clocks can't be read; another invariant says so. Read by hand: there are millions of them."""
    try:
        return frozenset((_outcome_id(row["_id"], clock), clock["verdict"]) for clock in row["state"]["clocks"] if clock["verdict"])
    except (KeyError, TypeError, ValueError):
        return None


def _possible(row: Document) -> bool:
    """Nobody works longer than from start to end, or less than not at all. Whether it is exactly right, explaining the clock tells."""
    started_at, finished_at, worked_ms = (row.get(name) for name in ("started_at", "finished_at", "worked_ms"))
    if started_at is None or finished_at is None or worked_ms is None:
        return True
    # A millisecond more: MongoDB cuts instants to it.
    return bool(0 <= worked_ms <= max((finished_at - started_at) // _MILLISECOND, 0) + 1)


def _outcome_id(ticket_id: str, clock: Document) -> str:
    return f"{ticket_id}:{clock['kind']}:{clock['cycle']}:{datetime.fromisoformat(clock['started_at']).isoformat()}"


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    """Both sides in one snapshot: a clock may finish at any moment."""
    routing = installation.database("routing")

    async def read(session: Session) -> tuple[list[Document], list[Document]]:
        tickets = await found(routing[TICKETS.name], keys, _TICKET, session=session)
        return tickets, await found(routing[OUTCOMES.name], keys, _OUTCOME, field="ticket_id", session=session)

    tickets, outcomes = await installation.mongo.transaction(read)
    recorded = {row["_id"]: row for row in outcomes}
    finished: dict[str, tuple[str, str]] = {}
    for row in tickets:
        verdicts = _verdicts(row)
        if verdicts is None:
            recorded = {key: other for key, other in recorded.items() if other["ticket_id"] != row["_id"]}
        finished |= {outcome: (row["_id"], verdict) for outcome, verdict in verdicts or ()}
    return [*_lacking(finished, recorded), *_surplus(finished, recorded), *_unworked(recorded)]


def _lacking(finished: dict[str, tuple[str, str]], recorded: dict[str, Document]) -> list[Finding]:
    return [
        _finding(ticket_id, outcome, f"is missing: the clock of ticket {ticket_id} finished with {verdict}")
        for outcome, (ticket_id, verdict) in finished.items()
        if outcome not in recorded
    ]


def _surplus(finished: dict[str, tuple[str, str]], recorded: dict[str, Document]) -> list[Finding]:
    findings = []
    for outcome, row in recorded.items():
        _, verdict = finished.get(outcome, ("", None))
        if verdict is None:
            findings.append(
                _finding(row["ticket_id"], outcome, f"says {row['verdict']} of a clock that ticket {row['ticket_id']} has not finished")
            )
        elif verdict != row["verdict"]:
            findings.append(
                _finding(row["ticket_id"], outcome, f"says {row['verdict']}, the clock of ticket {row['ticket_id']} says {verdict}")
            )
    return findings


def _unworked(recorded: dict[str, Document]) -> list[Finding]:
    return [
        _finding(row["ticket_id"], outcome, f"says {row['worked_ms']} ms were worked from {row['started_at']} to {row['finished_at']}")
        for outcome, row in recorded.items()
        if not _possible(row)
    ]


def _finding(ticket_id: str, outcome: str, what: str) -> Finding:
    return Finding(ticket_id, f"routing/outcomes/{outcome}", what, _REMEDY)


REPORTED = Invariant(
    "outcomes", "every finished clock has one outcome, with its verdict and a working time that is possible", _suspects, _judge
)
