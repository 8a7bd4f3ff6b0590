"""Structured logs: JSON lines, or coloured text on a terminal."""

import logging
import re
import sys
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

QUIET_FOR: Final = 60.0
"""Seconds between two lines that say the same: while Kafka is away its client complains thirty times a second."""

MOST_KNOWN: Final = 1_000


def get_logger(service: str) -> FilteringBoundLogger:
    return cast("FilteringBoundLogger", structlog.get_logger().bind(service=service))


def configure(level: str = "INFO") -> None:
    """Send our events and the standard library's through one formatter, to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor
    if sys.stderr.isatty():
        # Without local variables: they may hold secrets.
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    else:
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(Repeats())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiokafka", "faststream", "httpx", "httpcore", "uvicorn.access", "mail.log", "pymongo", "asyncio"):
        logging.getLogger(noisy).setLevel("WARNING")


class Repeats(logging.Filter):
    """Lets a complaint through once, then once a minute with how often it came meanwhile.

    That holds for warnings and errors of libraries, and for whatever carries a stack trace; our own events say something new each time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[Hashable, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key = _sameness(record) if record.levelno >= logging.WARNING else None
        if key is None:
            return True
        now = self._clock()
        said_at, held_back = self._seen.get(key, (None, 0))
        if said_at is not None and now - said_at < QUIET_FOR:
            self._seen[key] = (said_at, held_back + 1)
            return False
        if len(self._seen) >= MOST_KNOWN:
            self._seen.clear()
        self._seen[key] = (now, 0)
        if held_back:
            _count(record, held_back)
        return True


def _sameness(record: logging.LogRecord) -> Hashable | None:
    """What makes two records say the same; None for one that is never a repeat."""
    ours: Any = record.msg
    if isinstance(ours, dict):
        trace = str(ours.get("exception") or ours.get("exc_info") or "")
        return (ours.get("event"), ours.get("topic"), ours.get("group"), trace.rstrip().rpartition("\n")[2]) if trace else None
    return record.name, record.levelno, re.sub(r"\d+", "#", str(record.msg))[:300]


def _count(record: logging.LogRecord, times: int) -> None:
    if isinstance(record.msg, dict):
        record.msg["held_back"] = times
    else:
        record.msg = f"{record.msg} ({times} more like this were held back)"
