"""A key or a parameter that does not exist is refused, where it would show nothing, or everything, as if it were the answer."""

from datetime import date
from typing import Any

import httpx
import pytest

from schemas.organisation import MemberSpec, Organisation
from tests.component.routing.conftest import Routing, organisation, organised, signed
from tests.component.routing.reporting import finished, fold
from tests.support.organisations import local

QUEUE, REPORT, BEHIND, OVERDUE = "/queue", "/reports/on-time", "/reports/on-time/clocks", "/reports/on-time/overdue"

UNKNOWN: list[tuple[str, dict[str, str], str, str, str]] = [
    # path, query, field, what an officer reads in Vietnamese and in English
    (QUEUE, {"topic": "zzz"}, "topic", "Không có lĩnh vực “zzz”; các lĩnh vực hiện có: valuation, origin", "There is no topic zzz."),
    (QUEUE, {"officer": "zzz"}, "officer", "Không có cán bộ “zzz”; hãy chọn một cán bộ hiện có.", "There is no officer zzz"),
    (QUEUE, {"unit": "zzz"}, "unit", "Không có đơn vị “zzz”", "There is no unit zzz"),
    (QUEUE, {"topic": "zzz", "status": "closed"}, "topic", "Không có lĩnh vực “zzz”", "There is no topic zzz."),
    *(
        row
        for path in (REPORT, BEHIND, OVERDUE)
        for row in (
            (path, {"topic": "zzz"}, "topic", "Không có lĩnh vực “zzz”", "Those there are: valuation, origin, proposal, unsorted."),
            (path, {"officer": "zzz"}, "officer", "Không có cán bộ “zzz”", "There is no officer zzz"),
            (path, {"member_tier": "zzz"}, "member_tier", "Không có hạng thành viên “zzz”", "There is no member tier zzz."),
            (path, {"unit": "hon-gai", "part": "zzz"}, "part", "Không có đơn vị “zzz”", "There is no unit zzz"),
        )
    ),
]


@pytest.mark.parametrize(("path", "query", "field", "vi", "en"), UNKNOWN)
async def test_a_key_that_nobody_knows_is_refused_by_name_as_an_unknown_unit_is(
    routing: Routing, path: str, query: dict[str, str], field: str, vi: str, en: str
) -> None:
    await routing.open()
    for who, words in (("hai", vi), ("tong", vi), ("anna", en)):
        answer = await routing.get(path, who, **query)
        assert (answer.status, answer.fields) == (422, [field])
        assert words in answer.body["detail"]


KNOWN: list[tuple[str, dict[str, str]]] = [
    *((path, {"topic": key}) for path in (QUEUE, REPORT) for key in ("origin", "unsorted")),
    *((path, {"officer": key}) for path in (QUEUE, REPORT) for key in ("luat", "none")),
    (QUEUE, {"officer": "me"}),
    *((REPORT, {"member_tier": key}) for key in ("gold", "silver", "none")),
    (REPORT, {"unit": "hon-gai", "part": "legal"}),
]


@pytest.mark.parametrize(("path", "query"), KNOWN)
async def test_what_the_organisation_has_can_be_asked_for_while_there_is_nothing_of_it(
    routing: Routing, path: str, query: dict[str, str]
) -> None:
    async with organised(routing, with_tiers()):
        answer = await routing.get(path, **query)
    assert answer.status == 200, answer.body


def with_tiers() -> Organisation:
    """One tier has a member, the other only a policy that favours it."""
    written = organisation()
    member = MemberSpec(tax_code="0101243150", name="An Bình", tier="gold", signed_on=date(2025, 1, 1), valid_until=date(2026, 1, 1))
    favouring = tuple(spec.model_copy(update={"member_tiers": ("silver",)}) for spec in written.policies[:1])
    return written.model_copy(update={"members": (member,), "policies": (*favouring, *written.policies[1:])})


def without(written: Organisation, **gone: str) -> Organisation:
    """Without the topic or officer of that key."""
    kept = {name: tuple(spec for spec in getattr(written, name) if spec.key != key) for name, key in gone.items()}
    return written.model_copy(update=kept)


async def test_an_open_ticket_of_a_topic_or_an_officer_that_is_gone_is_still_found_by_them(routing: Routing) -> None:
    ticket = await routing.open()
    await routing.act(ticket, "assign", {"officer": "hung", "reason": "r"}, who="hong")
    async with organised(routing, without(organisation(), topics="valuation", officers="hung")):
        for query in ({"topic": "valuation"}, {"officer": "hung"}):
            assert [row["id"] for row in (await routing.get(QUEUE, **query)).body["items"]] == [ticket]
            assert (await routing.get(QUEUE, status="closed", **query)).body == {"items": [], "next": None}
            for path in (REPORT, BEHIND, OVERDUE):
                assert (await routing.get(path, "tong", **query)).status == 200


GONE: list[dict[str, Any]] = [{"topic": "gone"}, {"officer": "gone"}, {"member_tier": "gone"}]


