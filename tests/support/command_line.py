"""`helpdesk` as it is typed, in this process: exit code, what it printed, and that nothing escaped it."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from typer.testing import CliRunner

from helpdesk.cli import app

OURS = ("HELPDESK_", "KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI")


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


def helpdesk(*arguments: str, variables: Mapping[str, str] | None = None) -> Said:
    """Run a command with these variables and none of the caller's. Not from inside an event loop."""
    unset = dict.fromkeys(name for name in os.environ if name.startswith(OURS))
    with _logs_as_before():
        result = CliRunner().invoke(app, list(arguments), env=unset | dict(variables or {}))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


@contextmanager
def _logs_as_before() -> Iterator[None]:
    """A command that serves sends the logs of its process to a standard error that ends with the command."""
    root, known = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level
        structlog.configure(**known)
