"""Deliveries go out: in order where order matters, at once where it does not, and never twice if that can be helped."""

import asyncio
import email
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from kit.errors import TransientError
from kit.journal import Journal
from kit.mongo import Document
from schemas import topics
from schemas.notifications import NotificationDelivered, NotificationFailed
from services.notifier.domain.outcome import Accepted, Later, Never, Outcome, RelayTrouble, Unknown
from services.notifier.domain.retry import GIVE_UP_AFTER, SCHEDULE, SPREAD
from services.notifier.handlers import Handlers
from services.notifier.limits import Limits
from services.notifier.preferences import Preferences
from services.notifier.repository import Attempted, DeliveryRepository
from services.notifier.screening import Screening
from services.notifier.sender import IN_FLIGHT, UNWRITTEN, Sender
from services.notifier.suppressions import Suppressions
from tests.component.notifier.conftest import Office, answer, at_rest, settle, until
from tests.unit.notifier.examples import ticket

LAN = "lan@halong.example"
CHAT = ticket(contact={"name": "Lan", "chat": {"account": "zalo", "conversation": "1"}})


def to(address: str) -> Any:
    return ticket(contact={"name": "Lan", "email": address})


async def states(office: Office) -> dict[str, str]:
    return {row["event_id"]: row["state"] for row in await office.rows()}


def told(office: Office) -> list[str]:
    """The deliveries the mail server took, in order."""
    return [str(email.message_from_bytes(raw)["Message-ID"]) for _, _, raw in office.box.seen]


async def test_a_mail_goes_out_byte_for_byte_and_its_end_is_told(office: Office) -> None:
    await office.plan(answer("a", 1))
    [planned] = await office.rows()
    await settle(await office.alone())
    assert [raw for _, _, raw in office.box.seen] == [planned["content"]]
    [row] = await office.rows()
    assert (row["state"], row["attempts"], row["reason"], "content" in row) == ("delivered", 1, "250 2.0.0 Queued as 7", False)
    [delivered] = await office.ended()
    assert isinstance(delivered, NotificationDelivered)
    assert (delivered.message_id, delivered.channel, delivered.audience) == ("m-1", "email", "business")
    assert abs(delivered.accepted_at - row["ended_at"]) < timedelta(milliseconds=1)


async def test_without_slots_nothing_is_sent(office: Office) -> None:
    await office.plan(answer("a", 1))
    await settle(office.sender(office.slots("never renewed")))
    assert office.box.seen == []


async def test_one_lane_goes_out_in_order_one_after_the_other(office: Office) -> None:
    gate = office.box.held[LAN] = asyncio.Event()
    await office.plan(*(answer("a", number) for number in range(1, 6)))
    ids = [f"<{row['_id']}@customs.example>" for row in await office.rows()]
    sender = await office.alone()
    await sender.step()
    await office.box.got_data.wait()
    await sender.step()
    assert (sender.under_way, len(office.box.seen)) == (1, 1)
    gate.set()
    await at_rest(sender)
    assert told(office) == ids


def handing_over(office: Office, sender: Sender) -> Handlers:
    database = office.database
    screening = Screening(Suppressions(database), Limits(database, per_minute=600), Preferences(database))
    return office.telling(screening, hand_over=sender.hand_over)


async def test_the_first_mail_of_a_ticket_goes_out_without_being_looked_for(office: Office) -> None:
    sender = await office.alone()
    await handing_over(office, sender).on_tickets([answer("a", 1), answer("b", 1)])
    await at_rest(sender)
    assert await states(office) == {"a-1": "delivered", "b-1": "delivered"}
    assert not office.wake.is_set()


async def test_what_may_have_something_before_it_in_its_lane_is_looked_for(office: Office) -> None:
    sender = await office.alone()
    await handing_over(office, sender).on_tickets([answer("a", 1), answer("a", 2), answer("b", 2)])
    assert (sender.under_way, office.wake.is_set()) == (0, True)
    await settle(sender)
    assert await states(office) == {"a-1": "delivered", "a-2": "delivered", "b-2": "delivered"}


