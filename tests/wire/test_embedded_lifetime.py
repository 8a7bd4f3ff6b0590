"""No server outlives the program that started it, and the commands say what they offer."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpdesk.embedded.errors import PortTakenError
from helpdesk.embedded.ports import is_free
from helpdesk.embedded.servers import KAFKA_VARIABLE, MONGO_VARIABLE, find_or_start
from tests.support.ports import free_ports

# Starts what the environment does not name, tells the process ids, waits.
PARENT = """
import asyncio, os, sys
from pathlib import Path
from helpdesk.embedded.servers import find_or_start

async def main():
    servers = await find_or_start(Path(sys.argv[1]), os.environ, kafka_port=int(sys.argv[2]), mongo_port=int(sys.argv[3]))
    print(*(pid for server in servers.ours for pid in server.pids), flush=True)
    await servers.until_dead()

asyncio.run(main())
"""
COMMAND = """
import sys, typer
from helpdesk.embedded.commands import kafka, mongo
app = typer.Typer()
app.command()(kafka)
app.command()(mongo)
app()
"""


def is_running(pid: int) -> bool:
    """Not counting a zombie nobody has waited for."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def all_gone(pids: list[int], seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while any(map(is_running, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(is_running, pids))


@contextmanager
def parent(data: Path, **named: str) -> Iterator[tuple["subprocess.Popen[str]", list[int]]]:
    """A Python program with servers of its own, and their process ids."""
    ports = [str(port) for port in free_ports(2)]
    clean = {name: value for name, value in os.environ.items() if name not in {KAFKA_VARIABLE, MONGO_VARIABLE}}
    command = [sys.executable, "-c", PARENT, str(data), *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean | named) as process:
        try:
            assert process.stdout is not None
            yield process, [int(pid) for pid in process.stdout.readline().split()]
        finally:
            process.kill()


def test_after_kill_9_of_the_parent_neither_java_nor_mongod_is_left(tmp_path: Path) -> None:
    with parent(tmp_path) as (process, pids):
        assert sorted(Path(f"/proc/{pid}/comm").read_text().strip() for pid in pids) == ["java", "mongod"]
        assert all(map(is_running, pids))
        process.kill()
        assert all_gone(pids)


def test_a_server_that_dies_by_itself_ends_the_wait_with_its_last_lines(tmp_path: Path) -> None:
    with parent(tmp_path, KAFKA_BOOTSTRAP_SERVERS="kafka.example:9092") as (process, pids):
        os.kill(pids[0], signal.SIGKILL)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "MongoDB ended while it was serving. Its last lines:" in said


@pytest.mark.parametrize(
    ("name", "line"),
    [("kafka", "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:{}"), ("mongo", "MONGODB_URI='mongodb://127.0.0.1:{}/?replicaSet=helpdesk'")],
)
def test_a_command_prints_the_address_ready_to_export_and_stops_on_sigterm(tmp_path: Path, name: str, line: str) -> None:
    (port,) = free_ports(1)
    command = [sys.executable, "-c", COMMAND, name, "--port", str(port), "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == line.format(port) + "\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert is_free(port)


def test_a_command_on_a_taken_port_ends_with_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", COMMAND, "kafka", "--port", str(port), "--data", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"port {port} is taken by ")
    assert done.stderr.count("\n") == 1


async def test_servers_named_by_the_environment_are_used_and_nothing_starts(tmp_path: Path) -> None:
    named = {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092", "MONGODB_URI": "mongodb://mongo.example/?replicaSet=rs0"}
    servers = await find_or_start(tmp_path, named)
    assert (servers.bootstrap_servers, servers.mongodb_uri) == tuple(named.values())
    assert servers.ours == ()
    assert list(tmp_path.iterdir()) == []


async def test_when_one_server_cannot_start_the_other_is_stopped(tmp_path: Path) -> None:
    (kafka_port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTakenError, match="--mongo-port"):
        await find_or_start(tmp_path, {}, kafka_port=kafka_port, mongo_port=taken.getsockname()[1])
    assert is_free(kafka_port)
