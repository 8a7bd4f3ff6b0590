"""The relay: what the journal owes goes to Kafka in order, at least once, and again when Kafka has lost it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from pymongo.errors import AutoReconnect
from structlog.typing import FilteringBoundLogger

from kit.errors import TransientError
from kit.journal import PAGE, Journal
from kit.kafka import end_offsets, ensure_topics, make_producer
from kit.leases import Slots
from kit.mongo import Collection, Database, Document, Mongo, Session
from kit.publishing import OLDEST, measure_age
from kit.relay import Relay
from kit.settings import ServiceSettings
from kit.topics import require_topics
from tests.component.kit.happened import Happened, happened
from tests.component.kit.topics import delete, ids_of, records_of
from tests.component.kit.waiting import eventually

HOUR = timedelta(hours=1)


class Line:
    """One journal with its relay, and what tests need to look at them."""

    def __init__(self, mongo: Mongo, database: Database, settings: ServiceSettings, topic: str, logger: FilteringBoundLogger) -> None:
        self.mongo, self.settings, self.topic = mongo, settings, topic
        self.database, self.logger = database, logger
        self.journal = Journal(database, topic)
        self.producers: list[AIOKafkaProducer] = []
        self.relays: list[Relay] = []
        self.relay = self.another()

    def another(self, make: Callable[[], Any] | None = None, journal: Journal | None = None, **options: Any) -> Relay:
        self.slots = Slots(self.mongo, self.database["relay_leases"], "only")
        usual: dict[str, Any] = {"mark_every": 0.0, "state": self.database["relay_state"]}
        relay = Relay(
            self.topic,
            journal or self.journal,
            self.slots,
            mongo=self.mongo,
            make_producer=make or self.make_producer,
            ends=partial(end_offsets, self.settings, self.topic),
            restore_topics=partial(require_topics, self.settings, [self.topic]),
            window=HOUR,
            logger=self.logger,
            **usual | options,
        )
        self.relays.append(relay)
        return relay

    def make_producer(self) -> AIOKafkaProducer:
        self.producers.append(make_producer(self.settings, "tests"))
        return self.producers[-1]

    async def happen(self, *events: Happened) -> None:
        async def work(session: Session) -> None:
            await self.journal.append(events, session)

        await self.mongo.transaction(work)

    async def owed(self) -> list[str]:
        return [row["_id"] for row in await self.journal.unpublished(range(64), 10_000)]

    async def published(self) -> dict[str, list[str]]:
        return await ids_of(self.settings, self.topic)

    async def remembered(self) -> dict[str, int]:
        row = await self.database["relay_state"].find_one({"_id": self.topic})
        return dict((row or {}).get("offsets", {}))


@pytest.fixture
async def line(
    mongo: Mongo, database: Database, settings: ServiceSettings, logger: FilteringBoundLogger, fresh_name: Callable[[str], str]
) -> Any:
    made = Line(mongo, database, settings, fresh_name("events"), logger)
    await ensure_topics(settings, [made.topic])
    await made.slots.renew()
    yield made
    for relay in made.relays:
        await relay.close()


def numbered(ticket: str, *numbers: int) -> list[str]:
    return [f"{ticket}-{number}" for number in numbers]


async def test_without_slots_nothing_is_published(line: Line) -> None:
    await line.happen(happened("a", 1))
    await line.slots.release()
    assert await line.relay.step() is False
    assert await line.owed() == ["a-1"]


async def test_every_streams_order_is_kept_and_what_was_acknowledged_is_marked(line: Line) -> None:
    events = [happened(ticket, number) for number in range(1, 41) for ticket in ("a", "b", "c", "d", "e")]
    await line.happen(*events)
    assert await line.relay.step() is False  # one batch was enough
    assert await line.published() == {ticket: numbered(ticket, *range(1, 41)) for ticket in "abcde"}
    assert await line.owed() == []
    ends = await end_offsets(line.settings, line.topic)
    assert await line.remembered() == {str(partition): end - 1 for partition, end in ends.items() if end}


async def test_what_is_published_leaves_no_row_behind(line: Line) -> None:
    await line.happen(happened("a", 1), happened("b", 1))
    await line.happen(happened("a", 2))
    await line.relay.step()
    assert await line.database["owed"].count_documents({}) == 0


async def test_more_than_a_batch_asks_to_be_run_again_at_once(line: Line) -> None:
    await line.happen(*(happened(f"ticket-{number % 50}", number // 50 + 1) for number in range(1_000)))
    await line.happen(happened("last", 1_000))
    assert await line.relay.step() is True
    assert await line.owed() == ["last-1000"]
    assert await line.relay.step() is False
    assert await line.owed() == []


async def test_a_record_says_who_wrote_what_when_and_why(line: Line) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    event = happened("hồ-sơ", 1, traceparent=trace)
    await line.happen(event)
    await line.relay.step()
    [record] = await records_of(line.settings, line.topic)
    assert record.key.decode() == "hồ-sơ"
    assert Happened.model_validate_json(record.value) == event
    assert record.timestamp == int(event.occurred_at.timestamp() * 1000)
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": "hồ-sơ-1".encode(),
        "ce_type": b"happened",
        "ce_time": b"2026-11-20T02:15:01+00:00",
        "content-type": b"application/json",
        "traceparent": trace.encode(),
    }


class Forgetful(Journal):
    """Marks nothing: the process died between Kafka's acknowledgement and the mark."""

    async def mark_published(self, entries: Any, session: Any = None) -> None:
        pass


