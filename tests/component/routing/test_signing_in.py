"""Who gets in, and who may see and do what."""

from datetime import timedelta

import pytest

from services.routing.tokens import TokenRepository
from tests.component.routing.conftest import Routing

PATHS = (
    "/me",
    "/groups",
    "/queue",
    "/tickets/HD-222-222-222",
    "/tickets/HD-222-222-222/history",
    "/reports/on-time",
    "/reports/on-time/clocks",
    "/reports/on-time/overdue",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", [None, "Bearer", "Basic aGFpOmhhaQ==", "Bearer unknown", "Bearer ố"])
async def test_nobody_gets_in_without_a_token_of_ours(routing: Routing, path: str, header: str | None) -> None:
    headers = {b"Authorization": header.encode()} if header else {}
    response = await routing.http.get(f"/api/v1{path}", headers=headers)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"] == "Authorization"
    challenge = response.headers["www-authenticate"]
    assert challenge == ('Bearer error="invalid_token"' if header in {"Bearer unknown", "Bearer ố"} else "Bearer")


async def test_a_token_works_until_it_expires(routing: Routing) -> None:
    tokens = TokenRepository(routing.database)
    token = await tokens.create("hai", now=routing.clock.at, expires_at=routing.clock.at + timedelta(hours=1))
    assert token.startswith("hd_")
    assert (await routing.get("/me", token)).status == 200
    routing.clock.advance(hours=1)
    answer = await routing.get("/me", token)
    assert (answer.status, answer.body["detail"]) == (
        401,
        "Mã truy cập này không tồn tại hoặc đã hết hạn; hãy đề nghị quản trị viên cấp mã mới.",
    )


async def test_a_token_is_kept_only_as_its_digest_and_can_be_taken_back(routing: Routing) -> None:
    tokens = TokenRepository(routing.database)
    token = await tokens.create("luat", now=routing.clock.at, expires_at=routing.clock.at + timedelta(hours=1))
    assert token not in str(await routing.database["tokens"].find({}).to_list(None))
    assert await tokens.revoke("luat") == 2
    assert (await routing.get("/me", token)).status == 401
    await tokens.create("luat", now=routing.clock.at, expires_at=routing.clock.at + timedelta(days=5000), token="luat")


async def test_a_token_of_somebody_who_left_the_organisation_lets_nobody_in(routing: Routing) -> None:
    token = await TokenRepository(routing.database).create("gone", now=routing.clock.at, expires_at=routing.clock.at + timedelta(days=1))
    assert (await routing.get("/me", token)).status == 401


async def test_before_the_language_of_the_officer_is_known_the_browser_says_it(routing: Routing) -> None:
    response = await routing.http.get("/api/v1/me", headers={"Accept-Language": "en-GB"})
    assert response.json()["title"] == "Sign in"


async def test_everybody_is_told_who_they_are_and_what_they_see(routing: Routing) -> None:
    hai = (await routing.get("/me", "hai")).body
    assert (hai["groups"], hai["sees"], hai["language"], hai["roles"]) == (["hon-gai"], ["hon-gai"], "vi", [])
    assert (await routing.get("/me", "sau")).body["groups"] == ["hon-gai", "quang-ninh"]
    auditor = (await routing.get("/me", "kiem")).body
    assert (auditor["groups"], auditor["sees"]) == ([], ["cau-treo", "focal", "hon-gai", "legal", "quang-ninh"])


ACCESS = [
    # who, read, act, in the report (a ticket of Hon Gai, which belongs to Quang Ninh)
    ("hai", 200, 200, 200),  # an officer of the group
    ("anna", 200, 200, 200),  # another one
    ("sau", 200, 200, 200),  # the supervisor of Quang Ninh
    ("tong", 200, 200, 200),  # the supervisor of everything
    ("quan", 200, 200, 200),  # the administrator
    ("kiem", 200, 403, 200),  # an auditor
    ("kiem2", 200, 403, 200),  # an auditor who is entered in the group all the same
    ("quang", 404, 404, 403),  # an officer of the group above
    ("luat", 404, 404, 403),  # an officer of another department
    ("phuc", 404, 404, 403),  # the focal point
    ("thanh", 404, 404, 403),  # the supervisor of another department
]


@pytest.mark.parametrize(("who", "read", "act", "report"), ACCESS)
async def test_access_follows_from_groups_units_and_roles(routing: Routing, who: str, read: int, act: int, report: int) -> None:
    ticket = await routing.open()
    assert (await routing.get(f"/tickets/{ticket}", who)).status == read
    assert (await routing.get(f"/tickets/{ticket}/history", who)).status == read
    assert (await routing.act(ticket, "note", {"text": "Đã gọi điện."}, who=who)).status == act
    assert (await routing.get("/reports/on-time", who, group="hon-gai")).status == report
    assert ticket in {row["id"] for row in (await routing.get("/queue", who)).body["items"]} or read == 404
    assert (await routing.get("/queue", who, group="hon-gai")).status == (200 if read == 200 else 403)


ACTIONS = ["claim", "release", "assign", "reply", "note", "wait", "refer", "resolve", "reopen", "reject"]
BODIES: dict[str, dict[str, str]] = {
    "release": {},
    "assign": {"reason": "r", "officer": "hung"},
    "reply": {"text": "t"},
    "note": {"text": "t"},
    "wait": {"text": "t"},
    "refer": {"authority": "a", "reason": "r"},
    "resolve": {"text": "t"},
    "reopen": {"reason": "r"},
    "reject": {"reason": "r", "legal_basis": "l"},
}


@pytest.mark.parametrize("action", ACTIONS)
async def test_no_action_is_open_to_those_who_only_read_or_see_nothing(routing: Routing, action: str) -> None:
    ticket = await routing.open()
    before = await routing.everything()
    reader = await routing.act(ticket, action, BODIES.get(action), who="kiem")
    stranger = await routing.act(ticket, action, BODIES.get(action), who="luat")
    assert (reader.status, stranger.status) == (403, 404)
    assert "nhờ một cán bộ của nhóm Hòn Gai" in reader.body["detail"]
    assert await routing.everything() == before


async def test_what_is_not_there_and_what_one_may_not_see_look_the_same(routing: Routing) -> None:
    ticket = await routing.open()
    hidden, absent = await routing.get(f"/tickets/{ticket}", "luat"), await routing.get("/tickets/HD-222-222-222", "luat")
    assert hidden.body == absent.body
