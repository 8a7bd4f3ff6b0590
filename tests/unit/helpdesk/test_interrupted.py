"""Ctrl-C in the second in which `helpdesk` is being loaded. A library that interrupts us while it is imported makes the moment certain."""

import signal
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

from helpdesk.__main__ import main

ROOT = Path(__file__).parents[3]
INTERRUPTS = """
import os, signal, time
os.kill(os.getpid(), signal.SIGINT)
time.sleep(0.1)
raise SystemExit("it went on")
"""


def loaded(folder: Path, shell: str) -> tuple[int, str]:
    (folder / "typer.py").write_text(INTERRUPTS)
    command = ["/bin/sh", "-c", f'{shell} exec "$0" -m helpdesk up', sys.executable]
    ended = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False, timeout=60)
    return ended.returncode, ended.stdout + ended.stderr


def test_it_ends_without_a_word(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == (-signal.SIGINT, "")


def test_where_ctrl_c_is_ignored_as_in_the_background_it_stays_so(tmp_path: Path) -> None:
    assert loaded(tmp_path, "trap '' INT;") == (1, "it went on\n")


def test_the_installed_command_begins_there_too() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert EntryPoint("helpdesk", scripts["helpdesk"], "console_scripts").load() is main
