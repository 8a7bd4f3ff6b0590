"""Whether a new JSON Schema still understands everybody who speaks the old one.

Change within one topic version is additive: what is removed, retyped, narrowed or newly required breaks a reader
that is not deployed yet or a record that is still in the log.

A known weakness: a new value in an enumeration passes, though an older reader dead-letters the first record that
carries it. Deploy the readers first.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

Schema = Mapping[str, Any]

UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems")


def compatible(old: Schema, new: Schema) -> bool:
    return not incompatibilities(old, new)


def incompatibilities(old: Schema, new: Schema) -> tuple[str, ...]:
    """One sentence per change that old readers, writers or records do not survive; empty when there is none."""
    return tuple(dict.fromkeys(_Comparison(old, new).node(old, new, "")))


class _Comparison:
    """Walks both schemas side by side; definitions that refer to each other are compared once."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[str, str]] = set()

    def node(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        if "$ref" in old and "$ref" in new:
            pair = (old["$ref"], new["$ref"])
            if pair in self._seen:
                return
            self._seen.add(pair)
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        if _alternatives(old) or _alternatives(new):
            yield from self._union(old, new, path)
            return
        yield from _value(old, new, path)
        yield from self._object(old, new, path)
        yield from self._parts(old, new, path)

    def _union(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before = {_label(node): node for node in _alternatives(old) or [old]}
        after = {_label(node): node for node in _alternatives(new) or [new]}
        for label, node in before.items():
            if label in after:
                yield from self.node(node, after[label], path or label)
            else:
                yield f"{path or 'the topic'}: {label} was removed"
        if path:  # at the top an alternative is an event type, and a new one is skipped by those who don't know it
            yield from (f"{path}: became {label}, which older readers refuse" for label in after if label not in before)

    def _object(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, node in before.items():
            if name in after:
                yield from self.node(node, after[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}: was removed"
        for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
            yield f"{path}.{name}: is now required"
        if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
            yield f"{path or 'the document'}: no longer allows unknown fields"

    def _parts(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        for name in ("items", "additionalProperties", "propertyNames"):
            if isinstance(old.get(name), Mapping) and isinstance(new.get(name), Mapping):
                yield from self.node(old[name], new[name], f"{path}[]")
        for before, after in zip(old.get("prefixItems", ()), new.get("prefixItems", ()), strict=False):
            yield from self.node(before, after, f"{path}[]")


def _value(old: Schema, new: Schema, path: str) -> Iterator[str]:
    for name in ("type", "format"):
        if old.get(name) != new.get(name):
            yield f"{path}: {name} was {old.get(name, 'free')}, is {new.get(name, 'free')}"
    if "pattern" in new and old.get("pattern") != new["pattern"]:
        yield f"{path}: the pattern changed"
    gone = _gone(_values(old), _values(new))
    if gone:
        yield f"{path}: no longer allows {', '.join(gone)}"
    yield from (f"{path}: {bound} was lowered" for bound in UPPER_BOUNDS if new.get(bound, inf) < old.get(bound, inf))
    yield from (f"{path}: {bound} was raised" for bound in LOWER_BOUNDS if new.get(bound, -inf) > old.get(bound, -inf))


def _values(node: Schema) -> Sequence[Any] | None:
    """The values a node is limited to; None when it is not."""
    values: Sequence[Any] | None = [node["const"]] if "const" in node else node.get("enum")
    return values


def _gone(old: Sequence[Any] | None, new: Sequence[Any] | None) -> list[str]:
    if new is None:
        return []
    if old is None:
        return ["what it did not list before"]
    return [str(value) for value in old if value not in new]


def _alternatives(node: Schema) -> Sequence[Schema]:
    alternatives: Sequence[Schema] = node.get("oneOf") or node.get("anyOf") or ()
    return alternatives


def _label(node: Schema) -> str:
    """What two alternatives have in common when they are the same one."""
    if "$ref" in node:
        return str(node["$ref"]).rsplit("/", 1)[-1]
    return str(node.get("title") if node.get("type") == "object" else node.get("type"))


def _resolved(document: Schema, node: Schema) -> Schema:
    while "$ref" in node:
        node = document["$defs"][str(node["$ref"]).rsplit("/", 1)[-1]]
    return node
