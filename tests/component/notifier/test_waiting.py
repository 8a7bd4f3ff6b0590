"""In a flood more is handed over than can be sent at once: it waits in memory, and planning waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from kit.journal import Journal
from kit.mongo import Document
from schemas import topics
from services.notifier.domain.outcome import Accepted, Outcome, RelayTrouble
from services.notifier.handlers import Handlers
from services.notifier.limits import Limits
from services.notifier.preferences import Preferences
from services.notifier.repository import DeliveryRepository
from services.notifier.screening import Screening
from services.notifier.sender import FEW, IN_FLIGHT, NAP, NAPS, Sender
from services.notifier.suppressions import Suppressions
from services.notifier.waiting_room import LONGEST_WAIT, SEATS
from tests.component.notifier.conftest import Office, answer, at_rest, settle, until
from tests.unit.notifier.examples import ticket

WAITING = 100


class Gated:
    """A mail relay that takes nothing before it is told to."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.taken: list[str] = []

    async def __call__(self, row: Document) -> Outcome:
        await self.gate.wait()
        self.taken.append(row["event_id"])
        return Accepted()


class Counted(DeliveryRepository):
    """Counts the rows that looks have read."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.mongo, office.database, Journal(office.database, topics.NOTIFICATIONS))
        self.looks = 0
        self.read = 0

    async def due(self, *asked: Any, **more: Any) -> dict[str, list[Document]]:
        found = await super().due(*asked, **more)
        self.looks += 1
        self.read += sum(map(len, found.values()))
        return found


def telling(office: Office, sender: Sender) -> Handlers:
    database = office.database
    screening = Screening(Suppressions(database), Limits(database, per_minute=600), Preferences(database))
    return office.telling(screening, hand_over=sender.hand_over, caught_up=sender.caught_up)


async def hand_over(office: Office, sender: Sender, count: int, name: str = "m", **changed: Any) -> None:
    """As many first mails of tickets as are asked for, planned and handed over."""
    events = [answer(f"{name}{number}", 1, **changed) for number in range(count)]
    for start in range(0, count, 100):
        await office.plan(*events[start : start + 100])
    of = {event.ticket_id for event in events}
    sender.hand_over([row for row in await office.database["deliveries"].find().sort("planned_at").to_list(None) if row["ticket_id"] in of])


async def unfinished(office: Office) -> set[str]:
    return {row["event_id"] for row in await office.rows(state="pending")}


async def naps(wait: Callable[[], Awaitable[None]]) -> int:
    """How many naps somebody else takes meanwhile: a machine that stands still for a second stands still for both."""
    taken = 0

    async def sleeping() -> None:
        nonlocal taken
        while True:
            await asyncio.sleep(NAP)
            taken += 1

    other = asyncio.create_task(sleeping())
    await wait()
    other.cancel()
    return taken


def waits(sender: Sender) -> bool:
    """Whether planning would be held back now."""
    waiting = sender.caught_up()
    try:
        waiting.send(None)
    except StopIteration:
        return False
    waiting.close()
    return True


async def test_what_has_no_place_yet_is_sent_in_order_without_being_read_again(office: Office) -> None:
    relay, deliveries = Gated(), Counted(office)
    sender = await office.alone(deliveries=deliveries, channels={"email": relay})
    await hand_over(office, sender, IN_FLIGHT + WAITING)
    for _ in range(3):
        await sender.step()
    assert sender.under_way == IN_FLIGHT
    relay.gate.set()
    await at_rest(sender)
    assert relay.taken == [f"m{number}-1" for number in range(IN_FLIGHT + WAITING)]
    assert (await unfinished(office), deliveries.read) == (set(), 0)


async def test_no_more_wait_than_there_are_seats_and_the_rest_is_found_in_the_database(office: Office) -> None:
    relay, deliveries = Gated(), Counted(office)
    sender = await office.alone(deliveries=deliveries, channels={"email": relay})
    await hand_over(office, sender, IN_FLIGHT + SEATS + 20)
    relay.gate.set()
    await at_rest(sender)
    assert len(relay.taken) == IN_FLIGHT + SEATS
    await settle(sender)
    assert (len(set(relay.taken)), len(relay.taken), deliveries.read) == (IN_FLIGHT + SEATS + 20, IN_FLIGHT + SEATS + 20, 20)


async def test_once_there_were_too_many_nothing_overtakes_them(office: Office) -> None:
    relay = Gated()
    sender = await office.alone(channels={"email": relay})
    await hand_over(office, sender, IN_FLIGHT + SEATS + 20)
    office.wake.clear()
    relay.gate.set()
    await until(lambda: len(relay.taken) == IN_FLIGHT + SEATS)
    assert office.wake.is_set()  # there are places, and they are to be fetched
    await hand_over(office, sender, 10, "later")
    await at_rest(sender)
    assert len(relay.taken) == IN_FLIGHT + SEATS
    await settle(sender, steps=2)
    assert {name[0] for name in relay.taken[-10:]} == {"l"}


async def test_what_comes_after_a_waiting_one_in_its_lane_is_sent_after_it(office: Office) -> None:
    relay = Gated()
    sender = await office.alone(channels={"email": relay})
    await hand_over(office, sender, IN_FLIGHT, "full")
    handlers = telling(office, sender)
    await handlers.on_tickets([answer("a", 1)])
    await handlers.on_tickets([answer("a", 2), answer("b", 2)])
    await sender.step()  # b is found; a has something before it
    assert sender.under_way == IN_FLIGHT
    relay.gate.set()
    await at_rest(sender)
    assert relay.taken[IN_FLIGHT:] == ["a-1", "b-2"]
    await settle(sender)
    assert relay.taken[IN_FLIGHT:] == ["a-1", "b-2", "a-2"]


async def test_what_is_in_the_database_has_its_turn_while_others_wait(office: Office) -> None:
    """Else a flood of first mails would hold up every second one for as long as it lasts."""
    relay = Gated()
    sender = await office.alone(channels={"email": relay})
    await hand_over(office, sender, IN_FLIGHT + 10, "first")
    await office.plan(answer("second", 2))
    await sender.step()
    await hand_over(office, sender, 10, "later")
    relay.gate.set()
    await at_rest(sender)
    assert relay.taken.index("second-2") == IN_FLIGHT + 10


async def test_what_is_handed_over_while_a_look_reads_it_waits_once(office: Office) -> None:
    relay = Gated()

    class Slow(DeliveryRepository):
        async def due(self, *asked: Any, **more: Any) -> dict[str, list[Document]]:
            found = await super().due(*asked, **more)
            sender.hand_over([row for rows in found.values() for row in rows])
            return found

    slow = Slow(office.mongo, office.database, Journal(office.database, topics.NOTIFICATIONS))
    sender = await office.alone(deliveries=slow, channels={"email": relay})
    await hand_over(office, sender, IN_FLIGHT + 1, "full")
    await office.plan(answer("a", 1))
    await sender.step()
    relay.gate.set()
    await at_rest(sender)
    assert relay.taken.count("a-1") == 1


async def test_however_long_a_look_takes_what_it_found_is_sent(office: Office) -> None:
    class Slow(DeliveryRepository):
        async def due(self, *asked: Any, **more: Any) -> dict[str, list[Document]]:
            found = await super().due(*asked, **more)
            await asyncio.sleep(LONGEST_WAIT.total_seconds() + 0.1 if found else 0)
            return found

    await office.plan(answer("a", 1))
    slow = Slow(office.mongo, office.database, Journal(office.database, topics.NOTIFICATIONS))
    await settle(await office.alone(deliveries=slow))
    assert await unfinished(office) == set()


async def test_places_of_a_recipient_domain_hold_for_those_that_have_waited(office: Office) -> None:
    relay = Gated()
    sender = await office.alone(channels={"email": relay}, at_once=IN_FLIGHT - 1)
    await hand_over(office, sender, IN_FLIGHT - 1, "full")
    await hand_over(office, sender, 1, "small", ticket=ticket(contact={"name": "Lan", "email": "lan@small.example"}))
    await hand_over(office, sender, 3, "late")
    assert sender.under_way == IN_FLIGHT
    relay.gate.set()
    await at_rest(sender)
    assert len(relay.taken) == IN_FLIGHT + 3


async def test_trouble_of_the_relay_forgets_what_waits_and_nothing_is_lost(office: Office) -> None:
    gate, troubled, tried, taken = asyncio.Event(), [True], list[str](), list[str]()

    async def relay(row: Document) -> Outcome:
        tried.append(row["event_id"])
        await gate.wait()
        if troubled[0]:
            return RelayTrouble("421 going down")
        taken.append(row["event_id"])
        return Accepted()

    sender = await office.alone(channels={"email": relay})
    await hand_over(office, sender, IN_FLIGHT + WAITING)
    gate.set()
    await at_rest(sender)
    assert len(tried) == IN_FLIGHT
    troubled[0] = False
    await settle(sender)
    assert taken == []
    await asyncio.sleep(1.1)
    await settle(sender)
    assert len(taken) == 1  # one goes ahead
    await settle(sender, steps=3)
    assert (len(taken), len(set(taken)), await unfinished(office)) == (IN_FLIGHT + WAITING, IN_FLIGHT + WAITING, set())


async def test_what_waits_in_a_slot_that_went_to_another_is_left_to_it(office: Office) -> None:
    relay, slots = Gated(), office.slots("old")
    await slots.renew()
    old = office.sender(slots, channels={"email": relay})
    await hand_over(office, old, IN_FLIGHT + 10)
    await asyncio.sleep(0.01)
    await slots.release()
    await old.step()
    await slots.renew()  # come back, after another may have sent what waited
    relay.gate.set()
    await at_rest(old)
    assert len(await unfinished(office)) == 10


async def test_closing_forgets_what_waits_and_the_next_one_sends_it(office: Office) -> None:
    relay = Gated()
    sender = await office.alone(channels={"email": relay})
    await hand_over(office, sender, IN_FLIGHT + WAITING)
    closing = asyncio.create_task(sender.close())
    await asyncio.sleep(0.05)
    relay.gate.set()
    await closing
    assert (sender.under_way, len(relay.taken) <= IN_FLIGHT) == (0, True)
    await settle(await office.alone(channels={"email": relay}), steps=3)
    assert (len(set(relay.taken)), len(relay.taken)) == (IN_FLIGHT + WAITING, IN_FLIGHT + WAITING)


async def test_planning_waits_while_mail_goes_out_until_little_waits(office: Office) -> None:
    relay = Gated()

    async def paced(row: Document) -> Outcome:
        outcome = await relay(row)
        await asyncio.sleep(0.02)
        return outcome

    sender = await office.alone(channels={"email": paced})
    await hand_over(office, sender, IN_FLIGHT + SEATS)
    asyncio.get_running_loop().call_soon(relay.gate.set)
    took = await naps(partial(telling(office, sender).on_tickets, [answer("next", 1)]))
    assert len(relay.taken) >= SEATS - FEW or took >= NAPS - 1
    await at_rest(sender)
    assert await unfinished(office) == set()


async def test_planning_waits_while_more_is_in_the_database_than_there_was_room_for(office: Office) -> None:
    relay = Gated()
    sender = await office.alone(channels={"email": relay})
    await office.plan(*(answer(f"m{number}", 1) for number in range(IN_FLIGHT + 1)))
    assert not waits(sender)
    await sender.step()
    assert waits(sender)
    relay.gate.set()
    await at_rest(sender)
    await settle(sender)
    assert not waits(sender)


async def test_planning_waits_for_half_a_second_at_most(office: Office) -> None:
    relay = asyncio.Semaphore(0)

    async def trickles(_: Document) -> Outcome:
        await relay.acquire()
        return Accepted()

    async def one_after_the_other() -> None:
        while True:
            relay.release()
            await asyncio.sleep(NAP / 5)

    sender = await office.alone(channels={"email": trickles})
    await hand_over(office, sender, IN_FLIGHT + SEATS)
    slow = asyncio.create_task(one_after_the_other())
    assert await naps(sender.caught_up) < 3 * NAPS
    slow.cancel()
    for _ in range(IN_FLIGHT + SEATS):
        relay.release()
    await at_rest(sender)


async def test_planning_does_not_wait_for_a_relay_that_takes_nothing(office: Office) -> None:
    relay = Gated()
    sender = await office.alone(channels={"email": relay})
    await hand_over(office, sender, IN_FLIGHT + SEATS)
    assert await naps(sender.caught_up) < NAPS / 2
    assert sender.under_way == IN_FLIGHT
    relay.gate.set()


@pytest.mark.parametrize("ends", ["in trouble", "closing"])
async def test_planning_does_not_wait_at_all_when_nothing_will_be_sent(office: Office, ends: str) -> None:
    relay = Gated()

    async def first_in_vain(row: Document) -> Outcome:
        return RelayTrouble("421 going down") if row["event_id"] == "trouble0-1" else await relay(row)

    sender = await office.alone(channels={"email": first_in_vain})
    await hand_over(office, sender, IN_FLIGHT - 1)
    await hand_over(office, sender, 1 + SEATS + 1, "trouble" if ends == "in trouble" else "more")
    closing = asyncio.create_task(sender.close() if ends == "closing" else asyncio.sleep(0.05))
    await asyncio.sleep(0.05)
    assert not waits(sender)
    relay.gate.set()
    await closing
