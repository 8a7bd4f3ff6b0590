"""The settings and the command line of one KRaft node on loopback."""

import base64
import json
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpdesk.embedded.errors import DataInUseError, ServerDiedError
from helpdesk.embedded.ports import LOOPBACK

MAIN, FORMAT = "kafka.Kafka", "kafka.tools.StorageTool"
FORMAT_SECONDS = 60  # 2 s on two idle cores
# Measured until ready on two cores: compiling only at the first tier takes 3.3 s of CPU and 150 MB instead of 4.9 s and 190 MB; the serial
# collector saves 20 MB against G1.
JAVA_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "--enable-native-access=ALL-UNNAMED",  # the compression libraries; without it every start warns twice
    "--sun-misc-unsafe-memory-access=allow",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)

SAME_FOR_ALL: dict[str, object] = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": 0,
    # After a kill the node may only come back when its old self has timed out (9 s as delivered).
    "broker.session.timeout.ms": 3_000,
    "broker.heartbeat.interval.ms": 500,
    # Memory: the cleaner alone would take 128 MB of heap, and fifty partitions each are for clusters.
    "log.cleaner.dedupe.buffer.size": 8_388_608,
    "log.index.size.max.bytes": 1_048_576,
    "offsets.topic.num.partitions": 8,
    "transaction.state.log.num.partitions": 8,
    "share.coordinator.state.topic.num.partitions": 8,
    "num.network.threads": 2,
    "num.io.threads": 4,
}


@dataclass(frozen=True)
class KafkaNode:
    """One node of a cluster, broker and controller in one process; `number` counts from 1."""

    number: int
    port: int
    controller_port: int
    folder: Path

    @property
    def address(self) -> str:
        """Where clients reach the broker."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def settings_file(self) -> Path:
        """Written at every start: ports may change between starts, data does not."""
        return self.folder / "server.properties"

    @property
    def logs(self) -> Path:
        """The folder Kafka itself writes to."""
        return self.folder / "logs"

    def settings(self, voters: Sequence["KafkaNode"]) -> str:
        """server.properties; a static quorum, because its ports may change from one start to the next."""
        copies = len(voters)
        in_sync = 2 if copies > 2 else 1  # noqa: PLR2004  (three copies, of which two must have a record: the rule in production)
        values = {
            "node.id": self.number,
            "controller.quorum.voters": ",".join(f"{v.number}@{LOOPBACK}:{v.controller_port}" for v in voters),
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{LOOPBACK}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "log.dirs": self.logs,
            "default.replication.factor": copies,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
        }
        return "".join(f"{key}={value}\n" for key, value in (SAME_FOR_ALL | values).items())

    def command(self, java: Path, classpath: str, heap_mb: int) -> list[str]:
        """What runs the node."""
        return [str(java), "-Xms64m", f"-Xmx{heap_mb}m", *JAVA_FLAGS, "-cp", classpath, MAIN, str(self.settings_file)]

    @property
    def format_log(self) -> Path:
        """What Kafka says while its data folder is prepared."""
        return self.folder / "format.log"

    def prepare(self, voters: Sequence["KafkaNode"], java: Path, classpath: str, cluster_id: str, seconds: float = FORMAT_SECONDS) -> None:
        """Write the settings, and format the data folder unless an earlier start did; ServerDiedError after `seconds`. Blocks."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings_file.write_text(self.settings(voters))
        if (self.logs / "meta.properties").exists():
            return
        command = [str(java), "-Xmx128m", *JAVA_FLAGS, "-cp", classpath, FORMAT, "format", "-t", cluster_id, "-c", str(self.settings_file)]
        try:
            with self.format_log.open("wb") as log:
                done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as slow:
            raise ServerDiedError(
                f"Preparing Kafka's data folder took longer than {seconds:g} s; is the machine busy? "
                f"What it said is in {self.format_log}. Run it again."
            ) from slow
        if done.returncode != 0:
            said = self.format_log.read_text(errors="replace")[-2000:]
            raise ServerDiedError(f"Kafka's data folder {self.folder} could not be prepared:\n{said}")


def cluster_identity(folder: Path, nodes: int) -> str:
    """The cluster's id: made once, then kept beside the data; refuses a folder made for another number of nodes."""
    file = folder / "cluster.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "_")
        file.write_text(json.dumps({"cluster_id": identity, "nodes": nodes}))
    known = json.loads(file.read_text())
    if known["nodes"] != nodes:
        raise DataInUseError(
            f"{folder} holds the data of {known['nodes']} Kafka nodes, not {nodes}; "
            f"choose another folder with --data, or --nodes {known['nodes']}"
        )
    return str(known["cluster_id"])
