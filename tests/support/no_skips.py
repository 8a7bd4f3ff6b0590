"""A pytest plugin that takes a run for failed when any test of it did not really run.

Loaded by `make test`, it acts only where `HELPDESK_NO_SKIPS=1`: on a machine where everything can run, a skipped
test is a hole nobody sees.
"""

import os
from collections.abc import Sequence
from typing import Any, Final

import pytest

HOLES: Final = "helpdesk-holes"


class NoSkips:
    """Remembers what was skipped, expected to fail or deselected."""

    def __init__(self) -> None:
        self.holes: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped or hasattr(report, "wasxfail"):
            self.holes.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.holes.append(report.nodeid)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.holes.extend(item.nodeid for item in items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Of a run in several processes: what this one has seen."""
        seen: list[str] = getattr(node, "workeroutput", {}).get(HOLES, [])
        self.holes.extend(hole for hole in seen if hole not in self.holes)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[HOLES] = self.holes
        elif self.holes and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.holes:
            terminalreporter.section("did not run, and had to (HELPDESK_NO_SKIPS=1)", red=True)
            terminalreporter.write_line("\n".join(self.holes))


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("HELPDESK_NO_SKIPS") == "1":
        config.pluginmanager.register(NoSkips(), "no-skips")
