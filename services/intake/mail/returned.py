"""Reports of mail servers that only people were meant to read: whether a mail is one, and whom it is about."""

import re
from typing import Final

from services.intake.mail.headers import Fields, structured

_ADDRESS: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,80}@[A-Za-z0-9.-]{1,120}[A-Za-z0-9]"
_ADDRESSES: Final = re.compile(rf"(?<![A-Za-z0-9._%+-]){_ADDRESS}")
_AT_LINE_START: Final = re.compile(
    rf"^[ \t]*(?:>>>[ \t]*|\*[ \t]*|Recipient:[ \t]*|To:[ \t]*<)?[<\"\[]{{0,2}}({_ADDRESS})(?=[>\"\]]?(?:$|[ \t]*[:;,(]|[ \t]+\S|>"
    rf"|\.\.\.))",
    re.MULTILINE,
)
_NAMED: Final = re.compile(
    rf"(?:delivered to:?|delivering your mail to|deliver(?:y)? (?:the )?message to:?|undeliverable to|could not be delivered to:?"
    rf"|RCPT TO:?|unknown user:?|invalid final delivery userid:?|exceeds allowed size:?|attempts:|Address:|for recipient|recipients?:"
    rf"|message to|unknown recipient:?|user|original-recipient:.{{0,20}}"
    rf"|final-recipient:.{{0,20}})\s{{0,40}}[<(\"\[]{{0,2}}({_ADDRESS})",
    re.IGNORECASE,
)
_SMTP_LINE: Final = re.compile(rf"^[ \t]*[45]\d\d[ -][^\n]{{0,20}}?<({_ADDRESS})>", re.MULTILINE)

