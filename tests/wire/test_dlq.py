"""Dead letters of a real Kafka: listed, shown, replayed to where they came from, or put aside with a reason."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from typer.testing import CliRunner

from helpdesk.cli import app
from helpdesk.deadletters.counting import unhandled
from helpdesk.deadletters.handled import Decision, Decisions
from helpdesk.deadletters.letter import DeadLetter
from helpdesk.deadletters.reading import DeadLetterTopics
from helpdesk.embedded.kafka import KafkaCluster
from helpdesk.embedded.servers import kafka_of
from kit.deadletters import DeadLetters
from kit.errors import PermanentError, TransientError
from kit.inlet import Inlet
from kit.kafka import client_options, committed_logs, end_offsets, ensure_topics, make_producer
from kit.log import get_logger
from kit.mongo import Mongo
from kit.settings import ServiceSettings
from schemas.requests import RequestReceived, request_events
from schemas.topics import REQUESTS, SERVICES, WRITER, dead_letters
from tests.support.happenings import request
from tests.support.ports import free_ports
from tests.support.servers import MongoServer, end, run_apart

GARBAGE = b"\x00\xff not JSON \x1b[2J"


@dataclass
class Desk:
    """Routing's consumer and its dead letters, in a Kafka of one's own: dead-letter topics have fixed names."""

    settings: ServiceSettings
    mongo: Mongo
    usable: bool = False
    applied: list[str] = field(default_factory=list)

    @property
    def databases(self) -> dict[str, Any]:
        return {service: self.mongo.database(f"{self.settings.mongodb_database_prefix}_{service}") for service in SERVICES}

    async def letters(self, service: str = "routing") -> list[DeadLetter]:
        return [letter async for letter in DeadLetterTopics(self.settings).letters(service)]

    async def waiting(self) -> dict[str, int]:
        return await unhandled(self.settings, self.databases)

    async def publish(self, *values: tuple[str | None, bytes]) -> list[ConsumerRecord]:
        """The records as a consumer gets them."""
        since = await end_offsets(self.settings, REQUESTS)
        producer = make_producer(self.settings, "test")
        await producer.start()
        for key, value in values:
            headers = [("ce_type", b"request_received"), ("odd", b"\xff\x00")]
            await producer.send_and_wait(REQUESTS, value, key=key.encode() if key else None, headers=headers)
        await producer.stop()
        return await self.since(since)

    async def since(self, starts: dict[int, int]) -> list[ConsumerRecord]:
        consumer = AIOKafkaConsumer(**client_options(self.settings), enable_auto_commit=False)
        await consumer.start()
        records: list[ConsumerRecord] = []
        for number, stop in (await end_offsets(self.settings, REQUESTS)).items():
            partition = TopicPartition(REQUESTS, number)
            consumer.assign([partition])
            consumer.seek(partition, starts[number])
            while await consumer.position(partition) < stop:
                records += (await consumer.getmany(timeout_ms=1_000)).get(partition, [])
        await consumer.stop()
        return records

    async def take(self, records: Sequence[ConsumerRecord], service: str = "routing") -> None:
        """What a running service does with them."""

        async def apply(events: Sequence[RequestReceived]) -> None:
            if not self.usable:
                raise PermanentError(f"no group for {len(events)} of these\n\x1b[31m")
            self.applied += [event.id for event in events]

        make = partial(make_producer, self.settings, "test")
        letters = DeadLetters(dead_letters(service), service, make_producer=make, logger=get_logger("test"))
        logs = partial(committed_logs, self.settings, service)
        inlet: Inlet[RequestReceived] = Inlet(
            REQUESTS, service, request_events, apply, letters, committed_logs=logs, logger=get_logger("test")
        )
        await inlet.take(records)
        await letters.close()

    async def die(self, *numbers: int, service: str = "routing") -> list[str]:
        """Requests that routing refuses; their event ids."""
        requests = [request(ticket_id=f"0195f3a0-0000-7000-8000-00000000{number:04}") for number in numbers]
        records = await self.publish(*((event.ticket_id, event.model_dump_json().encode()) for event in requests))
        await self.take(records, service)
        return [event.id for event in requests]

    async def run(self, *arguments: str, command: str = "dlq") -> tuple[int, str, str]:
        """`helpdesk dlq`, as somebody types it: exit code, output, complaints."""
        variables = {
            "KAFKA_BOOTSTRAP_SERVERS": self.settings.kafka_bootstrap_servers,
            "MONGODB_URI": self.settings.mongodb_uri.get_secret_value(),
            "HELPDESK_MONGODB_DATABASE_PREFIX": self.settings.mongodb_database_prefix,
        }
        return await typed(variables, command, *arguments)


async def typed(variables: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """In a thread, for the command brings an event loop of its own."""
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=variables)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    cluster = kafka_of(tmp_path_factory.mktemp("dlq"), free_ports(1)[0], 1)
    run_apart(cluster.start())
    yield cluster
    end(cluster)


@pytest.fixture
async def desk(kafka: KafkaCluster, mongo_server: MongoServer) -> AsyncIterator[Desk]:
    settings = ServiceSettings(
        kafka_bootstrap_servers=kafka.bootstrap_servers,
        kafka_partitions=2,
        mongodb_uri=mongo_server.uri,  # type: ignore[arg-type]
        mongodb_database_prefix=f"dlq_{uuid4().hex[:12]}",
    )
    await ensure_topics(settings, WRITER, [dead_letters(service) for service in SERVICES])
    await forget(settings)
    mongo = Mongo(mongo_server.uri)
    desk = Desk(settings, mongo)
    yield desk
    for service in SERVICES:
        await mongo._client.drop_database(f"{settings.mongodb_database_prefix}_{service}")  # noqa: SLF001 (nothing else ever drops one)
    await mongo.close()


async def forget(settings: ServiceSettings) -> None:
    """What earlier tests wrote expires now; offsets go on."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    for service in SERVICES:
        for number, stop in (await end_offsets(settings, dead_letters(service))).items():
            await admin.delete_records({TopicPartition(dead_letters(service), number): RecordsToDelete(stop)})
    await admin.close()


