"""Kafka: clients with the settings this project relies on, and its topics."""

import asyncio
import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from kit.errors import TransientError
from kit.settings import ServiceSettings

SESSION_TIMEOUT_MS = 45_000
"""Java's default. aiokafka's 10 s makes every long pause of a process a rebalance."""

REBALANCE_TIMEOUT_MS = 60_000
"""aiokafka would use the session timeout; a batch under way must be able to end first."""

METADATA_AGE_MS = 10_000
"""A consumer that rejoined its group while a lost topic was being made anew holds no partition of it until it asks again; the
client's own age of five minutes would be an outage of five minutes."""

LARGEST_RECORD = 4 * 1024 * 1024
"""Bytes of key, value and headers together, for the topics of events."""

LARGEST_DEAD_LETTER = 2 * LARGEST_RECORD
"""A dead letter is the record it keeps, and what is said about it."""

LOG_HEADER = "log"
"""Of a record that was sent since Kafka lost a log: a number that grows with every loss (`kit.relay`)."""

DAY_MS = 24 * 3600 * 1000


def _tls(settings: ServiceSettings) -> ssl.SSLContext | None:
    if "SSL" not in settings.kafka_security_protocol:
        return None
    return ssl.create_default_context(cafile=settings.kafka_ssl_ca_file)


def client_options(settings: ServiceSettings) -> dict[str, Any]:
    """What every plain aiokafka client needs to reach the brokers."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
        "ssl_context": _tls(settings),
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        password = settings.kafka_sasl_password
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": password.get_secret_value() if password else None,
        }
    return options


def _security(settings: ServiceSettings) -> BaseSecurity | None:
    if settings.kafka_security_protocol == "PLAINTEXT":
        return None
    context = _tls(settings)
    if not settings.kafka_security_protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=context, use_ssl=True)
    kinds = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    password = settings.kafka_sasl_password.get_secret_value() if settings.kafka_sasl_password else ""
    return kinds[settings.kafka_sasl_mechanism](
        username=settings.kafka_sasl_username or "", password=password, ssl_context=context, use_ssl=context is not None
    )


def make_broker(settings: ServiceSettings, service: str, middlewares: Sequence[Any] = ()) -> KafkaBroker:
    """The broker for subscribers. It never creates topics: a forgotten one would come out unreplicated with one partition."""
    return KafkaBroker(
        settings.kafka_bootstrap_servers.split(","),
        client_id=f"helpdesk-{service}",
        security=_security(settings),
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        graceful_timeout=20.0,
        metadata_max_age_ms=METADATA_AGE_MS,
        middlewares=middlewares,
        apply_types=False,
        logger=None,  # two lines per record; the inlet logs what matters
    )


def make_producer(settings: ServiceSettings, service: str, *, largest: int = LARGEST_RECORD) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        **client_options(settings),
        client_id=f"helpdesk-{service}",
        acks="all",
        enable_idempotence=True,
        linger_ms=2,
        max_batch_size=256 * 1024,
        max_request_size=largest,
        request_timeout_ms=15_000,
        metadata_max_age_ms=30_000,
    )


async def ensure_topics(settings: ServiceSettings, names: Iterable[str], dead_letters: Iterable[str] = ()) -> list[str]:
    """Create the topics that are missing and return their names. Idempotent; TransientError when Kafka is away."""
    graves = set(dead_letters)
    wanted = dict.fromkeys(names, settings.kafka_partitions) | dict.fromkeys(graves, 1)
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=15_000)
    try:
        await admin.start()
        missing = sorted(set(wanted) - set(await admin.list_topics()))
        if missing:
            sizes = {name: LARGEST_DEAD_LETTER if name in graves else LARGEST_RECORD for name in missing}
            await _create(admin, [_new_topic(name, wanted[name], settings, largest=sizes[name]) for name in missing])
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka at {settings.kafka_bootstrap_servers}: {error!r}") from error
    finally:
        await admin.close()
    return missing


def _new_topic(name: str, partitions: int, settings: ServiceSettings, *, largest: int) -> NewTopic:
    copies = settings.kafka_replication_factor
    return NewTopic(
        name,
        partitions,
        copies,
        topic_configs={
            "min.insync.replicas": str(max(1, copies - 1)),
            "retention.ms": str(30 * DAY_MS),
            "max.message.bytes": str(largest),
        },
    )


async def _create(admin: AIOKafkaAdminClient, topics: list[NewTopic]) -> None:
    response = await admin.create_topics(topics)
    for name, code, *rest in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise TransientError(f"Kafka would not create {name}: error {code} {rest}")


async def end_offsets(settings: ServiceSettings, topic: str) -> dict[int, int]:
    """The end of every partition of a topic; empty when the topic is not there. TransientError when Kafka is away."""
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False, request_timeout_ms=10_000)
    try:
        partitions = [TopicPartition(topic, number) for number in await _partitions(settings, topic)]
        if not partitions:
            return {}
        await consumer.start()
        ends = await asyncio.wait_for(consumer.end_offsets(partitions), timeout=15)
        return {partition.partition: end for partition, end in ends.items()}
    except (KafkaError, OSError, TimeoutError) as error:
        raise TransientError(f"Kafka at {settings.kafka_bootstrap_servers}: {error!r}") from error
    finally:
        await consumer.stop()


async def committed_logs(settings: ServiceSettings, group: str) -> dict[TopicPartition, int]:
    """Which log the place belongs to that a group has committed, by partition; 0 where it says none. TransientError when Kafka is away."""
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=10_000)
    try:
        await admin.start()
        offsets = await admin.list_consumer_group_offsets(group)
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka at {settings.kafka_bootstrap_servers}: {error!r}") from error
    finally:
        await admin.close()
    return {partition: int(found.metadata) if (found.metadata or "").isdecimal() else 0 for partition, found in offsets.items()}


async def _partitions(settings: ServiceSettings, topic: str) -> list[int]:
    """From an admin client: a consumer knows the partitions of topics it reads, and has none for any other."""
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=10_000)
    try:
        await admin.start()
        described = [row for row in await admin.describe_topics() if row["topic"] == topic]
        return [partition["partition"] for row in described for partition in row["partitions"]]
    finally:
        await admin.close()


ProducerFactory = Callable[[], AIOKafkaProducer]