async def test_a_crash_between_acknowledgement_and_mark_publishes_again_in_order(line: Line) -> None:
    await line.happen(happened("a", 1), happened("a", 2))
    crashed = line.another(journal=Forgetful(line.database, line.topic))
    await line.slots.renew()
    await crashed.step()
    await crashed.close()
    line.relay = line.another()
    await line.slots.renew()
    await line.happen(happened("a", 3))
    await line.relay.step()
    assert await line.published() == {"a": numbered("a", 1, 2, 1, 2, 3)}
    assert await line.owed() == []


class Watched(Journal):
    """Counts how often it is asked for what is owed."""

    asked = 0

    async def unpublished(self, slots: Any, limit: int) -> list[Document]:
        self.asked += 1
        return await super().unpublished(slots, limit)


async def watched(line: Line, **options: Any) -> tuple[Relay, Watched]:
    """A relay that has looked once, and its journal."""
    journal = Watched(line.database, line.topic)
    line.journal = journal
    line.relay = line.another(journal=journal, **options)
    await line.slots.renew()
    await line.relay.step()
    return line.relay, journal


async def test_what_this_process_commits_is_published_without_asking_for_it(line: Line) -> None:
    relay, journal = await watched(line)
    await line.happen(happened("a", 1), happened("b", 1))
    await line.happen(happened("a", 2))
    await relay.step()
    await line.happen(happened("a", 3))
    await relay.step()
    assert journal.asked == 1
    assert await line.published() == {"a": numbered("a", 1, 2, 3), "b": ["b-1"]}
    assert await line.owed() == []


async def test_what_does_not_follow_what_was_sent_last_is_looked_up_with_what_comes_before_it(line: Line) -> None:
    relay, journal = await watched(line)
    elsewhere = Journal(line.database, line.topic)  # of a process that only writes

    async def work(session: Session) -> None:
        await elsewhere.append([happened("a", 1)], session)

    await line.mongo.transaction(work)
    await line.happen(happened("a", 2))
    await relay.step()
    assert journal.asked == 2
    assert await line.published() == {"a": numbered("a", 1, 2)}


async def test_a_transaction_that_fails_tells_the_relay_nothing(line: Line) -> None:
    relay, _ = await watched(line)

    async def work(session: Session) -> None:
        await line.journal.append([happened("a", 1)], session)
        raise ValueError("changed its mind")

    with pytest.raises(ValueError, match="changed"):
        await line.mongo.transaction(work)
    await relay.step()
    assert await line.published() == {}


async def test_marks_wait_to_be_made_together_and_are_made_before_the_relay_goes(line: Line) -> None:
    relay, _ = await watched(line, mark_every=1_000.0)
    await line.happen(happened("a", 1))
    await relay.step()
    assert await line.owed() == ["a-1"]
    await relay.close()
    assert await line.owed() == []


