"""The footer that a telephone or a program writes below a mail: `Sent from my iPhone`, `Gửi từ Outlook dành cho iOS`.

People write such lines too: `Đã gửi qua mail bản gốc rồi ạ.` So each word has to be one of a device, of a program or of its owner.
"""

import re
from typing import Final

_FROM: Final = re.compile(r"^(?:sent from|gesendet von|envoyé de(?:puis)?|(?:đã )?(?:được )?gửi từ) ", re.IGNORECASE)
_THROUGH: Final = re.compile(r"^(?:sent (?:with|via|using)(?: the)?|(?:được )?gửi (?:bằng|qua)) ", re.IGNORECASE)
"""What people say of a thing they sent: only the name of a program or a device may follow, and not that of Zalo."""

_OFFERED: Final = re.compile(
    r"^[ *_<\[(]*(?:get outlook for |(?:nhận|tải(?: xuống)?|lấy) outlook (?:dành )?cho |yahoo mail: )[^\n]{0,70}$", re.IGNORECASE
)
_LONGEST: Final = 150
_FRAME: Final = "*_<>[]() \t."
_ADDRESS: Final = re.compile(r"[<(\[]?https?://\S*")
_EXCUSE: Final = re.compile(r"[-–—,.;:!]* (?:please |pls )?(?:excuse|forgive|pardon)\b.*$", re.IGNORECASE)
_FOR_SOMEBODY: Final = re.compile(r" (?:for|cho)\b(?! (?:ios|android|windows|iphone|ipad|mac)\b)", re.IGNORECASE)
"""`Outlook cho iOS` is a program; `cho Samsung` is who got it."""

_OWNERS: Final = frozenset({"tôi", "mình", "em"})
_LONGEST_NAME: Final = 3
_WORD: Final = re.compile(r"[^\s,./+-]+")
_MODEL: Final = re.compile(r"(?=\w*\d)\w{1,8}")

_MAKERS = "samsung galaxy android xiaomi redmi oppo vivo huawei nokia blackberry realme honor pixel google poco asus lenovo htc"
_PROGRAMS = "sony xperia motorola iphone ipad ipod macbook mac ios windows outlook gmail yahoo proton protonmail sparrow spark thunderbird"
_NAMES: Final = frozenset([*_MAKERS.split(), *_PROGRAMS.split()])
_KINDS = "zalo phone smartphone tablet mobile handheld điện thoại di động bảng"
_DEVICES: Final = _NAMES | frozenset(_KINDS.split())
_LINKS = "my the a an for on of from mon mein meinem meiner i s dành cho trên thông minh máy tính thiết bị cá nhân ứng dụng hộp thư"
_CARRIERS = "mail email app device secure network wireless lte at&t t verizon viettel vinaphone mobifone bell"
_MODELS = "note pro max plus ultra mini lite tab fold flip se fe air edge prime nord find reno mate"
_BESIDE: Final = frozenset([*_LINKS.split(), *_CARRIERS.split(), *_MODELS.split()])


def is_footer(line: str) -> bool:
    """Whether nobody but a program says such a line."""
    said = _EXCUSE.sub("", _ADDRESS.sub("", line)).strip(_FRAME).strip() if len(line) <= _LONGEST else ""
    if _FOR_SOMEBODY.search(said):
        return False
    if match := _FROM.match(said):
        return _OFFERED.match(line) is not None or _of_a_device(said[match.end() :], _DEVICES)
    if match := _THROUGH.match(said):
        rest = said[match.end() :]
        return rest.split()[0].casefold() in _NAMES and _of_a_device(rest, _NAMES)
    return _OFFERED.match(line) is not None


def _of_a_device(named: str, devices: frozenset[str]) -> bool:
    device, _, owner = named.partition(" của ")
    if owner and not _is_owner(owner.split()):
        return False
    words = [word.casefold() for word in _WORD.findall(device)]
    known = all(word in _DEVICES or word in _BESIDE or _MODEL.fullmatch(word) for word in words)
    return known and any(word in devices for word in words)


def _is_owner(words: list[str]) -> bool:
    """`tôi`, or a name."""
    return (len(words) == 1 and words[0] in _OWNERS) or (len(words) <= _LONGEST_NAME and all(word[0].isupper() for word in words))
