"""The embedded Kafka is a real one: it keeps what it acknowledged over stops, kills and restarts."""

import os
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from helpdesk.embedded.errors import DataInUseError, PortTakenError
from helpdesk.embedded.kafka import Kafka, KafkaCluster
from tests.support.servers import KafkaFactory, KafkaServer

TOPIC = "helpdesk.kept.v1"


async def make_topic(servers: str, topic: str, copies: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=copies)])
    finally:
        await admin.close()


async def write(servers: str, topic: str, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"ticket", partition=0)


async def read(servers: str, topic: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        return [(await consumer.getone()).value for _ in range(count)]


async def test_records_survive_a_stop_a_sigkill_and_another_port(tmp_path: Path, own_kafka: KafkaFactory) -> None:
    kafka = await own_kafka(data=tmp_path)
    await make_topic(kafka.bootstrap_servers, TOPIC)
    await write(kafka.bootstrap_servers, TOPIC, b"before the stop")
    await kafka.stop()
    await kafka.stop()  # again: nothing happens

    await kafka.start()
    await write(kafka.bootstrap_servers, TOPIC, b"before the kill")
    await kafka.kill()

    moved = await own_kafka(data=tmp_path)
    await write(moved.bootstrap_servers, TOPIC, b"after")
    assert moved.bootstrap_servers != kafka.bootstrap_servers
    assert await read(moved.bootstrap_servers, TOPIC, 3) == [b"before the stop", b"before the kill", b"after"]


async def test_the_shared_server_takes_records(kafka_server: KafkaServer) -> None:
    await make_topic(kafka_server.bootstrap_servers, "helpdesk.embedded.shared.v1")
    await write(kafka_server.bootstrap_servers, "helpdesk.embedded.shared.v1", b"one", b"two")
    assert await read(kafka_server.bootstrap_servers, "helpdesk.embedded.shared.v1", 2) == [b"one", b"two"]


async def test_a_running_server_guards_its_folder_its_port_and_its_data(tmp_path: Path, own_kafka: KafkaFactory) -> None:
    kafka = await own_kafka(data=tmp_path)
    pids = kafka.pids
    await kafka.start()  # it runs already
    assert kafka.pids == pids
    with pytest.raises(DataInUseError, match=f"is in use by process {os.getpid()}"):
        await Kafka(tmp_path, port=1).start()
    with pytest.raises(PortTakenError, match=r"is taken by java \(process \d+\); choose another with --kafka-port"):
        await Kafka(tmp_path / "other", kafka.base_port).start()
    with pytest.raises(DataInUseError, match="stop Kafka before"):
        kafka.wipe()

    await kafka.stop()
    kafka.wipe()
    assert not kafka.folder.exists()


async def test_three_nodes_take_records_while_one_is_dead(own_kafka: KafkaFactory) -> None:
    cluster = await own_kafka(nodes=3)
    assert isinstance(cluster, KafkaCluster)
    assert len(cluster.pids) == 3
    await make_topic(cluster.bootstrap_servers, TOPIC, copies=3)
    await write(cluster.bootstrap_servers, TOPIC, b"all three")
    await cluster.kill_node(1)
    await write(cluster.bootstrap_servers, TOPIC, b"two of three")
    await cluster.start_node(1)
    assert await read(cluster.bootstrap_servers, TOPIC, 2) == [b"all three", b"two of three"]