async def test_what_was_acknowledged_before_another_process_found_the_log_lost_is_owed_again(line: Line) -> None:
    relay, _ = await watched(line, mark_every=1_000.0)
    await line.happen(happened("a", 1))
    await relay.step()
    await line.database["relay_state"].update_one({"_id": line.topic}, {"$inc": {"log": 1}})
    await relay.close()
    assert await line.owed() == ["a-1"]
    await relay.step()
    assert await line.published() == {"a": numbered("a", 1, 1)}
    await relay.close()
    assert await line.owed() == []


class Refusing:
    """A real producer, except that what is sent for one key fails."""

    def __init__(self, real: AIOKafkaProducer, key: bytes, error: Exception, *, at_once: bool) -> None:
        self._real, self._key, self._error, self._at_once = real, key, error, at_once

    async def start(self) -> None:
        await self._real.start()

    async def stop(self) -> None:
        await self._real.stop()

    async def send(self, topic: str, **record: Any) -> Any:
        if record["key"] != self._key:
            return await self._real.send(topic, **record)
        if self._at_once:
            raise self._error
        failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        failed.set_exception(self._error)
        return failed


async def refusing(line: Line, *, at_once: bool) -> None:
    line.relay = line.another(lambda: Refusing(line.make_producer(), b"bad", KafkaError("refused"), at_once=at_once))
    await line.slots.renew()
    with pytest.raises(TransientError, match="refused"):
        await line.relay.step()


async def test_a_failed_record_stops_its_own_key_and_no_other(line: Line) -> None:
    await line.happen(happened("good", 1), happened("bad", 2), happened("good", 3), happened("bad", 4), happened("other", 5))
    await refusing(line, at_once=False)
    assert await line.owed() == ["bad-2", "bad-4"]
    assert await line.published() == {"good": numbered("good", 1, 3), "other": ["other-5"]}


async def test_what_was_sent_before_a_producer_gave_up_is_marked(line: Line) -> None:
    await line.happen(happened("good", 1), happened("bad", 2), happened("good", 3))
    await refusing(line, at_once=True)
    assert await line.owed() == ["bad-2", "good-3"]
    assert await line.published() == {"good": ["good-1"]}


async def test_after_a_failure_another_producer_takes_over(line: Line) -> None:
    await line.happen(happened("bad", 1))
    failing = [True, False]
    line.relay = line.another(
        lambda: Refusing(line.make_producer(), b"bad" if failing.pop(0) else b"", MessageSizeTooLargeError(), at_once=False)
    )
    await line.slots.renew()
    with pytest.raises(TransientError):
        await line.relay.step()
    await line.relay.step()
    assert len(line.producers) == 2
    assert await line.published() == {"bad": ["bad-1"]}


class Away:
    """A producer that finds no Kafka."""

    def __init__(self, real: AIOKafkaProducer) -> None:
        self._real = real

    async def start(self) -> None:
        raise KafkaError("away")

    async def stop(self) -> None:
        await self._real.stop()


async def test_what_could_not_be_sent_is_not_overtaken_by_what_follows_it(line: Line) -> None:
    away = [True, False]
    relay = line.another(lambda: Away(line.make_producer()) if away.pop(0) else line.make_producer())
    await line.slots.renew()
    await line.happen(happened("a", 1))
    with pytest.raises(TransientError, match="away"):
        await relay.step()
    await line.happen(happened("a", 2))
    while await line.owed():
        await relay.step()
    assert await line.published() == {"a": numbered("a", 1, 2)}


class Silent:
    """A producer that hands records on when it is told to, as one does whose Kafka is away."""

    def __init__(self, real: AIOKafkaProducer) -> None:
        self._real = real
        self._held: list[tuple[asyncio.Future[Any], dict[str, Any]]] = []

    async def start(self) -> None:
        await self._real.start()

    async def stop(self) -> None:
        await self._real.stop()

    async def send(self, topic: str, **record: Any) -> Any:
        self._held.append((asyncio.get_running_loop().create_future(), {"topic": topic, **record}))
        return self._held[-1][0]

    async def answer(self) -> None:
        for future, record in self._held:
            future.set_result(await self._real.send_and_wait(**record))
        self._held.clear()