_RETURNED: Final = re.compile(
    r"^(?:[ \t]*[-=_|*]{2,100}[^\n]{0,40}(?:original|copy of|unsent|returned|undelivered|message (?:text|header|body)"
    r"|body of)[^\n]{0,80}"
    r"|[ \t]*(?:original message (?:follows|:)|message headers? follow|Original mail as follows|(?:below|included"
    r"|here) is a copy)[^\n]{0,80}"
    r"|(?:Received|Return-Path|DKIM-Signature|X-Received|X-Originating-IP|Arc-Seal)[ \t]*:[^\n]{0,200})$",
    re.IGNORECASE | re.MULTILINE,
)
_DAEMON: Final = re.compile(
    r"(?:mailer-?daemon|post-?_?master|mail[._-]?delivery[._-]?(?:sub)?system|mail[._-]?administrator|mdaemon|mailsystem"
    r"|smtp-?gateway)",
    re.IGNORECASE,
)
_DAEMON_NAMES: Final = re.compile(
    r"mail delivery (?:sub)?system|mailer[- ]daemon|mail system|system administrator|ndr administrator|postmaster", re.IGNORECASE
)
_SUBJECTS: Final = re.compile(
    r"(?:\[[^\]]{1,40}\][ ]*)?(?:undeliver|non.?deliver|deliver[yi][^ ]{0,4} (?:status|fail|has failed|report|problem)"
    r"|mail (?:delivery )?(?:fail|error|system error|could not)"
    r"|(?:mail|message) delivery|fail(?:ed|ure) (?:notice|delivery|to deliver)|failure notice|returned mail|mail returned"
    r"|returned to sender|message (?:delivery|you sent)"
    r"|warning: (?:could not send|message)|could not (?:be delivered|send)|notification d'|unzustellbar|メールエラー|メッセージを配信"
    r"|ваше сообщение не доставлено"
    r"|không (?:thể )?(?:gửi|chuyển|phát) được|không thể (?:gửi|chuyển|phát)|thư không (?:thể )?(?:gửi|chuyển|phát) được"
    r"|thông báo trạng thái gửi)",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(
    r"(?:could ?n[o']t|cannot|can't|was not|were not|not) be(?:en)?(?: yet)? delivered|(?:was|were) (?:not|undeliverable)"
    r"|undeliverable|not yet been delivered"
    r"|did not reach the following|(?:unable|failed|wasn't able|not able|tried?) to deliver|deliver(?:y|ing)[^\n]{0,60}(?:fail"
    r"|delay|error|rejected)"
    r"|(?:permanent|fatal) (?:fatal )?error|fail(?:ed|ure)s? (?:permanently|addresses|reasons?)|error (?:has )?occurred while"
    r"|is delayed for more"
    r"|error delivering|rejected by a remote|did not receive this message|user unknown|unknown user|no valid recipients"
    r"|invalid (?:user|final)"
    r"|送信できませんでした|配信できませんでした|не может быть доставлено|không (?:thể )?(?:gửi|chuyển|phát) được|mailbox exceeds"
    r"|failed \d+ attempts"
    r"|(?:^|\s)[45]\d\d[ -][45]\.\d\.\d|exceeds allowed|mail system error",
    re.IGNORECASE,
)
_TECHNICAL: Final = re.compile(
    r"(?<![\d.])[45]\d\d[ -][45]\.\d{1,3}\.\d{1,3}|\bSMTP\b|RCPT TO|user unknown|unknown user|mailbox is full", re.IGNORECASE
)
"""What a person who writes about a delivery of goods does not say."""

_DELAY: Final = re.compile(
    r"warning message only|do not need to re-?send|has been delayed|is delayed for|not yet been delivered|will be retried"
    r"|temporary failure report"
    r"|delay reason|still (?:being )?(?:trying|retried)|will continue (?:to try|trying)",
    re.IGNORECASE,
)
_DELAY_SUBJECTS: Final = re.compile(r"\(delay\)|delayed|warning:|: warning|sự chậm trễ|bị trì hoãn", re.IGNORECASE)
_SERVICE: Final = re.compile(r"(?:postmaster|mailer-daemon|support|abuse|helpdesk|help|info)@", re.IGNORECASE)

_REASON: Final = re.compile(
    r"(?<![\d.])[45]\d\d[\s:-]|(?<![\d.])[45]\.\d+\.\d+|full|quota|unknown|expire|exist|fail|error|timeout|invalid|refus|reject"
    r"|disabled|account",
    re.IGNORECASE,
)
"""What an explanation has in it; without any, the report says it elsewhere."""

TOLD: Final = 1_000
"""Characters after an address that are taken for what is said about it."""


def addresses_in(text: str) -> list[str]:
    """Each once, in their order."""
    return list(dict.fromkeys(_ADDRESSES.findall(text)))


def is_report(fields: Fields, text: str) -> bool:
    """Two signs are asked for: who sent it or what the subject says, and what stands in it. A reply of a person is none."""
    kind = structured(fields.raw("content-type"))
    report = kind.parameters.get("report-type", "").lower()
    if report in {"disposition-notification", "feedback-report"}:
        return False
    if fields.plain("auto-submitted").lower().startswith("auto-replied") and report != "delivery-status" and not _by_daemon(fields):
        return False
    if fields.raw("x-failed-recipients"):
        return True
    by_server = _by_server(fields)
    by_subject = _SUBJECTS.match(fields.text("subject").strip()) is not None
    if not by_server and not by_subject:
        return False
    own = report_of(text)
    said = _WORDS.search(own) is not None
    return (by_server and (by_subject or said)) or (said and _TECHNICAL.search(own) is not None)


def _by_server(fields: Fields) -> bool:
    back = fields.plain("return-path").lower()
    return back in {"<>", "<mailer-daemon>"} or "mailer-daemon" in back or _by_daemon(fields)


def _by_daemon(fields: Fields) -> bool:
    sender = fields.text("from").strip()
    address = addresses_in(sender)
    local = (address[0] if address else sender.strip("<> ")).partition("@")[0]
    return sender == "<>" or _DAEMON.match(local) is not None or _DAEMON_NAMES.search(sender) is not None


def is_delay(fields: Fields, report: str) -> bool:
    """A warning: the other server keeps trying."""
    return _DELAY.search(report) is not None or _DELAY_SUBJECTS.search(fields.text("subject")) is not None


def report_of(text: str) -> str:
    """What the server itself says: without the mail that it returns."""
    found = _RETURNED.search(text)
    while found is not None and not text[: found.start()].strip():
        found = _RETURNED.search(text, found.end())
    return text[: found.start()] if found else text


def failed_recipients(fields: Fields, report: str) -> list[str]:
    """By the field for it, else by lines that begin with an address, by words before one, and last any address that is not the sender's."""
    named = addresses_in(fields.plain("x-failed-recipients"))
    if named:
        return named
    for pattern in (_AT_LINE_START, _SMTP_LINE, _NAMED):
        found = [address for address in dict.fromkeys(pattern.findall(report)) if not _SERVICE.match(address)]
        if found:
            return found
    ours = {address.lower() for name in ("to", "from", "return-path") for address in addresses_in(fields.plain(name))}
    return [address for address in addresses_in(report) if address.lower() not in ours and not _SERVICE.match(address)][:1]


def told(report: str, address: str) -> str:
    """What stands after the address, up to the next line that begins with another; the whole report if nothing does."""
    start = report.find(address)
    if start < 0:
        return report[:TOLD]
    after = start + len(address)
    following = next((found.start() for found in _AT_LINE_START.finditer(report, after) if found[1] != address), len(report))
    said = report[after : min(following, after + TOLD)].strip(' \t\n>:;"')
    return said if _REASON.search(said) else f"{said} {report[:TOLD]}".strip()
