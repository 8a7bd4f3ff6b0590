"""Two people at one ticket: nobody's work is overwritten, and nobody's answer is lost or doubled."""

import asyncio

import pytest

from tests.component.routing.conftest import Routing


@pytest.mark.parametrize("etag", ["1", '"1"', 'W/"1"'])
async def test_the_version_is_taken_in_every_form_it_is_written_in(routing: Routing, etag: str) -> None:
    ticket = await routing.open()
    assert (await routing.act(ticket, "claim", seen=etag)).status == 200


async def test_without_if_match_nothing_is_changed(routing: Routing) -> None:
    ticket = await routing.open()
    before = await routing.everything()
    answer = await routing.act(ticket, "reply", {"text": "Đã rõ."}, seen="")
    assert (answer.status, answer.fields) == (428, ["If-Match"])
    assert "`ETag`" in answer.body["detail"]
    assert await routing.everything() == before


@pytest.mark.parametrize("etag", ["*", '"x"', '"1", "2"', '"-1"', '"1e3"', '""', '"99999999999"', "9" * 41])
async def test_an_if_match_that_is_no_version_is_refused(routing: Routing, etag: str) -> None:
    ticket = await routing.open()
    answer = await routing.act(ticket, "claim", seen=etag)
    assert (answer.status, answer.fields) == (422, ["If-Match"])


@pytest.mark.parametrize("never", [0, 3, 99])
async def test_a_version_that_never_was_is_not_called_somebodys_haste(routing: Routing, never: int) -> None:
    ticket = await routing.open()
    assert (await routing.act(ticket, "note", {"text": "Đã gọi."})).status == 200
    before = await routing.everything()
    words = {
        "hai": ("Không có phiên bản này", f"Yêu cầu đang ở phiên bản 2 và chưa từng có phiên bản {never}."),
        "anna": (
            "There is no such version",
            f"The ticket is at version 2 and never had a version {never}. Read it again and send its `ETag`.",
        ),
    }
    for who, (title, sentence) in words.items():
        answer = await routing.act(ticket, "claim", who=who, seen=f'"{never}"')
        assert (answer.status, answer.fields, answer.body["title"]) == (412, ["If-Match"], title)
        assert answer.body["detail"].startswith(sentence)
        assert (answer.body["version"], answer.body["current"]["ticket"]["version"]) == (2, 2)
    assert await routing.everything() == before


async def test_whoever_is_second_sees_what_the_first_one_wrote(routing: Routing) -> None:
    ticket = await routing.open()
    assert (await routing.act(ticket, "reply", {"text": "Câu trả lời của Hải."}, seen='"1"')).status == 200
    before = await routing.everything()
    answer = await routing.act(ticket, "reply", {"text": "Of Anna."}, who="anna", seen='"1"')
    assert (answer.status, answer.fields, answer.body["version"]) == (412, ["If-Match"], 2)
    assert answer.body["detail"] == "The ticket changed since you read it. Look at `current`, then decide again with its version."
    assert answer.body["current"]["messages"][-1]["text"] == "Câu trả lời của Hải."
    assert await routing.everything() == before


@pytest.mark.parametrize("round_", range(5))
async def test_of_simultaneous_answers_exactly_one_is_given(routing: Routing, round_: int) -> None:
    ticket = await routing.open()
    answers = await asyncio.gather(
        *(routing.act(ticket, "reply", {"text": f"Trả lời của {who}"}, who=who, seen='"1"') for who in ("hai", "hung", "hong", "anna"))
    )
    assert sorted(answer.status for answer in answers) == [200, 412, 412, 412]
    assert await routing.journal(ticket) == ["ticket_opened", "answer_given"]
    (winner,) = [answer for answer in answers if answer.status == 200]
    said = winner.body["messages"][-1]["text"]
    assert all(answer.body["current"]["messages"][-1]["text"] == said for answer in answers if answer.status == 412)


async def test_of_simultaneous_claims_one_wins(routing: Routing) -> None:
    ticket = await routing.open()
    answers = await asyncio.gather(*(routing.act(ticket, "claim", who=who, seen='"1"') for who in ("hai", "hung", "hong")))
    assert sorted(answer.status for answer in answers) == [200, 412, 412]


async def test_the_same_request_sent_twice_says_it_once(routing: Routing) -> None:
    ticket = await routing.open()
    answers = await asyncio.gather(*(routing.act(ticket, "note", {"text": "Một lần."}, seen='"1"') for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [200, 412, 412]
    assert [message["text"] for message in (await routing.get(f"/tickets/{ticket}")).body["messages"]][1:] == ["Một lần."]


async def test_an_officer_and_the_business_at_the_same_time_lose_nothing(routing: Routing) -> None:
    ticket = await routing.open()
    answer, _ = await asyncio.gather(
        routing.act(ticket, "reply", {"text": "Đã rõ."}, seen='"1"'), routing.says(ticket, text="Còn một điều nữa.")
    )
    texts = [message["text"] for message in (await routing.get(f"/tickets/{ticket}")).body["messages"]]
    assert "Còn một điều nữa." in texts
    assert ("Đã rõ." in texts) is (answer.status == 200)
    assert answer.status in {200, 412}
    await routing.journal(ticket)


async def test_a_delivery_noted_meanwhile_is_no_conflict_and_is_not_forgotten(routing: Routing) -> None:
    """The second of two answers ends no clock, so that its delivery makes no new version."""
    ticket = await routing.open()
    first = (await routing.act(ticket, "reply", {"text": "Một."})).body["messages"][-1]["id"]
    await routing.accepted(ticket, first)
    second = (await routing.act(ticket, "reply", {"text": "Hai."})).body["messages"][-1]["id"]
    version = (await routing.get(f"/tickets/{ticket}")).etag
    before = (await routing.tickets.load([ticket]))[ticket]
    assert len(before.awaiting) == 1
    answer, _ = await asyncio.gather(routing.act(ticket, "note", {"text": "Ghi chú."}, seen=version), routing.accepted(ticket, second))
    assert answer.status == 200
    assert (await routing.tickets.load([ticket]))[ticket].awaiting == ()