async def test_a_kafka_that_does_not_answer_holds_no_step_for_ever_and_nothing_is_sent_twice(line: Line) -> None:
    await line.happen(happened("a", 1), happened("b", 1))
    silent = Silent(line.make_producer())
    line.relay = line.another(lambda: silent, answers_within=0.05)
    await line.slots.renew()
    for _ in range(3):
        assert await line.relay.step() is True
    assert await line.owed() == ["a-1", "b-1"]
    await silent.answer()
    await line.relay.step()
    assert await line.owed() == []
    assert await line.published() == {"a": ["a-1"], "b": ["b-1"]}


async def test_a_relay_that_has_never_published_raises_no_alarm(line: Line) -> None:
    await line.relay.check_log()
    assert await line.remembered() == {}


async def test_an_unharmed_log_raises_no_alarm_even_while_much_is_published(line: Line) -> None:
    """The ends of a moment ago are always behind what has been published since."""
    stop = asyncio.Event()
    count = 0

    async def publish() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            await line.happen(*(happened(f"t{ticket}", count) for ticket in range(20)))
            await line.relay.step()

    publishing = asyncio.create_task(publish())
    for _ in range(12):
        await line.relay.check_log()
    stop.set()
    await publishing
    assert count > 5
    assert await line.owed() == []
    assert await line.published() == {f"t{ticket}": numbered(f"t{ticket}", *range(1, count + 1)) for ticket in range(20)}


async def now_and_before(line: Line) -> None:
    """Two events of now and one from before the window, all published."""
    now = line.mongo.now()
    await line.happen(
        happened("a", 1, occurred_at=now - HOUR - timedelta(minutes=1)),
        happened("a", 2, occurred_at=now - HOUR + timedelta(minutes=1)),
        happened("b", 1, occurred_at=now),
    )
    await line.relay.step()
    assert await line.owed() == []


async def test_when_the_topic_is_gone_it_is_made_again_and_everything_in_the_window_is_published_again(line: Line) -> None:
    await now_and_before(line)
    await delete(line.settings, line.topic)

    async def gone() -> bool:
        return not await end_offsets(line.settings, line.topic)

    await eventually(gone)

    async def noticed() -> bool:
        with suppress(TransientError):  # a topic just made has no partitions yet
            await owe_again(line)
        return line.journal.bell.is_set()

    line.journal.bell.clear()
    await eventually(noticed)
    assert await line.owed() == ["a-2", "b-1"]
    assert await line.remembered() == {}
    while await line.owed():
        with suppress(TransientError):  # the old producer may know a topic of the same name that is gone
            await line.relay.step()
    assert await line.published() == {"a": ["a-2"], "b": ["b-1"]}
    await line.relay.check_log()
    assert await line.owed() == []


async def lose_the_log(line: Line) -> None:
    """The topic is gone, and there is an empty one of its name."""
    await delete(line.settings, line.topic)

    async def made_again() -> bool:
        return line.topic in await ensure_topics(line.settings, [line.topic])

    await eventually(made_again)

    async def whole() -> bool:
        with suppress(TransientError):  # a topic just made has no partitions yet
            return len(await end_offsets(line.settings, line.topic)) == line.settings.kafka_partitions
        return False

    await eventually(whole)


async def log_of(line: Line) -> int:
    row = await line.database["relay_state"].find_one({"_id": line.topic})
    return int((row or {}).get("log", 0))


async def owe_again(line: Line) -> None:
    while await line.relay.check_log():
        pass


async def test_records_say_which_log_they_are_in_once_one_was_lost(line: Line) -> None:
    await now_and_before(line)
    assert {"log"}.isdisjoint(name for record in await records_of(line.settings, line.topic) for name, _ in record.headers)
    for before in (0, 1_000):
        await lose_the_log(line)
        await owe_again(line)
        assert await log_of(line) > before
        await line.relay.step()
        logs = [dict(record.headers)["log"] for record in await records_of(line.settings, line.topic)]
        assert logs == [str(await log_of(line)).encode()] * 2


