"""A child ends with its parent, however the parent ends, and what it wrote can be told."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from helpdesk.embedded.errors import ServerDiedError
from helpdesk.embedded.process import Child, Tie

SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
POLITE = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit()))
print('up', flush=True)
signal.pause()
"""
# A parent that starts one child, tells both process ids and waits to be killed.
PARENT = """
import sys, time
from pathlib import Path
from helpdesk.embedded.process import Child
child = Child([sys.executable, "-c", sys.argv[3]], Path(sys.argv[1]), tie=sys.argv[2])
child.start()
while not child.last_lines():
    time.sleep(0.01)
print(child.last_lines(), flush=True)
time.sleep(60)
"""
TIES: list[Tie] = ["kernel", "pipe"] if sys.platform == "linux" else ["pipe"]


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def is_running(pid: int) -> bool:
    """Not counting a zombie nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition: object, seconds: float = 5) -> bool:
    assert callable(condition)
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(condition())


@pytest.mark.parametrize("tie", TIES)
def test_a_child_is_gone_after_its_parent_was_killed_with_sigkill(tmp_path: Path, tie: Tie) -> None:
    with subprocess.Popen([*python(PARENT), str(tmp_path / "log"), tie, SLEEPER], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.kill()
    assert wait_for(lambda: not is_running(child))


def test_a_child_started_from_a_thread_outlives_that_thread(tmp_path: Path) -> None:
    child = Child(python(SLEEPER), tmp_path / "log")
    starter = threading.Thread(target=child.start)
    starter.start()
    starter.join()
    time.sleep(0.3)
    assert child.alive
    child.kill()


def test_a_guard_whose_caller_is_already_gone_starts_nothing(tmp_path: Path) -> None:
    guard = Path("helpdesk/embedded/guard.py").resolve()
    witness = tmp_path / "started"
    command = [sys.executable, str(guard), "kernel", "0", *python(f"open({str(witness)!r}, 'w')")]  # nobody is process 0
    assert subprocess.run(command, check=False).returncode == 3
    assert not witness.exists()


@pytest.mark.parametrize("tie", TIES)
def test_stop_asks_first_and_kills_what_does_not_listen(tmp_path: Path, tie: Tie) -> None:
    child = Child(python(STUBBORN), tmp_path / "log", tie=tie)
    child.start()
    assert wait_for(lambda: "ready" in child.last_lines())
    began = time.monotonic()
    child.stop(grace_seconds=0.3)
    assert 0.3 <= time.monotonic() - began < 5
    assert not child.alive
    child.stop(grace_seconds=0.3)  # again: nothing happens


@pytest.mark.parametrize("tie", TIES)
def test_stop_lets_a_program_that_listens_finish_its_work(tmp_path: Path, tie: Tie) -> None:
    child = Child(python(POLITE), tmp_path / "log", tie=tie)
    child.start()
    assert wait_for(lambda: "up" in child.last_lines())
    child.stop(grace_seconds=10)
    assert child.last_lines().splitlines()[-1] == "bye"


def test_ctrl_c_in_the_terminal_does_not_reach_a_child(tmp_path: Path) -> None:
    child = Child(python(SLEEPER), tmp_path / "log")
    child.start()
    try:
        assert os.getpgid(child.pid) != os.getpgid(0)  # the terminal signals its foreground process group
    finally:
        child.kill()


def test_the_last_lines_and_the_log_hold_what_a_program_said_before_it_ended(tmp_path: Path) -> None:
    child = Child(python("import sys; [print('line', n) for n in range(100)]; sys.exit('no disk')"), tmp_path / "log")
    child.start()
    assert wait_for(lambda: not child.alive)
    assert child.last_lines().splitlines()[-1] == "no disk"
    assert len(child.last_lines().splitlines()) == 25
    assert len((tmp_path / "log").read_text().splitlines()) == 101


def test_a_program_that_cannot_be_run_is_an_error_that_names_it(tmp_path: Path) -> None:
    child = Child([str(tmp_path / "missing")], tmp_path / "log")
    child.start()
    assert wait_for(lambda: not child.alive)
    assert "No such file" in child.last_lines()
    with pytest.raises(ServerDiedError):
        _ = Child(["never"], tmp_path / "log").pid


def test_a_log_that_cannot_be_written_does_not_end_the_program(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    child = Child(python("print('one'); print('two')"), tmp_path / "log")
    child.start()
    assert wait_for(lambda: not child.alive)
    assert child.last_lines() == "one\ntwo"


def test_signal_zero_finds_no_process_after_kill(tmp_path: Path) -> None:
    child = Child(python(SLEEPER), tmp_path / "log")
    child.start()
    pid = child.pid
    child.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