async def test_a_mail_handed_over_while_a_look_has_read_it_already_is_sent_once(office: Office) -> None:
    """The look finds it pending; before the look returns it is sent, and recorded."""
    await office.plan(answer("a", 1))
    rows = await office.rows()

    class Slow(DeliveryRepository):
        async def due(self, *asked: Any, **more: Any) -> dict[str, list[Document]]:
            found = await super().due(*asked, **more)
            if found:
                sender.hand_over(rows)
                await at_rest(sender)
            return found

    sender = await office.alone(deliveries=Slow(office.mongo, office.database, Journal(office.database, topics.NOTIFICATIONS)))
    await sender.step()
    await at_rest(sender)
    assert len(office.box.seen) == 1


async def test_nothing_is_handed_over_to_a_sender_that_is_closing_or_has_not_its_slot(office: Office) -> None:
    await office.plan(answer("a", 1))
    rows, stranger, closed = await office.rows(), office.sender(office.slots("never renewed")), await office.alone()
    await closed.close()
    for sender in (stranger, closed):
        office.wake.clear()
        sender.hand_over(rows)
        assert (sender.under_way, office.wake.is_set()) == (0, True)


async def test_when_the_first_of_a_lane_is_put_off_the_rest_waits_and_goes_out_after_it(office: Office) -> None:
    office.box.rcpt[LAN] = "451 4.7.1 greylisted"
    await office.plan(answer("a", 1), answer("a", 2))
    sender = await office.alone()
    await settle(sender)
    await office.plan(answer("a", 3))
    await settle(sender, steps=2)
    assert office.box.seen == []
    assert [row["attempts"] for row in await office.rows()] == [1, 0, 0]
    del office.box.rcpt[LAN]
    await office.make_due()
    await settle(sender)
    assert told(office) == [f"<{row['_id']}@customs.example>" for row in await office.rows()]
    assert set((await states(office)).values()) == {"delivered"}


async def test_attempts_follow_the_schedule_and_end_with_a_failure(office: Office) -> None:
    office.box.rcpt[LAN] = "451 4.7.1 try again"
    await office.plan(answer("a", 1))
    sender = await office.alone()
    for pause in SCHEDULE[1:4]:
        await settle(sender)
        [row] = await office.rows()
        waits = row["next_at"] - office.mongo.now()
        assert pause * (1 - SPREAD) - timedelta(seconds=5) <= waits <= pause * (1 + SPREAD)
        await office.make_due()
    long_ago = office.mongo.now() - GIVE_UP_AFTER - timedelta(minutes=1)
    await office.database["deliveries"].update_many({}, {"$set": {"first_at": long_ago}})
    await settle(sender)
    [failed] = await office.ended()
    assert isinstance(failed, NotificationFailed)
    assert (failed.reason, failed.attempts) == ("given up: 451 4.7.1 try again", 4)


async def test_what_is_refused_for_good_fails_once(office: Office) -> None:
    office.box.rcpt[LAN] = "550 5.1.1 no such mailbox"
    await office.plan(answer("a", 1), answer("a", 2))
    sender = await office.alone()
    await settle(sender, steps=3)
    assert [(event.type, event.event_id) for event in await office.ended()] == [
        ("notification_failed", "a-1"),
        ("notification_failed", "a-2"),
    ]
    assert {row["reason"] for row in await office.rows()} == {"550 5.1.1 no such mailbox"}


@pytest.mark.parametrize("outcome", [Accepted("250 \udcff"), Never("550 \udcff"), Later("451 \udcff"), Unknown("\udcff")])
async def test_whatever_bytes_a_server_answers_with_it_is_written_down(office: Office, outcome: Outcome) -> None:
    """Otherwise the mail would be pending still, and go out again with every look."""
    count = 0

    async def odd(_: Document) -> Outcome:
        nonlocal count
        count += 1
        return outcome

    await office.plan(answer("a", 1))
    await settle(await office.alone(channels={"email": odd}), steps=3)
    [row] = await office.rows()
    assert (count, row["attempts"]) == (1, 1)
    assert "?" in row["reason"]


async def test_trouble_of_the_relay_pauses_mail_touches_no_delivery_and_leaves_chat_alone(office: Office) -> None:
    office.box.mail = "550 5.7.1 this relay does not know you"
    await office.plan(*(answer(f"m{number}", 1) for number in range(3)))
    before = await office.rows()
    sender = await office.alone()
    await settle(sender)
    assert await office.rows() == before  # not one attempt counted, nothing put off
    await office.plan(*(answer(f"c{number}", 1, ticket=CHAT) for number in range(3)))
    await settle(sender)
    assert {row["event_id"] for row in office.chat.said} == {"c0-1", "c1-1", "c2-1"}
    assert await office.rows(channel="email") == before


