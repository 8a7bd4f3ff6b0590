"""An administrator corrects the record; the old verdict stays in it, and the report counts the new one."""

from typing import Any

import pytest

from schemas.tickets import ClockRepaired, ticket_events
from tests.component.routing.conftest import Answer, Routing
from tests.support.organisations import local

MARCH = {"first": "2025-03-01", "last": "2025-03-31"}


async def late(routing: Routing) -> str:
    """Answered at 15:00, an hour after the first response was due."""
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 15:00")
    said = (await routing.act(ticket, "reply", {"text": "Rõ."})).body["messages"][-1]["id"]
    await routing.accepted(ticket, said)
    return ticket


async def repair(routing: Routing, ticket: str, clock: str = "first_response-1", who: str = "quan", **body: Any) -> Answer:
    return await routing.act(ticket, f"clocks/{clock}/repair", {"because": "Máy chủ thư ngừng hoạt động", **body}, who=who)


async def counted(routing: Routing) -> tuple[int, int]:
    answer = await routing.get("/reports/on-time", "quan", clock="first_response", **MARCH)
    row = answer.body["rows"][0]
    return row["met"], row["missed"]


async def repaired(routing: Routing, ticket: str) -> ClockRepaired:
    row = await routing.database["journal"].find_one({"stream": ticket, "type": "clock_repaired"})
    assert row is not None
    event = ticket_events.validate_json(row["body"])
    assert isinstance(event, ClockRepaired)
    return event


async def test_a_wrong_verdict_is_corrected_and_what_it_was_stays(routing: Routing) -> None:
    ticket = await late(routing)
    assert await counted(routing) == (0, 1)
    answer = await repair(routing, ticket, verdict="met")
    assert answer.status == 200, answer.body
    assert await counted(routing) == (1, 0)
    (fact,) = await routing.outcomes(kind="first_response")
    assert (fact["verdict"], fact["ticket_id"]) == ("met", ticket)
    event = await repaired(routing, ticket)
    assert (event.old_verdict, event.new_verdict, event.by, event.because) == ("missed", "met", "quan", "Máy chủ thư ngừng hoạt động")
    (row,) = await routing.database["tickets"].find({"_id": ticket}).to_list(None)
    clock = next(clock for clock in row["state"]["clocks"] if clock["kind"] == "first_response")
    assert [(one["verdict"], one["by"]) for one in clock["repairs"]] == [("missed", "quan")]
    shown = (await routing.get(f"/tickets/{ticket}/history", "anna")).body["entries"][-1]
    assert shown["what"].startswith("First response: corrected from “missed, due 14:00 03/03/2025")
    assert (shown["who"], shown["why"]) == ("Quan", "Máy chủ thư ngừng hoạt động")


async def test_a_corrected_deadline_decides_the_verdict(routing: Routing) -> None:
    ticket = await late(routing)
    await repair(routing, ticket, due_at="2025-03-03T16:00:00+07:00")
    assert await counted(routing) == (1, 0)
    await repair(routing, ticket, due_at="2025-03-03T14:30:00+07:00")
    assert await counted(routing) == (0, 1)
    (fact,) = await routing.outcomes(kind="first_response")
    assert fact["due_at"] == local("2025-03-03 14:30")


async def test_a_cancelled_verdict_counts_neither_way(routing: Routing) -> None:
    ticket = await late(routing)
    await repair(routing, ticket, verdict="cancelled")
    assert (await routing.get("/reports/on-time", "quan", clock="first_response", **MARCH)).body["rows"][0]["finished"] == 0
    await repair(routing, ticket, verdict="missed")
    assert await counted(routing) == (0, 1)