async def test_no_dead_letters_is_said_so(desk: Desk) -> None:
    assert await desk.run("list") == (0, "no dead letters\n", "")
    assert await desk.run("replay", "--all") == (0, "no dead letters\n", "")
    assert await desk.waiting() == {"intake": 0, "routing": 0, "notifier": 0}


async def test_a_dead_letter_is_listed_with_what_a_person_decides_by(desk: Desk) -> None:
    [event_id] = await desk.die(1)
    await desk.take(await desk.publish((None, GARBAGE)), "notifier")
    [refused], [garbage] = await desk.letters(), await desk.letters("notifier")
    assert refused.id == f"routing/0/{refused.place.offset}"
    assert (refused.error, refused.detail) == ("PermanentError", "no group for 1 of these\n\x1b[31m")
    assert refused.value is not None
    assert event_id.encode() in refused.value
    assert refused.headers == (("ce_type", b"request_received"), ("odd", b"\xff\x00"))
    assert (garbage.key, garbage.value, garbage.error) == (None, GARBAGE, "ValidationError")

    code, out, err = await desk.run("list")
    assert (code, err) == (0, "")
    assert f"{refused.id:<16} {refused.at:%Y-%m-%d %H:%M:%S}Z  PermanentError  from {refused.origin}  key 0195f3a0-" in out
    assert "no group for 1 of these\\x0a\\x1b[31m" in out
    assert "2 dead letters. `helpdesk dlq show ID` has everything about one." in out
    assert out.index("routing/") < out.index("notifier/")
    assert "\x1b" not in out

    [data] = [json.loads(row) for row in (await desk.run("list", "notifier", "--json"))[1].splitlines()]
    assert data["id"] == garbage.id
    assert (data["error"], data["key"], data["size"], data["decision"]) == ("ValidationError", None, len(GARBAGE), None)


async def test_one_is_shown_whole_and_harmless(desk: Desk) -> None:
    await desk.die(2)
    await desk.take(await desk.publish(("k", GARBAGE)))
    refused, garbage = await desk.letters()
    _, out, _ = await desk.run("show", refused.id)
    assert '  "subject": "Trị giá lô hàng"' in out
    assert "  odd: \\xff\\x00" in out.replace("\\\\", "\\")
    _, out, _ = await desk.run("show", garbage.id)
    assert "00000000  00 ff 20 6e 6f 74 20 4a 53 4f 4e 20 1b 5b 32 4a  |.. not JSON .[2J|" in out
    assert "\x1b" not in out
    code, out, err = await desk.run("show", "routing/0/99999")
    assert (code, out) == (1, "")
    assert err == "There is no dead letter routing/0/99999, or not any more; `helpdesk dlq list` shows those there are.\n"


async def test_a_replayed_record_is_consumed_where_it_came_from(desk: Desk) -> None:
    [event_id] = await desk.die(3)
    [letter] = await desk.letters()
    ends = await end_offsets(desk.settings, REQUESTS)
    assert await desk.run("replay", letter.id) == (0, f"replayed {letter.id} to {REQUESTS}\n", "")

    [again] = await desk.since(ends)
    assert (again.key, again.value) == (letter.key, letter.value)
    assert again.headers == (*letter.headers, ("x-replay-of", letter.id.encode()))
    assert letter.origin is not None
    assert again.partition == letter.origin.partition
    desk.usable = True
    await desk.take([again])
    assert desk.applied == [event_id]

    assert (await desk.run("list"))[1] == "no dead letters; 1 already handled, --all shows them\n"
    assert "replayed 20" in (await desk.run("list", "--all"))[1]
    assert (await desk.waiting())["routing"] == 0


async def test_one_that_dies_again_is_a_new_dead_letter_that_names_the_old_one(desk: Desk) -> None:
    await desk.die(4)
    [first] = await desk.letters()
    for _ in range(2):
        ends = await end_offsets(desk.settings, REQUESTS)
        latest = (await desk.letters())[-1]
        await desk.run("replay", latest.id)
        await desk.take(await desk.since(ends))
    *_, before, last = await desk.letters()
    assert last.headers == (*first.headers, ("x-replay-of", before.id.encode()))
    assert (await desk.waiting())["routing"] == 1


