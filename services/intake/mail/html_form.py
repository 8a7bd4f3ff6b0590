"""The HTML form of a mail: whether it shows an officer more than the text does, and the page it is kept as."""

import html
import re
from collections import Counter
from dataclasses import replace
from typing import Final

from schemas.text import composed
from services.intake.mail.markup import text_of
from services.intake.mail.tree import Words

_FRAME: Final = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data: cid:">
<title>{title}</title>
<style>
body {{ max-width: 60rem; margin: 1rem; font: 1rem/1.5 Arial, Helvetica, sans-serif; overflow-wrap: break-word }}
table {{ border-collapse: collapse }}
td, th {{ padding: 0.1rem 0.5rem; border: 1px solid #ccc; text-align: left; vertical-align: top }}
blockquote {{ margin: 0.5rem 0; padding-left: 1rem; border-left: 3px solid #ccc }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
"""Its policy is for a copy that somebody saved; what is served has a stricter one in its headers. The sender's own styles are gone, so that
tables and quotes need lines of ours."""

_OVERLAY: Final = "\u0338"
"""The one mark that Unicode's form C joins with `<` and `>`: spelt out, no program that normalises a copy can break its tags."""

_MORE: Final = re.compile(r"<(?:table|s|strike|del)[ >]|<img [^<>]*src=")
_ADDRESS: Final = re.compile(r'href="([^"]*)"')
_TAG: Final = re.compile(r"<[^<>]*>")
_SPACE: Final = re.compile(r"\s+")
_SCHEME: Final = re.compile(r"^(?:https?://|mailto:|tel:)", re.IGNORECASE)

_WORD: Final = re.compile(r"[^\W_]+")
_UNSEEN: Final = re.compile("[\u00ad\u034f\u200b-\u200f\u2060\ufeff]")
"""Soft hyphens, joiners: programs leave them out of the plain form."""

_PICTURE: Final = re.compile(r"\[(?:image|cid|inline image|hình ảnh|ảnh)\b[^\]\n]{0,200}\]", re.IGNORECASE)
"""What programs write in the plain form for a picture."""

_LONGEST_STUB: Final = 2_000
_FAR_MORE: Final = 2
"""Times as many words in HTML: then the plain form is a stub."""


def shows_more(safe: str, text: str) -> bool:
    """Whether HTML that `markup.safe_html` made shows what its sender's plain `text` does not.

    That is: a table, a picture of the mail's own, struck-out words, a link that leads elsewhere than its words say, or a word that the
    text lacks. Bold, colours and lists are not worth a second form.
    """
    if _MORE.search(safe) or any(_leads_elsewhere(link) for link in safe.split("<a ")[1:]):
        return True
    return bool(words_beyond(safe, text))


def words_beyond(safe: str, text: str) -> str:
    """All the words of the HTML if any of them is missing in the text, else none."""
    shown = text_of(safe)
    return shown if _counted(shown) - _counted(text) else ""


def heard(words: list[Words]) -> list[Words]:
    """With the HTML read as well where its plain form is a stub, and the stub spare where it adds nothing."""
    if [(part.kind, part.spare) for part in words] not in ([("plain", False), ("html", True)], [("html", True), ("plain", False)]):
        return words
    plain, markup = sorted(words, key=lambda part: part.kind == "html")
    if len(plain.text) > _LONGEST_STUB:
        return words
    said, shown = _counted(_PICTURE.sub("", plain.text)), _counted(text_of(markup.text))
    if not shown or shown.total() < _FAR_MORE * said.total():
        return words
    stub_says_more = bool(said - shown)
    return [replace(part, spare=part.kind == "plain" and not stub_says_more) for part in words]


def page(safe: str, title: str) -> bytes:
    """A whole document that runs nothing and loads nothing, wherever it is opened."""
    return _FRAME.format(title=html.escape(title), body=safe).replace(_OVERLAY, "&#824;").encode()


def _leads_elsewhere(link: str) -> bool:
    """`link`: from its attributes on, to the next one or the end."""
    attributes, _, rest = link.partition(">")
    address = _ADDRESS.search(attributes)
    read = _words(rest.partition("</a>")[0])
    return address is not None and bool(read) and _plain(read) != _plain(html.unescape(address[1]))


def _counted(text: str) -> Counter[str]:
    return Counter(_WORD.findall(_UNSEEN.sub("", composed(text)).casefold()))


def _words(markup: str) -> str:
    return _SPACE.sub("", html.unescape(_TAG.sub("", markup)))


def _plain(address: str) -> str:
    return _SCHEME.sub("", address.strip()).rstrip("/").casefold()
