"""Files that did not get in, as their sender is told of them: few, and with little of the sender's own words.

Whoever writes a mail chooses its files' names and, by a forged sender, who is told of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from schemas.values import LocalText, RefusedFiles
from services.intake.domain.files import extension_of
from services.intake.domain.problems import FieldProblem, Param, sentence

MOST_TOLD: Final = 5
LONGEST_NAME_TOLD: Final = 80
LONGEST_EXTENSION_TOLD: Final = 10
"""Characters; an extension that means anything is shorter."""


def refused_files(problems: Sequence[FieldProblem]) -> RefusedFiles | None:
    """`problems` name one file each. None where there are none."""
    if not problems:
        return None
    told = [replace(problem, params=_shortened(problem.params)) for problem in problems[:MOST_TOLD]]
    because = tuple(LocalText(vi=sentence(problem, "vi"), en=sentence(problem, "en")) for problem in told)
    return RefusedFiles(because=because, more=len(problems) - len(told))


def _shortened(params: Mapping[str, Param]) -> dict[str, Param]:
    longest = {"name": _short_name, "extension": _short_extension}
    return {key: longest[key](value) if key in longest and isinstance(value, str) else value for key, value in params.items()}


def _short_name(name: str) -> str:
    """Cut in the middle, so that its extension is seen."""
    if len(name) <= LONGEST_NAME_TOLD:
        return name
    extension = extension_of(name)
    tail = name[-len(extension) - 1 :] if 0 < len(extension) <= LONGEST_EXTENSION_TOLD else ""
    return f"{name[: LONGEST_NAME_TOLD - len(tail) - 1].rstrip()}…{tail}"


def _short_extension(extension: str) -> str:
    return extension if len(extension) <= LONGEST_EXTENSION_TOLD else f"{extension[: LONGEST_EXTENSION_TOLD - 1]}…"
