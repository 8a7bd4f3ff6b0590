"""The addresses of From, Sender, To and Cc. Display names are never taken for addresses: `"a@x.vn" <b@y.vn>` is b@y.vn."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from schemas.text import clean_line
from services.intake.mail.charsets import decoded
from services.intake.mail.headers import Fields, readable
from services.intake.mail.letter import Person

LONGEST: Final = 2_000
"""Bytes of the field that are looked at; one address with its name is shorter."""

LONGEST_LIST: Final = 16 * 1024
MOST: Final = 100
"""Entries of To and Cc that are read."""

_TO_ITS_END: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?$)')
"""What was quoted; what is never closed ends with the field, so that it is looked at once."""

_ANGLE: Final = re.compile(r"<([^<>]*)>")
_COMMENT: Final = re.compile(r"\(([^()]*)\)")
_HIDDEN: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+"'
    r"|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+\))*+\)",
    re.DOTALL,
)
"""What was quoted, and comments, up to three in each other (RFC 5322 section 3.2.2); whichever begins first hides the other."""

_WORD: Final = re.compile(r"=\?[^?\s]{1,80}\?[BbQq]\?[^?\s]*\?=")
_BARE: Final = re.compile(r"[^\s<>()\[\]\",:;@]+@[^\s<>()\[\]\",:;@]+", re.ASCII)
"""Of bytes read as Latin-1: a byte of a longer character, as in `à` or `ễ`, must not count as the blank that it is there."""
_QUOTED: Final = re.compile(r'\s*"([^\s<>()\[\]",:;@\\]{1,64})"\s*(@[^"]*)\Z')
"""Within angle brackets: quotation marks that say nothing."""

_PASSED_ON: Final = ("sender", "reply-to", "x-original-from", "x-original-sender")
"""Where else whoever wrote a mail stands: lists write their own address into From, and the writer's here."""

_LISTS: Final = ("list-post", "mailing-list", "x-mailing-list", "x-beenthere")
_SEPARATOR: Final = re.compile(r"[,;]")
_GROUP: Final = re.compile(r"^[^:<>@]{0,200}:")


def first_sender(raw: bytes) -> tuple[str, str]:
    """(address, name); either may be empty."""
    text = raw[:LONGEST].decode("latin-1")
    hidden = _outside(text)
    angle = _ANGLE.search(hidden)
    if angle is not None:
        name = text[hidden.rfind(",", 0, angle.start()) + 1 : angle.start()]
        quoted = _QUOTED.match(text[angle.start(1) : angle.end(1)])
        return (_address(quoted[1] + quoted[2] if quoted else angle[1]), _name(name))
    comment = _COMMENT.search(text)
    return (_address(hidden.replace("\x00", " ")), _name(comment[1] if comment else ""))


def several_senders(raw: bytes) -> bool:
    """Whether one From field names more than one mailbox: servers vouch for one of them, and nobody can tell which they took."""
    if len(raw) > LONGEST or len(people(raw)) > 1:
        return True
    hidden = _outside(raw.decode("latin-1"))
    named = _ANGLE.findall(hidden) or _BARE.findall(hidden.replace("\x00", " "))
    return len({_address(each).lower() for each in named if "@" in each}) > 1


def writers_of(fields: Fields) -> tuple[str, ...]:
    """Every address a mail gives for who wrote it; of a list's own, only if it stands in From."""
    lists = {address.lower() for address in writers(_values(fields, _LISTS))}
    wrote = writers(fields.all("from"))
    known = lists | {each.lower() for each in wrote}
    return (*wrote, *(each for each in writers(_values(fields, _PASSED_ON)) if each.lower() not in known))


def resenders_of(fields: Fields) -> tuple[str, ...]:
    """Who handed on a mail of somebody else (RFC 5322 section 3.6.6)."""
    return writers(_values(fields, ("resent-from", "resent-sender")))


def _values(fields: Fields, names: Iterable[str]) -> Iterator[bytes]:
    return (value for name in names for value in fields.all(name))


def writers(raws: Iterable[bytes]) -> tuple[str, ...]:
    """Every address in these fields, each once, wherever in them it stands as one."""
    found: dict[str, str] = {}
    for raw in raws:
        hidden = _outside(raw[:LONGEST_LIST].decode("latin-1")).replace("\x00", " ")
        for address in (*(each.address for each in people(raw)), *map(_address, _BARE.findall(hidden))):
            found.setdefault(address.lower(), address)
    return tuple(found.values())[:MOST]


def _outside(text: str) -> str:
    """What counts as addresses, each in its place."""
    return _WORD.sub(_blank, _HIDDEN.sub(_blank, text))


def people(raw: bytes) -> tuple[Person, ...]:
    """The entries with an address, in their order, each once; those of a group (`Team: a@x.vn, b@y.vn;`) too."""
    found: dict[str, Person] = {}
    for entry in _entries(raw[:LONGEST_LIST].decode("latin-1")):
        address, name = first_sender(entry.encode("latin-1"))
        if address:
            found.setdefault(address.lower(), Person(address, name))
        if len(found) >= MOST:
            break
    return tuple(found.values())


def _entries(text: str) -> Iterator[str]:
    """Split at commas and semicolons outside of quotes, comments and encoded words."""
    hidden = text
    for pattern in (_TO_ITS_END, _WORD, _COMMENT, _ANGLE):
        hidden = pattern.sub(_blank, hidden)
    start = 0
    for match in _SEPARATOR.finditer(hidden):
        yield _GROUP.sub("", text[start : match.start()]) if '"' not in text[start : match.start()] else text[start : match.start()]
        start = match.end()
    yield text[start:]


def _blank(match: "re.Match[str]") -> str:
    return "\x00" * len(match[0])


def _address(text: str) -> str:
    """RFC 6532: what is not ASCII is UTF-8. Blanks around the @ are no part of it (RFC 5322 section 4.4), nor is a final dot."""
    bare = _BARE.search(text) or _BARE.search("@".join(part.strip() for part in text.split("@")))
    if bare is None:
        return ""
    address = clean_line(decoded(bare[0].encode("latin-1")))
    inside = address[1:-1] if address[0] == address[-1] == "'" and len(address) > 1 else address
    return inside.rstrip(".")


def _name(phrase: str) -> str:
    stripped = phrase.strip(" \t\r\n")
    if len(stripped) > 1 and stripped[0] == stripped[-1] == '"':
        stripped = re.sub(r"\\(.)", r"\1", stripped[1:-1])
    return readable(stripped.encode("latin-1")).strip("\"' ")
