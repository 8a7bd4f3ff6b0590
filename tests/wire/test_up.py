"""`helpdesk up` on a machine with nothing but Python: to `ready`, through trouble, and down again without leaving anything behind."""

import os
import re
import shlex
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from helpdesk.embedded.ports import is_free
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
RETURNED = (
    "Subject: Undelivered\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
    "Final-Recipient: rfc822; an@anphat.example\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n--b--\r\n"
)
SECOND_START_SECONDS = 30
"""15 on an idle machine; tests share theirs."""

STOP_SECONDS = 30


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=20) as client:
        yield client


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


def taken(up: Up) -> list[str]:
    return [option for option, port in up.ports.items() if not is_free(port)]


def test_from_nothing_to_ready_with_a_killed_service_to_a_second_start_and_gone_without_a_trace(tmp_path: Path, http: httpx.Client) -> None:
    with Up(tmp_path / "kept here", "--demo") as first:
        tell("first start: ready", first.until_ready(180))
        greeted(first)
        tokens = first.tokens()
        asked = [ask(first, http, "before")]
        assert queue(first, http, tokens["lan"]) == asked
        chatted(first, http, tokens["binh"])
        mailed_back(first, http, tokens["lan"], asked[0])
        started_twice(first)
        kill_a_service(first, http, "routing")
        asked.append(ask(first, http, "after"))
        stopped_by_sigterm(first)
    nothing_lost(first.data)

    with Up(first.data, "--demo", ports=first.ports) as second:
        seconds = second.until_ready()
        tell("second start: ready", seconds)
        assert seconds < SECOND_START_SECONDS
        assert second.tokens() == tokens
        assert sorted(queue(second, http, tokens["lan"])) == sorted(asked)
        assert asked[0] in http.get(second.address("--catcher-port")).text
        ask(second, http, "again")
        stopped_by_kill_9(second)
    nothing_lost(first.data)


def chatted(up: Up, http: httpx.Client, token: str) -> None:
    """Said in a chat by the command as printed, answered by an officer, seen beside the mails: every signature on the way was checked."""
    [command] = [line.partition("try it: ")[2] for line in up.said.splitlines() if "try it: " in line]
    said = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    reference = said.stdout.split()[0]
    ticket = f"{up.address('--routing-port')}/api/v1/tickets/{reference}"
    officer = {"Authorization": f"Bearer {token}"}
    etag = until(lambda: http.get(ticket, headers=officer).headers.get("etag"), "the ticket of the chat")
    answered = http.post(f"{ticket}/reply", json={"text": "At berth 4."}, headers=officer | {"If-Match": etag})
    assert answered.status_code == 200, answered.text
    chats = f"{up.address('--catcher-port')}/api/chats"
    until(lambda: any("At berth 4." in row["text"] for row in http.get(chats).json()), "the answer in the chat")
    assert {row["conversation"] for row in http.get(chats).json()} == {"demo-room"}
    assert "At berth 4." in http.get(up.address("--catcher-port")).text


def mailed_back(up: Up, http: httpx.Client, token: str, reference: str) -> None:
    """What the catcher caught is answered, from another mailbox and without the reference, and returned: the tokens bring both home."""
    caught, officer = f"{up.address('--catcher-port')}/api/messages", {"Authorization": f"Bearer {token}"}
    ticket = f"{up.address('--routing-port')}/api/v1/tickets/{reference}"
    (acknowledgement,) = (row for row in http.get(caught).json() if f"[{reference}]" in row["subject"] and row["from"] == "")
    reply_to = dict(http.get(f"{caught}/{acknowledgement['id']}").json()["headers"])["Reply-To"]
    assert re.fullmatch(r"[^+@]+\+r\.[a-z2-7]{40}@customs\.example", reply_to)
    words = ["It is a reefer container.", "--to", "an@anphat.example", "--from", "director@anphat.example", "--data", str(up.data)]
    replied = subprocess.run([sys.executable, "-m", "helpdesk", "demo", "reply", *words], capture_output=True, text=True, check=False)
    assert (replied.returncode, reply_to in replied.stdout) == (0, True), replied.stderr
    until(lambda: len(http.get(ticket, headers=officer).json()["messages"]) == 2, "the reply is on the ticket")

    etag = http.get(ticket, headers=officer).headers["etag"]
    answered = http.post(f"{ticket}/reply", json={"text": "Noted."}, headers=officer | {"If-Match": etag})
    assert answered.status_code == 200, answered.text
    sent = until(lambda: [row for row in http.get(caught).json() if row["to"] == ["an@anphat.example"] and row["from"]], "the answer")
    assert re.fullmatch(r"bounces\+[a-z2-7]{48}@customs\.example", sent[0]["from"])
    handed_in(up, "", sent[0]["from"], RETURNED)
    history = f"{ticket}/history"
    until(lambda: "5.2.2" in http.get(history, headers=officer).text, "the officer sees that the answer came back")
    returned = http.get(ticket, headers=officer).json()["messages"][-1]["returned"]
    assert (returned["address"], returned["bounced"], returned["suppressed"]) == ("an@anphat.example", "soft", False)

    handed_in(up, "Nguyễn@ví-dụ.vn", "helpdesk@customs.example", "Subject: Xin chào\r\n\r\nBao giờ có câu trả lời?\r\n")
    international = ["Nguyễn@xn--v-d-rma6749a.vn"]
    until(lambda: [row for row in http.get(caught).json() if row["to"] == international], "the answer to letters that are no ASCII")


