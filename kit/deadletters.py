"""Dead letters: records that will never work here, kept with their bytes and the reason."""

import asyncio
import dataclasses
import json
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from prometheus_client import Counter
from pydantic import ValidationError
from structlog.typing import FilteringBoundLogger

from kit.errors import TransientError

BURST: Final = 100
"""Dead letters within `BURST_SECONDS` that stop the consumer: that many at once is a bad release, not bad records."""

BURST_SECONDS: Final = 60.0

KEPT_OF_KEY: Final = 1_000
KEPT_OF_VALUE: Final = 256 * 1024
TRUNCATED: Final = "x-truncated"
"""Header of a letter that holds the beginning of its record only: the bytes its value had."""

REMEMBERED: Final = 10_000
"""Dead letters whose place is kept in mind: many times the largest batch."""

REASONS: Final = 3
"""Of what is wrong with one event that are told."""

DEAD = Counter("helpdesk_dead_letters", "Records put aside", ["topic", "group", "error"])


class BurstError(TransientError):
    """Too many dead letters in a row: the consumer stays where it is until somebody has looked."""


class DeadLetters:
    """Writes to `helpdesk.<service>.dlq`: same key and bytes, with where it came from and why in headers."""

    def __init__(
        self,
        topic: str,
        group: str,
        *,
        make_producer: Callable[[], AIOKafkaProducer],
        logger: FilteringBoundLogger,
        burst: int = BURST,
    ) -> None:
        self._topic = topic
        self._group = group
        self._make_producer = make_producer
        self._producer: AIOKafkaProducer | None = None
        self._logger = logger
        self._burst = burst
        self._recent: deque[float] = deque()
        self._written: dict[tuple[object, ...], None] = {}
        self.stopped = False

    async def put(self, record: ConsumerRecord, error: BaseException) -> None:
        """Durable before it returns. TransientError when it could not be written; the record then comes again.

        A batch that comes again because of something else brings its dead letters along: each is written, and counted, once.
        """
        place = (record.topic, record.partition, record.offset, record.timestamp, record.value)
        if place in self._written:
            return
        self._refuse_a_burst()
        try:
            await self._write(record, error)
        except (KafkaError, OSError) as failure:
            await self.close()
            raise TransientError(f"dead letter not written: {failure!r}") from failure
        self._recent.append(time.monotonic())
        self._written[place] = None
        if len(self._written) > REMEMBERED:
            del self._written[next(iter(self._written))]
        DEAD.labels(record.topic, self._group, type(error).__name__).inc()
        self._logger.error(
            "inlet.dead_letter",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            error=type(error).__name__,
            detail=reason(error)[:300],
        )

    async def _write(self, record: ConsumerRecord, error: BaseException) -> None:
        """Whole, or, where Kafka takes no letter of that size, its beginning: the record itself stays where it was until it expires."""
        producer = await self._connected()
        value = b"" if record.key is None and record.value is None else record.value  # Kafka's client sends no record without both
        try:
            await producer.send_and_wait(self._topic, value=value, key=record.key, headers=_headers(record, error))
        except (MessageSizeTooLargeError, RecordListTooLargeError):
            cut = (record.key or b"")[:KEPT_OF_KEY], (value or b"")[:KEPT_OF_VALUE]
            headers = [*_headers(dataclasses.replace(record, headers=()), error), (TRUNCATED, str(len(value or b"")).encode())]
            await producer.send_and_wait(self._topic, key=cut[0], value=cut[1], headers=headers)

    def went_well(self, count: int) -> None:
        """Records that worked show that the release is not at fault: half the suspicion goes for each batch."""
        for _ in range(min(count, len(self._recent) // 2)):
            self._recent.popleft()

    def _refuse_a_burst(self) -> None:
        now = time.monotonic()
        while self._recent and self._recent[0] < now - BURST_SECONDS:
            self._recent.popleft()
        if self.stopped or len(self._recent) >= self._burst:
            self.stopped = True
            raise BurstError(
                f"{self._burst} dead letters within {BURST_SECONDS:.0f} s: consuming stops here. See `helpdesk dlq list {self._group}`; "
                "put the release right, or if the records are at fault start once with a larger HELPDESK_DEAD_LETTER_BURST."
            )

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = self._make_producer()
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), timeout=10)
            except (KafkaError, OSError, TimeoutError) as error:
                self._logger.warning("dead_letters.producer_not_closed", error=repr(error))


def reason(error: BaseException) -> str:
    """What to say of it to whoever decides about the letter: of an event that is not as it should be, where and what, never its values."""
    if not isinstance(error, ValidationError):
        return str(error)
    found = error.errors(include_url=False, include_input=False)
    tagged = error.title.startswith("tagged-union")  # then every place begins with the tag, which the event's type says already
    places = [".".join(map(str, item["loc"][1:] if tagged else item["loc"])) for item in found]
    said = [f"{place}: {item['msg']}" if place else item["msg"] for place, item in zip(places, found, strict=True)]
    return "; ".join(said[:REASONS]) + (f"; and {len(said) - REASONS} more" if len(said) > REASONS else "")


def _headers(record: ConsumerRecord, error: BaseException) -> list[tuple[str, bytes]]:
    """ASCII only; the original headers go along as JSON of Latin-1 text, whatever bytes they were."""
    return [
        ("x-origin", f"{record.topic}/{record.partition}/{record.offset}".encode()),
        ("x-error", type(error).__name__.encode("ascii", "replace")),
        ("x-detail", json.dumps(reason(error)[:2_000]).encode("ascii")),
        ("x-at", datetime.now(UTC).isoformat().encode()),
        ("x-headers", json.dumps([[name, (value or b"").decode("latin-1")] for name, value in record.headers]).encode("ascii")),
    ]