async def test_until_what_was_lost_is_owed_again_nothing_new_is_published(line: Line) -> None:
    await now_and_before(line)
    await lose_the_log(line)
    assert await line.relay.check_log() is True  # and whoever noticed it dies
    await line.happen(happened("b", 2, occurred_at=line.mongo.now()))
    line.relay = line.another()
    await line.slots.renew()
    assert await line.relay.step() is False
    assert await line.published() == {}
    assert await line.relay.check_log() is False  # another does what is to be done
    while await line.owed():
        await line.relay.step()
    assert {ticket: ids[:2] for ticket, ids in (await line.published()).items()} == {"a": ["a-2"], "b": ["b-1", "b-2"]}


async def test_owing_again_goes_on_where_it_was_left(line: Line) -> None:
    since, count = line.mongo.now() - HOUR / 2, 2 * PAGE + 10
    await line.happen(*(happened("a", number, occurred_at=since + timedelta(milliseconds=number)) for number in range(1, count + 1)))
    while await line.owed():
        await line.relay.step()
    await lose_the_log(line)
    line.relay = line.another(owing_for=0.0)
    assert await line.relay.check_log() is True
    seen = [len(await line.owed()) for _ in range(3) if await line.relay.check_log()]
    assert seen == [PAGE, 2 * PAGE - 1, count]  # every step begins with what the one before ended with: others may have its time
    assert await line.relay.check_log() is False
    assert await line.owed() == numbered("a", *range(1, count + 1))


