"""Commands to copy: as they have to be typed here, by whoever started `helpdesk up` this way."""

import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

DATA: Final = Path(".helpdesk")
"""Where everything is kept unless `--data` says otherwise."""


@dataclass(frozen=True)
class Typed:
    """The program, ready for a shell, and the folder that was named."""

    program: str
    data: Path

    @classmethod
    def here(cls, data: Path) -> Self:
        """As this process was started."""
        return cls(program_of(sys.argv[0], shutil.which("helpdesk")), data)

    def command(self, words: str) -> str:
        return f"{self.program} {words}"

    def on_data(self, words: str) -> str:
        """A command that works on the same folder."""
        return self.command(words) + ("" if self.data == DATA else f" --data {shlex.quote(str(self.data))}")


def program_of(started: str, on_path: str | None) -> str:
    """`helpdesk` where that is what was started; a module is started by its Python, which may be one of many."""
    if Path(started).name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m helpdesk"
    if on_path and Path(started).exists() and Path(on_path).samefile(started):
        return "helpdesk"
    return shlex.quote(started)
