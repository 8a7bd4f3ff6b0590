"""How far the sender's address of a mail is proven, by what our own mail server wrote into it (RFC 8601)."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.values import Trust

LONGEST: Final = 8_000
"""Characters of one Authentication-Results field that are read."""

_RESULT: Final = re.compile(r"\s*([a-z0-9-]+)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)(?![a-z0-9-])", re.IGNORECASE)
_PROPERTY: Final = re.compile(r"([a-z0-9-]+\.[a-z0-9-]+)\s*=\s*([^\s;]+)", re.IGNORECASE)
_AUTHSERV: Final = re.compile(r"\s*([^\s;]+)(?:\s+\d+)?\s*\Z")
_SPECIAL: Final = re.compile(r"[\s;=()]")
_OUTSIDE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|"[^"]*\Z|[()]|[^"()]+')
_IN_COMMENT: Final = re.compile(r"\\.|[()]|[^\\()]+", re.DOTALL)
"""A quote that is never closed takes all that follows."""


@dataclass(frozen=True)
class Result:
    """One method of one field, in lower case: `dkim`, `pass`, `{"header.d": "anbinh.example"}`."""

    method: str
    verdict: str
    properties: Mapping[str, str]


def trust_of(fields: Sequence[str], authserv_ids: Collection[str], sender: str) -> Trust:
    """By the topmost field that carries an id of ours; what stands below it, or has another id, anybody may have written.

    `authserv_ids` in lower case. A DMARC verdict decides; without one, a signature or an SPF pass of the sender's own domain does.
    """
    domain = sender.rpartition("@")[2].lower()
    for field in fields:
        authserv_id, results = _read(field[:LONGEST])
        if authserv_id in authserv_ids and domain:
            return _judged(results, domain)
    return "none"


def _judged(results: Sequence[Result], domain: str) -> Trust:
    dmarc = [result for result in results if result.method == "dmarc"]
    if any(result.verdict == "fail" for result in dmarc):
        return "fail"
    if any(result.verdict == "pass" and result.properties.get("header.from", domain) == domain for result in dmarc):
        return "pass"
    return "pass" if any(_stands_for(result, domain) for result in results) else "none"


def _stands_for(result: Result, domain: str) -> bool:
    """The domain itself or one above it; which siblings belong together only the Public Suffix List knows, and it is not asked."""
    names = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}.get(result.method, ())
    proven = [result.properties[name].rpartition("@")[2] for name in names if name in result.properties]
    return result.verdict == "pass" and any(by and (domain == by or domain.endswith(f".{by}")) and "." in by for by in proven)


def _read(field: str) -> tuple[str, list[Result]]:
    head, *rest = _plain(field).split(";")
    found = _AUTHSERV.match(head)
    return (found[1].lower() if found else "", list(_results(rest)))


def _results(segments: Sequence[str]) -> Iterator[Result]:
    for segment in segments:
        found = _RESULT.match(segment)
        if found is not None:
            properties = {name.lower(): value.lower() for name, value in _PROPERTY.findall(segment, found.end())}
            yield Result(found[1].lower(), found[2].lower(), properties)


def _plain(field: str) -> str:
    """Without comments; what was quoted stays one word, so that nothing in it is taken for a result."""
    plain: list[str] = []
    position, depth = 0, 0
    while position < len(field):
        found = (_IN_COMMENT if depth else _OUTSIDE).match(field, position)
        piece = found[0] if found else field[position]
        position += len(piece)
        if piece in {"(", ")"}:
            depth = max(depth + (1 if piece == "(" else -1), 0)
        elif not depth:
            plain.append(_SPECIAL.sub("_", piece.strip('"')) if piece.startswith('"') else piece)
    return "" if depth else "".join(plain)
