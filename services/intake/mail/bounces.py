"""Reports of mail servers and mailbox providers: by their structure where they have one, else by their words.

What has the structure is RFC 3464 (delivery) and RFC 5965 (complaints); for the rest see `returned.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from services.intake.domain.bounces import Action, Bounce, Failure, failure
from services.intake.mail.automatic import by_program
from services.intake.mail.charsets import decoded
from services.intake.mail.headers import Fields, structured
from services.intake.mail.letter import Enclosed
from services.intake.mail.returned import addresses_in, failed_recipients, is_delay, is_report, report_of, told

LONGEST: Final = 64 * 1024
"""Characters of each part that are looked at."""

MOST: Final = 100
"""Recipients of one report."""

_STATUS_PARTS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED_PARTS: Final = ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
_FIELD: Final = re.compile(r"^([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:[ \t]*([^\n]*(?:\n[ \t]+[^\n]*)*)", re.MULTILINE)
_EMPTY_LINE: Final = re.compile(r"\n[ \t]*\n")
_MESSAGE_ID: Final = re.compile(r"^[ \t>]*(?:Original-)?Message-ID[ \t]*:\s{0,80}(<[^<>\s]{1,400}>)", re.IGNORECASE | re.MULTILINE)
_ORIGINAL_TO: Final = re.compile(r"^(?:X-HmXmrOriginalRecipient|To)[ \t]*:[ \t]*([^\n]*)", re.IGNORECASE | re.MULTILINE)
_COMPLAINT: Final = re.compile(r"complaint about message from|abuse report|spam report", re.IGNORECASE)


def bounce_of(fields: Fields, text: str, files: Sequence[Enclosed]) -> Bounce | None:
    """None: nobody reports anything. `text`: all the words of the mail."""
    shown = text[:LONGEST]
    returned = "\n".join(decoded(file.content[:LONGEST]) for file in files if file.content_type in _RETURNED_PARTS)
    found = _delivery(fields, shown, files) or _complaint(fields, files, returned) or _words(fields, shown, files, returned)
    if not found:
        return None
    return Bounce(_each_once(found), _original(fields, returned, shown), _by_machine(fields))


def _by_machine(fields: Fields) -> bool:
    """A complaint comes from whoever passes complaints on, so that its form has to do; a form that no person's program makes."""
    kind = structured(fields.raw("content-type"))
    report = kind.parameters.get("report-type", "").lower() if kind.value == "multipart/report" else ""
    sender = next(iter(addresses_in(fields.text("from"))), "")
    return report == "feedback-report" or (report == "delivery-status" and by_program(fields, sender))


def _delivery(fields: Fields, text: str, files: Sequence[Enclosed]) -> list[Failure]:
    """RFC 3464. Its fields also count in plain words, if a mail server wrote them."""
    reports = [decoded(file.content[:LONGEST]) for file in files if file.content_type in _STATUS_PARTS]
    if not reports and is_report(fields, text):
        reports = [decoded(file.content[:LONGEST]) for file in files if file.content_type == "text/plain"] + [report_of(text)]
    own = report_of(text)
    return list(islice((each for report in reports for each in _recipients(report, own)), MOST))


def _recipients(report: str, own: str) -> Iterator[Failure]:
    for stated in _blocks(report.replace("\r\n", "\n")):
        original = _address(stated.get("original-recipient", ""))
        address = _address(stated.get("final-recipient", "")) or original
        action = _action(stated)
        if address and action:
            said = stated.get("diagnostic-code", "").partition(";")[2] or stated.get("diagnostic-code", "")
            yield failure(address, stated.get("status", ""), said or told(own, address), action, original)


def _blocks(report: str) -> Iterator[dict[str, str]]:
    """The fields of one recipient each; some programs forget the empty line between two."""
    for block in _EMPTY_LINE.split(report):
        stated: dict[str, str] = {}
        for name, value in _FIELD.findall(block):
            if name.lower() == "final-recipient" and "final-recipient" in stated:
                yield stated
                stated = {}
            stated.setdefault(name.lower(), value)
        yield stated


def _action(stated: Mapping[str, str]) -> Action | None:
    """None: there is nothing wrong with this one."""
    action = stated.get("action", "failed").strip().lower()
    if action.startswith("delay"):
        return "delayed"
    success = action.startswith(("deliver", "relay", "expand")) and not stated.get("status", "").strip().startswith(("4", "5"))
    return None if success else "failed"


def _address(value: str) -> str:
    """Of `rfc822; a@b.vn`; the type may be missing."""
    found = addresses_in(value)
    if found:
        return found[0]
    plain = value.rpartition(";")[2].strip().strip("<>")
    return plain[:254] if plain and " " not in plain else ""


def _complaint(fields: Fields, files: Sequence[Enclosed], returned: str) -> list[Failure]:
    """RFC 5965: somebody called a mail of ours unwanted. Reports about the sender's signatures are none."""
    reports = [decoded(file.content[:LONGEST]) for file in files if file.content_type == "message/feedback-report"]
    by_subject = bool(returned) and not fields.raw("in-reply-to") and _COMPLAINT.match(fields.text("subject")) is not None
    if not reports and not by_subject:
        return []
    stated = {name: value for block in _blocks("\n".join(reports).replace("\r\n", "\n")) for name, value in block.items()}
    kind = stated.get("feedback-type", "abuse").strip().lower()
    if kind.startswith("auth-failure"):
        return []
    named = [stated.get(name, "") for name in ("original-rcpt-to", "removal-recipient", "redacted-address")]
    original = _ORIGINAL_TO.search(returned)
    addresses = addresses_in(" ".join(named)) or addresses_in(original[1] if original else "")
    return [failure(address, "", f"complaint: {kind}", "complained") for address in addresses[:MOST]]


def _words(fields: Fields, text: str, files: Sequence[Enclosed], returned: str) -> list[Failure]:
    if not is_report(fields, text):
        return []
    own = report_of(text)
    more = "\n".join(decoded(file.content[:LONGEST]) for file in files if file.content_type == "text/plain")
    return _from_words(fields, f"{own}\n{more}" if more else own, returned or text[len(own) :])


def _from_words(fields: Fields, report: str, returned: str) -> list[Failure]:
    action: Action = "delayed" if is_delay(fields, report) else "failed"
    addresses = failed_recipients(fields, report)
    if not addresses:
        original = _ORIGINAL_TO.search(returned)
        addresses = addresses_in(original[1]) if original else []
    return [failure(address, "", told(report, address), action) for address in addresses[:MOST]]


def _each_once(failures: Sequence[Failure]) -> tuple[Failure, ...]:
    first: dict[str, Failure] = {}
    for each in failures:
        first.setdefault(each.address.lower(), each)
    return tuple(first.values())


def _original(fields: Fields, returned: str, text: str) -> str | None:
    found = _MESSAGE_ID.search(returned) or _MESSAGE_ID.search(text)
    if found:
        return found[1]
    earlier = re.search(r"<[^<>\s]{1,400}>", fields.plain("in-reply-to") or fields.plain("references"))
    return earlier[0] if earlier else None
