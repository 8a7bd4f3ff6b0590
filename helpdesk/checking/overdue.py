"""Time passes: no deadline goes by unrecorded, and none that is to come is out of the ticker's sight."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from helpdesk.checking.installation import Installation
from helpdesk.checking.invariant import Finding, Invariant, Tally
from helpdesk.checking.reading import found, pages, rows
from kit.mongo import Document
from services.routing.domain.clocks import Clock
from services.routing.storage import TICKETS

CLOCKS: Final[TypeAdapter[tuple[Clock, ...]]] = TypeAdapter(tuple[Clock, ...])

_FIELDS: Final = {"reference": 1, "next_at": 1, "state.clocks": 1}
_ROUNDING: Final = timedelta(seconds=1)
"""MongoDB keeps `next_at` to the millisecond, the state has microseconds."""

_TICKER = "see whether routing's ticker runs (/readyz); it records what fell due by itself, with the true instant"
_LOOK = "any change of the ticket (a note) computes it anew"


async def _suspects(installation: Installation, tally: Tally) -> AsyncIterator[str]:
    tickets, before = installation.database("routing")[TICKETS.name], installation.settled_before
    async for page in pages(rows(tickets, _could_be(before), _FIELDS), tally):
        for row in page:
            if _wrong(row, before):
                yield row["_id"]


def _could_be(before: datetime) -> dict[str, Any]:
    running = {"$elemMatch": {"verdict": None, "due_at": {"$ne": None}}}
    return {"$or": [{"next_at": {"$lt": before}}, {"state.clocks": running}]}


async def _judge(installation: Installation, keys: Sequence[str]) -> list[Finding]:
    before = installation.settled_before
    documents = await found(installation.database("routing")[TICKETS.name], keys, _FIELDS)
    return [finding for row in documents if (finding := _wrong(row, before))]


def _wrong(row: Document, before: datetime) -> Finding | None:
    record = f"routing/tickets/{row['_id']}"
    try:
        running = [clock for clock in CLOCKS.validate_python(row["state"]["clocks"]) if clock.is_running and not clock.is_missed]
    except (ValidationError, KeyError, TypeError) as error:
        return Finding(row["_id"], record, f"its clocks can't be read: {' '.join(str(error).split())[:200]}")
    found_wrong = next(_reasons(running, row.get("next_at"), before), None)
    return Finding(row["_id"], record, f"{row['reference']}: {found_wrong[0]}", found_wrong[1]) if found_wrong else None


def _reasons(running: Sequence[Clock], next_at: datetime | None, before: datetime) -> Iterator[tuple[str, str]]:
    for clock in running:
        if clock.due_at is not None and clock.due_at < before:
            yield f"its {clock.kind} clock (cycle {clock.cycle}) was due {_said(clock.due_at)} and no miss is recorded", _TICKER
    if next_at is not None and next_at < before:
        yield f"something has been due on it since {_said(next_at)} and nothing happened", _TICKER
    for clock in running:
        if clock.due_at is not None and (next_at is None or next_at > clock.due_at + _ROUNDING):
            seen = "never" if next_at is None else f"not before {_said(next_at)}"
            yield f"its {clock.kind} clock is due {_said(clock.due_at)}, but the ticker looks at it {seen}", _LOOK


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


OVERDUE = Invariant("deadlines", "no deadline has passed without its event, and the ticker has every other in sight", _suspects, _judge)
