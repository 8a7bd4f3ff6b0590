"""The YAML text as data that remembers on which line everything stands.

YAML 1.2 rules hold: an unquoted `08:00` is text, `no` is text, `2026-01-10` is a date, also as a key.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Never

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from helpdesk.organisation.problems import Finding, OrganisationErrors, Path, Problem, written

MERGE = "tag:yaml.org,2002:merge"

_LOOK: Final = "Look at the indentation, the quotes and the brackets here and on the line above."

_PHRASES: Final = {
    "mapping values are not allowed": ('a ": " too many stands in this line', 'Put text that has ": " in it in quotes.'),
    "'\\t' that cannot start": ("a tab stands here", "Indent with spaces."),
    "expected <block end>": ("this line does not fit the lines above it", "Indent it as the other lines of its entry."),
    "another document": ("a second document begins here", "One file holds one organisation: delete the `---`."),
    "could not determine a constructor": ("a tag (`!…`) has no meaning here", "Delete it."),
}
"""What the YAML library says of common slips, and what they are."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: plain `data` and the place of every part of it."""

    data: dict[Any, Any]
    root: Node
    name: str

    def problem(self, finding: Finding) -> Problem:
        """The finding with the place of what it speaks of, or of its nearest existing parent."""
        line, column = self._place(finding.path, at_key=finding.at_key)
        return Problem(line, column, written(finding.path), finding.message, finding.remedy)

    def line(self, path: Path) -> int:
        return self._place(path, at_key=False)[0]

    def _place(self, path: Path, *, at_key: bool) -> tuple[int, int]:
        node, key = self.root, self.root
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            key, node = found
        else:
            node = key if at_key else node
        return node.start_mark.line + 1, node.start_mark.column + 1


class _Constructor(SafeConstructor):
    """Leaves a scalar that looks like a date or number but is none (`2026-02-30`) as the text it is."""

    def construct_object(self, node: Node, deep: bool = False) -> object:
        try:
            return super().construct_object(node, deep)
        except ValueError:
            if not isinstance(node, ScalarNode):
                raise
            self.recursive_objects.pop(node, None)
            return node.value


def parse(text: str, name: str = "organisation") -> Document:
    """Read one YAML document; raise OrganisationErrors when it is broken, empty, or says a key twice."""
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.allow_duplicate_keys = True
        root = yaml.compose(text)
        if not isinstance(root, MappingNode):
            _refuse(name, Problem(1, 1, "", "this is not an organisation", "Start with `name:`, `units:`, …; see docs/organisation.md."))
        _refuse_duplicates(root, name)
        data = _Constructor(loader=yaml).construct_document(root)
    except ReaderError as error:
        _refuse(name, _unreadable(text, error))
    except MarkedYAMLError as error:
        _refuse(name, _broken(error))
    except YAMLError as error:
        _refuse(name, Problem(0, 0, "", f"this is not YAML: {str(error).splitlines()[0]}"))
    except RecursionError:
        _refuse(name, Problem(0, 0, "", "this is nested too deeply to be an organisation"))
    return Document(data, root, name)


def _refuse(name: str, *problems: Problem) -> Never:
    raise OrganisationErrors(problems, name) from None


def _refuse_duplicates(root: Node, name: str) -> None:
    problems = tuple(_duplicates(root))
    if problems:
        _refuse(name, *problems)


def _duplicates(root: Node) -> Iterator[Problem]:
    waiting: list[tuple[Path, Node]] = [((), root)]
    visited: set[int] = set()
    while waiting:
        path, node = waiting.pop()
        if id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, MappingNode):
            yield from _twice(path, node)
        waiting.extend(((*path, step), child) for step, child in _children(node))


def _twice(path: Path, node: MappingNode) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, ScalarNode):
            continue
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if key.value in first:
            remedy = f"The first is on line {first[key.value]}; keep one."
            yield Problem(line, column, written((*path, key.value)), f'"{key.value}" stands here a second time', remedy)
        first.setdefault(key.value, line)


def _children(node: Node) -> Iterator[tuple[str | int, Node]]:
    if isinstance(node, SequenceNode):
        yield from enumerate(node.value)
    elif isinstance(node, MappingNode):
        yield from ((str(key.value), value) for key, value in node.value)


def _child(node: Node, step: str | int) -> tuple[Node, Node] | None:
    if isinstance(node, SequenceNode):
        return (node.value[step], node.value[step]) if isinstance(step, int) and step < len(node.value) else None
    if not isinstance(node, MappingNode):
        return None
    for key, value in reversed(node.value):
        if key.value == str(step):
            return key, value
    return next((found for key, value in node.value if key.tag == MERGE and (found := _merged(value, step))), None)


def _merged(node: Node, step: str | int) -> tuple[Node, Node] | None:
    """Look in what `<<` merges in: one mapping or a list of them."""
    sources = node.value if isinstance(node, SequenceNode) else [node]
    return next((found for source in sources if (found := _child(source, step))), None)


def _broken(error: MarkedYAMLError) -> Problem:
    mark: StringMark | None = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    said = error.problem or "it cannot be read"
    message, remedy = next((words for phrase, words in _PHRASES.items() if phrase in said), (f"this is not YAML: {said}", _LOOK))
    begun: StringMark | None = error.context_mark
    if message.startswith("this is not YAML") and begun and error.context:
        message += f" {error.context} that begins on line {begun.line + 1}"
    return Problem(line, column, "", message, remedy)


def _unreadable(text: str, error: ReaderError) -> Problem:
    before = text[: error.position]
    line, column = before.count("\n") + 1, error.position - before.rfind("\n")
    return Problem(line, column, "", "a control character stands here", "Delete it; it may be invisible in your editor.")