async def test_after_trouble_one_mail_goes_ahead_alone_and_then_all(office: Office) -> None:
    office.box.mail = "421 4.3.2 going down"
    await office.plan(*(answer(f"m{number}", 1) for number in range(5)), answer("m0", 2))
    sender = await office.alone()
    await settle(sender)
    office.box.mail = None
    await settle(sender)
    assert office.box.seen == []  # the pause is not over
    await asyncio.sleep(1.1)
    await office.plan(answer("chat", 1, ticket=CHAT))
    gate = office.box.held[LAN] = asyncio.Event()
    for _ in range(3):
        await sender.step()
    await office.box.got_data.wait()
    await asyncio.sleep(0.05)
    assert (len(office.box.seen), len(office.chat.said)) == (1, 1)
    gate.set()
    await at_rest(sender)
    assert len(office.box.seen) == 1
    await settle(sender)
    assert len(office.box.seen) == 6
    assert set((await states(office)).values()) == {"delivered"}


async def test_why_all_mail_is_paused_stands_in_the_database_until_the_first_one_goes_out(office: Office) -> None:
    """For `helpdesk check`, which sees no process. A note that a dead process left goes with the first mail as well."""
    trouble = office.database["relay_trouble"]
    office.box.mail = "550 5.7.1 this relay does not know you"
    await office.plan(answer("a", 1))
    dead = await office.alone()
    await settle(dead)
    [first] = await trouble.find({}).to_list(None)
    assert (first["_id"], first["reason"]) == ("email", "550 5.7.1 this relay does not know you")
    await asyncio.sleep(1.1)
    await settle(dead)
    [again] = await trouble.find({}).to_list(None)
    assert (again["since"], again["at"] > first["at"]) == (first["since"], True)
    office.box.mail = None
    await office.make_due()
    await settle(await office.alone())
    assert len(office.box.seen) == 1
    assert await trouble.find({}).to_list(None) == []


async def test_one_mail_that_the_relay_takes_for_trouble_holds_up_no_other(office: Office) -> None:
    await office.plan(answer("a", 1), answer("b", 1))
    tried: list[str] = []

    async def picky(row: Document) -> Outcome:
        tried.append(row["event_id"])
        return RelayTrouble("530 not for this one") if row["event_id"] == "a-1" or len(tried) <= 2 else Accepted("250 ok")

    sender = await office.alone(channels={"email": picky})
    await settle(sender)
    assert sorted(tried) == ["a-1", "b-1"]  # it is in trouble with everybody
    await asyncio.sleep(1.1)
    await settle(sender)
    assert tried[2:] == ["a-1"]  # the first of them goes ahead, in vain
    await asyncio.sleep(2.2)
    await settle(sender)
    assert tried[2:4] == ["a-1", "b-1"]


async def test_while_the_relay_stays_down_the_pauses_grow(office: Office) -> None:
    office.box.mail = "421 4.3.2 going down"
    await office.plan(answer("a", 1))
    sender = await office.alone()
    await settle(sender)
    await asyncio.sleep(1.1)
    await settle(sender)  # tried again, in vain
    connections = office.box.connections
    await asyncio.sleep(1.1)
    await settle(sender)
    assert office.box.connections == connections  # two seconds now


class Interrupted(DeliveryRepository):
    """Writes nothing down before the gate opens."""

    def __init__(self, office: Office) -> None:
        vars(self).update(vars(office.deliveries))
        self.gate = asyncio.Event()
        self.reached = asyncio.Event()

    async def record(self, attempts: Sequence[Attempted]) -> Sequence[Exception | None]:
        self.reached.set()
        await self.gate.wait()
        return await super().record(attempts)


async def test_a_crash_between_acceptance_and_writing_it_down_sends_the_same_bytes_again(office: Office) -> None:
    await office.plan(answer("a", 1))
    interrupted = Interrupted(office)
    crashing = await office.alone(deliveries=interrupted)
    await crashing.step()
    await interrupted.reached.wait()
    await settle(await office.alone())
    [first, second] = [raw for _, _, raw in office.box.seen]
    assert first == second
    assert b"Message-ID: <" in first
    interrupted.gate.set()  # and had it only been slow, its end would be known by now
    await at_rest(crashing)
    assert [event.type for event in await office.ended()] == ["notification_delivered"]


