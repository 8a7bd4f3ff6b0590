"""HTML of mails: its words, which of them are quoted, and a form of it that is safe to show.

nh3 makes sound markup of anything first; what follows relies on that and looks at each tag once.
"""

import html
import re
from collections import Counter
from typing import Final

import nh3

from services.intake.domain.signatures import short_end

LONGEST: Final = 2_000_000
"""Characters of HTML that are read, in all the parts of a mail; mail beyond that is pictures and formatting."""

LONGEST_SHOWN: Final = 500_000
"""Characters of HTML that are made safe for showing."""

_NAMES = "address article blockquote dd div dl dt footer h1 h2 h3 h4 h5 h6 header hr li ol p pre section table tr ul"
_BLOCKS: Final = frozenset(_NAMES.split())
_TAGS: Final = _BLOCKS | {"br", "td", "th"}
_APART: Final = frozenset({"p", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4"})
_DROPPED: Final = frozenset({"script", "style", "title", "noscript", "template"})
_TAG: Final = re.compile(r"<(/?)([a-z0-9]+)>")
_BLANK: Final = re.compile(r"[ \t\r\n\f]+")
_PRE: Final = re.compile(r"<pre(?: [^>]*)?>.*?</pre>", re.DOTALL)
_BREAK, _PARAGRAPH, _QUOTE, _END = "\ue003", "\ue004", "\ue000", "\ue001"
"""Marks of our own, of the private use area: a line ends here unless it has, so does a paragraph, a quote begins, a quote ends."""

_OURS: Final = dict.fromkeys(map(ord, (_BREAK, _PARAGRAPH, _QUOTE, _END)))
_RUN: Final = re.compile(f"[ \n{_BREAK}{_PARAGRAPH}]*[\n{_BREAK}{_PARAGRAPH}][ \n{_BREAK}{_PARAGRAPH}]*")
_EMPTY_LINES: Final = re.compile(r"\n{3,}")

DEEPEST: Final = 500
"""Elements open at a time; newsletters come to a hundred."""

MOST_TAGS: Final = 100_000
"""A table of 2,000 lines and ten columns, as office programs write it, has 80,000."""

MOST_REFERENCES: Final = 100_000
"""Ampersands: Vietnamese text of 300,000 characters with each of its letters written as a number comes to that."""

MOST_REOPENED: Final = 1_000_000
"""Sum, over all tags, of the formatting elements (`<b>`, `<font>`) that are open there; each block may begin with all of them again."""

MOST_ATTRIBUTES: Final = 5_000
"""Of one tag, by the gaps in it."""

_FORMATTING: Final = frozenset(["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"])
_LONG_TAG: Final = re.compile(r"<[a-zA-Z][^<>]{20000,}")
_EMBEDDED: Final = re.compile(r"""=\s*(?:"data:[^"]*"|'data:[^']*')""")
_GAP: Final = re.compile(r"""[\s/"']+""")
_ANY_TAG: Final = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))|<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})", re.DOTALL)
_TAG_LIKE: Final = re.compile(r"<[^<>]*>?")
_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr p li dd dt option"
_UNNESTED: Final = frozenset(_VOID_NAMES.split())
"""Elements that hold nothing, or end where the next of their kind begins."""

_SPOTTED: Final = re.compile(
    r"gmail_quote|gmail_attr|gmail_signature|type=.?cite|divRplyFwdMsg|appendonsend|moz-cite-prefix|moz-signature|moz-forward"
    r"|yahoo_quoted"
    r"|OLK_SRC_BODY|zmail_extra|zwchr|ms-outlook-mobile-signature|composer_signature|id=.?Signature|quoted-plain-text"
    r"|zm_editor_quote|border-top: ?solid",
    re.IGNORECASE,
)
"""Looked for before anything else is done: most mails have none of it."""

