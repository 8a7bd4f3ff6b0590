"""Ticket events become deliveries: all they ask for, each once, rendered on the spot."""

import asyncio
import email
import time

import pytest

from kit.organisation import OrganisationStore
from schemas.notifications import NotificationDelivered, NotificationFailed
from schemas.tickets import Known, NoteAdded, TicketOpened
from schemas.values import ChatAddress, Contact, Person
from services.notifier.domain.audience import Delivery
from services.notifier.handlers import Handlers
from services.notifier.limits import Limits
from services.notifier.preferences import Preferences
from services.notifier.rendering import Letterhead, Renderer
from services.notifier.screening import Screening
from services.notifier.suppressions import Suppressions
from tests.component.notifier.conftest import SENDER, Office, answer, status_url
from tests.unit.notifier.examples import ANNA, MINH, event, message, ticket


def contact(**fields: object) -> Contact:
    return Contact.model_validate({"name": "Nguyễn Thị Lan", **fields})


def on_chat(account: str, **fields: object) -> Contact:
    return contact(chat=ChatAddress(account=account, conversation="c-1"), **fields)


async def test_everybody_who_has_to_be_told_gets_a_delivery_with_its_mail_ready(office: Office) -> None:
    await office.plan(event(TicketOpened, sequence=1))
    rows = await office.rows()
    assert {(row["address"], row["template"], row["state"]) for row in rows} == {
        ("lan@halong.example", "acknowledgement", "pending"),
        ("minh@customs.example", "assignment", "pending"),
        ("anna@customs.example", "assignment", "pending"),
    }
    for row in rows:
        parsed = email.message_from_bytes(row["content"])
        assert row["address"] in parsed["To"]
        assert parsed["Message-ID"] == f"<{row['_id']}@customs.example>"
    assert office.wake.is_set()


async def test_the_same_events_again_plan_nothing_new(office: Office) -> None:
    events = [event(TicketOpened, sequence=1), answer("t", 2)]
    await office.plan(*events)
    before = await office.rows()
    await office.plan(*events)
    await office.plan(*events, answer("t", 3))
    assert [row for row in await office.rows() if row["order"] < 300] == before


async def test_an_event_that_comes_twice_in_one_batch_is_planned_once(office: Office) -> None:
    """A relay that died after publishing and before marking publishes again: both copies are in the next batch."""
    await office.plan(answer("t", 1), answer("t", 2), answer("t", 1), answer("t", 2))
    assert [row["event_id"] for row in await office.rows()] == ["t-1", "t-2"]


async def test_two_processes_that_plan_the_same_batch_at_once_plan_it_once(office: Office) -> None:
    events = [answer(f"t{number}", 1) for number in range(20)]
    await asyncio.gather(*(office.plan(*events) for _ in range(3)))
    assert sorted(row["event_id"] for row in await office.rows()) == sorted(f"t{number}-1" for number in range(20))


class Slow(Renderer):
    """Takes a millisecond more for a mail, and notes how often others had their turn before it."""

    def __init__(self, turns: list[int]) -> None:
        super().__init__(Letterhead(SENDER, "Helpdesk", status_url))
        self._turns = turns
        self.seen: list[int] = []

    def render(self, delivery: Delivery, event: Known) -> bytes:
        time.sleep(0.001)
        self.seen.append(len(self._turns))
        return super().render(delivery, event)


async def test_while_a_batch_is_rendered_everything_else_gets_its_turn(office: Office) -> None:
    turns: list[int] = []

    async def anything_else() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    slow, task = Slow(turns), asyncio.create_task(anything_else())
    screening = Screening(Suppressions(office.database), Limits(office.database, per_minute=600), Preferences(office.database))
    store = OrganisationStore(office.database)
    await store.refresh()
    telling = Handlers(office.mongo, office.deliveries, office.digests, slow, store, screening, lambda _rows, _begun: None)
    await telling.on_tickets([answer(f"t{number}", 1) for number in range(40)])
    task.cancel()
    assert len(slow.seen) == 40
    assert len(set(slow.seen)) > 5


async def test_what_nobody_is_told_of_plans_nothing(office: Office) -> None:
    note = NoteAdded(id="n", source="x", occurred_at=message().at, ticket_id="t", ticket=ticket(), message=message(public=False), by="minh")
    await office.plan(note)
    assert await office.rows() == []


async def test_without_an_address_the_status_page_has_it_at_once(office: Office) -> None:
    await office.plan(answer("t", 1, ticket=ticket(contact=contact(phone="1")), traceparent="00-a"))
    [row] = await office.rows()
    assert (row["channel"], row["state"], "content" in row) == ("page", "delivered", False)
    [told] = await office.ended()
    assert isinstance(told, NotificationDelivered)
    assert (told.channel, told.message_id, told.audience, told.attempts, told.sequence) == ("page", "m-1", "business", 1, 1)
    assert (told.delivery_id, told.event_id, told.ticket_id, told.traceparent) == (row["_id"], "t-1", "t", "00-a")
    await office.plan(answer("t", 1, ticket=ticket(contact=contact(phone="1"))))
    assert len(await office.ended()) == 1


@pytest.mark.parametrize("address", ["lân @halong.example", "lan@-", "no-at-sign", "a" * 65 + "@halong.example"])
async def test_an_address_that_cannot_be_written_to_fails_at_once_and_holds_up_nobody(office: Office, address: str) -> None:
    bad = ticket(contact=contact(email=address))
    await office.plan(answer("bad", 1, ticket=bad), answer("good", 1))
    [failed] = await office.ended()
    assert isinstance(failed, NotificationFailed)
    assert (failed.ticket_id, failed.attempts) == ("bad", 0)
    assert "address" in failed.reason
    rows = {row["ticket_id"]: row for row in await office.rows()}
    assert (rows["bad"]["state"], rows["bad"]["reason"]) == ("failed", failed.reason)
    assert rows["good"]["state"] == "pending"


async def test_a_conversation_is_answered_where_it_is_if_the_account_takes_answers(office: Office) -> None:
    await office.plan(
        answer("on", 1, ticket=ticket(contact=on_chat("zalo", email="lan@halong.example"))),
        answer("off", 1, ticket=ticket(contact=on_chat("mute", email="lan@halong.example"))),
        answer("neither", 1, ticket=ticket(contact=on_chat("mute"))),
    )
    rows = {row["ticket_id"]: row for row in await office.rows()}
    assert {key: (row["channel"], row["address"]) for key, row in rows.items()} == {
        "on": ("chat", "zalo:c-1"),
        "off": ("email", "lan@halong.example"),
        "neither": ("page", ""),
    }
    assert "0306.17" in rows["on"]["content"].decode()


async def test_recipients_of_one_event_and_events_of_one_ticket_are_kept_in_order(office: Office) -> None:
    third = Person(key="z", name="Z", email="z@customs.example", language="vi")
    await office.plan(event(TicketOpened, sequence=1, recipients=(MINH, ANNA, third)), answer("t", 2))
    rows = sorted(await office.rows(), key=lambda row: int(row["order"]))
    assert [row["recipient"] for row in rows] == ["@business", "minh", "anna", "z", "@business"]
    assert len({row["order"] for row in rows}) == 5
