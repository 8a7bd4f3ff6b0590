"""The step that prepares Kafka's data folder, with a program in Java's place: when it is slow or fails, a person is told what to do."""

from pathlib import Path

import pytest

from helpdesk.embedded.errors import ServerDiedError
from helpdesk.embedded.kafka_node import KafkaNode


def prepare(folder: Path, script: str, seconds: float) -> str:
    """The sentence it ends with."""
    java = folder / "java"
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o700)
    node = KafkaNode(1, 9092, 9093, folder / "1")
    with pytest.raises(ServerDiedError) as ended:
        node.prepare([node], java, "a.jar:" * 2_000, "identity", seconds)
    return str(ended.value)


def test_a_slow_preparation_is_one_sentence_with_its_log_and_no_command_line(tmp_path: Path) -> None:
    log = tmp_path / "1" / "format.log"
    assert prepare(tmp_path, "echo one moment; exec sleep 30", 0.5) == (
        f"Preparing Kafka's data folder took longer than 0.5 s; is the machine busy? What it said is in {log}. Run it again."
    )
    assert log.read_text() == "one moment\n"


def test_a_preparation_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    said = prepare(tmp_path, "echo the disk is full >&2; exit 1", 30)
    assert said == f"Kafka's data folder {tmp_path / '1'} could not be prepared:\nthe disk is full\n"
