"""A log says a complaint once and then counts, instead of being filled by a client that tries again and again."""

import io
import json
import logging
import subprocess
import sys

import pytest

from kit.log import QUIET_FOR, Repeats


class Clock:
    """Stands still unless a test moves it."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def written(clock: Clock) -> tuple[logging.Logger, io.StringIO]:
    """A logger of a library and what comes of it."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(Repeats(clock))
    logger = logging.Logger("aiokafka.conn")  # noqa: LOG001 (of this test alone)
    logger.addHandler(handler)
    return logger, out


def test_a_complaint_is_said_once_and_then_once_a_minute_with_a_count(clock: Clock, written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, out = written
    for _ in range(3 * 30):
        logger.error("Unable connect to node with id %s: %s", 7, "refused")
        clock.at += 1 / 30
    assert out.getvalue().splitlines() == ["Unable connect to node with id 7: refused"]
    clock.at = QUIET_FOR
    logger.error("Unable connect to node with id %s: %s", 7, "refused")
    assert out.getvalue().splitlines()[1:] == ["Unable connect to node with id 7: refused (89 more like this were held back)"]
    clock.at = 2 * QUIET_FOR
    logger.error("Unable connect to node with id %s: %s", 7, "refused")
    assert out.getvalue().splitlines()[2:] == ["Unable connect to node with id 7: refused"]


def test_other_complaints_and_what_is_no_complaint_are_not_held_back(written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, out = written
    for _ in range(2):
        logger.info("joined")
        logger.warning("one")
        logger.error("one")
        logger.error("two")
    assert out.getvalue().split() == ["joined", "one", "one", "two", "joined"]


def test_the_same_text_with_other_numbers_is_the_same_complaint(written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, out = written
    for number in range(5):
        logger.error(f"request {number} failed")  # noqa: G004 (libraries do so)
    assert out.getvalue().split("\n") == ["request 0 failed", ""]


def test_what_is_remembered_has_a_limit(clock: Clock, written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, out = written
    for number in range(2_500):
        logger.error(chr(0x4E00 + number))
    assert len(out.getvalue().splitlines()) == 2_500


SERVICE = """
import logging
from kit.log import configure, get_logger
configure()
ours = get_logger("test")
for number in range(3):
    ours.warning("dead_letter.put", offset=number)
    logging.getLogger("aiokafka").error("no broker")
    try:
        raise ValueError("broken")
    except ValueError:
        ours.exception("loop.failed", topic="requests")
"""


def test_our_own_events_are_all_there_and_a_stack_trace_once() -> None:
    said = subprocess.run([sys.executable, "-c", SERVICE], capture_output=True, text=True, check=True).stderr
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["event"] for line in lines] == ["dead_letter.put", "no broker", "loop.failed", "dead_letter.put", "dead_letter.put"]
    assert "ValueError: broken" in lines[2]["exception"]
