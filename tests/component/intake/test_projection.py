"""What intake hears of a ticket: shown to the business once, in order, and without what is internal."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from kit.ids import new_id
from schemas.tickets import ticket_events
from services.intake.domain.request import LONGEST_TEXT
from services.intake.projection import SHOWN_MESSAGES
from services.intake.storage import CONVERSATIONS
from tests.component.intake.conftest import Intake
from tests.component.intake.test_api import attachment, request_body, send, token_of

EVENTS = Path(__file__).parents[2] / "data" / "events"


def event(kind: str, ticket_id: str, sequence: int, **changes: Any) -> Any:
    """The example of that kind, about another ticket."""
    example: Any = ticket_events.validate_json((EVENTS / f"{kind}.json").read_bytes())
    return example.model_copy(update={"ticket_id": ticket_id, "sequence": sequence, "id": new_id(), **changes})


async def received(intake: Intake) -> tuple[str, str, str]:
    """(ticket id, address of its status, token)."""
    answer = (await send(intake, request_body(attachments=[attachment()]))).json()
    return answer["ticket_id"], f"/api/v1/requests/{answer['reference']}", token_of(answer["status_url"])


async def shown(intake: Intake, address: str, token: str) -> dict[str, Any]:
    return (await intake.http.get(address, params={"k": token})).json()  # type: ignore[no-any-return]


async def test_the_status_follows_the_ticket(intake: Intake) -> None:
    ticket_id, address, token = await received(intake)
    opened, answered = event("ticket_opened", ticket_id, 1), event("answer_given", ticket_id, 2)
    await intake.projection.apply([opened, answered])
    status = await shown(intake, address, token)
    assert status["status"] == answered.ticket.status
    assert status["group"]["name"] == answered.ticket.group.name.model_dump()
    assert [message["text"] for message in status["messages"]] == [opened.message.text, answered.message.text]
    assert {deadline["kind"] for deadline in status["deadlines"]} <= {"first_response", "next_response", "resolution"}
    page = await intake.http.get(address.removeprefix("/api/v1"), params={"k": token}, headers={"Accept": "text/html"})
    assert answered.ticket.group.name.vi in page.text


async def test_events_that_come_again_or_late_change_nothing(intake: Intake) -> None:
    ticket_id, address, token = await received(intake)
    events = [event("ticket_opened", ticket_id, 1), event("business_replied", ticket_id, 2), event("answer_given", ticket_id, 3)]
    await intake.projection.apply(events)
    once = await shown(intake, address, token)
    await intake.projection.apply(events)
    await intake.projection.apply(events[:2])
    assert await shown(intake, address, token) == once
    assert len(once["messages"]) == 3


async def test_notes_and_automatic_mail_are_not_shown(intake: Intake) -> None:
    ticket_id, address, token = await received(intake)
    replied = event("business_replied", ticket_id, 3)
    automatic = replied.model_copy(update={"message": replied.message.model_copy(update={"automatic": "auto-submitted"})})
    await intake.projection.apply([event("ticket_opened", ticket_id, 1), event("note_added", ticket_id, 2), automatic])
    status = await shown(intake, address, token)
    assert len(status["messages"]) == 1
    conversation = await intake.desk.conversations.get(ticket_id)
    assert conversation is not None
    assert conversation.ticket is not None


async def test_events_about_somebody_elses_tickets_are_passed_over(intake: Intake) -> None:
    ticket_id, address, token = await received(intake)
    await intake.projection.apply([event("ticket_opened", new_id(), 1), event("ticket_opened", ticket_id, 1)])
    assert (await shown(intake, address, token))["group"] is not None


@pytest.mark.parametrize(("length", "new"), [(100, "Mới."), (LONGEST_TEXT - 4, "Mới."), (LONGEST_TEXT - 3, None)])
async def test_what_is_new_in_a_mail_is_shown_first_while_both_texts_fit(intake: Intake, length: int, new: str | None) -> None:
    ticket_id, address, token = await received(intake)
    replied = event("business_replied", ticket_id, 1)
    whole = "Mới.".ljust(length, "x")
    page = replied.message.attachments[0]
    said = replied.message.model_copy(update={"text": whole, "new_text": "Mới.", "html": page, "attachments": ()})
    await intake.projection.apply([replied.model_copy(update={"message": said})])
    (message,) = (await shown(intake, address, token))["messages"]
    assert (message["text"], message["new_text"], message["attachments"]) == (whole, new or whole, [])
    row = await intake.database["conversations"].find_one({"_id": ticket_id})
    assert row is not None
    assert (row["messages"][0].get("new_text"), "html" in row["messages"][0]) == (new, False)


async def test_only_the_latest_messages_are_kept_for_the_page(intake: Intake) -> None:
    ticket_id, _, _ = await received(intake)
    replied = event("business_replied", ticket_id, 1)
    many = [
        replied.model_copy(
            update={
                "sequence": number,
                "message": replied.message.model_copy(update={"text": f"{number}", "at": replied.message.at + timedelta(seconds=number)}),
            }
        )
        for number in range(1, SHOWN_MESSAGES + 6)
    ]
    await intake.projection.apply(many)
    conversation = await intake.desk.conversations.get(ticket_id)
    assert conversation is not None
    assert [message.text for message in conversation.messages] == [f"{n}" for n in range(6, SHOWN_MESSAGES + 6)]


@pytest.mark.parametrize("status", ["rejected", "merged"])
async def test_a_request_that_is_over_takes_no_more_words(intake: Intake, status: str) -> None:
    ticket_id, address, token = await received(intake)
    opened = event("ticket_opened", ticket_id, 1)
    await intake.projection.apply([opened.model_copy(update={"ticket": opened.ticket.model_copy(update={"status": status})})])
    response = await intake.http.post(f"{address}/messages", params={"k": token}, json={"text": "Nữa"}, headers={"Accept-Language": "en"})
    assert (response.status_code, response.json()["title"]) == (409, "The request is over")


async def test_a_batch_waits_for_whoever_writes_to_one_of_its_conversations(intake: Intake) -> None:
    held, free = await received(intake), await received(intake)
    conversations = intake.database[CONVERSATIONS.name]
    async with await intake.database.client.start_session() as session, session.start_transaction():
        await conversations.update_one({"_id": held[0]}, {"$set": {"version": 2}}, session=session)
        applying = asyncio.create_task(intake.projection.apply([event("ticket_opened", row[0], 1) for row in (free, held)]))
        await asyncio.sleep(0.3)
        assert not applying.done()
    await applying
    rows = await conversations.find({"_id": {"$in": [held[0], free[0]]}}).to_list(None)
    assert {row["_id"]: (row["seen"], row["version"]) for row in rows} == {held[0]: (1, 2), free[0]: (1, 1)}


async def test_a_hundred_messages_to_the_longest_conversation_there_is_are_all_kept(intake: Intake) -> None:
    """More than the database can hold back for one transaction where it has little memory."""
    ticket_id, *_ = await received(intake)
    longest = {"messages": [{"text": "ố" * LONGEST_TEXT}] * SHOWN_MESSAGES}
    await intake.database[CONVERSATIONS.name].update_one({"_id": ticket_id}, {"$set": longest})
    batch = [event(("answer_given", "business_replied")[number % 2], ticket_id, number) for number in range(1, 101)]
    await applied(intake, batch)
    row = await intake.database[CONVERSATIONS.name].find_one({"_id": ticket_id})
    assert row is not None
    assert row["seen"] == 100
    assert [message["text"] for message in row["messages"]] == [each.message.text for each in batch]


async def applied(intake: Intake, batch: list[Any]) -> None:
    """As the inlet does it: what is too much at once is tried in halves."""
    try:
        await intake.projection.apply(batch)
    except OperationFailure:
        for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
            await applied(intake, half)
