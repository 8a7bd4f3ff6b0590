"""What is new in a mail: without the quoted mail before it and without the signature. When unsure, everything is new."""

import re
from dataclasses import dataclass
from typing import Final

from services.intake.domain.signatures import only_signature, without_signature

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

_FROM_FIELD: Final = re.compile(r"^[*_ ]*(?:từ|from|người gửi|von|de|от)[*_ ]*[:：][*_ \t]*\S", re.IGNORECASE)
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
    r"|(?:thư|mail|email|tin|nội dung) sau(?! (?:khi|đó|này))|(?:chữ|mực|màu) (?:đỏ|xanh)"
    r"|(?:see|as|at|mail|message|answers?) below|below mail|at the (?:end|bottom)|in (?:red|blue|green)(?! (?:channel|lane))|in-?line"
    r"|fyi|for your information|forwarded|forwarding|chuyển tiếp|chuyển lại)\b",
    re.IGNORECASE,
)
"""What is below, or written into what is below, is what the writer wants to be read."""

_RULED: Final = re.compile(
    r"^[ >]*[-_=*—–]{2,}[ ]?(?:original message|original e-?mail|reply message|thư gốc|tin nhắn gốc|thư ban đầu|tin gốc"
    r"|e-?mail gốc|nội dung gốc|bản gốc"
    r"|trả lời thư|ursprüngliche nachricht|message d'origine)[ ]?[-_=*—–]{2,}",
    re.IGNORECASE,
)
_RULED_ATTRIBUTION: Final = re.compile(rf"^[ >]*-{{2,}} ?(?:on|vào)\b[^\n]{{5,300}}[ ](?:{_VI_EN})[ ]?-{{2,}}[ ]*$", re.IGNORECASE)
"""As Zoho writes it."""

_OURS: Final = re.compile(r"^[ >]*[-_=*#—–]{2,}.{0,10}(?:reply above|trả lời (?:ở )?(?:phía )?trên)", re.IGNORECASE)
_RULE: Final = re.compile(r"^[ ]*[-_=]{10,}[ ]*$")

_FORWARDED_SUBJECT: Final = re.compile(r"^\s*(?:(?:re|trả lời)\s*:\s*)?\[?(?:fwd?|fw|chuyển tiếp|tr|wg)\s*:", re.IGNORECASE)
_ANSWERED_SUBJECT: Final = re.compile(
    r"^\s*(?:\[[^\]]{0,60}\]\s*)*\[?(?:re|trả lời|tl|aw|antw|sv|res|rif|vs)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE
)
_FORWARDED: Final = re.compile(
    r"^[ >]*(?:[-_=]{3,}[ ]?(?:forwarded message|forwarded by|thư (?:đã |được )?chuyển tiếp|tin nhắn (?:đã |được )?chuyển tiếp"
    r"|chuyển tiếp)"
    r"|begin forwarded message|bắt đầu (?:thư|tin nhắn) (?:đã |được )?chuyển tiếp)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Cut:
    """`complete`: nothing was left out."""

    text: str
    complete: bool


def is_answer(subject: str) -> bool:
    """As `Re:` says."""
    return _ANSWERED_SUBJECT.match(subject) is not None


def new_text(text: str, subject: str = "", *, answers: bool = True) -> Cut:
    """A forwarded mail is what its sender wants to show us: nothing of it is left out, nor of answers between the lines.

    `answers`: the mail is an answer to one. Of any other what looks like a quote is told or pasted, and only its signature is left out.
    """
    if len(text) > LONGEST or _FORWARDED_SUBJECT.match(subject) or _FORWARDED.search(text):
        return Cut(text, complete=True)
    lines = text.split("\n")
    kept = without_signature(_without_quote(lines) if answers or any(_OURS.match(line) for line in lines) else lines)
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
    if _POINTS_BELOW.search("\n".join(before)):
        return lines
    if not attributed and not lines[start].startswith(">"):
        return before if _said(before) else lines
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
    if not _said(below) or only_signature(below):
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
    return any(rule.match(line) for rule in (_RULED, _RULED_ATTRIBUTION, _OURS)) or _fields(lines, number) or _attributed(lines, number) > 0


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


def _said(lines: list[str]) -> bool:
    return any(line.strip() for line in lines)


def _next_said(lines: list[str], start: int) -> int | None:
    return next((number for number in range(start, len(lines)) if lines[number].strip()), None)
