"""The mutants that docs/mutation-testing.md explains: a row of one of its tables for each, found by function and change."""

import re
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "mutation-testing.md"
Key = tuple[str, str, str]
"""Module, function, change."""

_MODULE: Final = re.compile(r"^### (\w+)", re.MULTILINE)
_ROW: Final = re.compile(r"^\| `([\w.]+)` \| (`.+) \| ", re.MULTILINE)


def explained() -> set[Key]:
    parts = _MODULE.split(DOCUMENT.read_text("utf-8"))[1:]
    rows = [(module, row) for module, text in zip(parts[::2], parts[1::2], strict=True) for row in _ROW.findall(text)]
    return {(module, function, change) for module, (function, change) in rows}


def key_of(row: Mapping[str, Any]) -> Key:
    """Of a line of JSON that the run wrote."""
    return row["module"].rpartition(".")[2], row["name"].rpartition(" ")[0], change(row["diff"])


def row_of(key: Key) -> str:
    return f"| `{key[1]}` | {key[2]} | "


def change(diff: str) -> str:
    """The words that were changed, with one before and one after them, as they were and as they are."""
    before, after = (_words(diff, mark) for mark in "-+")
    head = max(_alike(before, after) - 1, 0)
    rest = min(len(before), len(after)) - head
    tail = min(max(_alike(before[::-1], after[::-1]) - 1, 0), rest)
    old, new = (" ".join(words[head : len(words) - tail]) for words in (before, after))
    return f"`{_escaped(old)}` → `{_escaped(new)}`"


def _alike(one: list[str], other: list[str]) -> int:
    """How many words they begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _words(diff: str, mark: str) -> list[str]:
    lines = [line[1:] for line in diff.splitlines() if line.startswith(mark)]
    return " ".join(lines).replace("xǁ", "").replace("ǁ", ".").split()


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")
