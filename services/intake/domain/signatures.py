"""What only looks like the signature of a letter: lines below its closing that state something, and footers that are sentences."""

import re
from typing import Final

_NUMBERED: Final = re.compile(
    r"\b[A-Z]{3}[UJZ][ -]?\d{6}[ -]?\d?\b"
    r"|(?<![\d+.])[13]\d{10,11}(?!\d)"
    r"|(?<![\d.])\d{4}\.\d{2}(?:\.\d{2})?(?![.\d])"
)
"""A container (ISO 6346), a customs declaration, a heading of the tariff."""

_DOCUMENT: Final = re.compile(
    r"(?:tờ khai|ho[áa] đơn|hóa đơn|vận đơn|invoice|declaration|container|packing list|b/l|mã hs|hs code)\W{0,3}(?:số|no|nr)?\W{0,3}\d"
    r"|\bc/o (?:form|mẫu)\b",
    re.IGNORECASE,
)
_LABELLED: Final = re.compile(r"^[-*• ]*([^\W\d_][^:：]{0,40})[:：]\s*\S")
_MEANS: Final = (
    r"telephone|tel|phone|mobile|mob|cell|hotline|(?:số )?điện thoại|sđt|đtdđ|đt|dđ|di động|email|e-mail|mail|thư điện tử|hộp thư"
    r"|địa chỉ|đ/c|đc"
    r"|address|addr|add|office|văn phòng|vp|trụ sở|website|web|trang web|https?|fax|zalo|skype|viber|whatsapp|wechat"
    r"|telegram|facebook|fb|linkedin|ext|[tmpefwah]"
)
_CONTACT: Final = re.compile(rf"(?:^|\W)(?:{_MEANS})(?:[\W\d_]+(?:{_MEANS}))*[\W\d_]*$", re.IGNORECASE)
"""A label that ends in ways to reach somebody: `Tel`, `Phòng XNK - ĐT`, `Tel/Fax (84-28)`."""

_SENTENCE: Final = re.compile(
    r"[:：](?!//)|[;?？]|,\s*\d|\d/\d|\b(?:ngày|hôm|hồi|lúc|mà|nhưng|chưa|không|chiếc|cái|kg|tấn|bộ|thùng|kiện|lô|mã)\b", re.IGNORECASE
)


def states(line: str) -> bool:
    """Whether it says something about a matter: a number of the trade, or `Label: value` that is no way to reach somebody."""
    labelled = _LABELLED.match(line)
    return bool(_NUMBERED.search(line) or _DOCUMENT.search(line)) or (labelled is not None and not _CONTACT.search(labelled[1]))


def is_sentence(footer: str) -> bool:
    """Whether a line that begins as `Sent from my …` goes on as no program's footer does: `Gửi từ điện thoại A15: 200 chiếc`."""
    return _SENTENCE.search(footer) is not None
