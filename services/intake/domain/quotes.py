"""What is new in a mail: without the quoted mail before it and without the signature. When unsure, everything is new."""

import re
from dataclasses import dataclass
from typing import Final

from services.intake.domain.signatures import is_sentence, states

LONGEST: Final = 200_000
"""Characters that are looked at; whoever writes more than that is not just answering."""

_VI_EN: Final = r"wrote|writes|đã viết|viết|đã gửi|đã trả lời"
_OTHERS: Final = r"a écrit|schrieb|escribió|ha scritto|написала?|пишет|geschreven|skrev|writes"
_ATTRIBUTION: Final = re.compile(rf"(?:{_VI_EN}|{_OTHERS})(?: vào[^:\n]{{0,60}})?[ \u00a0]?[:：]$", re.IGNORECASE)
"""The end of `On …, Lan <lan@x.vn> wrote:`, `Vào … đã viết:`."""

_BEGINS: Final = re.compile(
    r"(?:(?:on|vào|lúc|ngày|trong|at|le|am|el|il|op|den)\b|\d{1,4}[./-]\d|(?:thứ|th\.?|t)\s?[2-7]\b|cn\b|chủ nhật|\*?(?:từ|from)\b)",
    re.IGNORECASE,
)
_WRAPPED: Final = 4
"""Lines over which clients wrap it."""

_TIME_OR_ADDRESS: Final = re.compile(r"@|\d{1,2}[:h]\d{2}|\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|tháng|thg|\b(?:19|20)\d\d\b", re.IGNORECASE)
_TIME: Final = re.compile(r"\d{1,2}[:.h]\d{2}")
_ANGLED: Final = re.compile(r"[<(\[][^<>\s]{1,100}@[^<>\s]{1,100}[>)\]]")
_LONGEST_ATTRIBUTION: Final = 400
_FEW: Final = 2
_WHO_FIRST: Final = re.compile(r"^[^\n]{1,120}[<(\[][^<>\s]{1,100}@[^<>\s]{1,100}[>)\]][^\n]{0,80}$")

_FROM_FIELD: Final = re.compile(r"^[*_ ]*(?:từ|from|người gửi|von|de|от)[*_ ]*[:：][*_ ]*\S", re.IGNORECASE)
_FIELD: Final = re.compile(
    r"^[*_ ]*(?:đã gửi|gửi lúc|gửi|ngày gửi|ngày|thời gian|đến|tới|người nhận|cc|bcc|chủ đề|tiêu đề|sent|date|to|subject|gesendet"
    r"|an|betreff|envoyé|à|objet)"
    r"[*_ ]*[:：]",
    re.IGNORECASE,
)
_SUBJECT_OR_DATE: Final = re.compile(
    r"^[*_ ]*(?:đã gửi|gửi lúc|ngày gửi|ngày|thời gian|chủ đề|tiêu đề|sent|date|subject)[*_ ]*[:：]", re.IGNORECASE
)
_SUBJECT: Final = re.compile(r"^[*_ ]*(?:chủ đề|tiêu đề|subject|betreff|objet)[*_ ]*[:：]", re.IGNORECASE)
_WRITTEN_BY_PROGRAMS: Final = re.compile(r"^ *[*_]|[<>]|[^\s@]@[^\s@]")
"""A bold label, an address: without these and without a subject, `From: … To: … Date: …` are the places and the day of a shipment."""

_FIELD_LINES: Final = 8
_POINTS_BELOW: Final = re.compile(
    r"\b(?:(?:xem|đọc|thư|mail|ở|phía|bên|như) (?:bên |phía )?dưới|dưới đây|sau đây|ở cuối|cuối thư"
    r"|(?:see|as|at|mail|message|answers?) below|below mail|at the (?:end|bottom)"
    r"|fyi|for your information|forwarded|forwarding|chuyển tiếp|chuyển lại)\b",
    re.IGNORECASE,
)
"""What is below is what the writer wants to be read."""

_RULED: Final = re.compile(
    r"^[ >]*[-_=*—–]{2,}[ ]?(?:original message|original e-?mail|reply message|thư gốc|tin nhắn gốc|thư ban đầu|tin gốc"
    r"|e-?mail gốc|nội dung gốc|bản gốc"
    r"|trả lời thư|ursprüngliche nachricht|message d'origine)[ ]?[-_=*—–]{2,}",
    re.IGNORECASE,
)
_OURS: Final = re.compile(r"^[ >]*[-_=*#—–]{2,}.{0,10}(?:reply above|trả lời (?:ở )?(?:phía )?trên)", re.IGNORECASE)
_RULE: Final = re.compile(r"^[ ]*[-_=]{10,}[ ]*$")

