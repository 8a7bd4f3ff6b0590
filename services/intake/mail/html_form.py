"""The HTML form of a mail: whether it shows an officer more than the text does, and the page it is kept as."""

import html
import re
from typing import Final

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

_LONGER: Final = 1.25
_SLACK: Final = 100
"""By how many times and how many characters more words count as more: below that it is how programs write lists and addresses."""


def shows_more(safe: str, text: str) -> bool:
    """Whether HTML that `markup.safe_html` made shows what its sender's plain `text` does not.

    That is: a table, a picture of the mail's own, struck-out words, a link that leads elsewhere than its words say, or clearly more
    words (where the text only says that the mail is HTML). Bold, colours and lists are not worth a second form.
    """
    if _MORE.search(safe) or any(_leads_elsewhere(link) for link in safe.split("<a ")[1:]):
        return True
    return len(_words(safe)) > _LONGER * len(_SPACE.sub("", text)) + _SLACK


def page(safe: str, title: str) -> bytes:
    """A whole document that runs nothing and loads nothing, wherever it is opened."""
    return _FRAME.format(title=html.escape(title), body=safe).replace(_OVERLAY, "&#824;").encode()


def _leads_elsewhere(link: str) -> bool:
    """`link`: from its attributes on, to the next one or the end."""
    attributes, _, rest = link.partition(">")
    address = _ADDRESS.search(attributes)
    read = _words(rest.partition("</a>")[0])
    return address is not None and bool(read) and _plain(read) != _plain(html.unescape(address[1]))


def _words(markup: str) -> str:
    return _SPACE.sub("", html.unescape(_TAG.sub("", markup)))


def _plain(address: str) -> str:
    return _SCHEME.sub("", address.strip()).rstrip("/").casefold()
