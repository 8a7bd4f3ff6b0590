"""Promises 3, 5 and 7: records that come twice, records nobody can read, and records in their order."""

import asyncio
import json
import time
from collections import defaultdict
from typing import Any

from aiokafka import AIOKafkaProducer, ConsumerRecord

from kit.deadletters import BURST
from kit.ids import new_id
from schemas import topics
from tests.chaos.evidence import assert_promises_kept, is_ours, picture, quiet, records
from tests.chaos.load import Businesses
from tests.support.installation import Accepted, Installation
from tests.support.waiting import wait_until

Header = tuple[str, bytes]
MARK: Header = ("poison", b"1")


async def produce(
    installation: Installation, topic: str, *values: bytes, key: bytes | None = None, headers: tuple[Header, ...] = ()
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=installation.kafka.bootstrap_servers, max_request_size=4 * 1024 * 1024) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, key=key or new_id().encode(), headers=[MARK, *headers])


async def replay(installation: Installation, found: list[ConsumerRecord]) -> None:
    """Every record once more, with its key, bytes and headers."""
    async with AIOKafkaProducer(bootstrap_servers=installation.kafka.bootstrap_servers, max_request_size=4 * 1024 * 1024) as producer:
        sent = [await producer.send(record.topic, record.value, key=record.key, headers=list(record.headers)) for record in found]
        await asyncio.gather(*sent)


async def test_every_record_once_more_changes_nothing(installation: Installation) -> None:
    businesses = Businesses(installation)
    accepted = await businesses.ask(15)
    await installation.tickets(accepted)
    for one in accepted[:5]:
        assert (await installation.say(one, "Xin bổ sung.")).status_code == 202
        await installation.officer("lan").do("reply", one.reference, text="Đã nhận.")
    await quiet(installation)
    before = await picture(installation)
    found = [record for record in await records(installation, *topics.WRITER) if is_ours(record)]
    assert {record.topic for record in found} == set(topics.WRITER)
    await replay(installation, found)
    await quiet(installation)
    assert await picture(installation) == before


def event(**changed: Any) -> bytes:
    """A request as intake would write it, but for `changed`; None takes a field away."""
    ticket_id = str(changed.get("ticket_id") or new_id())
    whole = {
        "id": new_id(),
        "source": "helpdesk/intake",
        "type": "request_received",
        "occurred_at": "2026-03-02T02:00:00Z",
        "ticket_id": ticket_id,
        "sequence": 1,
        "reference": "HD-TST-TST-TST",
        "channel": "api",
        "subject": "s",
        "text": "t",
        "language": "vi",
        "business": {"name": "B"},
        "contact": {"email": "poison@doanhnghiep.example"},
        "message_id": new_id(),
        "received_at": "2026-03-02T02:00:00Z",
    } | changed
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


POISON: dict[str, bytes] = {
    "broken JSON": b'{"type": "request_received", ',
    "nothing": b"",
    "no JSON at all": b"\xff\xfe\x00 not text",
    "a number": b"42",
    "deep nesting": b"[" * 100_000,
    "a field missing": event(reference=None),
    "a wrong type": event(business="Công ty"),
    "an impossible time": event(received_at="yesterday"),
    "1 MB of junk": b"\x00\xff" * 500_000,
    "a message on a ticket that never was": event(type="message_received", sequence=2),
}


async def dead(installation: Installation, service: str) -> list[ConsumerRecord]:
    return await records(installation, topics.dead_letters(service))


async def test_poison_goes_to_the_dead_letters_with_its_bytes_and_the_good_ones_go_on(installation: Installation) -> None:
    known = len(await dead(installation, "routing"))
    businesses = Businesses(installation)
    for value in POISON.values():
        await produce(installation, topics.REQUESTS, value, headers=(("x-bytes", b"\xff\xfe"),))
        await businesses.one_asks()
    await produce(installation, topics.REQUESTS, event(type="request_weighed"), event(type="request_weighed"))
    await businesses.ask(5)
    await assert_promises_kept(installation, businesses)

    letters = (await dead(installation, "routing"))[known:]
    assert sorted(letter.value or b"" for letter in letters) == sorted(POISON.values())
    for letter in letters:
        headers = {name: value.decode() for name, value in letter.headers}
        assert headers["x-origin"].startswith(f"{topics.REQUESTS}/")
        assert headers["x-error"] in {"ValidationError", "PermanentError", "ValueError"}
        assert json.loads(headers["x-detail"])
        assert ["x-bytes", "\xff\xfe"] in json.loads(headers["x-headers"])