class Slow(Journal):
    """Owes a page, and then nothing until it is let."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.entered, self.go = asyncio.Event(), asyncio.Event()

    async def owe_again(self, since: datetime) -> AsyncGenerator[tuple[datetime, int], None]:
        async for page in super().owe_again(since):
            self.entered.set()
            await self.go.wait()
            yield page


async def test_who_is_late_with_what_one_loss_made_owed_ends_nothing_of_the_next(line: Line) -> None:
    await now_and_before(line)
    await lose_the_log(line)
    await line.relay.check_log()
    journal = Slow(line.database, line.topic)
    late = asyncio.create_task(line.another(journal=journal).check_log())
    await line.slots.renew()
    await journal.entered.wait()
    await owe_again(line)
    while await line.owed():
        await line.relay.step()

    await lose_the_log(line)
    assert await line.relay.check_log() is True
    journal.go.set()
    assert await late is False
    await owe_again(line)
    while await line.owed():
        with suppress(TransientError):  # the old producer may know a topic of the same name that is gone
            await line.relay.step()
    assert await line.published() == {"a": ["a-2"], "b": ["b-1"]}


async def test_a_loss_found_while_marking_keeps_everything_back_until_it_is_known_what_is_owed(line: Line) -> None:
    relay, _ = await watched(line, mark_every=1_000.0)
    await line.happen(happened("a", 1))
    await relay.step()
    await line.database["relay_state"].update_one({"_id": line.topic}, {"$inc": {"log": 1}})
    await line.happen(happened("a", 2), happened("a", 4))  # does not follow: it is looked up, and what waits is marked before
    assert await relay.step() is False
    assert await line.published() == {"a": ["a-1"]}
    await relay.step()
    assert await line.published() == {"a": numbered("a", 1, 1, 2, 4)}


async def test_several_who_find_the_log_lost_at_once_owe_it_again_once(line: Line) -> None:
    await now_and_before(line)
    await lose_the_log(line)
    others = [line.another() for _ in range(3)]
    await line.slots.renew()
    for relay in others:  # all have learned of the log that is lost
        await relay.step()
    assert await asyncio.gather(*(relay.check_log() for relay in others)) == [True] * 3
    log = await log_of(line)
    while any(await asyncio.gather(*(relay.check_log() for relay in others))):
        pass
    while await line.owed():
        for relay in others:
            await relay.step()
            await relay.check_log()
    assert await log_of(line) == log
    assert await line.published() == {"a": ["a-2"], "b": ["b-1"]}


async def test_what_is_published_while_it_is_owed_again_is_no_second_loss(line: Line) -> None:
    await now_and_before(line)
    await lose_the_log(line)
    await line.relay.check_log()
    log = await log_of(line)
    await line.relay.step()
    await owe_again(line)
    await line.relay.step()
    await line.relay.check_log()
    assert await log_of(line) == log
    assert await line.published() == {"a": ["a-2"], "b": ["b-1"]}
    assert await line.owed() == []


async def test_a_relay_that_learns_of_a_loss_from_another_forgets_the_log_it_knew(line: Line) -> None:
    await now_and_before(line)
    other = line.another()
    await lose_the_log(line)
    while await other.check_log():
        pass
    await line.relay.check_log()
    await line.slots.renew()
    await line.relay.step()
    [log] = {dict(record.headers)["log"] for record in await records_of(line.settings, line.topic)}
    assert log == str(await log_of(line)).encode()


async def test_what_an_early_release_remembered_of_a_log_counts(line: Line) -> None:
    await line.database["relay_state"].insert_one({"_id": line.topic, "offsets": {"0": 3}})
    await line.happen(happened("a", 1))
    await line.relay.check_log()
    await owe_again(line)
    await line.relay.step()
    assert await line.owed() == []


async def test_an_empty_topic_of_the_same_name_is_a_lost_log_too(line: Line) -> None:
    await now_and_before(line)
    await lose_the_log(line)
    await line.happen(happened("c", 1, occurred_at=line.mongo.now()))
    await owe_again(line)
    assert await line.owed() == ["a-2", "b-1", "c-1"]


async def test_a_new_log_that_is_longer_than_the_lost_one_is_known_by_its_first_acknowledged_place(line: Line) -> None:
    await now_and_before(line)
    await lose_the_log(line)
    late = [happened(ticket, number, occurred_at=line.mongo.now()) for ticket in "ab" for number in (3, 4, 5, 6)]
    await line.happen(*late)
    published = line.another()
    await line.slots.renew()
    while await line.owed():
        with suppress(TransientError):
            await published.step()
            await published.check_log()
    await published.close()
    lasting = await line.published()
    assert {"a-2", "b-1"} <= {event for events in lasting.values() for event in events}
    await line.relay.check_log()
    assert await line.owed() == []


class Stumbling:
    """A collection of which the first loss is not written down."""

    def __init__(self, real: Collection) -> None:
        self._real, self.stumbled = real, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def update_one(self, which: Document, change: Document, **options: Any) -> Any:
        if "owing" in change.get("$set", {}) and not self.stumbled:
            self.stumbled = True
            raise AutoReconnect("primary gone")
        return await self._real.update_one(which, change, **options)


async def test_a_loss_that_could_not_be_written_down_is_not_forgotten(line: Line) -> None:
    """It shows once: what is published next has places beyond all that was acknowledged."""
    await now_and_before(line)
    await lose_the_log(line)
    late = [happened(ticket, number, occurred_at=line.mongo.now()) for ticket in "ab" for number in (3, 4, 5, 6)]
    await line.happen(*late)
    state = Stumbling(line.database["relay_state"])
    line.relay = line.another(state=state)
    await line.slots.renew()
    with pytest.raises(TransientError):
        await line.relay.step()
    assert state.stumbled
    assert await line.relay.check_log() is True  # it need not send anything to be known
    async with asyncio.timeout(30):
        while await line.owed() or not await log_of(line):
            await line.relay.step()
            await owe_again(line)
    lasting = await line.published()
    assert {"a-2", "b-1"} <= {event for events in lasting.values() for event in events}


async def test_the_age_of_the_oldest_waiting_entry_can_be_seen(line: Line) -> None:
    await line.happen(happened("a", 1))
    await line.database["owed"].update_one({}, {"$set": {"at": line.mongo.now() - timedelta(seconds=90)}})
    await measure_age(line.journal.oldest_unpublished_at, line.topic, line.mongo.now)
    [sample] = [sample for metric in OLDEST.collect() for sample in metric.samples if sample.labels["topic"] == line.topic]
    assert 90 <= sample.value < 100
    await line.relay.step()
    await measure_age(line.journal.oldest_unpublished_at, line.topic, line.mongo.now)
    [sample] = [sample for metric in OLDEST.collect() for sample in metric.samples if sample.labels["topic"] == line.topic]
    assert sample.value == 0