async def test_what_is_accepted_makes_room_before_its_end_is_written_down_up_to_a_bound(office: Office) -> None:
    """While nothing can be written down, no more is accepted than may have to be sent twice."""
    await office.plan(*(answer(f"m{number}", 1) for number in range(UNWRITTEN + 20)))
    interrupted = Interrupted(office)
    sender = await office.alone(deliveries=interrupted, at_once=IN_FLIGHT)
    async with asyncio.timeout(30):
        while len(office.box.seen) < UNWRITTEN:
            await sender.step()
            await asyncio.sleep(0.02)
    await sender.step()
    await asyncio.sleep(0.1)
    assert (len(office.box.seen), sender.under_way) == (UNWRITTEN, UNWRITTEN)
    interrupted.gate.set()
    await at_rest(sender)
    await settle(sender)
    assert len(set(told(office))) == len(told(office)) == UNWRITTEN + 20
    assert set((await states(office)).values()) == {"delivered"}


class Away(DeliveryRepository):
    """The database is away for the first tries to write."""

    def __init__(self, office: Office, tries: int) -> None:
        vars(self).update(vars(office.deliveries))
        self.tries = tries

    async def record(self, attempts: Sequence[Attempted]) -> Sequence[Exception | None]:
        if self.tries:
            self.tries -= 1
            raise TransientError("the database is away")
        return await super().record(attempts)


async def test_a_database_away_while_writing_it_down_sends_nothing_twice(office: Office) -> None:
    await office.plan(answer("a", 1), answer("a", 2), answer("b", 1))
    away = Away(office, tries=2)
    sender = await office.alone(deliveries=away)
    for _ in range(10):
        await sender.step()
        await asyncio.sleep(0.05)
    await at_rest(sender)
    await settle(sender)
    assert away.tries == 0
    assert sorted(told(office)) == sorted(f"<{row['_id']}@customs.example>" for row in await office.rows())
    assert set((await states(office)).values()) == {"delivered"}


class SlowReading(DeliveryRepository):
    """What it has read is out of date when it arrives."""

    def __init__(self, office: Office) -> None:
        vars(self).update(vars(office.deliveries))
        self.has_read, self.answer = asyncio.Event(), asyncio.Event()

    async def due(self, *asked: Any) -> dict[str, list[Document]]:
        found = await super().due(*asked)
        self.has_read.set()
        await self.answer.wait()
        return found


async def test_what_ended_while_the_due_ones_were_being_read_is_not_sent_again(office: Office) -> None:
    gate = office.box.held[LAN] = asyncio.Event()
    await office.plan(answer("a", 1))
    slow = SlowReading(office)
    sender = await office.alone(deliveries=slow)
    slow.answer.set()
    await sender.step()
    await office.box.got_data.wait()
    slow.answer.clear()
    slow.has_read.clear()
    reading = asyncio.create_task(sender.step())
    await slow.has_read.wait()
    gate.set()
    await at_rest(sender)
    slow.answer.set()
    await reading
    await at_rest(sender)
    assert len(office.box.seen) == 1


async def test_two_senders_share_the_work_and_nothing_goes_out_twice(office: Office) -> None:
    one, two = office.slots("one"), office.slots("two")
    for slots in (one, two, one, two, one, two):
        await slots.renew()
    senders = [office.sender(one), office.sender(two)]
    await office.plan(*(answer(f"t{number}", turn) for turn in (1, 2) for number in range(60)))
    for _ in range(4):
        await asyncio.gather(*(sender.step() for sender in senders))
        await at_rest(*senders)
    assert len(told(office)) == len(set(told(office))) == 120
    taken = {row["slot"] for row in await office.rows()}
    assert taken & one.mine
    assert taken & two.mine


async def test_a_slot_is_not_handed_over_while_a_mail_of_it_is_under_way(office: Office) -> None:
    gate = office.box.held[LAN] = asyncio.Event()
    await office.plan(*(answer(f"t{number}", 1) for number in range(4)), answer("t0", 2))
    old, new = office.slots("old"), office.slots("new")
    await old.renew()
    first, second = office.sender(old), office.sender(new)
    await first.step()
    await office.box.got_data.wait()
    for slots in (new, old, new, old, new, old, new):
        await slots.renew()
    assert len(new.mine) > 20
    await second.step()
    await asyncio.sleep(0.05)
    assert second.under_way == 0
    gate.set()
    await at_rest(first)
    for slots in (old, new, old, new):
        await slots.renew()
    await settle(first)
    await settle(second)
    assert len(told(office)) == len(set(told(office))) == 5


