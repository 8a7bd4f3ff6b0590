"""Does a test notice when a rule is changed? `python -m tests.mutation [MODULE ...]`: all of routing's domain without a module.

What is left is a change that no test notices: write one that does, or say in docs/mutation-testing.md why none need.
It ends with 1 when something is left that the document does not explain.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.mutation.explained import explained, key_of, row_of

DOMAIN: Final = "services.routing.domain"
TESTS: Final = "tests/unit/routing"
QUICK: Final = {"HELPDESK_TEST_EXAMPLES": "25", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Few examples for each of thousands of mutants: tables of hand-made cases kill most of them."""


def main(names: list[str]) -> int:
    modules = names or sorted(path.stem for path in Path(*DOMAIN.split(".")).glob("[a-z]*.py"))
    found = Path("mutants.jsonl")
    found.unlink(missing_ok=True)
    plugins = ["-p", "pytest_asyncio.plugin", "-p", "tests.mutation.running", "-p", "no:cacheprovider"]
    options = [f"--mutate={DOMAIN}.{module}" for module in modules] + [f"--mutants-to={found}", "--tb=no", "--assert=plain", "-qq"]
    command = [sys.executable, "-m", "pytest", *plugins, *options, TESTS]
    ended = subprocess.run(command, env=os.environ | QUICK, stdout=subprocess.DEVNULL, check=False).returncode
    return report([json.loads(line) for line in found.read_text("utf-8").splitlines()]) if found.exists() else ended


def report(rows: list[dict[str, Any]]) -> int:
    """What is left, those that nobody explained yet last; 1 when there are any."""
    left = [key_of(row) for row in rows if row["status"] != "killed"]
    known = explained()
    new = [key for key in left if key not in known]
    said = [f"{key[0]}: {row_of(key)}" for key in left if key in known] + [f"NOT EXPLAINED {key[0]}: {row_of(key)}" for key in new]
    for module, made in Counter(row["module"].rpartition(".")[2] for row in rows).items():
        lost = sum(key[0] == module for key in left)
        said.append(f"{module:16}{made:6} mutants{made - lost:6} killed{lost:5} left")
    sys.stdout.write("\n".join(said) + "\n")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