async def test_poison_for_the_notifier_and_for_intakes_own_page_stops_neither(installation: Installation) -> None:
    known = {service: len(await dead(installation, service)) for service in ("intake", "notifier")}
    businesses = Businesses(installation)
    await produce(installation, topics.TICKETS, b"{", event(type="ticket_opened"), event(type="ticket_weighed"))
    await businesses.ask(5)
    await assert_promises_kept(installation, businesses)
    assert {service: len(await dead(installation, service)) - known[service] for service in known} == {"intake": 2, "notifier": 2}


async def test_a_burst_of_poison_stops_the_consumer_and_readyz_says_so(installation: Installation) -> None:
    """A release put right would read them; here the records are at fault, and whoever has looked says so."""
    known = len(await dead(installation, "routing"))
    await produce(installation, topics.REQUESTS, *[b"{" for _ in range(BURST + 20)], key=b"one-partition")
    lacking = await wait_until(lambda: stopped(installation), "readyz names the stopped consumer")
    assert topics.REQUESTS in lacking
    letters = len(await dead(installation, "routing"))
    assert known < letters <= known + BURST
    await asyncio.sleep(2)
    assert len(await dead(installation, "routing")) == letters  # it stays where it is
    accepted = await installation.ask(email="while-stopped@doanhnghiep.example")
    await installation.restart("routing", HELPDESK_DEAD_LETTER_BURST="1000")
    await installation.tickets([accepted])
    assert await stopped(installation) is None
    await quiet(installation)
    origins = {header for letter in (await dead(installation, "routing"))[known:] for name, header in letter.headers if name == "x-origin"}
    assert len(origins) == BURST + 20


async def stopped(installation: Installation) -> str | None:
    return next((item for item in await installation.missing("routing") if "dead letters" in item), None)


async def test_50_messages_on_each_of_several_tickets_stay_in_order_up_to_the_mails(installation: Installation) -> None:
    """The officer's mail server puts the first one off; nothing behind it overtakes it."""
    businesses = Businesses(installation)
    accepted = await businesses.ask(3)
    await installation.tickets(accepted)
    for one in accepted:
        await installation.officer("lan").do("claim", one.reference)
    await quiet(installation)
    began = time.monotonic()
    installation.sink.refuse("lan@customs.example", times=len(accepted))
    await asyncio.gather(*(say_50(installation, one) for one in accepted))
    await wait_until(lambda: all_told(installation, accepted), "every message is told or waits for its turn")
    await no_more_waiting(installation)
    await quiet(installation)

    mails: dict[str, list[str]] = defaultdict(list)
    for mail in installation.sink.to("lan@customs.example"):
        for one in accepted:
            if one.reference in mail.subject and mail.at > began:
                mails[one.reference].append(next(line for line in mail.text.splitlines() if "Lần " in line).strip())
    expected = [f"Lần {number}." for number in range(50)]
    for one in accepted:
        rows = await installation.database("routing")["messages"].find({"ticket_id": one.ticket_id}).sort("at").to_list()
        assert [row["message"]["text"] for row in rows[1:]] == expected
        assert mails[one.reference] == expected
    await assert_promises_kept(installation, businesses)


async def say_50(installation: Installation, one: Accepted) -> None:
    for number in range(50):
        answer = await installation.say(one, f"Lần {number}.")
        assert answer.status_code == 202, answer.text


async def all_told(installation: Installation, accepted: list[Accepted]) -> bool:
    """Every message has its delivery to the officer."""
    query = {"ticket_id": {"$in": [one.ticket_id for one in accepted]}, "template": "new_message"}
    return await installation.database("notifier")["deliveries"].count_documents(query) == 50 * len(accepted)


async def no_more_waiting(installation: Installation) -> None:
    """The minute until the second attempt passes: whole lanes become due at once, and their order alone decides."""
    deliveries = installation.database("notifier")["deliveries"]
    waiting = await deliveries.find({"state": "pending"}).sort("order").to_list()
    assert waiting, "the refused mails were not put off"
    await deliveries.update_many({"state": "pending"}, {"$min": {"next_at": min(row["planned_at"] for row in waiting)}})
