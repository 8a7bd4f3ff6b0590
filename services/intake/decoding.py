"""JSON as it arrives (RFC 8259), with what is wrong with it in the sender's language."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import orjson

from schemas.text import clean_line
from schemas.values import Language
from services.intake.refusals import Refusal

_LONGEST_NAME: Final = 40
"""Characters of a name that are shown."""

_REASONS: Final = (
    ("zero-length", ("nội dung trống", "it is empty")),
    ("byte order mark", ("nội dung bắt đầu bằng dấu BOM", "it begins with a byte order mark")),
    ("UTF-8", ("nội dung không phải UTF-8", "it is not UTF-8")),
    ("end of data", ("nội dung dừng giữa chừng", "it ends too early")),
    ("depth", ("nội dung lồng quá sâu", "it is nested too deeply")),
    ("surrogate", ("ký tự viết bằng \\u thiếu một nửa", "half of a \\u character is missing")),
    ("infinity", ("số quá lớn", "the number is too large")),
    ("", ("sai cú pháp", "")),
)
"""Vietnamese and English, by what `orjson` says; English is its own where there is none."""

_LONG: Final = re.compile(rb'"[A-Za-z0-9+/=]{1000,}+"')
"""Strings that need not be looked into when names are compared: files, in base64. In valid JSON none begins between two strings."""


class _Twice(Exception):
    """A name that stands twice in one object, of which `orjson` keeps the last."""


def decoded(raw: bytes, language: Language) -> object:
    """The value. Refusal `not_json`, or `name_twice` where one of two values would have been lost."""
    try:
        body: object = orjson.loads(raw)
        _NAMES.decode(_LONG.sub(b'""', raw).decode())
    except orjson.JSONDecodeError as error:
        raise Refusal("not_json", language, reason=_reason(error, raw, language)) from error
    except RecursionError as error:
        raise Refusal("not_json", language, reason=_words("depth", language)) from error
    except _Twice as error:
        raise Refusal("name_twice", language, name=clean_line(str(error)[:200])[:_LONGEST_NAME]) from error
    return body


def _once(pairs: Sequence[tuple[str, object]]) -> None:
    if len(dict(pairs)) < len(pairs):
        times = Counter(name for name, _ in pairs)
        raise _Twice(next(name for name in times if times[name] > 1))


_NAMES: Final = json.JSONDecoder(object_pairs_hook=_once, parse_int=str, parse_float=str)
"""Reads what `orjson` has found to be right once more, for its names alone; numbers are left as they are."""


def _reason(error: orjson.JSONDecodeError, raw: bytes, language: Language) -> str:
    words = _words(error.msg, language) or error.msg
    line, column = _position(error, raw)
    return f"{words}, dòng {line}, cột {column}" if language == "vi" else f"{words}, line {line}, column {column}"


def _words(said: str, language: Language) -> str:
    vi, en = next(words for part, words in _REASONS if part in said)
    return en if language == "en" else vi


def _position(error: orjson.JSONDecodeError, raw: bytes) -> tuple[int, int]:
    """Line and column, both from 1. Of what is no UTF-8, `orjson` says the beginning."""
    try:
        raw.decode()
    except UnicodeDecodeError as broken:
        before = raw[: broken.start].decode()
        return before.count("\n") + 1, len(before) - before.rfind("\n")
    return error.lineno, error.colno
