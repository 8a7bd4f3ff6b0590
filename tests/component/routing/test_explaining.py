"""Asking why: as JSON and as a page, by those who may see the ticket."""

import re
from contextlib import AsyncExitStack
from datetime import timedelta
from fractions import Fraction
from typing import Any

import httpx
from structlog.testing import capture_logs

from schemas.organisation import CalendarSpec, Organisation
from services.routing.documents import ticket_of
from services.routing.domain import clocks
from tests.component.routing.conftest import Routing, organisation, organised, signed
from tests.support.organisations import as_written, local

WEDNESDAY = local("2025-03-05 09:00")


async def page(
    routing: Routing, path: str, who: str = "hai", accept: str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
) -> httpx.Response:
    return await routing.http.get(f"/api/v1{path}", headers=signed(who) | {"Accept": accept})


async def stored(routing: Routing, ticket: str) -> Any:
    return ticket_of(await routing.database["tickets"].find_one({"_id": ticket}) or {})


def counted(body: Any) -> Fraction:
    return sum((Fraction(str(segment["counted_seconds"])) for segment in body["segments"]), Fraction(0))


async def test_the_ticket_lists_its_clocks_by_name_and_each_says_why(routing: Routing) -> None:
    ticket = await routing.open()
    body = (await routing.get(f"/tickets/{ticket}")).body
    names = [clock["name"] for clock in body["clocks"]]
    assert names == ["first_response-1", "resolution-1", "hand_over-1"]
    assert [clock["kind"] for clock in body["clocks"]] == [deadline["kind"] for deadline in body["ticket"]["deadlines"]]
    routing.clock.at = WEDNESDAY
    for clock in body["clocks"]:
        told = await routing.get(clock["explain"].removeprefix("/api/v1"))
        assert (told.status, told.body["clock"], told.headers["cache-control"]) == (200, clock["name"], "no-store")


