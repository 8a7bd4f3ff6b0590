"""An administrator closes a day and opens it again: the deadline of an open request moves and comes back, wherever it is shown."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from helpdesk import provision
from schemas.organisation import ClosedDay, Organisation
from schemas.tickets import DeadlinesMoved, ticket_events
from tests.support.installation import Accepted, Installation
from tests.support.waiting import wait_until

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


async def loaded(installation: Installation, organisation: Organisation) -> None:
    """As `helpdesk load` does it."""
    settings = installation.settings()
    mongo = provision.connected(settings)
    try:
        await mongo.measure_clock()
        await provision.load(settings, mongo, organisation)
    finally:
        await mongo.close()


async def due(installation: Installation, asked: Accepted) -> datetime:
    row = await installation.ticket(asked)
    assert row is not None
    found: datetime = next(clock["due_at"] for clock in row["running"] if clock["kind"] == "resolution")
    return found


async def shown(installation: Installation, asked: Accepted) -> datetime | None:
    """What intake keeps for the business's page."""
    row: dict[str, Any] | None = await installation.database("intake")["conversations"].find_one({"_id": asked.ticket_id})
    deadlines = row["ticket"]["deadlines"] if row and row.get("ticket") else []
    return next((datetime.fromisoformat(one["due_at"]) for one in deadlines if one["kind"] == "resolution"), None)


async def test_a_day_closed_by_the_administrator_moves_the_deadline_everywhere(installation: Installation) -> None:
    asked = await installation.ask(unit="hon-gai-seaport", topic="procedure")
    await installation.tickets([asked])
    before = await due(installation, asked)
    organisation = installation.organisation
    calendars = []
    for calendar in organisation.calendars:
        last_day = ClosedDay(date=before.astimezone(HANOI).date(), name="Nghỉ đột xuất")
        calendars.append(calendar.model_copy(update={"closed": (*calendar.closed, last_day)}) if calendar.key == "office" else calendar)
    try:
        await loaded(installation, organisation.model_copy(update={"calendars": tuple(calendars)}))

        async def moved() -> bool:
            return await due(installation, asked) > before

        await wait_until(moved, "the retimer moves the deadline", 30)
        after = await due(installation, asked)

        async def told() -> bool:
            return await shown(installation, asked) == after

        await wait_until(told, "intake shows the new deadline", 30)
    finally:
        await loaded(installation, organisation)

    async def back() -> bool:
        return await shown(installation, asked) == before

    await wait_until(back, "the deadline comes back", 30)
    rows = (
        await installation.database("routing")["journal"].find({"stream": asked.ticket_id, "type": "deadlines_moved"}).sort("seq").to_list()
    )
    events = [ticket_events.validate_json(row["body"]) for row in rows]
    assert all(isinstance(event, DeadlinesMoved) for event in events)
    moves = [(move.old_due_at, move.new_due_at) for event in events for move in event.moves if move.clock == "resolution"]  # type: ignore[union-attr]  # just asserted
    assert moves == [(before, after), (after, before)]
