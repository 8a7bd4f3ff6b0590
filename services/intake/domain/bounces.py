"""A mail that could not be delivered: who did not get it, and whether trying that address again makes sense."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from schemas.text import clean_line

Action = Literal["failed", "delayed", "complained"]

LONGEST_DIAGNOSTIC: Final = 500
"""Characters."""


@dataclass(frozen=True)
class Failure:
    """One recipient. `delayed`: the other server is still trying; `complained`: it arrived and was reported as unwanted."""

    address: str
    status: str
    """RFC 3463; `5.0.0` or `4.0.0` where the report says no more than that."""
    hard: bool
    """The address is no good: nothing sent there will ever arrive."""
    diagnostic: str
    action: Action = "failed"
    original: str = ""
    """The address it had before a server on the way passed it on to this one; empty where the report does not say."""


@dataclass(frozen=True)
class Bounce:
    """What a mail server reported. Anybody can send such a mail: it proves nothing without a token of ours."""

    recipients: tuple[Failure, ...]
    original_message_id: str | None
    """With its angle brackets, of the mail that came back."""
    by_machine: bool = False
    """The mail as a whole has the form of a report and says that a program sent it; else a person may have put a report into it."""


_ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\.\d|\d)")
_CODE: Final = re.compile(r"(?<![\d.])([45][0-57]\d)(?=[\s\-:,])")
_UNSAID: Final = re.compile(r"[45]\.0\.\d+|[45]\.\d+\.0")

_TEMPORARY: Final = (
    r"quota|mailbox (is |size )?(almost )?full|mail ?box .{0,60}full|inbox full|exceed(s|ed)? .{0,30}(size|limit|storage)"
    r"|exceeded storage"
    r"|insufficient (system )?(storage|space)|not enough (storage|space)|too (big|large|long)|size limit|maximum size|too much mail"
    r"|(account|mailbox|user|recipient|address)\W.{0,60}(disabled|suspended|inactive|locked|on hold|deactivated|expired)"
    r"|disabled (recipient|account|mailbox|user)|account (has been|is) (disabled|suspended|inactive)"
    r"|spam|blacklist|blocklist|block(ed)? list|\bblocked\b|black list|reputation|unsolicited|virus|malware|phish|dmarc|\bdkim\b"
    r"|\bspf\b"
    r"|not authenticated|unauthenticated|authentication (required|failed)|policy|prohibited|banned|dnsbl|\brbl\b|spamhaus"
    r"|poor reputation"
    r"|relay(ing)? (access )?(denied|not (allowed|permitted))|unable to relay|not (allowed|permitted) to relay|no relaying"
    r"|sender (address |domain )?(rejected|denied|verify failed|verification failed)|sender was rejected|unroutable sender"
    r"|sender's domain"
    r"|(reverse|ptr|rdns)\W.{0,40}(dns|lookup|record|hostname|required|not found|invalid)|cannot find your (reverse )?hostname"
    r"|(cannot|could not|couldn't) find your hostname|cannot resolve your|client host .{0,60}(blocked|rejected)|helo"
    r"|my name was rejected"
    r"|greylist|graylist|try (again|later)|temporar(y|ily)|deferred|rate limit|too many|timed out|time-?out|timeout"
    r"|connection (refused|reset|lost|dropped)|no route to host|network (error|is unreachable)|host unreachable|not responding"
    r"|retry time ?out|queue too long|delivery (time )?expired|not accept our requests to connect|loops? back|too many hops|mail loop"
    r"|ldap server|resources|recipient preferences|procmail|couldn't create|system error|local configuration error|mailer error"
    r"|header error|syntax"
)
_UNKNOWN: Final = (
    r"user (is )?unknown|unknown (user|recipient|address|mailbox|local.?part|or illegal|e-?mail|account)|no such (user|recipient"
    r"|mailbox|address|person|account|local)"
    r"|(user|recipient|account|mailbox|address|alias)(\(s\))?\W.{0,80}?(does(n't| not) exist|not found|not (be )?known|not listed"
    r"|unknown"
    r"|not exist|no longer|is not (a )?(valid|known|our))"
    r"|not (a )?valid (mailbox|recipient|user|address)|invalid (recipient|mailbox|user|address|final delivery)|no mailbox (here|by)"
    r"|recipient (name )?is not recognized|not our customer|not listed in (domino|public)|no valid recipients?|mailbox not found"
    r"|(host|domain) (name )?(unknown|not found|does(n't| not) exist|not exist)|unknown (host|domain)|name or service not known"
    r"|no such (host|domain)|couldn't find any host|unrouteable address|unroutable address|bad destination|nxdomain"
    r"|no mx record|null mx|(has|with) no mx|no smtp service|couldn't find a mail exchanger|does not accept (any )?(e?-?mail)"
    r"|doesn't have an? .{1,60} account|account or domain may not exist|has moved|mailbox has moved|user has moved|moved to"
    r"|address no longer|recipient address rejected: access denied|no longer (valid|available|exists?|active|in use)"
    r"|ディレクトリのリストにありません|không tồn tại"
)
_TEMPORARY_WORDS: Final = re.compile(_TEMPORARY, re.IGNORECASE)
_UNKNOWN_WORDS: Final = re.compile(_UNKNOWN, re.IGNORECASE)

_HARD: Final = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.4.4"})
"""RFC 3463: the mailbox, its host or its syntax."""

_SOFT: Final = re.compile(r"4\.\d+\.\d+|5\.1\.[78]|5\.2\.\d+|5\.3\.[1-9]\d*|5\.7\.(?!1$|0$)\d+")
"""The mailbox is there but takes nothing now (5.2.x), the sender's address is no good (5.1.7, 5.1.8), or a system or a policy refuses."""


def status_of(stated: str, said: str) -> str:
    """The most telling status: the stated one, unless it is as good as none and the words of the server hold a better."""
    written = _ENHANCED.search(stated)
    own = written[1] if written else ""
    if own and not _UNSAID.fullmatch(own):
        return own
    better = [found for found in _ENHANCED.findall(said) if found[0] != "2" and not _UNSAID.fullmatch(found)]
    if better:
        return str(better[0])
    if own:
        return own
    inside, code = _ENHANCED.search(said), _CODE.search(said)
    if inside and inside[1][0] != "2":
        return inside[1]
    return f"{code[1][0]}.0.0" if code else ""


def is_hard(status: str, said: str) -> bool:
    """By the words of the other server first: many put the wrong number before the right sentence."""
    if _SOFT.fullmatch(status):
        return False
    temporary = _TEMPORARY_WORDS.search(said)
    unknown = _UNKNOWN_WORDS.search(said)
    if unknown:
        return temporary is None or status in _HARD
    return temporary is None and status in _HARD


def failure(address: str, stated: str, said: str, action: Action = "failed", original: str = "") -> Failure:
    """One recipient of a report. `said`: the diagnostic or the sentence that stood beside the address."""
    line = clean_line(said[: 2 * LONGEST_DIAGNOSTIC])[:LONGEST_DIAGNOSTIC]
    status = status_of(stated, line)
    if action != "failed":
        status = status if status.startswith("4") or action == "complained" else "4.0.0"
        return Failure(address, status, hard=False, diagnostic=line, action=action, original=original)
    return Failure(address, status or "5.0.0", is_hard(status, line), line, original=original)
