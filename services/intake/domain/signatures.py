"""The signature below a mail, and what only looks like one: lines that state something or go on with the letter."""

import re
from typing import Final

from services.intake.domain.footers import is_footer

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

_CLOSING: Final = re.compile(
    r"^(?:xin )?(?:trân trọng(?: (?:cảm ơn|cám ơn|kính chào|kính thư|và cảm ơn))?|trân trọng\W+kính chào|kính thư|kính chào"
    r"|thân ái|thân mến|thân chào|chào thân ái|chân thành cảm ơn"
    r"|(?:best|kind|warm|with best|with kind)(?: and warm)? regards|regards|best wishes|best|sincerely(?: yours)?"
    r"|yours (?:sincerely|faithfully|truly)"
    r"|thanks (?:and|&) (?:best )?regards|thanks ?/ ?regards|many thanks|cheers)[ ]?[,.!;/]{0,3}$",
    re.IGNORECASE,
)
_CLOSING_LINES: Final = 10
_SIGNATURE_LINES: Final = 25
_SAYS_MORE: Final = re.compile(
    r"[?？]\s*$|^(?:p\.?\s?s|tái bút|n\.?b|lưu ý|note)\b|đính kèm|attach|vui lòng|please|\bxin\b|đề nghị", re.IGNORECASE
)
_LONG_LINE: Final = 100
_SENTENCE_WORDS: Final = 5
"""Fewer are a name, a title, a place."""

_SENTENCE_BEGINS: Final = re.compile(
    r"(?:but|the|this|that|these|those|there|we|i|it|he|she|they|our|my|your|if|when|so|and|also|however|because|as|today|yesterday|tomorrow"
    r"|now|nhưng|tuy nhiên|ngoài ra|hiện|hôm|ngày|sáng|chiều|tối|tôi|em|mình|chúng|bên|nếu|khi|vì|còn|theo|đã|hồ sơ|tờ khai|lô hàng)\b",
    re.IGNORECASE,
)
_SENTENCE_HOLDS: Final = re.compile(
    r"\b(?:tôi|mình|đã|đang|sẽ|vẫn|chưa|(?<!hàng )không|được|rồi|nhé|ạ|is|are|was|were|has|have|had|will|would|cannot|not|did|does|still)\b"
)
"""In small letters; in capitals they stand in the names of firms and people (`Hàng không` is air freight)."""

_ENDS: Final = ".!…"
_SHORTENED: Final = frozenset({"ltd", "co", "inc", "corp", "jsc", "llc", "st", "str", "tp"})


def short_end(lines: list[str], most: int = _SIGNATURE_LINES) -> bool:
    """A name, a telephone number, an address, in `most` lines; nothing that reads like more of the letter."""
    said = [line.strip() for line in lines if line.strip()]
    return len(said) <= most and not any(_says_more(line) for line in said)


def without_signature(lines: list[str]) -> list[str]:
    """Cut only where words stand above it."""
    for number in range(max(len(lines) - _SIGNATURE_LINES, 1), len(lines)):
        if lines[number].rstrip() == "--" and _said(lines[:number]) and _delimits(lines, number):
            lines = lines[:number]
            break
    return _without_closing(_without_footer(lines))


def only_signature(lines: list[str]) -> bool:
    """A delimiter and a short end below it, or footers of programs; nothing else."""
    said = [line for line in lines if line.strip()]
    if said and said[0].rstrip() == "--":
        return short_end(said[1:])
    return bool(said) and all(is_footer(line) for line in said)


def _delimits(lines: list[str], number: int) -> bool:
    """`-- ` does (RFC 3676, section 4.3); without its blank only above the last few lines, and not where a list is announced."""
    if lines[number].endswith(" "):
        return short_end(lines[number + 1 :])
    announced = number > 0 and lines[number - 1].rstrip().endswith((":", "："))
    return not announced and short_end(lines[number + 1 :], _CLOSING_LINES)


def _without_footer(lines: list[str]) -> list[str]:
    end = len(lines)
    for number in range(len(lines) - 1, -1, -1):
        if not lines[number].strip():
            continue
        if not is_footer(lines[number]):
            break
        end = number
    return lines[:end] if _said(lines[:end]) else lines


def _without_closing(lines: list[str]) -> list[str]:
    said = [number for number, line in enumerate(lines) if line.strip()]
    for number in said[1:][-_CLOSING_LINES:]:
        if _CLOSING.match(lines[number].strip()) and short_end(lines[number + 1 :], _CLOSING_LINES):
            return lines[:number]
    return lines


def _says_more(line: str) -> bool:
    return len(line) > _LONG_LINE or _SAYS_MORE.search(line) is not None or _states(line) or _is_sentence(line)


def _states(line: str) -> bool:
    """Something about a matter: a number of the trade, or `Label: value` that is no way to reach somebody."""
    labelled = _LABELLED.match(line)
    return bool(_NUMBERED.search(line) or _DOCUMENT.search(line)) or (labelled is not None and not _CONTACT.search(labelled[1]))


def _is_sentence(line: str) -> bool:
    """What is doubtful is one: the motto of a firm is shown rather than the last line of a letter left out."""
    words = line.split()
    if len(words) < _SENTENCE_WORDS:
        return False
    last = words[-1].rstrip(_ENDS)
    ended = last != words[-1] and last.islower() and last not in _SHORTENED
    return ended or bool(_SENTENCE_BEGINS.match(line) or _SENTENCE_HOLDS.search(line))


def _said(lines: list[str]) -> bool:
    return any(line.strip() for line in lines)