_MARKED_TAG: Final = re.compile(r'<(/?)([a-z0-9]+)((?: [a-z]+="[^"]*")*)>')
_ATTRIBUTE: Final = re.compile(r' ([a-z]+)="([^"]*)"')
_VOID: Final = frozenset({"br", "hr"})
_QUOTED: Final = re.compile(
    r"gmail_attr|moz-cite-prefix|yahoo_quoted|ydp\w+yahoo_quoted|zmail_extra|OLK_SRC_BODY_SECTION|zm_editor_quote", re.IGNORECASE
)
_SIGNED: Final = re.compile(r"(?:^| )(?:gmail_signature|moz-signature|ms-outlook-mobile-signature|composer_signature|Signature)(?: |$)")
_REST: Final = re.compile(r"(?:^| )(?:x_)*(?:divRplyFwdMsg|appendonsend|zwchr)(?: |$)")
_REST_STYLE: Final = re.compile(r"border-top: ?solid #(?:E1E1E1|B5C4DF) 1\.0pt", re.IGNORECASE)
_SHOWN_TAGS: Final = (nh3.ALLOWED_TAGS | {"font"}) - {"map", "area"}
_ATTRIBUTES: Final = {**{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}, "img": {"src", "alt", "width", "height"}}


def text_of(markup: str) -> str:
    """What a reader would see, without links, pictures and formatting."""
    own = markup[:LONGEST].translate(_OURS)
    if _is_hard(own):
        return _stripped(own)
    sound = nh3.clean(own, tags=set(_TAGS), attributes={}, clean_content_tags=set(_DROPPED), link_rel=None)
    return _lines(_TAG.sub(lambda match: _spacing(bool(match[1]), match[2]), _flowing(sound)))


def stripped_text(markup: str) -> str:
    """The words alone, with a line end for every tag: for what is not worth the time of `text_of`."""
    return _stripped(markup[:LONGEST].translate(_OURS))


def marked_text(markup: str) -> str | None:
    """As `text_of`, with `> ` before the lines its program marked as quoted, and without marked signatures that are no more than that.

    None: nothing is marked.
    """
    if not _SPOTTED.search(markup[:LONGEST]) or _is_hard(markup[:LONGEST]):
        return None
    sound = nh3.clean(
        markup[:LONGEST].translate(_OURS),
        tags=set(_TAGS) | {"span", "a"},
        attributes={"*": {"class", "id", "type", "style"}},
        clean_content_tags=set(_DROPPED),
        link_rel=None,
    )
    return _Marking().text(_flowing(sound))


def _is_hard(markup: str) -> bool:
    """Sound markup takes time with the square of several things: what no program writes so many of gets none."""
    if markup.count("<") > MOST_TAGS or markup.count("&") > MOST_REFERENCES:
        return True
    return _is_deep(markup) or any(_is_crowded(match[0]) for match in _LONG_TAG.finditer(markup))


def _is_crowded(tag: str) -> bool:
    return len(_GAP.findall(_EMBEDDED.sub("=", tag))) > MOST_ATTRIBUTES


def _is_deep(markup: str) -> bool:
    if markup.count("<") <= DEEPEST:
        return False
    open_now: Counter[str] = Counter()
    deep = formatting = reopened = 0
    for match in _ANY_TAG.finditer(markup):
        if match[2] is None:  # a comment
            continue
        name = match[2].lower()
        before = open_now[name]
        if not match[1]:
            open_now[name] += name not in _UNNESTED
        elif before:  # the end of what was never begun closes nothing
            open_now[name] -= 1
        change = open_now[name] - before
        deep += change
        if name in _FORMATTING:
            formatting += change
        reopened += formatting
        if deep > DEEPEST or reopened > MOST_REOPENED:
            return True
    return False


def _stripped(markup: str) -> str:
    return _lines(_BLANK.sub(" ", _TAG_LIKE.sub(_BREAK, markup)))


def _flowing(sound: str) -> str:
    """With spaces for line ends, but for those that are meant."""
    meant = _PRE.sub(lambda match: match[0].replace("\n", "<br>"), sound) if "<pre" in sound else sound
    return _BLANK.sub(" ", meant)