_FORWARDED_SUBJECT: Final = re.compile(r"^\s*(?:(?:re|trả lời)\s*:\s*)?(?:fwd?|fw|chuyển tiếp|tr|wg)\s*:", re.IGNORECASE)
_FORWARDED: Final = re.compile(
    r"^[ >]*(?:[-_=]{3,}[ ]?(?:forwarded message|forwarded by|thư (?:đã |được )?chuyển tiếp|tin nhắn (?:đã |được )?chuyển tiếp"
    r"|chuyển tiếp)"
    r"|begin forwarded message|bắt đầu (?:thư|tin nhắn) (?:đã |được )?chuyển tiếp)",
    re.IGNORECASE | re.MULTILINE,
)

_DEVICES: Final = (
    r"iphone|ipad|ipod|samsung|galaxy|android|xiaomi|redmi|oppo|vivo|huawei|nokia|blackberry|điện thoại|thiết bị|máy tính bảng|di động"
    r"|outlook|gmail|yahoo|zalo|mail|thư|hộp thư|ứng dụng|proton|sparrow|thunderbird|windows|mobile|smartphone|phone|tablet"
)
_SENT_FROM: Final = re.compile(
    rf"^[ *_<\[(]*(?:(?:sent (?:from|with|via|using)|gesendet von|envoyé de(?:puis)?|(?:đã )?(?:được )?gửi (?:từ|bằng"
    rf"|qua)) [^\n]{{0,30}}\b(?:{_DEVICES})"
    r"|get outlook for |(?:nhận|tải(?: xuống)?|lấy) outlook (?:dành )?cho |yahoo mail: )[^\n]{0,70}$",
    re.IGNORECASE,
)
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


@dataclass(frozen=True)
class Cut:
    """`complete`: nothing was left out."""

    text: str
    complete: bool


def new_text(text: str, subject: str = "") -> Cut:
    """A forwarded mail is what its sender wants to show us: nothing of it is left out, nor of answers between the lines."""
    if len(text) > LONGEST or _FORWARDED_SUBJECT.match(subject) or _FORWARDED.search(text):
        return Cut(text, complete=True)
    lines = text.split("\n")
    kept = _without_signature(_without_quote(lines))
    new = "\n".join(line.rstrip() for line in kept).strip()
    if not new or new == "\n".join(line.rstrip() for line in lines).strip():
        return Cut(text, complete=True)
    return Cut(new, complete=False)


def _without_quote(lines: list[str]) -> list[str]:
    start = next((number for number in range(len(lines)) if _quote_begins(lines, number)), None)
    if start is None:
        return lines
    before = lines[: _above(lines, start)]
    attributed = _attributed(lines, start)
    if not attributed and not lines[start].startswith(">"):
        return before if _said(before) and not _POINTS_BELOW.search("\n".join(before)) else lines
    return _around(lines, before, start + attributed)


def _around(lines: list[str], before: list[str], body: int) -> list[str]:
    """`body`: where the quoted lines begin, if the client marked them; if it did not, they go to the end."""
    first = _next_said(lines, body)
    if first is None or not lines[first].startswith(">"):
        return before if _said(before) else lines
    after = first
    while after < len(lines) and (not lines[after].strip() or lines[after].startswith(">") or _continues(lines, after)):
        after += 1
    below = lines[after:]
    if not _said(below) or _only_signature(below):
        return before
    answered_between = _said(before) or any(line.startswith(">") for line in below)
    return lines if answered_between else below


def _continues(lines: list[str], number: int) -> bool:
    """A quoted line that was wrapped on its way: one short line between two quoted ones."""
    between = 0 < number < len(lines) - 1 and lines[number - 1].startswith(">") and lines[number + 1].startswith(">")
    return between and len(lines[number - 1]) > 60 and len(lines[number]) < 30  # noqa: PLR2004 (a wrapped line is long, its rest short)


def _quote_begins(lines: list[str], number: int) -> bool:
    line = lines[number]
    if line.startswith(">"):
        return _marked_quote(lines, number)
    if not line.strip():
        return False
    return bool(_RULED.match(line) or _OURS.match(line)) or _fields(lines, number) or _attributed(lines, number) > 0


def _marked_quote(lines: list[str], number: int) -> bool:
    """Marked lines that nobody introduced: one or two of them may be no quote (`> 100 triệu đồng`)."""
    end = number
    while end < len(lines) and lines[end].startswith(">"):
        end += 1
    inner = [line.lstrip("> ") for line in lines[number : min(end, number + 2 * _WRAPPED)]]
    introduced = any(_attributed(inner, each) or _SUBJECT_OR_DATE.match(inner[each]) for each in range(len(inner)))
    return introduced or end - number > _FEW


