"""The same servers in containers, where Docker answers; testcontainers' own removes them when the run dies."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.support.ports import free_ports

ANSWER_SECONDS = 5
KAFKA_IMAGE, MONGO_IMAGE = "apache/kafka:4.3.0", "mongo:8"


def docker_answers() -> bool:
    """Whether there is a Docker engine to talk to."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    with suppress(subprocess.TimeoutExpired):
        asked = [docker, "version", "--format", "{{.Server.Version}}"]
        return subprocess.run(asked, capture_output=True, timeout=ANSWER_SECONDS, check=False).returncode == 0
    return False


@contextmanager
def kafka_in_docker() -> Iterator[str]:
    """Bootstrap servers; the port outside is the port inside, as Kafka tells clients its own address."""
    (port,) = free_ports(1)
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port).waiting_for(LogMessageWaitStrategy("Kafka Server started"))
    for name, value in settings.items():
        container.with_env(name, value)
    with container:
        yield f"127.0.0.1:{port}"


@contextmanager
def mongo_in_docker() -> Iterator[str]:
    """URI of a replica set of one; a direct connection, because the member knows itself by its name inside."""
    container = DockerContainer(MONGO_IMAGE).with_command("mongod --replSet rs0 --bind_ip_all").with_exposed_ports(27017)
    with container.waiting_for(LogMessageWaitStrategy("Waiting for connections")):
        container.exec(["mongosh", "--quiet", "--eval", FOUND_REPLICA_SET])
        yield f"mongodb://127.0.0.1:{container.get_exposed_port(27017)}/?directConnection=true"


FOUND_REPLICA_SET = (
    'rs.initiate({_id: "rs0", members: [{_id: 0, host: "localhost:27017"}]}); while (!db.hello().isWritablePrimary) sleep(50)'
)
