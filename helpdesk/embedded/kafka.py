"""Apache Kafka on this machine: one KRaft node, or several that replicate to each other."""

import asyncio
import time
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from helpdesk.embedded import parts
from helpdesk.embedded.group import Progress, ServerGroup
from helpdesk.embedded.jars import JarStore, kafka_jars
from helpdesk.embedded.kafka_node import KafkaNode, cluster_identity
from helpdesk.embedded.ports import free_ports, is_answering, require_free

READY_SECONDS = 60  # 3 s on two idle cores; a busy machine or a long log recovery takes longer
HEAP_MB = 256
PORT_OPTION = "--kafka-port"


class KafkaCluster(ServerGroup):
    """With three nodes topics have three copies and need two in sync, as in production; warnings go to `<data>/kafka.log`."""

    title = "Kafka"
    name = "kafka"
    log_name = "kafka"

    def __init__(self, data: Path, nodes: int = 3, base_port: int = 9092, heap_mb: int = HEAP_MB, jars: JarStore | None = None) -> None:
        super().__init__(data, nodes, base_port)
        self._heap_mb, self._jars = heap_mb, jars or kafka_jars()
        self._controller_ports: list[int] = []
        self._classpath = ""

    @property
    def bootstrap_servers(self) -> str:
        """What clients connect to."""
        return ",".join(node.address for node in self._nodes())

    def _nodes(self) -> list[KafkaNode]:
        controllers = self._controller_ports or [0] * self.count
        return [
            KafkaNode(number, port, controller, self.folder / str(number))
            for number, (port, controller) in enumerate(zip(self.ports, controllers, strict=True), start=1)
        ]

    def _prepare(self, progress: Progress) -> None:
        for port in self.ports:
            require_free(port, PORT_OPTION)
        self._controller_ports = self._choose_controller_ports()
        java, self._classpath = parts.java(), self._jars.classpath(progress)
        identity = cluster_identity(self.folder, self.count)
        nodes = self._nodes()
        for node in nodes:
            node.prepare(nodes, java, self._classpath, identity)

    def _choose_controller_ports(self) -> list[int]:
        return free_ports(self.count, besides=self.ports)

    def _command(self, number: int) -> list[str]:
        return self._nodes()[number - 1].command(parts.java(), self._classpath, self._heap_mb)

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not await self._is_ready():
            self._require_alive("while it was starting")
            if time.monotonic() > deadline:
                raise self._not_ready(READY_SECONDS, self._children.values())
            await asyncio.sleep(0.05)

    async def _is_ready(self) -> bool:
        """Every port is open and every node is told to clients as a broker."""
        if not all(is_answering(port) for port in self.ports):
            return False
        client = AIOKafkaClient(bootstrap_servers=self.bootstrap_servers, request_timeout_ms=5_000)
        try:
            await client.bootstrap()
            return len(client.cluster.brokers()) == self.count
        except KafkaError:
            return False
        finally:
            await client.close()


class Kafka(KafkaCluster):
    """One node: what `helpdesk up`, the tests and the benchmarks use."""

    def __init__(
        self, data: Path, port: int, controller_port: int | None = None, heap_mb: int = HEAP_MB, jars: JarStore | None = None
    ) -> None:
        super().__init__(data, 1, port, heap_mb, jars)
        self._controller_port = controller_port

    @property
    def pid(self) -> int:
        """Process id of the node."""
        return self._children[1].pid

    def _choose_controller_ports(self) -> list[int]:
        if self._controller_port is None:
            return super()._choose_controller_ports()
        require_free(self._controller_port, "controller_port")
        return [self._controller_port]
