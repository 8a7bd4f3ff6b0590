"""HTML to text: nh3 makes sound markup of anything, then tags become line ends and spaces."""

import html
import re
from typing import Final

import nh3

LONGEST: Final = 2_000_000
"""Characters of HTML that are read; mail beyond that is pictures and formatting. The whole stays in the stored mail."""

_NAMES = "address article blockquote dd div dl dt footer h1 h2 h3 h4 h5 h6 header hr li ol p pre section table tr ul"
_BLOCKS: Final = frozenset(_NAMES.split())
_TAGS: Final = _BLOCKS | {"br", "td", "th"}
_DROPPED: Final = frozenset({"script", "style", "title", "noscript", "template"})
_TAG: Final = re.compile(r"<(/?)([a-z0-9]+)>")
_BLANK: Final = re.compile(r"[ \t\r\n\f]+")
_AROUND_LINES: Final = re.compile(r" *\n *")
_EMPTY_LINES: Final = re.compile(r"\n{3,}")


def text_of(markup: str) -> str:
    """What a reader would see, without links, pictures and formatting."""
    sound = nh3.clean(markup[:LONGEST], tags=set(_TAGS), attributes={}, clean_content_tags=set(_DROPPED), link_rel=None)
    flowing = _BLANK.sub(" ", sound)
    lines = html.unescape(_TAG.sub(_spacing, flowing)).replace("\xa0", " ")
    return _EMPTY_LINES.sub("\n\n", _AROUND_LINES.sub("\n", lines)).strip()


def _spacing(match: "re.Match[str]") -> str:
    closing, tag = bool(match[1]), match[2]
    if tag in {"td", "th"}:
        return " " if closing else ""
    if tag == "li":
        return "" if closing else "\n- "
    if tag == "p":
        return "\n" if closing else "\n\n"
    if tag in {"ul", "ol"}:
        return "\n\n" if closing else "\n"
    return "\n" if tag in _TAGS else ""