@pytest.mark.parametrize("query", GONE, ids=str)
async def test_what_only_finished_clocks_carry_can_be_asked_for_folded_or_not_in_any_period(
    routing: Routing, query: dict[str, str]
) -> None:
    await finished(routing, local("2024-03-05 10:00"), **query)
    for _ in range(2):
        for who in ("hai", "tong"):
            (row,) = (await routing.get(REPORT, who, first="2024-03-01", last="2024-03-31", **query)).body["rows"]
            assert row["finished"] == 1
            assert (await routing.get(BEHIND, who, first="2024-05-01", last="2024-05-31", **query)).body["items"] == []
        if "member_tier" not in query:
            assert (await routing.get(QUEUE, **query)).status == 200
        await fold(routing)


@pytest.mark.parametrize("query", GONE, ids=str)
async def test_what_only_tickets_carry_that_a_reader_does_not_see_is_as_unknown_as_what_nobody_knows(
    routing: Routing, query: dict[str, str]
) -> None:
    await finished(routing, local("2025-03-03 09:00"), group="legal", unit="legal", **query)
    for _ in range(2):
        refused = await routing.get(REPORT, "hai", **query)
        never = await routing.get(REPORT, "hai", **dict.fromkeys(query, "never"))
        assert (refused.status, refused.fields) == (422, list(query))
        assert refused.body["detail"].replace("gone", "never") == never.body["detail"]
        assert (await routing.get(REPORT, "luat", **query)).status == 200
        await fold(routing)


PARAMETERS: list[tuple[str, str, str, str]] = [
    # path, parameter, what an officer reads in Vietnamese and in English
    (QUEUE, "topics", "Không có tham số “topics”; tên gần giống nhất là `topic`.", "There is no parameter topics; the nearest is `topic`."),
    (QUEUE, "prioritiy", "`priority`", "`priority`"),
    (QUEUE, "Status", "`status`", "`status`"),
    (QUEUE, "sort", "các tham số hiện có: cursor, limit, group, unit", "Those there are: cursor, limit, group, unit"),
    (REPORT, "form", "`format`", "`format`"),
    (REPORT, "officers", "`officer`", "`officer`"),
    (BEHIND, "verdicts", "`verdict`", "`verdict`"),
    (OVERDUE, "verdict", "các tham số hiện có: cursor, limit, clock", "Those there are: cursor, limit, clock"),
    ("/me", "lang", "Địa chỉ này không nhận tham số nào; hãy bỏ “lang”.", "This address takes no parameters; remove lang."),
    ("/groups", "unit", "Địa chỉ này không nhận tham số nào", "This address takes no parameters"),
    ("/tickets/{ticket}", "messages", "Địa chỉ này không nhận tham số nào", "This address takes no parameters"),
    ("/tickets/{ticket}/history", "limit", "Địa chỉ này không nhận tham số nào", "This address takes no parameters"),
    ("/tickets/{ticket}/clocks/resolution-1/explain", "language", "các tham số hiện có: lang.", "Those there are: lang."),
]


@pytest.mark.parametrize(("path", "name", "vi", "en"), PARAMETERS, ids=[f"{row[0]}?{row[1]}" for row in PARAMETERS])
async def test_a_parameter_that_does_not_exist_is_refused_with_the_nearest_that_does(
    routing: Routing, path: str, name: str, vi: str, en: str
) -> None:
    asked = path.format(ticket=await routing.open())
    for who, words in (("hai", vi), ("anna", en)):
        answer = await routing.get(asked, who, **{name: "1"})
        assert (answer.status, answer.fields) == (422, [name])
        assert words in answer.body["detail"]


async def test_parameters_too_many_are_named_once_no_longer_than_a_name_is_and_ten_of_them(routing: Routing) -> None:
    answer = await routing.get(QUEUE, foo=["1", "2"], bar="1", limit="0", **{"x" * 5000: "1"})
    assert (answer.status, answer.fields) == (422, ["foo", "bar", "x" * 64])
    answer = await routing.get(QUEUE, **{f"x{number}": "1" for number in range(5000)})
    assert (answer.status, answer.fields) == (422, [f"x{number}" for number in range(10)])


async def test_every_operation_refuses_a_parameter_it_does_not_name_and_changes_nothing(routing: Routing) -> None:
    ticket = await routing.open()
    document = (await routing.http.get("/openapi.json")).json()
    before = await routing.everything()
    for template, operations in document["paths"].items():
        path = template.format(name=ticket, clock="resolution-1")
        for method in operations:
            headers = signed("quan") | {"If-Match": '"1"'}
            answer = await routing.http.request(method, path, params={"nobody-asks-this": "1"}, headers=headers, **body(method))
            assert answer.status_code == 422, (method, path)
            assert "nobody-asks-this" in [error["field"] for error in answer.json()["errors"]], (method, path)
            assert "422" in operations[method]["responses"], (method, path)
    assert await routing.everything() == before


def body(method: str) -> dict[str, Any]:
    return {"json": {"text": "t"}} if method == "post" else {}


async def test_who_is_not_signed_in_learns_nothing_about_parameters(routing: Routing) -> None:
    answer = await routing.http.get("/api/v1/queue", params={"foo": "1"})
    assert answer.status_code == httpx.codes.UNAUTHORIZED
