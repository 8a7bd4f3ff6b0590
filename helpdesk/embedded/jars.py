"""Kafka's jars: resolved once by jgo, then only ever used when their SHA-256 is the one on our list.

jgo writes a lock file but accepts a jar that differs from it, so the list beside this file decides: it is the whole class path.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from helpdesk.embedded.errors import MissingPartError, TamperedJarError
from helpdesk.embedded.group import Progress, silent
from helpdesk.embedded.parts import package

KAFKA = "4.3.0"
ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA}+org.slf4j:slf4j-simple:1.7.36"
LIST = Path(__file__).with_name("kafka-jars.sha256")


def read_list(path: Path = LIST) -> dict[str, str]:
    """SHA-256 by file name; the file has the form `sha256sum` writes and checks."""
    rows = (line.split() for line in path.read_text().splitlines() if line)
    return {name: digest for digest, name in rows}


def default_cache() -> Path:
    """Where verified jars are kept for all data folders of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "helpdesk" / f"kafka-{KAFKA}"


def resolve() -> list[Path]:
    """Every jar of the endpoint, downloaded by jgo where this machine does not have it; up to a minute the first time."""
    jgo = package("jgo")
    try:
        return [Path(jar) for jar in jgo.build(ENDPOINT).all_jars]
    except Exception as failure:  # whatever a resolver, an HTTP client or a disk can raise
        raise MissingPartError(
            f"Kafka's jars could not be fetched ({failure}); check the network and try again, "
            "or give KAFKA_BOOTSTRAP_SERVERS, or use Docker (docker compose up)"
        ) from failure


@dataclass(frozen=True)
class JarStore:
    """The folder with exactly the jars of the list; hashing all 46 MB takes 0.05 s, so it is done at every start."""

    folder: Path
    digests: Mapping[str, str]
    source: Callable[[], Iterable[Path]] = resolve

    def classpath(self, progress: Progress = silent) -> str:
        """What `java -cp` takes; fetches what is missing, raises TamperedJarError naming a jar that differs."""
        missing = [name for name in self.digests if not (self.folder / name).exists()]
        if missing:
            progress(f"fetching Apache Kafka {KAFKA} ({len(self.digests)} jars, 48 MB; only the first time)")
            self._fetch(missing)
        for name in self.digests:
            self._verify(self.folder / name)
        return os.pathsep.join(str(self.folder / name) for name in self.digests)

    def _fetch(self, missing: Iterable[str]) -> None:
        """Copies, not links: whoever changes the resolver's cache later does not change ours."""
        found = {jar.name: jar for jar in self.source()}
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in missing:
            if name not in found:
                raise MissingPartError(f"{name} is on the list of Kafka's jars but was not resolved; remove ~/.cache/jgo and try again")
            self._verify(found[name])
            self._copy(found[name])

    def _copy(self, jar: Path) -> None:
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=jar.name)
        with os.fdopen(handle, "wb") as target, jar.open("rb") as origin:
            shutil.copyfileobj(origin, target)
        Path(temporary).replace(self.folder / jar.name)  # in one step: another process may be filling the folder as well

    def _verify(self, jar: Path) -> None:
        with jar.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if digest != self.digests[jar.name]:
            raise TamperedJarError(
                f"{jar.name} is not the jar it should be: {jar} has SHA-256 {digest}, expected {self.digests[jar.name]}. "
                f"Nothing was started; find out who changed it, then delete it and its copies in ~/.m2/repository and ~/.cache/jgo"
            )


def kafka_jars() -> JarStore:
    """The store of this user."""
    return JarStore(default_cache(), read_list())