async def test_the_segments_sum_to_what_the_clock_says_was_spent(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 10:15") + timedelta(microseconds=123_457)
    await routing.get(f"/tickets/{ticket}")
    routing.clock.at = WEDNESDAY + timedelta(microseconds=1)
    body = (await routing.get(f"/tickets/{ticket}/clocks/first_response-1/explain")).body
    clock = next(clock for clock in (await stored(routing, ticket)).clocks if clock.kind == "first_response")
    spent = clocks.spent(clock, routing.directory.context().calendar(clock.calendar), routing.clock.at)
    assert counted(body) == Fraction(str(body["sum_seconds"])) == Fraction(spent // timedelta(microseconds=1), 1_000_000)
    assert body["sum_seconds"] == body["spent"]["seconds"] == body["segments"][-1]["total_seconds"]
    assert [segment["to"] for segment in body["segments"][:-1]] == [segment["from"] for segment in body["segments"][1:]]
    assert (body["segments"][0]["from"], body["segments"][-1]["to"]) == (body["started"], body["as_of"])


async def test_everything_a_deadline_rests_on_is_named(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 14:00")
    body = (await routing.get(f"/tickets/{ticket}/clocks/first_response-1/explain")).body
    assert (body["policy"]["key"], body["target"]) == ("standard", {"value": 4.0, "unit": "hours", "receipt_day_counts": None})
    assert body["calendar"] == {"key": "office", "timezone": "Asia/Ho_Chi_Minh"}
    assert body["due"] == {"utc": "2025-03-03T07:00:00Z", "local": "2025-03-03T14:00:00+07:00"}
    assert (body["left"], body["percent"]) == ({"seconds": 0.0, "days": None}, 100.0)
    assert [(segment["reason"]["code"], segment["counted_seconds"]) for segment in body["segments"]] == [
        ("working", 3 * 3600),
        ("lunch", 0),
        ("working", 3600),
    ]
    assert body["segments"][1]["reason"]["words"] == {"vi": "nghỉ trưa", "en": "lunch"}


async def test_a_target_in_days_names_the_days_and_whether_receipt_counts(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = WEDNESDAY
    body = (await routing.get(f"/tickets/{ticket}/clocks/resolution-1/explain")).body
    assert body["target"] == {"value": 5.0, "unit": "days", "receipt_day_counts": False}
    assert (body["days"], body["spent"]["days"], body["left"]) == (["2025-03-04"], 1, {"seconds": None, "days": 4})


async def test_warnings_and_the_miss_say_when_they_came_and_later_ones_that_they_will(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 13:00")
    before = (await routing.get(f"/tickets/{ticket}/clocks/first_response-1/explain")).body["notices"]
    assert [(notice["what"], notice["state"], notice["at"]["local"]) for notice in before] == [
        ("warning", "due", "2025-03-03T12:00:00+07:00"),
        ("miss", "coming", "2025-03-03T14:00:00+07:00"),
    ]
    routing.clock.at = local("2025-03-03 13:30")
    await routing.ticker().step()
    routing.clock.at = WEDNESDAY
    await routing.ticker().step()
    after = (await routing.get(f"/tickets/{ticket}/clocks/first_response-1/explain")).body["notices"]
    assert [(notice["what"], notice["state"]) for notice in after] == [("warning", "fired"), ("miss", "fired")]
    assert [notice["at"]["local"] for notice in after] == ["2025-03-03T12:00:00+07:00", "2025-03-03T14:00:00+07:00"]
    assert after[1]["recorded"]["local"] == "2025-03-05T09:00:00+07:00"


async def test_what_an_answer_made_unnecessary_is_cancelled_and_what_a_pause_holds_has_no_date(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 10:00")
    asked = await routing.act(ticket, "wait", {"text": "Xin gửi tờ khai."})
    assert asked.status == 200
    message = asked.body["messages"][-1]["id"]
    await routing.accepted(ticket, message)
    first = (await routing.get(f"/tickets/{ticket}/clocks/first_response-1/explain")).body
    assert {notice["state"] for notice in first["notices"]} == {"cancelled"}
    assert first["finished"]["local"] == first["as_of"]["local"] == "2025-03-03T10:00:00+07:00"
    routing.clock.at = WEDNESDAY
    resolution = (await routing.get(f"/tickets/{ticket}/clocks/resolution-1/explain")).body
    assert (resolution["state"], resolution["due"]) == ("paused", None)
    assert {notice["state"] for notice in resolution["notices"]} == {"paused"}
    assert resolution["segments"][1]["reason"]["words"]["en"] == "paused: waiting for the business"
    assert resolution["pauses"][0]["because"]["vi"] == "chờ doanh nghiệp trả lời"


async def test_a_clock_that_is_not_there_is_refused_with_the_ones_there_are(routing: Routing) -> None:
    ticket = await routing.open()
    told = await routing.get(f"/tickets/{ticket}/clocks/resolution-2/explain", "anna")
    assert (told.status, told.fields) == (404, ["clock"])
    assert told.body["clocks"] == ["first_response-1", "resolution-1", "hand_over-1"]
    assert told.body["detail"] == ("This ticket has no clock resolution-2. Those it has are: first_response-1, resolution-1, hand_over-1.")


async def test_it_is_explained_to_those_who_may_see_the_ticket_and_is_not_there_for_others(routing: Routing) -> None:
    ticket = await routing.open()
    path = f"/tickets/{ticket}/clocks/resolution-1/explain"
    seen = {who: (await routing.get(path, who)).status for who in ("hai", "sau", "kiem", "quan", "cam", "thanh", "phuc")}
    assert seen == {"hai": 200, "sau": 200, "kiem": 200, "quan": 200, "cam": 404, "thanh": 404, "phuc": 404}
    assert (await page(routing, path, "cam")).status_code == 404
    assert (await routing.http.get(f"/api/v1{path}")).status_code == 401


async def test_a_browser_gets_a_page_that_says_the_same_and_runs_nothing(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = WEDNESDAY
    path = f"/tickets/{ticket}/clocks/first_response-1/explain"
    shown = await page(routing, path)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script" not in shown.text
    assert not re.search(r"(?:src|href)=\"(?!#)", shown.text)
    assert '<html lang="vi">' in shown.text
    assert "nghỉ trưa" in shown.text
    assert '<html lang="en">' in (await page(routing, f"{path}?lang=en")).text
    assert "lunch" in (await page(routing, path, "anna")).text


async def test_whoever_names_json_first_or_nothing_gets_json(routing: Routing) -> None:
    path = f"/tickets/{await routing.open()}/clocks/resolution-1/explain"
    for accept in ("application/json", "*/*", "application/json, text/html;q=0.5", "text/html;q=0, */*", "nonsense;q=x"):
        assert (await page(routing, path, accept=accept)).headers["content-type"] == "application/json", accept


async def test_what_people_typed_cannot_become_part_of_the_page(routing: Routing) -> None:
    ticket = await routing.open()
    assert (await routing.act(ticket, "wait", {"text": "?"})).status == 200
    await routing.database["tickets"].update_one({"_id": ticket}, {"$set": {"state.clocks.1.pauses.0.because": "<b>bold</b>"}})
    routing.clock.at = WEDNESDAY
    shown = await page(routing, f"/tickets/{ticket}/clocks/resolution-1/explain")
    assert "&lt;b&gt;bold" in shown.text
    assert "<b>bold" not in shown.text


async def closed_long_ago(routing: Routing) -> str:
    """A ticket answered on Monday and resolved on Wednesday at 10:00, over since; 17 h by the calendar of that week."""
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 10:00")
    said = (await routing.act(ticket, "reply", {"text": "Rõ."})).body["messages"][-1]["id"]
    await routing.accepted(ticket, said)
    routing.clock.at = local("2025-03-05 10:00")
    assert (await routing.act(ticket, "resolve", {"text": "Xong."})).status == 200
    routing.clock.at = local("2025-04-05 10:00")
    await routing.ticker().step()
    assert (await routing.get(f"/tickets/{ticket}")).body["ticket"]["status"] == "closed"
    return ticket


def with_days_off(*days: str) -> Organisation:
    office, border = as_written()["calendars"]
    calendars = tuple(CalendarSpec.model_validate(spec) for spec in ({**office, "closed": list(days)}, border))
    return organisation().model_copy(update={"calendars": calendars})


async def test_a_finished_clock_is_explained_by_the_calendar_that_measured_it_however_many_revisions_ago(routing: Routing) -> None:
    ticket = await closed_long_ago(routing)
    (fact,) = await routing.outcomes(kind="resolution")
    async with AsyncExitStack() as revisions:
        for number in range(6):
            days = ("2025-03-04", f"2025-03-{10 + number}")
            await revisions.enter_async_context(organised(routing, with_days_off(*days)))
        body = (await routing.get(f"/tickets/{ticket}/clocks/resolution-1/explain")).body
        assert body["sum_seconds"] == body["spent"]["seconds"] == body["recorded_seconds"] == fact["worked_ms"] / 1000 == 17 * 3600
        assert (body["agrees"], body["days"]) == (True, ["2025-03-04"])
        assert {segment["policy"]["revision"] for segment in body["segments"]} == {fact["revision"]}
        routing.clock.advance(days=1)
        assert (await routing.act(ticket, "clocks/resolution-1/repair", {"because": "Sai", "verdict": "missed"}, who="quan")).status == 200
        assert [row["worked_ms"] for row in await routing.outcomes(kind="resolution")] == [fact["worked_ms"]]


async def test_a_segment_says_by_which_policy_and_revision_it_was_measured_and_the_page_where_that_changed(routing: Routing) -> None:
    ticket = await routing.open()
    before = routing.directory.context().revision
    routing.clock.at = local("2025-03-03 10:30")
    async with organised(routing, with_days_off("2025-03-20")):
        await routing.act(ticket, "claim")
        routing.clock.at = local("2025-03-03 11:00")
        path = f"/tickets/{ticket}/clocks/first_response-1/explain"
        body = (await routing.get(path)).body
        shown = (await page(routing, f"{path}?lang=en")).text
    assert [(segment["policy"], segment["counted_seconds"]) for segment in body["segments"]] == [
        ({"key": "standard", "revision": before}, 5400),
        ({"key": "standard", "revision": before + 1}, 1800),
    ]
    assert f"Measured by the calendar office (Asia/Ho_Chi_Minh), policy standard, revision {before}<" in shown
    assert f"From here on measured by the calendar office (Asia/Ho_Chi_Minh), policy standard, revision {before + 1}<" in shown


async def test_where_the_reports_count_something_else_it_says_so(routing: Routing) -> None:
    ticket = await closed_long_ago(routing)
    await routing.database["outcomes"].update_one({"ticket_id": ticket, "kind": "resolution"}, {"$inc": {"worked_ms": 60_000}})
    path = f"/tickets/{ticket}/clocks/resolution-1/explain"
    body = (await routing.get(path)).body
    assert (body["agrees"], body["recorded_seconds"] - body["sum_seconds"]) == (False, 60)
    assert "The stretches below sum to 17:00, but the record and the reports say 17:01." in (await page(routing, f"{path}?lang=en")).text


async def test_a_moved_deadline_has_a_line_of_its_own(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 10:00")
    asked = {"because": "Máy chủ thư ngừng hoạt động", "due_at": "2025-03-04T09:00:00+07:00"}
    assert (await routing.act(ticket, "clocks/first_response-1/repair", asked, who="quan")).status == 200
    path = f"/tickets/{ticket}/clocks/first_response-1/explain"
    body = (await routing.get(path)).body
    assert body["moves"] == [
        {
            "at": {"utc": "2025-03-03T03:00:00Z", "local": "2025-03-03T10:00:00+07:00"},
            "by": "Quan",
            "because": "Máy chủ thư ngừng hoạt động",
            "seconds": 4 * 3600,
            "days": 0,
        }
    ]
    assert (body["spent"]["seconds"], body["left"]["seconds"], body["percent"]) == (3600, 7 * 3600, 12.5)
    shown = (await page(routing, f"{path}?lang=en")).text
    assert "+4:00 working hours, by Quan at 10:00 Mon 3 Mar 2025 (UTC+7), because: Máy chủ thư ngừng hoạt động" in shown


async def test_the_page_shows_whole_seconds_that_add_up_and_json_every_microsecond(routing: Routing) -> None:
    routing.clock.at = local("2025-03-03 11:59:30") + timedelta(microseconds=700_001)
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 13:00:10") + timedelta(microseconds=600_000)
    path = f"/tickets/{ticket}/clocks/first_response-1/explain"
    shown = (await page(routing, f"{path}?lang=en")).text
    assert re.findall(r"\d\d:\d\d:\d\d\.\d", shown) == []
    assert "11:59:30–12:00" in shown
    assert "0:00:40 working hours" in shown  # 30 s and 10 s
    assert (await routing.get(path)).body["sum_seconds"] == 39.899999


async def unreadable(routing: Routing, ticket: str) -> None:
    await routing.database["journal"].update_one({"stream": ticket, "seq": 2}, {"$set": {"body": '{"type": "ticket_claimed"}'}})


async def test_an_event_that_cannot_be_read_hides_neither_the_history_nor_the_explanation(routing: Routing) -> None:
    ticket = await routing.open()
    routing.clock.at = local("2025-03-03 10:00")
    await routing.act(ticket, "claim")
    await routing.act(ticket, "note", {"text": "Đã xem."})
    await unreadable(routing, ticket)
    with capture_logs() as logs:
        history = await routing.get(f"/tickets/{ticket}/history", "anna")
        told = await routing.get(f"/tickets/{ticket}/clocks/resolution-1/explain")
    assert (history.status, told.status) == (200, 200)
    assert [(entry["version"], entry["type"], entry["what"]) for entry in history.body["entries"]] == [
        (1, "ticket_opened", "Opened and given to the group Hon Gai"),
        (2, "ticket_claimed", "An event that cannot be read"),
        (3, "note_added", "Internal note"),
    ]
    assert [(log["event"], log["ticket_id"], log["sequence"]) for log in logs] == [("history.unreadable", ticket, 2)] * 2


async def test_warnings_and_the_miss_say_whom_they_tell_when_no_step_does(routing: Routing) -> None:
    ticket = await routing.open()
    notices = (await routing.get(f"/tickets/{ticket}/clocks/first_response-1/explain")).body["notices"]
    assert [(notice["what"], notice["tells"]["en"]) for notice in notices] == [("warning", "officer, lead"), ("miss", "lead, supervisor")]
