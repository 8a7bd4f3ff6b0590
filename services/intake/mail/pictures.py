"""The pictures of a mail's own: put into the page of its HTML form, which then shows them wherever it is opened and loads nothing."""

import base64
import html
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from services.intake.mail.letter import Enclosed
from services.intake.sniff import sniff

LARGEST: Final = 1_000_000
"""Bytes of one picture that is put in; every picture stays an attachment."""

LARGEST_TOTAL: Final = 5_000_000
"""Bytes of all of them, each as often as it is shown."""

_KINDS: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_SPELLINGS: Final = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_PICTURE: Final = re.compile(r'<img((?: [a-z]+="[^"]*")*)>')
"""As sound markup has it: in the value of an attribute no quote stands for itself, so that no tag in one looks like this with a source."""

_ATTRIBUTE: Final = re.compile(r' ([a-z]+)="([^"]*)"')
_SCHEME: Final = "cid:"


def embedded(safe: str, files: Sequence[Enclosed]) -> str:
    """HTML of `markup.safe_html` with its `cid:` pictures (RFC 2392) as `data:` ones; those that can't be shown become their words."""
    if "<img " not in safe:
        return safe
    return _PICTURE.sub(_Embedding(files).tag, safe)


class _Embedding:
    """Of one page. The first part of an id is meant."""

    def __init__(self, files: Sequence[Enclosed]) -> None:
        self._files = {file.content_id: file for file in reversed(files) if file.content_id}
        self._sources: dict[str, str | None] = {}
        self._left = LARGEST_TOTAL

    def tag(self, match: "re.Match[str]") -> str:
        attributes = dict(_ATTRIBUTE.findall(match[1]))
        named = html.unescape(attributes.get("src", "")).strip()
        if named[: len(_SCHEME)].lower() != _SCHEME:
            return match[0]
        source = self._source(unquote(named[len(_SCHEME) :]))
        if source is None:
            return html.escape(html.unescape(attributes.get("alt", "")))
        return "<img" + "".join(f' {name}="{value}"' for name, value in (attributes | {"src": source}).items()) + ">"

    def _source(self, content_id: str) -> str | None:
        file = self._files.get(content_id)
        if file is None or len(file.content) > min(LARGEST, self._left):
            return None
        if content_id not in self._sources:
            self._sources[content_id] = _data(file)
        source = self._sources[content_id]
        self._left -= len(file.content) if source else 0
        return source


def _data(file: Enclosed) -> str | None:
    """None for what is no picture, or another than it says."""
    kind = _SPELLINGS.get(file.content_type, file.content_type)
    if kind not in _KINDS or sniff(file.content, file.filename) != kind:
        return None
    return f"data:{kind};base64,{base64.b64encode(file.content).decode()}"
