"""On time: one definition, the same number from above and from below, folded or not."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.component.routing.conftest import Answer, Routing, organisation, organised, signed
from tests.component.routing.reporting import MARCH, behind, figures, finished, fold, followed, report, table
from tests.support.organisations import local


async def some_of_everything(routing: Routing) -> None:
    day = local("2025-03-05 10:00")
    for number in range(24):
        await finished(
            routing,
            day + timedelta(hours=number),
            "missed" if number % 4 == 0 else "met",
            group=("hon-gai", "quang-ninh", "legal")[number % 3],
            unit=("hon-gai", "quang-ninh", "legal")[number % 3],
            topic=("valuation", "origin")[number % 2],
            channel=("form", "email", "chat", "api")[number % 4],
            member_tier=(None, "gold")[number % 5 == 0],
            officer=(None, "hai", "hung")[number % 3],
        )
    await finished(routing, day, "cancelled")
    await finished(routing, day, kind="first_response")
    await finished(routing, local("2025-04-01 09:00"))


async def test_the_rate_is_met_of_met_and_missed_and_cancelled_clocks_are_neither(routing: Routing) -> None:
    await some_of_everything(routing)
    (row,) = await report(routing)
    assert (row["met"], row["missed"], row["finished"], row["cancelled"], row["rate"]) == (18, 6, 24, 1, 0.75)
    assert (row["too_few"], row["overdue"], row["average_working_time"], row["keys"]) == (False, 0, "PT1H", {})


@pytest.mark.parametrize(("count", "rate", "too_few"), [(0, None, True), (9, None, True), (10, 1.0, False)])
async def test_fewer_than_ten_are_too_few_to_rate(routing: Routing, count: int, rate: float | None, too_few: bool) -> None:
    for _ in range(count):
        await finished(routing, local("2025-03-05 10:00"))
    row = (await figures(routing))[None]
    assert (row["finished"], row["rate"], row["too_few"]) == (count, rate, too_few)


DIMENSIONS = ("unit", "group", "topic", "channel", "member_tier", "officer", "month")


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("by", [[], *([name] for name in DIMENSIONS), ["unit", "topic"], ["group", "member_tier"], ["month", "officer"]])
async def test_each_number_is_what_stands_behind_it_and_the_parts_sum_to_the_whole(routing: Routing, by: list[str], folded: bool) -> None:
    await some_of_everything(routing)
    await finished(routing, local("2025-03-31 09:00"), group="dissolved", unit="dissolved")
    await finished(routing, local("2025-02-27 09:00"), group="focal", unit="board")
    if folded:
        await fold(routing, batch=7)
    period = {"first": "2025-02-10", "last": "2025-03-31"}
    (whole,) = await report(routing, **period)
    parts = await report(routing, by=by, **period)
    for name in ("met", "missed", "cancelled", "finished"):
        assert sum(row[name] for row in parts) == whole[name]
    assert whole["finished"] == 26
    for row in parts:
        rows = await followed(routing, row["clocks"])
        assert len(rows) == row["finished"]
        assert sum(found["verdict"] == "met" for found in rows) == row["met"]
        assert len(await followed(routing, row["clocks"], verdict="cancelled")) == row["cancelled"]


async def test_every_filter_narrows_number_and_drill_down_alike(routing: Routing) -> None:
    await some_of_everything(routing)
    filters: list[tuple[dict[str, str], int]] = [
        ({"unit": "quang-ninh"}, 16),
        ({"unit": "hon-gai"}, 8),
        ({"unit": "general"}, 24),
        ({"group": "legal"}, 8),
        ({"topic": "origin"}, 12),
        ({"channel": "chat"}, 6),
        ({"member_tier": "gold"}, 5),
        ({"member_tier": "none"}, 19),
        ({"officer": "hai"}, 8),
        ({"officer": "none", "channel": "form"}, 2),
        ({"unit": "general", "part": "quang-ninh"}, 16),
        ({"unit": "quang-ninh", "part": "quang-ninh"}, 8),
        ({"unit": "legal", "part": "hon-gai"}, 0),
        ({"unit": "quang-ninh", "topic": "origin", "channel": "api"}, 4),
        ({"clock": "first_response"}, 1),
        ({"clock": "hand_over"}, 0),
        ({"first": "2025-03-06"}, 10),
    ]
    for query, count in filters:
        assert (await figures(routing, **query))[None]["finished"] == count, query
        assert len(await behind(routing, **query)) == count, query


async def test_a_day_begins_and_ends_at_midnight_of_the_units_zone(routing: Routing) -> None:
    for wall in ("2025-03-04 23:59:59.999", "2025-03-05 00:00", "2025-03-05 23:59:59.999", "2025-03-06 00:00"):
        await finished(routing, local(wall))
    assert (await figures(routing, first="2025-03-05", last="2025-03-05"))[None]["finished"] == 2


async def test_a_day_of_a_zone_whose_clocks_change_has_all_its_hours(routing: Routing) -> None:
    calendars = [spec.model_copy(update={"timezone": "Europe/Paris"}) for spec in organisation().calendars]
    async with organised(routing, organisation().model_copy(update={"calendars": tuple(calendars)})):
        for utc in ("2025-03-29T22:59", "2025-03-29T23:00", "2025-03-30T21:59", "2025-03-30T22:00"):
            await finished(routing, datetime.fromisoformat(utc + "+00:00"))
        answer = await routing.get("/reports/on-time", "quan", first="2025-03-30", last="2025-03-30", group="hon-gai")
    assert (answer.body["timezone"], answer.body["rows"][0]["finished"]) == ("Europe/Paris", 2)


async def test_overdue_tickets_stand_beside_the_rate_and_not_in_it(routing: Routing) -> None:
    for _ in range(3):
        await routing.open()
    answered = await routing.open()
    await routing.accepted(answered, (await routing.act(answered, "reply", {"text": "Rõ."})).body["messages"][-1]["id"])
    routing.clock.at = local("2025-03-03 15:00")
    row = (await figures(routing, clock="first_response"))[None]
    assert (row["met"], row["missed"], row["overdue"]) == (1, 0, 3)
    assert (await figures(routing, clock="first_response", by="group"))["hon-gai"]["overdue"] == 3
    assert (await figures(routing, clock="resolution"))[None]["overdue"] == 0
    for by in ([], ["unit"], ["group", "topic"], ["officer"], ["member_tier", "channel"]):
        rows = await report(routing, clock="first_response", by=by)
        assert sum(row["overdue"] for row in rows) == 3
        for found in rows:
            tickets = await followed(routing, found["tickets"])
            assert len(tickets) == found["overdue"]
            assert all(ticket["due_at"] < routing.clock.at.isoformat() for ticket in tickets)
    (month,) = await report(routing, clock="first_response", by="month")
    assert (month["overdue"], month["tickets"]) == (None, None)


async def test_each_cycle_of_a_reopened_ticket_counts(routing: Routing) -> None:
    ticket = await routing.open()
    for _ in range(2):
        await routing.act(ticket, "resolve", {"text": "Xong."})
        routing.clock.advance(days=8)
        await routing.act(ticket, "reopen", {"reason": "Chưa xong"})
        routing.clock.advance(days=8)
    await routing.act(ticket, "resolve", {"text": "Xong."})
    rows = await behind(routing, clock="resolution", last="2025-04-30")
    assert [(row["ticket_id"], row["cycle"], row["verdict"]) for row in sorted(rows, key=lambda row: row["cycle"])] == [
        (ticket, 1, "met"),
        (ticket, 2, "missed"),
        (ticket, 3, "missed"),
    ]


async def test_everybody_counts_what_they_see(routing: Routing) -> None:
    await some_of_everything(routing)
    await finished(routing, local("2025-03-05 10:00"), group="dissolved", unit="dissolved")
    counted = {who: (await figures(routing, who))[None]["finished"] for who in ("hai", "sau", "tong", "kiem")}
    assert counted == {"hai": 8, "sau": 16, "tong": 25, "kiem": 25}
    assert len(await behind(routing, "sau")) == 16


async def refused(routing: Routing, **query: Any) -> Answer:
    first = await routing.get("/reports/on-time", "hai", **query)
    second = await routing.get("/reports/on-time/clocks", "hai", **query)
    assert first.body == second.body
    return first


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"first": "2025-03-02", "last": "2025-03-01"}, 422, "first"),
        ({"last": "0001-01-01"}, 422, "last"),
        ({"last": "9999-12-31"}, 422, "last"),
        ({"first": "0001-01-01"}, 422, "first"),
        ({"first": "9999-12-31"}, 422, "last"),
        ({"first": "yesterday"}, 422, "first"),
        ({"unit": "nowhere"}, 422, "unit"),
        ({"unit": "legal"}, 403, "unit"),
        ({"group": "legal"}, 403, "group"),
        ({"clock": "sundial"}, 422, "clock"),
        ({"channel": "pigeon"}, 422, "channel"),
        ({"part": "hon-gai"}, 422, "unit"),
    ],
)
async def test_what_cannot_be_reported_is_refused_by_name(routing: Routing, query: dict[str, str], status: int, field: str) -> None:
    answer = await refused(routing, **query)
    assert (answer.status, answer.fields) == (status, [field])


async def test_without_dates_a_report_is_about_the_last_thirty_days(routing: Routing) -> None:
    answer = await routing.get("/reports/on-time")
    assert (answer.body["first"], answer.body["last"], answer.body["clock"]) == ("2025-02-02", "2025-03-03", "resolution")


async def test_at_most_two_dimensions(routing: Routing) -> None:
    answer = await routing.get("/reports/on-time", by=["unit", "topic", "month"])
    assert (answer.status, answer.fields) == (422, ["by"])


@pytest.mark.parametrize("page", ["clocks", "overdue"])
@pytest.mark.parametrize(
    "cursor", ["", "x", "x~y", "ố", "0", "$gt", "01994F5C-1C1A-7C3E-8F9A-0123456789AB", "01994f5c1c1a7c3e8f9a0123456789ab"]
)
async def test_a_cursor_that_is_not_ours_is_refused(routing: Routing, page: str, cursor: str) -> None:
    answer = await routing.get(f"/reports/on-time/{page}", cursor=cursor)
    assert (answer.status, answer.fields) == (422, ["cursor"])


async def test_what_is_no_longer_in_the_organisation_can_be_asked_for_by_those_who_see_everything(routing: Routing) -> None:
    await finished(routing, local("2025-03-05 10:00"), group="dissolved", unit="dissolved")
    for folded in range(2):
        for query in ({"unit": "dissolved"}, {"group": "dissolved"}):
            assert len(await behind(routing, **query)) == 1, (folded, query)
            assert (await routing.get("/reports/on-time", "tong", **query)).status == 200
            assert (await routing.get("/reports/on-time", "sau", **query)).status in {403, 422}
        await fold(routing)
    assert (await routing.get("/reports/on-time", "quan", unit="nowhere")).status == 422
    assert (await routing.get("/reports/on-time", "quan", group="nowhere")).status == 403


async def test_a_unit_that_moved_keeps_what_it_did_where_it_did_it(routing: Routing) -> None:
    await finished(routing, local("2025-03-05 10:00"))
    await finished(routing, local("2025-03-06 10:00"), units=["hon-gai", "ha-tinh", "general"])
    for _ in range(2):
        rows = await figures(routing, by="unit")
        assert {key: row["finished"] for key, row in rows.items()} == {"quang-ninh": 1, "ha-tinh": 1}
        (row,) = await report(routing, unit="ha-tinh", by="unit")
        assert (row["keys"], len(await followed(routing, row["clocks"]))) == ({"unit": "hon-gai"}, 1)
        await fold(routing)


async def spreadsheet(routing: Routing, who: str, **query: Any) -> httpx.Response:
    query = {**MARCH, "format": "csv", **query}
    return await routing.http.get("/api/v1/reports/on-time", params=query, headers=signed(who))


async def test_a_spreadsheet_opens_it_in_the_readers_language(routing: Routing) -> None:
    await some_of_everything(routing)
    answer = await spreadsheet(routing, "quan", by="group")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="on-time-resolution-2025-03-01-2025-03-31.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = {row["Nhóm hỗ trợ"]: row for row in table(answer.content.decode("utf-8-sig"))}
    assert rows["Hòn Gai"]["Đúng hạn"] == "6"
    assert rows["Pháp chế"]["Tỷ lệ đúng hạn (%)"] == "Quá ít để tính tỷ lệ"
    assert rows["Hòn Gai"]["Thời gian xử lý trung bình (giờ làm việc)"] == "1,0"

    (whole,) = table((await spreadsheet(routing, "anna", unit="hon-gai")).content.decode("utf-8-sig"))
    assert whole["Met"] == "6"
    assert set(whole) >= {"Total", "Missed", "On time (%)", "Average working time (hours)"}


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(1)", "\t=1", " =1", "＝1+1"])
async def test_no_name_becomes_a_formula(routing: Routing, name: str) -> None:
    topics = [spec.model_copy(update={"name": spec.name.model_copy(update={"vi": name})}) for spec in organisation().topics]
    await finished(routing, local("2025-03-05 10:00"))
    async with organised(routing, organisation().model_copy(update={"topics": tuple(topics)})):
        (row,) = table((await spreadsheet(routing, "quan", by="topic")).content.decode("utf-8-sig"))
    assert row["Lĩnh vực"] == f"'{name}"
