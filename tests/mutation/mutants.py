"""The mutants of a module, made by mutmut: each is one function with one thing changed.

mutmut leaves functions with a decorator alone; here `@property` is taken off first, so that properties are mutated too.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from itertools import zip_longest
from pathlib import Path
from types import CodeType
from typing import Final

from mutmut.mutation.file_mutation import mutate_file_contents

_NAME: Final = re.compile(r"x(?:_|ǁ(?P<owner>\w+)ǁ)(?P<function>\w+)__mutmut_(?P<number>\d+)")
_ORIGIN: Final = "__mutmut_orig"
_PROPERTY: Final = re.compile(r"^(\s*)@property$", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """`lines` are those of the statement it changes, in the module as it is; `code` takes the place of the function's own.

    `defaults` computes, in the module, those of its parameters: of the positional ones, and by name of the others.
    """

    module: str
    owner: str | None
    function: str
    number: int
    lines: range
    diff: str
    code: CodeType
    defaults: CodeType

    @property
    def name(self) -> str:
        return ".".join(filter(None, (self.owner, self.function))) + f" {self.number}"


def mutants_of(path: Path, module: str) -> Iterator[Mutant]:
    """Of a text written in capitals, in small letters and between XX only the last: what that does not show, they do not either."""
    source = _PROPERTY.sub(r"\1# property", path.read_text("utf-8"))
    written = mutate_file_contents(str(path), source).code
    codes, changed = dict(_codes(compile(written, str(path), "exec"))), _changed(written)
    texts = {name: _text(written, node) for name, node in changed.items()}
    tree = ast.parse(source)
    functions, statements = _functions(tree), _statements(tree)
    for name, code in codes.items():
        if (found := _NAME.fullmatch(name)) is None:
            continue
        before, after = texts[name.rpartition("__mutmut_")[0] + _ORIGIN], texts[name]
        if [line.lower() for line in before] == [line.lower() for line in after]:
            continue
        function = functions[found["owner"], found["function"]]
        lines = _around(statements, function, function.lineno + _first_difference(before, after))
        number, defaults = int(found["number"]), _defaults(changed[name])
        yield Mutant(module, found["owner"], found["function"], number, lines, _diff(before, after), code, defaults)


def _codes(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    """The functions of a module and of its classes, by the names mutmut gave them."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner.co_name, inner
            if "__mutmut" not in inner.co_name:
                yield from _codes(inner)


def _changed(source: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and "__mutmut" in node.name}


def _text(source: str, node: ast.FunctionDef) -> list[str]:
    """The function's lines under the name it had."""
    name = node.name.rpartition("__mutmut_")[0]
    return [line.replace(node.name, name) for line in source.splitlines()[node.lineno - 1 : node.end_lineno]]


def _defaults(node: ast.FunctionDef) -> CodeType:
    named = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    given = {argument.arg: default for argument, default in named if default is not None}
    by_name = ast.Dict([ast.Constant(name) for name in given], list(given.values()))
    both = ast.Tuple([ast.Tuple(node.args.defaults, ast.Load()), by_name], ast.Load())
    return compile(ast.fix_missing_locations(ast.Expression(both)), "<defaults>", "eval")


def _functions(tree: ast.Module) -> dict[tuple[str | None, str], ast.FunctionDef]:
    owners = [(None, tree.body), *((node.name, node.body) for node in tree.body if isinstance(node, ast.ClassDef))]
    return {(owner, node.name): node for owner, body in owners for node in body if isinstance(node, ast.FunctionDef)}


def _statements(tree: ast.Module) -> list[range]:
    """The lines of each statement, the shortest first; of one with a body those of its head."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef | ast.ClassDef):
            body: list[ast.stmt] = getattr(node, "body", [])
            last = body[0].lineno - 1 if body else node.end_lineno or node.lineno
            found.append(range(node.lineno, max(last, node.lineno) + 1))
    return sorted(found, key=len)


def _around(statements: list[range], function: ast.FunctionDef, line: int) -> range:
    whole = range(function.body[0].lineno, (function.end_lineno or function.lineno) + 1)
    return next((lines for lines in statements if line in lines), whole)


def _first_difference(before: list[str], after: list[str]) -> int:
    return next((at for at, (old, new) in enumerate(zip_longest(before, after)) if old != new), 0)


def _diff(before: list[str], after: list[str]) -> str:
    return "\n".join(line for line in unified_diff(before, after, lineterm="", n=0) if not line.startswith(("---", "+++", "@@")))