def _attributed(lines: list[str], number: int) -> int:
    """How many lines `On … wrote:` takes from here; 0 when none begins here."""
    first = lines[number].strip()
    if not first or not (_BEGINS.match(first) or _WHO_FIRST.match(first)):
        return 0
    whole = ""
    for count, line in enumerate(lines[number : number + _WRAPPED], start=1):
        if not line.strip():
            return 0
        whole = f"{whole} {line.strip()}".strip()
        if _ATTRIBUTION.search(whole[-200:]):
            return count if _is_attribution(whole, lines, number + count) else 0
    return 0


def _is_attribution(whole: str, lines: list[str], after: int) -> bool:
    """Without marked lines below it, only when it has all that programs write: a person may say that somebody wrote something."""
    if len(whole) > _LONGEST_ATTRIBUTION:
        return False
    below = _next_said(lines, after)
    if below is not None and not lines[below].startswith(">"):
        return bool(_TIME.search(whole) and _ANGLED.search(whole))
    return _TIME_OR_ADDRESS.search(whole) is not None


def _fields(lines: list[str], number: int) -> bool:
    """`Từ: … Đã gửi: … Đến: … Chủ đề: …`: From first, with nothing close above it, and at least two of the others below.

    One of them has to be what only a mail has.
    """
    above = lines[number - 1] if number else ""
    if not _FROM_FIELD.match(lines[number]) or (above.strip() and not _RULE.match(above)):
        return False
    following = [line for line in lines[number + 1 : number + 1 + 2 * _FIELD_LINES] if line.strip()][:_FIELD_LINES]
    known = [line for line in following if _FIELD.match(line)]
    of_a_mail = _WRITTEN_BY_PROGRAMS.search(lines[number]) or any(_SUBJECT.match(line) for line in known)
    return bool(of_a_mail) and len(known) >= 2 and any(_SUBJECT_OR_DATE.match(line) for line in known)  # noqa: PLR2004 (two more fields)


def _above(lines: list[str], start: int) -> int:
    """Without the rule that Outlook draws above the fields."""
    end = start
    while end > 0 and not lines[end - 1].strip():
        end -= 1
    return end - 1 if end > 0 and _RULE.match(lines[end - 1]) else end


def _without_signature(lines: list[str]) -> list[str]:
    """Cut only where words stand above it."""
    for number in range(max(len(lines) - _SIGNATURE_LINES, 1), len(lines)):
        if lines[number].rstrip() == "--" and _said(lines[:number]) and _delimits(lines, number):
            lines = lines[:number]
            break
    return _without_closing(_without_sent_from(lines))


def _delimits(lines: list[str], number: int) -> bool:
    """`-- ` does (RFC 3676, section 4.3); without its blank only above the last few lines, and not where a list is announced."""
    if lines[number].endswith(" "):
        return _short_end(lines[number + 1 :], _SIGNATURE_LINES)
    announced = number > 0 and lines[number - 1].rstrip().endswith((":", "："))
    return not announced and _short_end(lines[number + 1 :], _CLOSING_LINES)


def _only_signature(lines: list[str]) -> bool:
    said = [line for line in lines if line.strip()]
    if said and said[0].rstrip() == "--":
        return _short_end(said[1:], _SIGNATURE_LINES)
    return bool(said) and all(_is_sent_from(line) for line in said)


def _is_sent_from(line: str) -> bool:
    return _SENT_FROM.match(line) is not None and not is_sentence(line)


def _without_sent_from(lines: list[str]) -> list[str]:
    end = len(lines)
    for number in range(len(lines) - 1, -1, -1):
        if not lines[number].strip():
            continue
        if not _is_sent_from(lines[number]):
            break
        end = number
    return lines[:end] if _said(lines[:end]) else lines


def _without_closing(lines: list[str]) -> list[str]:
    said = [number for number, line in enumerate(lines) if line.strip()]
    for number in said[1:][-_CLOSING_LINES:]:
        if _CLOSING.match(lines[number].strip()) and _short_end(lines[number + 1 :], _CLOSING_LINES):
            return lines[:number]
    return lines


def _short_end(lines: list[str], most: int) -> bool:
    """A name, a telephone number, an address; nothing that reads like more of the letter."""
    said = [line.strip() for line in lines if line.strip()]
    return len(said) <= most and not any(len(line) > _LONG_LINE or _SAYS_MORE.search(line) or states(line) for line in said)


def _said(lines: list[str]) -> bool:
    return any(line.strip() for line in lines)


def _next_said(lines: list[str], start: int) -> int | None:
    return next((number for number in range(start, len(lines)) if lines[number].strip()), None)
