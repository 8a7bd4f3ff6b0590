"""`helpdesk up` on a machine with nothing but Python: to `ready`, through trouble, and down again without leaving anything behind."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.servers import KafkaFactory, MongoFactory
from tests.support.up_running import OPTIONS, Up, descendants, some_ports, still_running
from tests.support.waiting import PATIENCE

REQUEST = {
    "topic": "customs-valuation",
    "unit": "hon-gai-seaport",
    "language": "en",
    "text": "Our container has been waiting for a valuation decision since Monday.",
    "business": {"name": "An Phat Co., Ltd"},
    "contact": {"email": "an@anphat.example"},
}
SECOND_START_SECONDS = 30
"""15 on an idle machine; tests share theirs."""

STOP_SECONDS = 30


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kept from one start to the next, as a person's `.helpdesk`."""
    return tmp_path_factory.mktemp("up") / "kept here"


def until(look: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """The first truthy thing that is seen."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if seen := look():
                return seen
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


def ask(up: Up, http: httpx.Client, key: str) -> str:
    """The reference of a new request, whose acknowledgement has arrived in the mail catcher."""
    answer = http.post(f"{up.address('--intake-port')}/api/v1/requests", json=REQUEST, headers={"Idempotency-Key": key})
    assert answer.status_code == 202, answer.text
    reference = str(answer.json()["reference"])
    catcher = up.address("--catcher-port")
    until(lambda: f"[{reference}] We have received your request" in http.get(catcher).text, f"the acknowledgement of {reference}")
    return reference


def queue(up: Up, http: httpx.Client, token: str) -> list[str]:
    answer = http.get(f"{up.address('--routing-port')}/api/v1/queue", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return [row["reference"] for row in answer.json()["items"]]


def pid_of(up: Up, words: str) -> int:
    (pid,) = [pid for pid, line in descendants(up.process.pid).items() if words in line]
    return pid


def all_free(up: Up) -> bool:
    return [option for option, port in up.ports.items() if not can_listen(port)] == []


def can_listen(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_a_life_of_up(data: Path, http: httpx.Client) -> None:
    """From nothing, through a killed service and SIGTERM, to a second start on the same data, and through `kill -9`."""
    with Up(data, "--demo") as first:
        print(f"first start: ready after {first.until_ready(180):.1f} s")
        for option in ("--intake-port", "--routing-port", "--mail-port", "--catcher-port"):
            assert f"127.0.0.1:{first.ports[option]}" in first.said
        assert all(step in first.said for step in ("starting MongoDB ...", "starting Kafka ...", "waiting for the services ..."))
        tokens = first.tokens()
        assert set(tokens) == {"binh", "lan", "hoa", "admin", "auditor"}
        asked = [ask(first, http, "before")]
        assert queue(first, http, tokens["lan"]) == asked
        kill_a_service(first, http, "routing")
        asked.append(ask(first, http, "after"))
        processes = descendants(first.process.pid)
        assert sorted(words for words in ("java", "mongod", "run intake", "run routing", "run notifier") if any_of(processes, words)) == [
            "java",
            "mongod",
            "run intake",
            "run notifier",
            "run routing",
        ]
        seconds = first.stop()
        print(f"stopped by SIGTERM after {seconds:.1f} s")
        assert (first.process.returncode, "Traceback" in first.said) == (0, False)
        assert seconds < STOP_SECONDS
        assert still_running(processes, 0) == []
        assert all_free(first)
    for service in ("intake", "routing", "notifier"):
        assert "relay.log_lost" not in (data / f"{service}.log").read_text()

    with Up(data, "--demo", ports=first.ports) as second:
        seconds = second.until_ready()
        print(f"second start: ready after {seconds:.1f} s")
        assert seconds < SECOND_START_SECONDS
        assert second.tokens() == tokens
        assert sorted(queue(second, http, tokens["lan"])) == sorted(asked)
        assert asked[0] in http.get(second.address("--catcher-port")).text
        asked.append(ask(second, http, "again"))
        processes = descendants(second.process.pid)
        second.process.kill()
        second.wait(10)
        assert still_running(processes) == []
        assert all_free(second)

    with Up(data, "--demo", ports=first.ports) as third:
        third.until_ready()
        assert sorted(queue(third, http, tokens["lan"])) == sorted(asked)
        lose_kafka(third)


def any_of(processes: dict[int, str], words: str) -> bool:
    return any(words in line for line in processes.values())


def kill_a_service(up: Up, http: httpx.Client, name: str) -> None:
    """It comes back by itself, as another process."""
    killed = pid_of(up, f"run {name}")
    os.kill(killed, signal.SIGKILL)
    until(lambda: f"{name} ended and is started again" in up.said, "up says so")
    until(lambda: http.get(f"{up.address(f'--{name}-port')}/readyz").status_code == 200, f"{name} is ready again")
    assert pid_of(up, f"run {name}") != killed


def lose_kafka(up: Up) -> None:
    """A server that dies ends everything, with a sentence."""
    processes = descendants(up.process.pid)
    os.kill(pid_of(up, "kafka.Kafka"), signal.SIGKILL)
    assert up.wait(60) == 1
    assert "Kafka ended while it was serving" in up.said
    assert "Traceback" not in up.said
    assert still_running(processes, 0) == []


@pytest.mark.parametrize("option", OPTIONS)
def test_a_taken_port_is_one_sentence_that_names_it_and_the_option_and_nothing_is_left(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Up(tmp_path, "--demo", ports=some_ports() | {option: port}) as up:
            processes = descendants(up.process.pid)
            while up.process.poll() is None:
                processes |= descendants(up.process.pid)
                time.sleep(0.1)
            assert up.wait(60) == 1
    sentence = up.said.strip().splitlines()[-1]
    assert sentence.startswith(f"port {port} is taken by ")
    assert sentence.endswith(f"choose another with {option}")
    assert "Traceback" not in up.said
    assert still_running(processes, 0) == []


async def test_servers_that_are_named_are_used_and_no_others_started(
    tmp_path: Path, own_kafka: KafkaFactory, own_mongo: MongoFactory, http: httpx.Client
) -> None:
    kafka, mongo = await own_kafka(), await own_mongo()
    named = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "MONGODB_URI": mongo.uri,
        "HELPDESK_SMTP_URL": "smtp://127.0.0.1:9",
    }
    with Up(tmp_path, **named) as nothing_loaded:
        assert nothing_loaded.wait(120) == 1
    assert nothing_loaded.said.strip().splitlines()[-1] == (
        "No organisation is loaded. Start with --demo to try it out, or run `helpdesk load FILE.yaml`, then start again."
    )
    with Up(tmp_path, "--demo", **named) as up:
        up.until_ready()
        processes = descendants(up.process.pid)
        assert [line for line in processes.values() if "mongod" in line or "java" in line] == []
        assert "Mail catcher" not in up.said
        assert "export " not in up.said
        assert all(can_listen(up.ports[option]) for option in ("--catcher-port", "--catcher-smtp-port", "--kafka-port", "--mongo-port"))
        assert up.stop() < STOP_SECONDS
        assert still_running(processes, 0) == []
    assert {file.name for file in tmp_path.iterdir()} & {"kafka.lock", "mongo.lock", "mail"} == set()


def test_a_named_server_that_is_away_and_a_setting_that_is_wrong_are_sentences(tmp_path: Path) -> None:
    away = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "MONGODB_URI": "mongodb://127.0.0.1:9/?replicaSet=rs0"}
    for variables, says in (
        (away, "MongoDB does not answer (127.0.0.1:9: [Errno 111] Connection refused). Is it running, and is MONGODB_URI its address?"),
        (away | {"HELPDESK_KAFKA_PARTITIONS": "0"}, "HELPDESK_KAFKA_PARTITIONS: Input should be greater than or equal to 1"),
        (away | {"MONGODB_URI": "mongo://x"}, "MONGODB_URI: Invalid URI scheme: URI must begin with 'mongodb://' or 'mongodb+srv://'"),
    ):
        with Up(tmp_path, "--demo", **variables) as up:
            assert up.wait(60) == 1
        assert up.said.strip().splitlines()[-1].startswith(says)
        assert "Traceback" not in up.said
