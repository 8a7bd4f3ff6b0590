"""Events in, through FastStream on a real Kafka: at least once, in order, and nothing that never works stands in the way."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from pymongo.errors import AutoReconnect
from structlog.typing import FilteringBoundLogger

from kit.deadletters import KEPT_OF_VALUE, DeadLetters
from kit.errors import PermanentError, TransientError
from kit.inlet import Inlet, subscribe
from kit.kafka import (
    LARGEST_DEAD_LETTER,
    LARGEST_RECORD,
    LOG_HEADER,
    client_options,
    committed_logs,
    end_offsets,
    ensure_topics,
    make_broker,
    make_producer,
)
from kit.settings import ServiceSettings
from tests.component.kit.happened import Happened, happened, happenings
from tests.component.kit.topics import committed, records_of, write
from tests.component.kit.waiting import eventually

Apply = Callable[[Sequence[Happened]], Any]


@dataclass
class Applied:
    """An `apply` that keeps what it took; what it is told to fail on it fails on before it keeps anything."""

    poison: frozenset[str] = frozenset()
    outages: list[Exception] = field(default_factory=list)
    gate: asyncio.Event | None = None
    batches: list[list[str]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, events: Sequence[Happened]) -> None:
        self.asked.append(len(events))
        self.entered.set()
        if self.gate:
            await self.gate.wait()
        if self.outages:
            raise self.outages.pop(0)
        if bad := [event.id for event in events if event.id in self.poison]:
            raise PermanentError(f"cannot use {', '.join(bad)}")
        self.batches.append([event.id for event in events])

    @property
    def ids(self) -> list[str]:
        return [event for batch in self.batches for event in batch]

    def of(self, ticket: str) -> list[int]:
        return [int(event.rpartition("-")[2]) for event in self.ids if event.startswith(f"{ticket}-")]


class Desk:
    """One topic, one group, its dead letters, and the members a test starts."""

    def __init__(self, settings: ServiceSettings, logger: FilteringBoundLogger, name: Callable[[str], str]) -> None:
        self.settings, self._logger = settings, logger
        self.topic, self.group, self.dead = name("events"), name("group"), name("dead")
        self.stack = AsyncExitStack()
        self.away: list[Exception] = []

    async def member(
        self,
        apply: Apply,
        *,
        burst: int = 100,
        make: Callable[[], Any] | None = None,
        batch: int = 300,
        only: Sequence[str] = (),
        unhurried: bool = False,
    ) -> KafkaBroker:
        """Started; stopped at the end of the test if not before."""
        producer = make or (lambda: make_producer(self.settings, "tests", largest=LARGEST_DEAD_LETTER))
        self.grave = DeadLetters(self.dead, self.group, make_producer=producer, logger=self._logger, burst=burst)
        self.inlet = Inlet(
            self.topic, self.group, happenings, apply, self.grave, committed_logs=self.committed_logs, logger=self._logger, only=only
        )
        broker = make_broker(self.settings, "tests")
        subscribe(broker, self.inlet, batch=batch, unhurried=unhurried)
        await broker.start()
        self.stack.push_async_callback(self.grave.close)
        self.stack.push_async_callback(broker.stop)
        return broker

    async def committed_logs(self) -> Mapping[TopicPartition, int]:
        if self.away:
            raise self.away.pop()
        return await committed_logs(self.settings, self.group)

    async def send(self, *events: Happened | dict[str, Any]) -> None:
        records = [
            {"key": event.ticket_id.encode(), "value": event.model_dump_json().encode()} if isinstance(event, Happened) else event
            for event in events
        ]
        await write(self.settings, self.topic, *records)

    async def all_committed(self) -> None:
        """Until the group has committed everything the topic holds."""
        ends = {number: end for number, end in (await end_offsets(self.settings, self.topic)).items() if end}

        async def reached() -> bool:
            return await committed(self.settings, self.group) == ends

        await eventually(reached)

    async def letters(self) -> list[Any]:
        return await records_of(self.settings, self.dead)


@pytest.fixture
async def desk(settings: ServiceSettings, logger: FilteringBoundLogger, fresh_name: Callable[[str], str]) -> AsyncIterator[Desk]:
    made = Desk(settings, logger, fresh_name)
    await ensure_topics(settings, [made.topic], [made.dead])
    async with made.stack:
        yield made


def life(ticket: str, count: int) -> list[Happened]:
    return [happened(ticket, number) for number in range(1, count + 1)]


async def test_what_was_there_before_the_group_is_applied_in_order_and_committed(desk: Desk) -> None:
    await desk.send(*(event for pair in zip(life("a", 20), life("b", 20), strict=True) for event in pair))
    applied = Applied()
    await desk.member(applied)
    await desk.all_committed()
    assert applied.of("a") == applied.of("b") == list(range(1, 21))
    assert desk.inlet.assigned()
    assert desk.inlet.last_ok_at is not None


async def test_a_batch_is_no_larger_than_asked(desk: Desk) -> None:
    await desk.send(*life("a", 25))
    applied = Applied()
    await desk.member(applied, batch=10)
    await desk.all_committed()
    assert max(applied.asked) == 10
    assert applied.of("a") == list(range(1, 26))


@pytest.mark.parametrize("trouble", [TransientError("the database is away"), AutoReconnect("primary gone")], ids=["ours", "the driver's"])
async def test_in_passing_trouble_the_whole_batch_comes_again_after_a_pause_and_is_not_committed(desk: Desk, trouble: Exception) -> None:
    await desk.send(*life("a", 3), *life("b", 3))
    applied = Applied(outages=[trouble, trouble])
    started = asyncio.get_running_loop().time()
    await desk.member(applied)
    while applied.outages:
        assert await committed(desk.settings, desk.group) == {}
        await asyncio.sleep(0.02)
    await desk.all_committed()
    assert asyncio.get_running_loop().time() - started > 0.2 + 0.4  # half of the pauses at least
    assert applied.of("a") == applied.of("b") == [1, 2, 3]
    assert await desk.letters() == []


def in_log(number: int, *events: Happened) -> list[dict[str, Any]]:
    """Records as the relay sends them once logs were lost."""
    headers = [(LOG_HEADER, str(number).encode())]
    return [{"key": event.ticket_id.encode(), "value": event.model_dump_json().encode(), "headers": headers} for event in events]


async def test_a_reader_that_meets_a_later_log_reads_it_from_its_beginning_and_once(desk: Desk) -> None:
    """Its place was one in the log before: what the new one holds up to there it has never seen."""
    applied = Applied()
    await desk.member(applied)
    await desk.send(*life("a", 4))
    await desk.all_committed()
    await desk.send(*in_log(7, happened("a", 5), happened("a", 6)), happened("a", 7))  # the last was on its way when the loss was noticed
    await desk.all_committed()
    await desk.send(*in_log(7, happened("a", 8)))
    await desk.all_committed()
    assert applied.of("a") == [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_place_committed_in_a_lost_log_is_none_in_the_new_one_and_one_in_the_new_one_is_kept(desk: Desk) -> None:
    await desk.send(*in_log(7, *life("a", 8)))
    [number] = [number for number, end in (await end_offsets(desk.settings, desk.topic)).items() if end]
    place = TopicPartition(desk.topic, number)
    async with AIOKafkaConsumer(**client_options(desk.settings), group_id=desk.group, enable_auto_commit=False) as last_words:
        last_words.assign([place])
        await last_words.commit({place: 5})  # of somebody who thought that the old log was still there
    applied = Applied()
    broker = await desk.member(applied)
    await desk.all_committed()
    assert applied.of("a") == [1, 2, 3, 4, 5, 6, 7, 8]
    await broker.stop()

    await desk.send(*in_log(7, happened("a", 9)))
    await desk.member(applied)
    await desk.all_committed()
    assert applied.of("a")[8:] == [9]


async def test_nothing_is_lost_when_kafka_cannot_say_which_log_a_place_belongs_to(desk: Desk) -> None:
    await desk.send(*in_log(7, *life("a", 5)))
    applied = Applied()
    broker = await desk.member(applied)
    await desk.all_committed()
    await broker.stop()

    await desk.send(*in_log(7, happened("a", 6)))
    desk.away += [TransientError("Kafka is away"), TransientError("Kafka is away")]
    await desk.member(applied)
    await desk.all_committed()
    assert applied.of("a") == [1, 2, 3, 4, 5, 6]
    assert desk.away == []


async def test_of_fifty_records_the_one_that_never_works_is_put_aside_and_the_rest_applied_in_order(desk: Desk) -> None:
    lives = [life(ticket, 10) for ticket in "abcde"]
    await desk.send(*(event for moment in zip(*lives, strict=True) for event in moment))
    applied = Applied(poison=frozenset({"c-4"}))
    await desk.member(applied)
    await desk.all_committed()
    for ticket in "abde":
        assert applied.of(ticket) == list(range(1, 11))
    assert applied.of("c") == [1, 2, 3, 5, 6, 7, 8, 9, 10]
    [letter] = await desk.letters()
    headers = dict(letter.headers)
    assert Happened.model_validate_json(letter.value) == happened("c", 4)
    assert letter.key == b"c"
    assert headers["x-error"] == b"PermanentError"
    assert json.loads(headers["x-detail"]) == "cannot use c-4"
    topic, _, offset = headers["x-origin"].decode().rpartition("/")
    assert topic.rpartition("/")[0] == desk.topic
    assert offset.isdigit()


async def test_what_cannot_be_read_is_put_aside_byte_for_byte_and_an_unknown_type_is_skipped(desk: Desk) -> None:
    unknown = happened("a", 2).model_dump_json().replace('"happened"', '"invented_next_year"').encode()
    await desk.send(
        happened("a", 1),
        {"key": b"a", "value": b'{"type": "happened", '},
        {"key": b"a", "value": b""},
        {"key": b"a", "value": None},
        {"key": None, "value": b""},
        {"key": b"a", "value": b"[" * 50_000},
        {"key": b"a", "value": b'{"type": "happened", "id": "\xff"}'},
        {"key": b"a", "value": b'"just words"'},
        {"key": b"a", "value": unknown},
        {"key": b"a", "value": happened("a", 3).model_dump_json().encode(), "headers": [("city", b"Hu\xe9 \xff"), ("none", b"")]},
        happened("a", 4),
    )
    applied = Applied()
    await desk.member(applied)
    await desk.all_committed()
    assert applied.ids == ["a-1", "a-3", "a-4"]
    assert sorted(letter.value or b"" for letter in await desk.letters()) == sorted(
        [b'{"type": "happened", ', b"", b"", b"", b"[" * 50_000, b'{"type": "happened", "id": "\xff"}', b'"just words"']
    )


async def test_types_it_is_not_for_are_passed_over_without_being_read(desk: Desk) -> None:
    other = {"key": b"a", "value": b"no JSON at all", "headers": [("ce_type", b"something_else")]}
    ours = {"key": b"a", "value": happened("a", 1).model_dump_json().encode(), "headers": [("ce_type", b"happened")]}
    await desk.send(other, ours, happened("a", 2))
    applied = Applied()
    await desk.member(applied, only=("happened",))
    await desk.all_committed()
    assert applied.ids == ["a-1", "a-2"]
    assert await desk.letters() == []


async def test_what_nobody_waits_for_is_taken_in_larger_batches(desk: Desk) -> None:
    sizes: list[int] = []

    async def apply(events: Sequence[Happened]) -> None:
        sizes.append(len(events))

    await desk.member(apply, unhurried=True)
    for number in range(1, 31):
        await desk.send(happened("a", number))
    await desk.all_committed()
    assert sum(sizes) == 30
    assert len(sizes) < 15


async def test_a_dead_letter_keeps_the_headers_of_its_record_whatever_bytes_they_hold(desk: Desk) -> None:
    await desk.send({"key": b"a", "value": b"?", "headers": [("city", b"Hu\xe9 \xff"), ("ce_id", b"1")]})
    await desk.member(Applied())
    await desk.all_committed()
    [letter] = await desk.letters()
    assert [(name, value.encode("latin-1")) for name, value in json.loads(dict(letter.headers)["x-headers"])] == [
        ("city", b"Hu\xe9 \xff"),
        ("ce_id", b"1"),
    ]


async def test_a_dead_letter_is_written_once_though_its_batch_comes_again(desk: Desk) -> None:
    """Otherwise a short outage beside a few bad records would look like a bad release and stop the consumer."""
    await desk.send({"key": b"a", "value": b"broken"}, *life("a", 2))
    away = TransientError("away")
    applied = Applied(outages=[away, away], poison=frozenset({"a-1"}))
    await desk.member(applied, burst=3)
    await desk.all_committed()
    assert applied.ids == ["a-2"]
    assert [letter.value for letter in await desk.letters()] == [b"broken", happened("a", 1).model_dump_json().encode()]


async def test_a_record_as_large_as_there_may_be_is_put_aside_whole(desk: Desk) -> None:
    largest = b"x" * (LARGEST_RECORD - 1_000)
    await desk.send({"key": b"a", "value": largest}, happened("a", 1))
    applied = Applied()
    await desk.member(applied)
    await desk.all_committed()
    assert applied.ids == ["a-1"]
    [letter] = await desk.letters()
    assert letter.value == largest


async def test_of_a_record_too_large_for_any_letter_the_beginning_is_put_aside_and_nothing_waits_behind_it(desk: Desk) -> None:
    value = b"y" * (LARGEST_RECORD - 1_000)
    await desk.send({"key": b"a", "value": value}, happened("a", 1))
    applied = Applied()
    await desk.member(applied, make=lambda: make_producer(desk.settings, "tests", largest=1_000_000))
    await desk.all_committed()
    assert applied.ids == ["a-1"]
    [letter] = await desk.letters()
    headers = dict(letter.headers)
    assert (letter.value, headers["x-truncated"]) == (value[:KEPT_OF_VALUE], str(len(value)).encode())
    assert re.fullmatch(rf"{desk.topic}/\d+/\d+", headers["x-origin"].decode())


class Failing:
    """A producer whose Kafka refuses the first records."""

    def __init__(self, real: AIOKafkaProducer, refusals: list[Exception]) -> None:
        self._real, self._refusals = real, refusals

    async def start(self) -> None:
        await self._real.start()

    async def stop(self) -> None:
        await self._real.stop()

    async def send_and_wait(self, topic: str, **record: Any) -> Any:
        if self._refusals:
            raise self._refusals.pop(0)
        return await self._real.send_and_wait(topic, **record)


async def test_when_a_dead_letter_cannot_be_written_nothing_is_lost(desk: Desk) -> None:
    await desk.send(*life("a", 2), {"key": b"a", "value": b"broken"}, happened("a", 3))
    refusals: list[Exception] = [KafkaError("no room"), OSError("gone")]
    applied = Applied()
    await desk.member(applied, make=lambda: Failing(make_producer(desk.settings, "tests"), refusals))
    while refusals:
        assert await committed(desk.settings, desk.group) == {}
        await asyncio.sleep(0.02)
    await desk.all_committed()
    assert applied.ids == ["a-1", "a-2", "a-3"]
    assert [letter.value for letter in await desk.letters()] == [b"broken"]


async def test_a_burst_of_dead_letters_stops_the_consumer_and_drains_nothing(desk: Desk) -> None:
    await desk.send(*({"key": b"a", "value": b"broken %d" % number} for number in range(6)), happened("a", 1))
    applied = Applied()
    await desk.member(applied, burst=3)
    await asyncio.sleep(1.5)  # several tries
    assert desk.grave.stopped
    assert applied.ids == []
    assert await committed(desk.settings, desk.group) == {}
    assert [letter.value for letter in await desk.letters()] == [b"broken 0", b"broken 1", b"broken 2"]
    assert not desk.inlet.stuck()  # restarting would not help


async def test_stopping_in_the_middle_of_a_batch_ends_and_commits_it(desk: Desk) -> None:
    await desk.send(*life("a", 5))
    applied = Applied(gate=asyncio.Event())
    broker = await desk.member(applied)
    await applied.entered.wait()
    stopping = asyncio.create_task(broker.stop())
    await asyncio.sleep(0.2)
    assert applied.gate is not None
    applied.gate.set()
    await stopping
    assert applied.of("a") == [1, 2, 3, 4, 5]
    await desk.all_committed()


async def test_offsets_are_committed_now_and_then_and_not_after_every_batch(desk: Desk) -> None:
    applied, commits = Applied(), 0
    await desk.member(applied, batch=1)
    consumer = desk.inlet.subscriber.consumer
    commit = consumer.commit

    async def counted(offsets: Any) -> None:
        nonlocal commits
        commits += 1
        await commit(offsets)

    consumer.commit = counted
    await desk.send(*life("a", 40))
    await desk.all_committed()
    assert len(applied.batches) == 40
    assert commits < 20


async def test_members_that_come_and_go_lose_nothing_and_keep_every_tickets_order(desk: Desk) -> None:
    tickets = [f"t{number}" for number in range(12)]
    seen: dict[str, list[int]] = {ticket: [] for ticket in tickets}

    async def apply(events: Sequence[Happened]) -> None:
        await asyncio.sleep(0.05)
        for event in events:  # what is known is skipped, as the services do
            if event.sequence not in seen[event.ticket_id]:
                seen[event.ticket_id].append(event.sequence)

    await desk.send(*(happened(ticket, number) for number in range(1, 16) for ticket in tickets))
    first = await desk.member(apply, batch=10)
    await asyncio.sleep(0.3)
    await desk.member(apply, batch=10)
    await desk.send(*(happened(ticket, number) for number in range(16, 31) for ticket in tickets))
    await asyncio.sleep(0.5)
    await first.stop()
    await desk.all_committed()
    assert seen == {ticket: list(range(1, 31)) for ticket in tickets}


async def test_every_subscription_is_made_with_the_options_everything_relies_on(desk: Desk) -> None:
    await desk.member(Applied())
    subscriber = desk.inlet.subscriber
    assert str(subscriber.ack_policy) == "AckPolicy.NACK_ON_ERROR"
    assert subscriber.group_id == desk.group
    assert subscriber.max_records == 300
    options = subscriber._connection_args  # noqa: SLF001 (there is no public view of them)
    assert options["auto_offset_reset"] == "earliest"
    assert options["enable_auto_commit"] is False
    assert options["session_timeout_ms"] == 45_000
    assert options["rebalance_timeout_ms"] == 60_000
    assert options["heartbeat_interval_ms"] == 3_000
    assert options["max_poll_interval_ms"] > 10 * 10_000  # many of the longest pauses
