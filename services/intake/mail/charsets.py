"""Bytes to text, whatever was declared: never an error, and never a guess where a declaration can be right."""

import codecs
import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,39}")
_MEANT: Final = {
    # What is written on the envelope and what is in it: the larger set that programs of the time really used.
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-1": "windows-1252",
    "latin-1": "windows-1252",
    "ansi_x3.110-1983": "windows-1252",
}
_WINDOWS: Final = re.compile(r"(?:x-)?(?:cp|windows|win|ms|ibm)[-_ ]?(\d{3,4})")
_UNUSABLE: Final = frozenset({"ascii", "utf-7", "punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
"""Codecs that say nothing about 8-bit text, hide markup (UTF-7), or take quadratic time (punycode)."""


def decoded(raw: bytes, declared: str | None = None) -> str:
    """As declared if that is possible; else UTF-8; else windows-1258, which Vietnamese programs wrote before it."""
    usable = _usable(declared)
    for charset in (None if usable and _is_narrow(raw, usable) else usable, "utf-8", "windows-1258"):
        if charset is None:
            continue
        try:
            return raw.decode(charset)
        except (UnicodeError, LookupError):
            continue
    return raw.decode("utf-8" if _mostly_utf8(raw) else "windows-1252", "replace")


def is_known(declared: str) -> bool:
    """Whether a text can be read by that name; TCVN 3 and VNI, for one, have none that is in use, and their letters come out wrong."""
    return _codec(declared) is not None


def _usable(declared: str | None) -> str | None:
    found = _codec(declared)
    return None if found is None or found.replace("_", "-") in _UNUSABLE else found


def _codec(declared: str | None) -> str | None:
    match = _NAME.search(declared or "")
    if match is None:
        return None
    name = match[0].lower()
    page = _WINDOWS.fullmatch(name)
    try:
        return codecs.lookup(f"cp{page[1]}" if page else _MEANT.get(name, name)).name
    except (LookupError, ValueError):
        return None


def _is_narrow(raw: bytes, charset: str) -> bool:
    """Whether a text that is declared as UTF-16 or UTF-32 is none: of those each space and each Latin letter holds a zero byte."""
    if not charset.startswith(("utf-16", "utf-32")) or b"\x00" in raw or raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(raw: bytes) -> bool:
    """A few broken characters in long UTF-8 text should not turn all of it into another alphabet."""
    text = raw.decode("utf-8", "replace")
    return text.count("\ufffd") * 20 < sum(character > "\x7f" for character in text)
