"""Where partitions are read: of one log, through rebalances, refused commits and questions without an answer."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from structlog.typing import FilteringBoundLogger

from kit.errors import TransientError
from kit.kafka import LOG_HEADER
from kit.offsets import Offsets, log_of


class Reader:
    """As much of a consumer as says where it reads."""

    def __init__(self, *mine: TopicPartition, committed: int | None = None) -> None:
        self.mine, self._committed = mine, committed
        self.sought: dict[TopicPartition, int] = {}
        self.commits: dict[TopicPartition, tuple[int, str]] = {}
        self.troubles: list[Exception] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self.mine)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought[partition] = offset

    async def commit(self, offsets: dict[TopicPartition, tuple[int, str]]) -> None:
        self.meanwhile()
        if self.troubles:
            raise self.troubles.pop(0)
        self.commits |= offsets

    async def committed(self, partition: TopicPartition) -> int | None:
        return self._committed


def at(place: TopicPartition, offset: int, log: int = 0) -> Any:
    headers = ((LOG_HEADER, str(log).encode()),) if log else ()
    return SimpleNamespace(topic=place.topic, partition=place.partition, offset=offset, headers=headers)


P, Q = (TopicPartition("events", number) for number in range(2))


class Logs:
    """What a group has committed, asked for; `first` happens before the answer."""

    def __init__(self, committed: Mapping[TopicPartition, int]) -> None:
        self.committed = committed
        self.first: Callable[[], None] = lambda: None

    async def __call__(self) -> Mapping[TopicPartition, int]:
        self.first()
        return self.committed


async def test_what_was_applied_in_a_lost_log_is_not_committed_in_the_next(logger: FilteringBoundLogger) -> None:
    offsets, reader = Offsets(Logs({P: 0, Q: 0}), logger), Reader(P, Q)
    read = await offsets.continuing(reader, {P: [at(P, 4)], Q: [at(Q, 4)]})
    assert len(read) == 2
    offsets.applied(read)
    assert await offsets.continuing(reader, {P: [at(P, 5), at(P, 6, log=7), at(P, 7)]}) == ()
    assert reader.sought == {P: 0}
    await offsets.settle(reader, at_once=True)
    assert reader.commits == {Q: (5, "0")}
    begun = [at(P, 0, log=7)]
    assert await offsets.continuing(reader, {P: begun}) == tuple(begun)
    offsets.applied(begun)
    await offsets.settle(reader, at_once=True)
    assert reader.commits == {Q: (5, "0"), P: (1, "7")}


async def test_at_its_beginning_a_later_log_is_read_on(logger: FilteringBoundLogger) -> None:
    offsets, reader, found = Offsets(Logs({}), logger), Reader(P), [at(P, 0), at(P, 1, log=7)]
    assert await offsets.continuing(reader, {P: found}) == tuple(found)
    assert reader.sought == {}


async def test_an_unanswered_question_decides_nothing_for_any_partition(logger: FilteringBoundLogger) -> None:
    logs = Logs({P: 0, Q: 0})
    offsets, reader = Offsets(logs, logger), Reader(P)
    assert await offsets.continuing(reader, {P: [at(P, 9)]})  # P is known, Q is not

    def away() -> None:
        raise TransientError("Kafka is away")

    logs.first = away
    found = {P: [at(P, 10, log=7)], Q: [at(Q, 3, log=7)]}
    assert await offsets.continuing(reader, found) == ()
    assert reader.sought == {P: 10, Q: 3}
    logs.first = lambda: None
    assert await offsets.continuing(reader, found) == ()
    assert reader.sought == {P: 0, Q: 0}


async def test_of_one_assignment_it_is_asked_once(logger: FilteringBoundLogger) -> None:
    logs, questions = Logs({P: 0, Q: 7}), []
    logs.first = lambda: questions.append(1)
    offsets, reader = Offsets(logs, logger), Reader(P, Q)
    assert len(await offsets.continuing(reader, {P: [at(P, 9)]})) == 1
    assert len(await offsets.continuing(reader, {Q: [at(Q, 3, log=7)]})) == 1
    assert questions == [1]
    offsets.on_partitions_revoked([P, Q])
    assert len(await offsets.continuing(reader, {Q: [at(Q, 4, log=7)]})) == 1
    assert questions == [1, 1]


async def test_an_answer_without_a_place_that_there_is_is_none(logger: FilteringBoundLogger) -> None:
    offsets, reader = Offsets(Logs({}), logger), Reader(P, committed=3)
    assert await offsets.continuing(reader, {P: [at(P, 3, log=7)]}) == ()
    assert reader.sought == {P: 3}


async def test_after_a_rebalance_a_place_is_once_more_what_was_committed(logger: FilteringBoundLogger) -> None:
    """Nothing of the later log was committed yet, so Kafka gives the place in the lost one again."""
    offsets, reader = Offsets(Logs({P: 0}), logger), Reader(P)
    for _ in range(2):
        assert await offsets.continuing(reader, {P: [at(P, 10, log=7)]}) == ()
        assert reader.sought == {P: 0}
        reader.sought = {}
        offsets.on_partitions_revoked([P])
        offsets.on_partitions_assigned([P])


async def test_a_rebalance_while_it_is_asked_leaves_everything_to_what_comes_after(logger: FilteringBoundLogger) -> None:
    logs = Logs({P: 0})
    offsets, reader = Offsets(logs, logger), Reader(P)
    logs.first = lambda: offsets.on_partitions_revoked([P])
    assert await offsets.continuing(reader, {P: [at(P, 10, log=7)]}) == ()
    assert reader.sought == {}


async def test_what_kafka_did_not_take_is_committed_with_what_comes_next(logger: FilteringBoundLogger) -> None:
    """Else a partition in which nothing more happens would seem unread for ever."""
    offsets, reader = Offsets(Logs({P: 0, Q: 0}), logger), Reader(P, Q)
    offsets.applied(await offsets.continuing(reader, {P: [at(P, 4)], Q: [at(Q, 4)]}))
    reader.troubles = [CommitFailedError("rebalancing"), TimeoutError()]
    await offsets.settle(reader, at_once=True)
    offsets.applied(await offsets.continuing(reader, {P: [at(P, 5)]}))
    for _ in range(2):
        await offsets.settle(reader, at_once=True)
    assert reader.commits == {P: (6, "0"), Q: (5, "0")}


async def test_what_kafka_did_not_take_in_a_rebalance_is_not_committed_after_it(logger: FilteringBoundLogger) -> None:
    offsets, reader = Offsets(Logs({P: 0}), logger), Reader(P)
    offsets.applied(await offsets.continuing(reader, {P: [at(P, 4)]}))
    reader.troubles = [CommitFailedError("rebalancing")]
    reader.meanwhile = lambda: offsets.on_partitions_revoked([P])
    for _ in range(2):
        await offsets.settle(reader, at_once=True)
    assert reader.commits == {}


async def test_what_was_in_hand_in_a_rebalance_neither_commits_nor_rewinds(logger: FilteringBoundLogger) -> None:
    offsets, reader = Offsets(Logs({P: 0}), logger), Reader(P)
    in_hand = await offsets.continuing(reader, {P: [at(P, 10)]})
    offsets.on_partitions_revoked([P])
    offsets.on_partitions_assigned([P])
    offsets.applied(in_hand)
    offsets.rewind(reader, P, 10)
    await offsets.settle(reader, at_once=True)
    assert (reader.commits, reader.sought) == ({}, {})


@pytest.mark.parametrize("value", [None, b"", b"-1", b"9" * 5_000, b"seven", b"\xff", b"7.0", "٧".encode()])
def test_a_log_that_is_no_number_is_none(value: bytes | None) -> None:
    record: Any = SimpleNamespace(headers=((LOG_HEADER, value),))
    assert log_of(record) == 0