async def test_a_slow_mail_holds_up_nobody_else(office: Office) -> None:
    gate = office.box.held["slow@halong.example"] = asyncio.Event()
    await office.plan(answer("slow", 1, ticket=to("slow@halong.example")), *(answer(f"t{number}", 1) for number in range(20)))
    sender = await office.alone()
    await sender.step()
    await until(lambda: len(office.box.seen) == 21)
    await office.plan(answer("later", 1), answer("chat", 1, ticket=CHAT))
    await sender.step()
    await until(lambda: sender.under_way == 1)
    assert {key for key, state in (await states(office)).items() if state == "pending"} == {"slow-1"}
    gate.set()
    await at_rest(sender)


async def test_no_more_lanes_are_under_way_than_there_may_be_and_full_mail_leaves_room_for_chat(office: Office) -> None:
    gate = asyncio.Event()

    async def held(_: Document) -> Outcome:
        await gate.wait()
        return Accepted()

    await office.plan(*(answer(f"m{number}", 1) for number in range(IN_FLIGHT + 20)))
    sender = await office.alone(channels={"email": held})
    for _ in range(3):
        await sender.step()
    assert sender.under_way == IN_FLIGHT
    await office.plan(*(answer(f"c{number}", 1, ticket=CHAT) for number in range(5)))
    await sender.step()
    await until(lambda: len(office.chat.said) == 5)
    gate.set()
    await at_rest(sender)
    await settle(sender)
    assert set((await states(office)).values()) == {"delivered"}


@pytest.mark.parametrize(
    ("slow", "quick", "ticket_of_slow", "ticket_of_quick"), [("email", "chat", None, CHAT), ("chat", "email", CHAT, None)]
)
async def test_a_backlog_of_one_channel_holds_up_nothing_on_the_other(
    office: Office, slow: str, quick: str, ticket_of_slow: Any, ticket_of_quick: Any
) -> None:
    """Where more waits than there is room for, and places come free one by one, what comes on the other channel goes at once."""
    places, gone, ended = asyncio.Semaphore(0), list[str](), list[str]()

    async def waits(row: Document) -> Outcome:
        await places.acquire()
        ended.append(row["event_id"])
        return Accepted()

    async def goes(row: Document) -> Outcome:
        gone.append(row["event_id"])
        return Accepted()

    def on(which: Any) -> dict[str, Any]:
        return {"ticket": which} if which else {}

    await office.plan(*(answer(f"s{number}", 1, **on(ticket_of_slow)) for number in range(2 * IN_FLIGHT)))
    sender = await office.alone(channels={slow: waits, quick: goes})
    await sender.step()
    for number in range(10):
        places.release()
        await until(lambda: len(ended) > number)  # noqa: B023 (awaited here)
        await office.plan(answer(f"q{number}", 1, **on(ticket_of_quick)))
        await sender.step()
        await until(lambda: len(gone) > number)  # noqa: B023 (awaited here)
    assert sorted(gone) == [f"q{number}-1" for number in range(10)]
    for _ in range(2 * IN_FLIGHT):
        places.release()
    await at_rest(sender)


@pytest.mark.parametrize("error", [TransientError("no organisation is loaded yet"), ZeroDivisionError("a bug")])
async def test_an_attempt_that_cannot_be_made_rests_instead_of_spinning_and_others_go_on(office: Office, error: Exception) -> None:
    tries = 0

    async def failing(_: Document) -> Outcome:
        nonlocal tries
        tries += 1
        raise error

    await office.plan(answer("c", 1, ticket=CHAT), answer("m", 1))
    sender = await office.alone(channels={"chat": failing})
    await settle(sender, steps=5)
    assert tries == 1
    assert await states(office) == {"c-1": "pending", "m-1": "delivered"}


async def test_closing_ends_what_is_under_way_and_begins_nothing_more(office: Office) -> None:
    gate = office.box.held[LAN] = asyncio.Event()
    await office.plan(answer("a", 1), answer("a", 2))
    sender = await office.alone()
    await sender.step()
    await office.box.got_data.wait()
    closing = asyncio.create_task(sender.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    gate.set()
    await closing
    assert await states(office) == {"a-1": "delivered", "a-2": "pending"}