def handed_in(up: Up, sender: str, recipient: str, text: str) -> None:
    with smtplib.SMTP("127.0.0.1", up.ports["--mail-port"], timeout=20) as client:
        raw = f"From: {sender or 'MAILER-DAEMON@mx.example'}\r\nTo: {recipient}\r\n{text}".encode()
        client.sendmail(sender, [recipient], raw, mail_options=[] if sender.isascii() else ["SMTPUTF8"])


def started_twice(up: Up) -> None:
    with Up(up.data, "--demo", ports=up.ports) as second:
        assert second.wait(60) == 1
    assert f"already running here (pid {up.process.pid}): its addresses are" in second.said
    assert f"{up.address('--intake-port')}/" in second.said


def tell(what: str, seconds: float) -> None:
    """For whoever looks with `-s`."""
    print(f"{what} after {seconds:.1f} s")  # noqa: T201


def greeted(up: Up) -> None:
    """Addresses, accounts, and what was going on meanwhile, line by line; no log of ours between them."""
    for option in ("--intake-port", "--routing-port", "--mail-port", "--catcher-port", "--kafka-port", "--mongo-port"):
        assert f"127.0.0.1:{up.ports[option]}" in up.said
    assert all(step in up.said for step in ("starting MongoDB ...", "starting Kafka ...", "waiting for the services ..."))
    assert set(up.tokens()) == {"binh", "lan", "tam", "hoa", "admin", "auditor"}
    assert "catcher." not in up.said


def kill_a_service(up: Up, http: httpx.Client, name: str) -> None:
    """It comes back by itself, as another process."""
    killed = pid_of(up, f"run {name}")
    os.kill(killed, signal.SIGKILL)
    began = time.monotonic()
    until(lambda: f"{name} ended and is started again" in up.said, "up says so")
    until(lambda: http.get(f"{up.address(f'--{name}-port')}/readyz").status_code == 200, f"{name} is ready again")
    tell(f"{name} killed: ready again", time.monotonic() - began)
    assert pid_of(up, f"run {name}") != killed


def running(up: Up) -> dict[int, str]:
    """Everything it has started, which is what there should be."""
    processes = descendants(up.process.pid)
    for words in ("kafka.Kafka", "mongod", "run intake", "run routing", "run notifier"):
        assert any(words in line for line in processes.values()), f"{words} does not run"
    return processes


def stopped_by_sigterm(up: Up) -> None:
    processes = running(up)
    seconds = up.stop()
    tell("SIGTERM: stopped", seconds)
    assert (up.process.returncode, "Traceback" in up.said) == (0, False)
    assert seconds < STOP_SECONDS
    assert still_running(processes, 0) == []
    assert taken(up) == []


def stopped_by_kill_9(up: Up) -> None:
    processes = running(up)
    up.process.kill()
    up.wait(10)
    assert still_running(processes) == []
    until(lambda: not taken(up), "every port is free")


def nothing_lost(data: Path) -> None:
    """No relay thought that Kafka had lost its log."""
    for service in ("intake", "routing", "notifier"):
        assert "log_lost" not in (data / f"{service}.log").read_text()


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
    data = tmp_path / "up"
    with Up(data, variables=named) as nothing_loaded:
        assert nothing_loaded.wait(120) == 1
    assert nothing_loaded.said.strip().splitlines()[-1] == (
        "No organisation is loaded. Start with --demo to try it out, "
        f"or run `{sys.executable} -m helpdesk load FILE.yaml`, then start again."
    )
    with Up(data, "--demo", variables=named) as up:
        up.until_ready()
        processes = descendants(up.process.pid)
        assert [line for line in processes.values() if "mongod" in line or "java" in line] == []
        assert "Mail catcher" not in up.said
        assert "  Mail out          127.0.0.1:9   " in up.said
        assert "try it" not in up.said
        assert "export " not in up.said
        assert all(is_free(up.ports[option]) for option in ("--catcher-port", "--catcher-smtp-port", "--kafka-port", "--mongo-port"))
        assert up.stop() < STOP_SECONDS
        assert still_running(processes, 0) == []
    assert {file.name for file in data.iterdir()} & {"kafka.lock", "mongo.lock", "mail"} == set()


def test_a_named_server_that_is_away_and_a_setting_that_is_wrong_are_sentences(tmp_path: Path) -> None:
    away = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "MONGODB_URI": "mongodb://127.0.0.1:9/?replicaSet=rs0"}
    for variables, says in (
        (away, "MongoDB does not answer (127.0.0.1:9: [Errno 111] Connection refused). Is it running, and is MONGODB_URI its address?"),
        (away | {"HELPDESK_KAFKA_PARTITIONS": "0"}, "HELPDESK_KAFKA_PARTITIONS: Input should be greater than or equal to 1"),
        (away | {"MONGODB_URI": "mongo://x"}, "MONGODB_URI: Invalid URI scheme: URI must begin with 'mongodb://' or 'mongodb+srv://'"),
    ):
        with Up(tmp_path, "--demo", variables=variables) as up:
            assert up.wait(60) == 1
        assert up.said.strip().splitlines()[-1].startswith(says)
        assert "Traceback" not in up.said
