"""A pytest plugin that runs the tests once, to see which of them runs which line, and then against each mutant those that run its line.

Every run is a process of its own, forked when the tests are collected and none has run yet: nothing that tests keep between them
was computed without the mutant. The first failure ends it.
"""

import gc
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, Final, NoReturn

import coverage
import pytest
from hypothesis import Phase, settings

from tests.mutation.mutants import Mutant, mutants_of

PATIENCE: Final = 1.5
"""CPU seconds a test may take on top of ten times what it takes by itself; longer is for ever, and is noticed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutate", action="append", default=[], help="a module to mutate")
    parser.addoption("--mutants", default="", help="only mutants whose name contains this")
    parser.addoption("--mutants-to", type=Path, help="a file that gets a line of JSON for each mutant")


def pytest_configure() -> None:
    """The same examples for every mutant, and none is searched for a smaller one."""
    settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None, derandomize=True)
    settings.load_profile("mutants")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    files = {module: _file(module) for module in session.config.getoption("--mutate")}
    gc.freeze()
    with TemporaryDirectory() as folder, session.config.getoption("--mutants-to").open("a") as out:
        seconds, lines = _observed(session, list(files.values()), Path(folder))
        for module, path in files.items():
            by_line = lines.contexts_by_lineno(str(path))
            for mutant in mutants_of(path, module):
                if session.config.getoption("--mutants") in mutant.name:
                    ran = {test for line in mutant.lines for test in by_line.get(line, ()) if test}
                    outcome = _tried(session, mutant, {test: seconds[test] for test in _ordered(ran, seconds)}, Path(folder) / "killer")
                    print(json.dumps(_row(mutant) | outcome | {"tests": len(ran)}, ensure_ascii=False), file=out, flush=True)
    return True


def _file(module: str) -> Path:
    return Path(importlib.import_module(module).__file__ or "").resolve()


def _row(mutant: Mutant) -> dict[str, Any]:
    return {"module": mutant.module, "name": mutant.name, "line": mutant.lines.start, "diff": mutant.diff}


def _observed(session: pytest.Session, files: list[Path], folder: Path) -> tuple[dict[str, float], coverage.CoverageData]:
    """CPU seconds of each test, and by line which tests run it."""
    if _forked(partial(_observe, session, files, folder)):
        raise pytest.UsageError("the tests fail without any mutant")
    lines = coverage.CoverageData(str(folder / "lines"))
    lines.read()
    return json.loads((folder / "seconds").read_text()), lines


def _observe(session: pytest.Session, files: list[Path], folder: Path) -> None:
    watch = coverage.Coverage(data_file=str(folder / "lines"), include=[str(path) for path in files], config_file=False)
    seconds: dict[str, float] = {}
    watch.start()
    for item in session.items:
        watch.switch_context(item.nodeid)
        begun = process_time()
        _run(session, item)
        seconds[item.nodeid] = process_time() - begun
    watch.stop()
    watch.save()
    (folder / "seconds").write_text(json.dumps(seconds))


def _run(session: pytest.Session, item: pytest.Item) -> None:
    """Raises SystemExit when it fails."""
    session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    if session.testsfailed:
        raise SystemExit(1)


def _ordered(tests: set[str], seconds: Mapping[str, float]) -> list[str]:
    """The quick ones first, but of a test with many rows one row after another of all."""
    rows: dict[str, int] = {}
    places = {}
    for test in sorted(tests, key=seconds.__getitem__):
        family = test.partition("[")[0]
        places[test] = rows[family] = rows.get(family, 0) + 1
    return sorted(tests, key=lambda test: (places[test] * seconds[test], test))


def _tried(session: pytest.Session, mutant: Mutant, tests: Mapping[str, float], killer: Path) -> dict[str, str]:
    if not tests:
        return {"status": "untested"}
    killer.write_text("")
    status = _forked(partial(_against, session, mutant, tests, killer))
    return {"status": "killed", "by": killer.read_text()} if status else {"status": "survived"}


def _against(session: pytest.Session, mutant: Mutant, tests: Mapping[str, float], killer: Path) -> None:
    _install(mutant)
    items = {item.nodeid: item for item in session.items}
    for test, seconds in tests.items():
        killer.write_text(test)
        signal.setitimer(signal.ITIMER_PROF, 10 * seconds + PATIENCE)
        _run(session, items[test])


def _install(mutant: Mutant) -> None:
    owner: Any = vars(sys.modules[mutant.module])
    if mutant.owner:
        owner = vars(owner[mutant.owner])
    found = owner[mutant.function]
    function: Any = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
    function.__code__ = mutant.code
    function.__defaults__, function.__kwdefaults__ = eval(mutant.defaults, vars(sys.modules[mutant.module]))  # noqa: S307


def _forked(work: Callable[[], None]) -> int:
    """What a silent process that does the work ends with: 0 when all tests passed."""
    if pid := os.fork():
        return os.waitpid(pid, 0)[1]
    return _child(work)


def _child(work: Callable[[], None]) -> NoReturn:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)
