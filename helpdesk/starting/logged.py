"""Log lines of what runs inside `helpdesk up` itself: into a file, so that the terminal keeps what it was told."""

from typing import cast

import structlog
from structlog.typing import FilteringBoundLogger

from helpdesk.embedded.logfile import LimitedLog


def logger_to(log: LimitedLog) -> FilteringBoundLogger:
    """JSON lines; the log must be open."""
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    made = structlog.wrap_logger(_Lines(log), processors=processors, wrapper_class=structlog.make_filtering_bound_logger("INFO"))
    return cast("FilteringBoundLogger", made)


class _Lines:
    """What structlog wants of a logger: a method for each level that takes the finished line."""

    def __init__(self, log: LimitedLog) -> None:
        self._log = log

    def msg(self, line: str) -> None:
        self._log.write(f"{line}\n".encode())

    debug = info = warning = error = critical = msg
