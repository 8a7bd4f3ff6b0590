"""What one Authentication-Results field says (RFC 8601), and whether parts of it may be the sender's own words.

Servers write the sender's address and host name into comments and values as they came, so that a parenthesis, quotation mark or
semicolon in them ends the place they stand in. What such a field may say on is found by the traces that the sender cannot remove.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 8_000
"""Characters of one field that are read; a longer one is cut, and then hardly ever ends well."""

_RESULT: Final = re.compile(r"\s*([a-z0-9-]+)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)(?![a-z0-9-])", re.IGNORECASE)
_PROPERTY: Final = re.compile(r"([a-z0-9-]+\.[a-z0-9-]+)\s*=\s*([^\s;]+)", re.IGNORECASE)
_AUTHSERV: Final = re.compile(r"\s*([^\s;]+)(?:\s+\d+)?\s*\Z")
_FIRST_WORD: Final = re.compile(r'\s*([^\s;()"]*)')
_SPECIAL: Final = re.compile(r"[\s;=()]")
_OUTSIDE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[();]|[^"();]+', re.DOTALL)
_IN_COMMENT: Final = re.compile(r"[()]|[^()]+")
_AFTER_COMMENT: Final = re.compile(r"[\s;()]|\Z")

_ONCE: Final = ("dmarc", "spf")
"""Methods with one result for a mail; signatures can be several."""


@dataclass(frozen=True)
class Result:
    """One method of one field, in lower case: `dkim`, `pass`, `{"header.d": "anbinh.example"}`."""

    method: str
    verdict: str
    properties: Mapping[str, str]


@dataclass(frozen=True)
class Field:
    """`doubtful`: the sender may have written some of it, so that no good word in it counts."""

    authserv_id: str
    results: tuple[Result, ...] = ()
    doubtful: bool = True


@dataclass(frozen=True)
class _Segment:
    """What stands between two semicolons. A quoted string is one word in `text`, so that nothing in it is taken for a result."""

    text: str
    comments: tuple[str, ...]


def read_field(field: str) -> Field:
    """Of a field that does not close what it opens, only whose it says it is."""
    segments = _segments(field[:LONGEST])
    if segments is None:
        return Field(_lower(_FIRST_WORD.match(field)))
    head, *rest = segments
    results = tuple(_result(segment) for segment in rest)
    known = tuple(result for result in results if result is not None)
    often = Counter(result.method for result in known)
    doubtful = any(often[method] > 1 for method in _ONCE) or any(map(_is_doubtful, rest, results))
    return Field(_lower(_AUTHSERV.match(head.text)), known, doubtful)


def _lower(found: "re.Match[str] | None") -> str:
    return found[1].lower() if found else ""


def _result(segment: _Segment) -> Result | None:
    found = _RESULT.match(segment.text)
    if found is None:
        return None
    properties = {name.lower(): value.lower() for name, value in _PROPERTY.findall(segment.text, found.end())}
    return Result(found[1].lower(), found[2].lower(), properties)


def _is_doubtful(segment: _Segment, result: Result | None) -> bool:
    """What the sender breaks out of leaves its end behind: the rest of an address, or of a list of what is known of the sender.

    Only SPF says such things in comments, once in a result, and a field with two SPF results is doubtful for that.
    """
    most = 1 if result is not None and result.method == "spf" else 0
    if any('"' in comment or "\\" in comment for comment in segment.comments) or sum(map(_names_sender, segment.comments)) > most:
        return True
    if result is None:
        return "@" in segment.text
    names = [name.lower() for name, _ in _PROPERTY.findall(segment.text)]
    return len(names) > len(set(names)) or (result.verdict == "pass" and _has_address(segment.text, result.method))


def _names_sender(comment: str) -> bool:
    return "@" in comment or (";" in comment and "=" in comment)


def _has_address(text: str, method: str) -> bool:
    """Where none belongs: in a signature's, save for whom it is made in the name of, and in a DMARC result."""
    rest = _PROPERTY.sub(lambda found: "" if found[1].lower() == "header.i" else found[0], text) if method == "dkim" else text
    return method in {"dkim", "dmarc"} and "@" in rest


def _segments(field: str) -> Sequence[_Segment] | None:
    """None where a comment or a quoted string does not end, or a comment ends that never began, or in the middle of a word."""
    segments, text, comments, position = [], "", [], 0
    while position < len(field):
        found = _OUTSIDE.match(field, position)
        if found is None or found[0] == ")":
            return None
        position = found.end()
        if found[0] == "(":
            end = _end_of_comment(field, position)
            if end is None or not _AFTER_COMMENT.match(field, end):
                return None
            comments.append(field[position : end - 1])
            text, position = f"{text} ", end
        elif found[0] == ";":
            segments.append(_Segment(text, tuple(comments)))
            text, comments = "", []
        else:
            text += _SPECIAL.sub("_", found[0].strip('"')) if found[0].startswith('"') else found[0]
    return (*segments, _Segment(text, tuple(comments)))


def _end_of_comment(field: str, start: int) -> int | None:
    """Of the comment whose parenthesis opens before `start`; those within it end first."""
    depth = 1
    for found in _IN_COMMENT.finditer(field, start):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return None
