"""Deliveries in the database: what may go, what has to wait, and what became of it, written down once."""

import asyncio
from datetime import timedelta

from kit.ids import SLOTS
from kit.mongo import Document
from schemas.notifications import NotificationDelivered
from services.notifier.domain.outcome import Accepted, Later, Never
from services.notifier.repository import Attempted
from services.notifier.sender import judged
from tests.component.notifier.conftest import Office, answer
from tests.unit.notifier.examples import ticket

ALL = range(SLOTS)
BOTH = ("email", "chat")


async def due(office: Office, *, limit: int = 100, channels: tuple[str, ...] = BOTH, busy: tuple[str, ...] = ()) -> list[list[str]]:
    lanes = await office.deliveries.due(ALL, office.mongo.now(), limit, channels, busy)
    return [[row["event_id"] for row in rows] for rows in lanes.values()]


def put_off(office: Office, row: Document) -> Attempted:
    return judged(row, Later("451 later"), office.mongo.now(), 0)


async def test_what_is_planned_is_due_lane_by_lane_in_its_order(office: Office) -> None:
    await office.plan(answer("a", 1), answer("b", 1), answer("a", 2), answer("a", 3))
    assert sorted(await due(office)) == [["a-1", "a-2", "a-3"], ["b-1"]]
    assert await due(office, busy=("a:@business",)) == [["b-1"]]
    assert await due(office, channels=("chat",)) == []
    assert len(await due(office, limit=1)) == 1
    assert await office.deliveries.due([], office.mongo.now(), 100, BOTH) == {}


async def test_a_look_passes_over_the_mails_that_are_under_way_without_reading_them(office: Office) -> None:
    await office.plan(*(answer(f"t{number}", 1) for number in range(5)))
    await office.database.command("profile", 2)
    assert len(await due(office, limit=3, busy=("t1:@business",))) == 3
    await office.database.command("profile", 0)
    look, reading = await office.database["system.profile"].find({"command.find": "deliveries"}).sort("ts", 1).to_list(None)
    assert (look["docsExamined"], reading["docsExamined"]) == (0, 3)


async def test_what_comes_after_one_that_was_put_off_waits_with_it(office: Office) -> None:
    await office.plan(answer("a", 1), answer("a", 2), answer("b", 1))
    [first, _] = await office.rows(ticket_id="a")
    await office.deliveries.record([put_off(office, first)])
    assert await due(office) == [["b-1"]]
    await office.plan(answer("a", 3))  # planned afterwards: behind it as well
    assert await due(office) == [["b-1"]]
    assert len({row["next_at"] for row in await office.rows(ticket_id="a")}) == 1


async def test_one_that_seems_due_does_not_overtake_the_one_before_it(office: Office) -> None:
    """It was planned in the very moment in which the other one was put off."""
    await office.plan(answer("a", 1), answer("a", 2), answer("a", 3))
    late = office.mongo.now() + timedelta(minutes=1)
    await office.database["deliveries"].update_one({"event_id": "a-1"}, {"$set": {"next_at": late}})
    assert await due(office) == []
    await office.database["deliveries"].update_one({"event_id": "a-2"}, {"$set": {"next_at": late}})
    await office.make_due(event_id="a-1")
    assert await due(office) == [["a-1"]]


async def test_mail_that_waits_for_the_relay_holds_up_the_chat_message_after_it(office: Office) -> None:
    chat = ticket(contact={"name": "Lan", "chat": {"account": "zalo", "conversation": "1"}})
    await office.plan(answer("a", 1), answer("a", 2, ticket=chat), answer("b", 1, ticket=chat))
    assert await due(office, channels=("chat",)) == [["b-1"]]


async def test_what_became_of_it_is_written_with_its_event_and_the_content_is_dropped(office: Office) -> None:
    await office.plan(answer("a", 1, traceparent="00-x"), answer("b", 1))
    now = office.mongo.now()
    good, bad = await office.rows()
    await office.deliveries.record([judged(good, Accepted("250 OK"), now, 0), judged(bad, Never("550 5.1.1 unknown"), now, 0)])
    good, bad = await office.rows()
    assert (good["state"], good["attempts"], good["reason"], "content" in good) == ("delivered", 1, "250 OK", False)
    assert (bad["state"], bad["attempts"], bad["reason"], "content" in bad) == ("failed", 1, "550 5.1.1 unknown", False)
    events = {event.ticket_id: event for event in await office.ended()}
    assert isinstance(events["a"], NotificationDelivered)
    assert (events["a"].attempts, events["a"].traceparent, events["a"].message_id) == (1, "00-x", "m-1")
    assert (events["b"].type, events["b"].attempts) == ("notification_failed", 1)


async def test_an_end_is_written_once_whoever_writes_it_and_holds_up_nobody_in_its_group(office: Office) -> None:
    """Two processes may have sent the same thing: the second one's group must not fail, or all of it would be sent again."""
    await office.plan(answer("a", 1), answer("b", 1))
    twice, other = await office.rows()
    now = office.mongo.now()
    await office.deliveries.record([judged(twice, Accepted("first"), now, 0)])
    results = await office.deliveries.record([judged(twice, Never("second"), now, 0), judged(other, Accepted(), now, 0)])
    assert list(results) == [None, None]
    assert [row["state"] for row in await office.rows()] == ["delivered", "delivered"]
    assert [event.type for event in await office.ended()] == ["notification_delivered"] * 2


async def test_two_processes_that_write_the_same_end_at_once_write_it_once(office: Office) -> None:
    await office.plan(*(answer(f"t{number}", 1) for number in range(10)))
    attempts = [judged(row, Accepted(), office.mongo.now(), 0) for row in await office.rows()]
    await asyncio.gather(*(office.deliveries.record(attempts) for _ in range(3)))
    assert len(await office.ended()) == 10


async def test_one_that_cannot_be_written_down_does_not_take_its_group_with_it(office: Office) -> None:
    await office.plan(answer("a", 1), answer("b", 1))
    bad, good = await office.rows()
    now = office.mongo.now()
    unwritable = Attempted(bad, now, None, now, "\udcff")
    first, second = await office.deliveries.record([unwritable, judged(good, Accepted(), now, 0)])
    assert isinstance(first, UnicodeEncodeError)
    assert second is None
    assert [row["state"] for row in await office.rows()] == ["pending", "delivered"]


async def test_the_first_attempt_is_when_it_was_made_not_when_it_could_have_been(office: Office) -> None:
    """A relay that was down for four days leaves every mail its full three days of attempts."""
    await office.plan(answer("a", 1))
    await office.database["deliveries"].update_many({}, {"$set": {"next_at": office.mongo.now() - timedelta(hours=96)}})
    for attempt in (1, 2):
        [row] = await office.rows()
        await office.deliveries.record([put_off(office, row)])
        [row] = await office.rows()
        assert (row["state"], row["attempts"]) == ("pending", attempt)
        assert office.mongo.now() - row["first_at"] < timedelta(minutes=1)
