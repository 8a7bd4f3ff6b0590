"""What one Authentication-Results field says (RFC 8601), and whether parts of it may be the sender's own words.

Servers write the sender's address and host name into comments and values as they came, so that a parenthesis, quotation mark or
semicolon in them ends the place they stand in. What such a field may say on is found by the traces that the sender cannot remove.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 8_000
"""Characters of one field that are read. No good word of a longer one counts: what was cut off may say whose words they are."""

_RESULT: Final = re.compile(r"\s*([a-z0-9-]+)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)(?![a-z0-9-])", re.IGNORECASE)
_PROPERTY: Final = re.compile(r"(?<![a-z0-9.-])([a-z0-9-]{1,40}\.[a-z0-9-]{1,40})\s*=\s*([^\s;]+)", re.IGNORECASE)
"""Names begin at the beginning of a word and are short, so that a long word is looked at once."""

_PLAIN: Final = re.compile(r"(?<!\S)[a-z-]{1,40}\s*=\s*[^\s;@]+", re.IGNORECASE)
"""What may stand beside the properties: `reason=100`, `action=none`."""

_PROPERTY_IN_COMMENT: Final = re.compile(r"\b(?:smtp|header)\.[a-z-]{1,40}\s*=", re.IGNORECASE)
_AUTHSERV: Final = re.compile(r"\s*([^\s;]+)(?:\s+\d+)?\s*\Z")
_FIRST_WORD: Final = re.compile(r'\s*([^\s;()"]*)')
_SPECIAL: Final = re.compile(r"[\s;=()]")
_OUTSIDE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[();]|[^"();]+', re.DOTALL)
_IN_COMMENT: Final = re.compile(r"[()]|[^()]+")
_AFTER_COMMENT: Final = re.compile(r"[\s;()]|\Z")

_ONCE: Final = ("dmarc", "spf")
"""Methods with one result for a mail; signatures can be several."""

_ADDRESSES: Final = {"dkim": "header.i", "spf": "smtp.mailfrom", "dmarc": ""}
"""Of the methods that count: the one property that may hold an address."""


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


def read_field(field: str, authserv_ids: Collection[str]) -> Field:
    """Only whose it says it is, of one of somebody else's (ids in lower case) and of one that does not close what it opens.

    In time proportional to what is read of the field, whatever stands in it: it is read where everybody waits.
    """
    segments = _segments(field[:LONGEST])
    if segments is None:
        return Field(_lower(_FIRST_WORD.match(field)))
    head, *rest = segments
    authserv_id = _lower(_AUTHSERV.match(head.text))
    if authserv_id not in authserv_ids:
        return Field(authserv_id)
    results = tuple(_result(segment) for segment in rest)
    known = tuple(result for result in results if result is not None)
    often = Counter(result.method for result in known)
    doubtful = len(field) > LONGEST or any(often[method] > 1 for method in _ONCE) or any(map(_is_doubtful, rest, results))
    return Field(authserv_id, known, doubtful)


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
    if any(map(_is_broken_into, segment.comments)) or sum(map(_names_sender, segment.comments)) > most:
        return True
    if result is None:
        return "@" in segment.text
    names = [name.lower() for name, _ in _PROPERTY.findall(segment.text)]
    return len(names) > len(set(names)) or (result.verdict == "pass" and _says_more(segment.text, result.method))


def _is_broken_into(comment: str) -> bool:
    return '"' in comment or "\\" in comment or _PROPERTY_IN_COMMENT.search(comment) is not None


def _names_sender(comment: str) -> bool:
    return "@" in comment or (";" in comment and "=" in comment)


def _says_more(text: str, method: str) -> bool:
    """Whether an address stands where none belongs, or a word that is none of a result's: an address goes on behind a blank in it.

    A signature names an address in whose name it is made, SPF the return path, and a DMARC result none.
    """
    own = _ADDRESSES.get(method)
    if own is None:
        return False
    rest = _PROPERTY.sub(lambda found: "" if found[1].lower() == own or "@" not in found[2] else found[0], text)
    if method == "spf" and _PLAIN.sub("", rest).strip():
        return True
    return "@" in rest


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