class _Marking:
    """Walks the tags of sound markup; what is quoted stands between two marks of our own."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._ends: list[tuple[int, str]] = []
        self._pieces: list[str] = []
        self._signed: list[int] = []
        """For each signature that is open, the piece it begins with."""

    def text(self, sound: str) -> str:
        position = 0
        for match in _MARKED_TAG.finditer(sound):
            self._pieces.append(sound[position : match.start()])
            self._pieces.append(self._tag(match))
            position = match.end()
        return _prefixed(_lines("".join([*self._pieces, sound[position:]])))

    def _tag(self, match: "re.Match[str]") -> str:
        closing, tag = bool(match[1]), match[2]
        spacing = _spacing(closing, tag)
        if closing:
            return self._close(tag) + spacing
        kind = _kind(tag, dict(_ATTRIBUTE.findall(match[3])))
        if kind == "rest" or tag in _VOID:
            return spacing + (f"{_BREAK}{_QUOTE}" if kind == "rest" else "")
        self._open.append(tag)
        if not kind:
            return spacing
        self._ends.append((len(self._open), kind))
        if kind == "signed":
            self._signed.append(len(self._pieces))
        return spacing + (f"{_BREAK}{_QUOTE}" if kind == "quoted" else "")

    def _close(self, tag: str) -> str:
        if not self._open or self._open[-1] != tag:
            return ""
        mark = ""
        if self._ends and self._ends[-1][0] == len(self._open):
            _, kind = self._ends.pop()
            if kind == "signed":
                self._sign()
            mark = _END if kind == "quoted" else ""
        self._open.pop()
        return mark

    def _sign(self) -> None:
        """Programs put the cursor within the signature too: what reads like a letter, or holds a quote, stays."""
        start = self._signed.pop()
        if self._signed:
            return
        within = "".join(self._pieces[start:])
        if _QUOTE not in within and short_end(_lines(within).translate(_OURS).split("\n")):
            del self._pieces[start:]


def _kind(tag: str, attributes: dict[str, str]) -> str:
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}"
    if _REST.search(names) or _REST_STYLE.search(attributes.get("style", "")):
        return "rest"
    if tag == "blockquote":
        return "quoted" if attributes.get("type") == "cite" or "gmail_quote" in names else ""
    if _QUOTED.search(names):
        return "quoted"
    return "signed" if _SIGNED.search(names) else ""


def _prefixed(text: str) -> str:
    """Lines between marks get `> `; a mark without its end (what Outlook answers) goes to the end."""
    depth, lines = 0, []
    for line in text.split("\n"):
        opened, closed = line.count(_QUOTE), line.count(_END)
        depth += opened
        words = line.translate(_OURS).strip()
        if words or not opened + closed:
            lines.append(f"> {words}".rstrip() if depth else words)
        depth = max(depth - closed, 0)
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()


def _lines(flowing: str) -> str:
    return _EMPTY_LINES.sub("\n\n", html.unescape(_RUN.sub(_breaks, flowing)).replace("\xa0", " ")).strip()


def _breaks(run: "re.Match[str]") -> str:
    """As a browser does: the end of a block ends a line once, `<br>` each time, and paragraphs stand apart."""
    ends, at_start = 0, False
    for mark in run[0]:
        if mark == "\n" or (mark != " " and not at_start):
            ends += 1
        if mark == _PARAGRAPH:
            ends = max(ends, 2)
        at_start = at_start or mark != " "
    return "\n\n" if ends > 1 else "\n"


def _spacing(closing: bool, tag: str) -> str:  # noqa: FBT001 (as a tag is: open or closed)
    if tag in {"td", "th"}:
        return " " if closing else ""
    if tag == "br":
        return "\n"
    if tag == "li":
        return "" if closing else f"{_BREAK}- "
    if tag in _APART:
        return _PARAGRAPH
    return _BREAK if tag in _TAGS else ""


def safe_html(markup: str) -> str:
    """For an officer's browser: no scripts, styles or fields; pictures only from within the mail (`cid:`), so none tells who looked."""
    shown = markup[:LONGEST_SHOWN]
    if _is_hard(shown):
        return f"<p>{html.escape(_stripped(shown))}</p>"
    return nh3.clean(
        shown,
        tags=set(_SHOWN_TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=_shown,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
        clean_content_tags=set(_DROPPED),  # of forms, objects and frames the tags go and the words stay: they are part of what was written
    )


def _shown(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src" and not value.strip().lower().startswith("cid:"):
        return None
    return value
