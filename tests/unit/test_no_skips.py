import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RAN = "def test_runs(): pass\n"
SKIPPED = "import pytest\n@pytest.mark.skip\ndef test_skipped(): pass\n"
EXPECTED_TO_FAIL = "import pytest\n@pytest.mark.xfail\ndef test_expected_to_fail(): assert False\n"
MODULE_SKIPPED = "import pytest\npytest.importorskip('no_such_module')\n"


def run(folder: Path, source: str, *options: str, strict: str) -> int:
    (folder / "test_ran.py").write_text(RAN)
    (folder / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "tests.support.no_skips", "--rootdir", str(folder), *options]
    environment = os.environ | {"HELPDESK_NO_SKIPS": strict, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run([*command, str(folder)], env=environment, cwd=folder, capture_output=True, check=False).returncode


@pytest.mark.parametrize("source", [SKIPPED, EXPECTED_TO_FAIL, MODULE_SKIPPED])
def test_a_run_with_a_hole_fails_where_nothing_may_be_skipped(tmp_path: Path, source: str) -> None:
    assert run(tmp_path, source, strict="1") == 1


def test_a_deselected_test_is_a_hole(tmp_path: Path) -> None:
    assert run(tmp_path, "def test_other(): pass\n", "-k", "runs", strict="1") == 1


def test_a_run_without_holes_passes(tmp_path: Path) -> None:
    assert run(tmp_path, RAN, strict="1") == 0


def test_elsewhere_a_skipped_test_fails_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, SKIPPED, strict="0") == 0