async def test_all_of_one_error_are_replayed_in_their_order_and_only_when_that_is_meant(desk: Desk) -> None:
    ids = await desk.die(5, 6, 7)
    await desk.take(await desk.publish(("k", GARBAGE)))
    chosen = ("replay", "--where-error", "PermanentError")
    assert await desk.run(*chosen) == (1, "", "This would replay 3 dead letters. Say --yes to do it.\n")
    assert (await desk.waiting())["routing"] == 4

    ends = await end_offsets(desk.settings, REQUESTS)
    letters = await desk.letters()
    code, out, _ = await desk.run(*chosen, "--yes")
    assert code == 0
    assert out.splitlines() == [f"replayed {letter.id} to {REQUESTS}" for letter in letters if letter.error == "PermanentError"]
    desk.usable = True
    await desk.take(await desk.since(ends))
    assert sorted(desk.applied) == sorted(ids)
    assert (await desk.waiting())["routing"] == 1


async def test_a_discarded_one_is_hidden_and_its_reason_kept(desk: Desk) -> None:
    await desk.die(8)
    [letter] = await desk.letters()
    assert (await desk.run("discard", letter.id, "--why", " "))[0] == 1
    assert await desk.run("discard", letter.id, "--why", "a test of the provider") == (0, f"discarded {letter.id}\n", "")
    code, again, _ = await desk.run("discard", letter.id, "--why", "another reason")
    assert (code, again.startswith(f"{letter.id} stays as it is: discarded 20")) == (0, True)
    assert again.endswith("UTC: a test of the provider\n")
    assert await desk.waiting() == {"intake": 0, "routing": 0, "notifier": 0}
    assert "UTC: a test of the provider" in (await desk.run("list", "--all"))[1]
    row = await desk.databases["routing"]["dead_letters"].find_one({})
    assert (row["_id"], row["action"], row["why"]) == (letter.id, "discarded", "a test of the provider")


async def test_a_replayed_one_is_not_said_to_be_discarded(desk: Desk) -> None:
    await desk.die(20, 21)
    [replayed, waiting] = await desk.letters()
    await desk.run("replay", replayed.id)
    code, out, err = await desk.run("discard", replayed.id, waiting.id, "--why", "a test")
    assert (code, err) == (0, "")
    kept, discarded = sorted(out.splitlines())[::-1]
    assert kept.startswith(f"{replayed.id} stays as it is: replayed 20")
    assert discarded == f"discarded {waiting.id}"
    assert "replayed 20" in (await desk.run("list", "--all"))[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "routing-0-1"), "'routing-0-1' is no id of a dead letter; one looks like routing/0/17"),
        (("show", "kitchen/0/1"), "'kitchen/0/1' is no id of a dead letter"),
        (("list", "kitchen"), "There is no service 'kitchen'; there are intake, routing, notifier."),
        (("replay",), "Name dead letters by id"),
        (("replay", "routing/0/1", "--all"), "Name dead letters by id"),
        (("discard", "routing/9/1", "--why", "x"), "There is no dead letter routing/9/1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_a_mistake_is_answered_with_a_sentence(desk: Desk, arguments: tuple[str, ...], sentence: str) -> None:
    code, out, err = await desk.run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith(sentence)


async def test_a_decision_hides_no_other_letter_that_later_has_the_same_place(desk: Desk) -> None:
    """As when Kafka lost its disk and offsets begin again."""
    await desk.die(9)
    [letter] = await desk.letters()
    decisions = Decisions(desk.databases)
    await decisions.remember([letter], Decision("discarded", desk.mongo.now(), "x"))
    assert letter.id in await decisions.of([letter])
    await desk.databases["routing"]["dead_letters"].update_one({}, {"$inc": {"written": -1}})
    assert await decisions.of([letter]) == {}
    assert (await desk.waiting())["routing"] == 1


async def test_kafka_that_is_away_is_said_in_a_sentence(desk: Desk) -> None:
    away = desk.settings.model_copy(update={"kafka_bootstrap_servers": f"127.0.0.1:{free_ports(1)[0]}"})
    with pytest.raises(TransientError):
        await unhandled(away, desk.databases)
    code, out, err = await Desk(away, desk.mongo).run("list")
    assert (code, out) == (2, "")
    assert err.startswith(f"Kafka at {away.kafka_bootstrap_servers}")
    assert len(err.splitlines()) == 1


async def test_the_check_warns_of_letters_nobody_has_decided_about(desk: Desk) -> None:
    await desk.die(10, 11)
    [letter, _] = await desk.letters()
    await desk.run("discard", letter.id, "--why", "a test")
    code, out, _ = await desk.run(command="check")
    assert code == 0
    assert "warning: 1 dead letter waits for a decision in routing: `helpdesk dlq list routing`" in out.splitlines()
