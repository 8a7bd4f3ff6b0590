"""What is wrong with an organisation file, said so that its author finds the line and knows what to write."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]
"""Where something stands in the document: field names and list positions from the top."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend. `line` and `column` count from 1; line 0 means the file as a whole."""

    line: int
    column: int
    path: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}: " if self.line else ""
        where = f"{self.path}: " if self.path else ""
        return f"{place}{where}{self.message}." + (f" {self.remedy}" if self.remedy else "")


class OrganisationErrors(ValueError):
    """The file cannot be loaded; every problem found, in the order of its lines."""

    def __init__(self, problems: Iterable[Problem], name: str = "organisation") -> None:
        self.problems = tuple(sorted(set(problems)))
        self.name = name
        super().__init__(str(self))

    def __str__(self) -> str:
        return "\n".join(f"{self.name}:{'' if problem.line else ' '}{problem}" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem before its place in the text is known; `at_key` points at the field's name, not at its value."""

    path: Path
    message: str
    remedy: str = ""
    at_key: bool = False


def written(path: Path) -> str:
    """The path as people write it: `groups[2].calendar`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def did_you_mean(wrong: str, known: Iterable[str], otherwise: str = "") -> str:
    """A question naming the likeliest of the known words, or `otherwise` when none is near."""
    by_lower = {word.lower(): word for word in known}
    near = get_close_matches(wrong.lower(), by_lower, n=1, cutoff=0.6)
    return f'Did you mean "{by_lower[near[0]]}"?' if near else otherwise