async def test_a_clock_still_measured_gets_another_deadline_and_goes_on_from_there(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 15:00")
    await routing.ticker().step()
    assert "deadline_missed" in await routing.journal(ticket)
    answer = await repair(routing, ticket, due_at="2025-03-04T10:00:00+07:00")
    first = next(one for one in answer.body["ticket"]["deadlines"] if one["kind"] == "first_response")
    assert (first["due_at"], first["missed_at"]) == ("2025-03-04T03:00:00Z", None)
    routing.clock.at = local("2025-03-04 10:00")
    await routing.ticker().step()
    assert (await routing.journal(ticket))[-1] == "deadline_missed"  # and missed it can be again


async def test_a_deadline_in_days_becomes_the_close_of_a_day_and_survives_a_pause(routing: Routing) -> None:
    ticket = await routing.open()
    answer = await repair(routing, ticket, "resolution-1", due_at="2025-03-13T11:00:00+07:00")
    assert [one["due_at"] for one in answer.body["ticket"]["deadlines"] if one["kind"] == "resolution"] == ["2025-03-12T10:00:00Z"]
    routing.clock.at = local("2025-03-04 09:00")
    await routing.act(ticket, "wait", {"text": "Hồ sơ nào?"})
    routing.clock.at = local("2025-03-05 09:00")
    await routing.says(ticket)
    (row,) = await routing.database["tickets"].find({"_id": ticket}).to_list(None)
    assert next(clock["due_at"] for clock in row["running"] if clock["kind"] == "resolution") == local("2025-03-13 17:00")


@pytest.mark.parametrize(
    ("clock", "body", "who", "status", "field"),
    [
        ("first_response-1", {"verdict": "met"}, "hong", 403, None),
        ("first_response-1", {"verdict": "met"}, "kiem", 403, None),
        ("first_response-1", {"verdict": "missed"}, "quan", 409, "verdict"),
        ("first_response-1", {}, "quan", 422, "verdict"),
        ("first_response-1", {"verdict": "met", "because": " "}, "quan", 422, "because"),
        ("sundial-1", {"verdict": "met"}, "quan", 422, "clock"),
        ("resolution-1", {"verdict": "met"}, "quan", 409, "verdict"),
        ("resolution-1", {"due_at": "2025-03-01T09:00:00+07:00"}, "quan", 422, "due_at"),
        ("resolution-1", {"due_at": "2025-03-03T16:00:00+07:00"}, "quan", 422, "due_at"),
        ("resolution-1", {"due_at": "2025-03-05T16:00:00"}, "quan", 422, "due_at"),
        ("resolution-1", {"due_at": "2399-12-30T00:00:00Z"}, "quan", 422, "due_at"),
        ("resolution-1", {"due_at": "9999-12-31T23:59:59-14:00"}, "quan", 422, "due_at"),
        ("first_response-1", {"due_at": "9999-12-31T23:59:59Z"}, "quan", 422, "due_at"),
        ("first_response-1", {"due_at": "0001-01-01T00:00:00+14:00"}, "quan", 422, "due_at"),
    ],
)
async def test_what_is_no_correction_is_refused_and_changes_nothing(
    routing: Routing, clock: str, body: dict[str, str], who: str, status: int, field: str | None
) -> None:
    ticket = await late(routing)
    before = await routing.everything()
    answer = await repair(routing, ticket, clock, who, **body)
    assert (answer.status, answer.fields) == (status, [field] if field else [])
    assert await routing.everything() == before


async def test_a_paused_clock_has_no_deadline_to_correct_and_an_open_one_can_be_cancelled(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.act(ticket, "wait", {"text": "Hồ sơ nào?"})
    assert (await repair(routing, ticket, "resolution-1", due_at="2025-03-13T11:00:00+07:00")).fields == ["due_at"]
    assert (await repair(routing, ticket, "resolution-1", verdict="cancelled")).status == 200
    assert (await routing.journal(ticket))[-2:] == ["clock_repaired", "clock_finished"]
    (fact,) = await routing.outcomes(kind="resolution")
    assert fact["verdict"] == "cancelled"


async def test_a_clock_that_was_still_measured_leaves_a_history_that_can_be_read(routing: Routing) -> None:
    """Its verdict before and after is none, and what is none is not written."""
    ticket = await routing.open()
    assert (await repair(routing, ticket, due_at="2025-03-04T10:00:00+07:00")).status == 200
    event = await repaired(routing, ticket)
    assert (event.old_verdict, event.new_verdict, event.new_due_at) == (None, None, local("2025-03-04 10:00"))
    shown = (await routing.get(f"/tickets/{ticket}/history", "anna")).body["entries"][-1]
    assert shown["what"].startswith("First response: corrected from “still measured, due 14:00 03/03/2025")


async def test_the_time_worked_under_a_repaired_deadline_is_the_time_worked(routing: Routing) -> None:
    ticket = await routing.open()
    await repair(routing, ticket, due_at="2025-03-13T10:00:00+07:00")
    routing.clock.at = local("2025-03-03 10:30")
    said = (await routing.act(ticket, "reply", {"text": "Rõ."})).body["messages"][-1]["id"]
    await routing.accepted(ticket, said)
    (fact,) = await routing.outcomes(kind="first_response")
    assert (fact["verdict"], fact["worked_ms"]) == ("met", 90 * 60_000)
    (row,) = (await routing.get("/reports/on-time", "quan", clock="first_response", **MARCH)).body["rows"]
    assert row["average_working_time"] == "PT1H30M"


async def test_two_administrators_at_once_are_told_of_each_other(routing: Routing) -> None:
    ticket = await late(routing)
    seen = (await routing.get(f"/tickets/{ticket}", "quan")).etag
    body = {"because": "Sai", "verdict": "met"}
    assert (await routing.act(ticket, "clocks/first_response-1/repair", body, who="quan", seen=seen)).status == 200
    assert (await routing.act(ticket, "clocks/first_response-1/repair", body, who="quan", seen=seen)).status == 412
