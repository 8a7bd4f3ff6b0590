"""The digest as people get it: the bytes on file, the same in text and HTML, and nothing from outside that changes its shape."""

import email
import email.policy
import os
import re
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, get_args

import pytest

from kit.mongo import Document
from schemas.values import Language, LocalText
from services.notifier.digest_mail import DigestMail
from services.notifier.domain.gathering import Alarm
from services.notifier.rendering import Letterhead
from tests.unit.notifier.examples import AT, DUE

EXPECTED = Path(__file__).parents[2] / "data" / "digests_out"
UPDATE = os.environ.get("UPDATE_MAILS_OUT") == "1"
"""Set it to write the files anew, then read the difference."""

LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES = {"vi": "Trần Quang Minh", "en": "Anna O'Neil"}
AT_EIGHT = datetime.fromisoformat("2026-11-30T01:00:00+00:00")
EVIL = "Lô tôm\r\nBcc: eve@evil.example\r\n\r\n<script>alert(1)</script>\u202e\x00 {{ 7 * 7 }}"


def status_url(reference: str, ticket_id: str, at: datetime) -> str:
    raise AssertionError("staff get no link of the business")


LETTERHEAD = Letterhead("helpdesk@customs.example", "Hải quan – Hỗ trợ doanh nghiệp", status_url, lambda id_: f"https://desk.example/{id_}")
MAIL = DigestMail(LETTERHEAD)


def alarm(number: int, what: str, due_at: datetime | None = DUE, **changed: Any) -> Alarm:
    fields: dict[str, Any] = {
        "ticket_id": f"t{number}",
        "sequence": 5,
        "reference": f"HQ-7K3M-{number:04}",
        "subject": "Vướng mắc về mã HS của tôm đông lạnh",
        "what": what,
        "clock": "resolution",
        "cycle": 1,
        "due_at": due_at,
        "group": LocalText(vi="Tổ hỗ trợ doanh nghiệp Hòn Gai", en="Hon Gai Support Group"),
        "timezone": "Asia/Ho_Chi_Minh",
        "mailbox": "hon-gai@customs.example",
    }
    return Alarm(**(fields | changed))


GATHERED = (
    alarm(1, "missed"),
    alarm(2, "missed", DUE - timedelta(days=2), clock="first_response", subject="Trị giá tính thuế bị bác bỏ"),
    alarm(3, "warned", AT_EIGHT + timedelta(hours=5), percent=75),
    alarm(4, "escalated", DUE + timedelta(days=1), moved=True),
    alarm(5, "escalated", None, moved=True, authority=LocalText(vi="Bộ Tài chính", en="Ministry of Finance")),
    alarm(6, "escalated", AT_EIGHT - timedelta(minutes=20), clock="next_response"),
)


def row(language: str = "vi", **changed: Any) -> Document:
    fields = {
        "_id": "01935b8e-7c00-7000-8000-0000000000d1",
        "name": NAMES[language],
        "address": "minh@customs.example",
        "language": language,
        "recipient": "minh",
    }
    return fields | changed


def rendered(*alarms: Alarm, language: str = "vi", **changed: Any) -> EmailMessage:
    mail = email.message_from_bytes(MAIL.render(row(language, **changed), alarms or GATHERED, AT_EIGHT), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def body(mail: EmailMessage, subtype: str) -> str:
    part = mail.get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_digest_is_the_one_on_file(language: Language) -> None:
    raw = MAIL.render(row(language), GATHERED, AT_EIGHT)
    mail = rendered(language=language)
    text = "".join(f"{name}: {value}\n" for name, value in mail.items()) + "\n" + body(mail, "plain")
    for path, content in {EXPECTED / f"digest.{language}.eml": raw, EXPECTED / f"digest.{language}.txt": text.encode()}.items():
        if UPDATE:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        assert path.read_bytes() == content


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_digest_is_whole_in_its_language(language: Language) -> None:
    mail = rendered(language=language)
    assert body(mail, "html").startswith(f'<!DOCTYPE html>\n<html lang="{language}">')
    foreign = re.compile(r"\b(Dear|due|late|missed|left|Reference)\b" if language == "vi" else r"Kính gửi|quá hạn|còn|Thời hạn|cấp trên")
    assert foreign.search(body(mail, "plain")) is None
    assert not [part.defects for part in mail.walk() if part.defects]
    assert "None" not in body(mail, "html")


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_html_have_the_same_rows(language: Language) -> None:
    mail = rendered(language=language)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in body(mail, "html").splitlines() if line.startswith("<tr ")]
    assert len(cells) == len(GATHERED)
    text = body(mail, "plain")
    for reference, subject, what, due, late in cells:
        shown = [re.sub(r"<[^>]+>", "", reference), subject, what, *(part for part in (due, late) if part != "–")]
        assert all(part in text for part in shown), shown


def test_the_most_overdue_comes_first_and_late_is_said_in_days_hours_and_minutes() -> None:
    text = body(rendered(language="en"), "plain")
    assert re.findall(r"^\d+\. HQ-7K3M-000(\d)", text, re.MULTILINE) == ["2", "1", "4", "6", "3", "5"]
    assert re.findall(r"\| (\d.*)$", text, re.MULTILINE) == [
        "7 days 15 hours late",
        "5 days 15 hours late",
        "4 days 15 hours late",
        "20 minutes late",
        "5 hours left",
    ]


def test_a_thousand_are_counted_and_a_hundred_shown() -> None:
    many = [alarm(number, "missed", DUE + timedelta(minutes=number)) for number in range(1000)]
    mail = rendered(*many, language="en")
    assert mail["Subject"] == "1000 deadlines need attention: 1000 missed"
    assert body(mail, "html").count('<th scope="row"') == 100
    assert "And 900 more, which you find in the queue." in body(mail, "plain")
    assert len(mail.as_bytes()) < 102_000, "mail programs cut longer ones off"


def test_the_headers_keep_robots_quiet_and_let_answers_reach_the_one_group() -> None:
    mail = rendered()
    assert (mail["Auto-Submitted"], mail["Reply-To"]) == ("auto-generated", "hon-gai@customs.example")
    assert mail["Message-ID"] == "<01935b8e-7c00-7000-8000-0000000000d1@customs.example>"
    assert mail["In-Reply-To"] is None
    assert mail["Date"].datetime == AT_EIGHT
    assert rendered(GATHERED[0], alarm(9, "missed", mailbox="other@customs.example"))["Reply-To"] is None
    assert rendered(alarm(1, "missed", mailbox="nonsense"), alarm(2, "missed", mailbox="nonsense"))["Reply-To"] is None


def test_where_zones_differ_each_time_has_its_own() -> None:
    text = body(rendered(GATHERED[0], alarm(9, "missed", timezone="Asia/Tokyo"), language="en"), "plain")
    assert "16:30 24/11/2026 (Viet Nam time, UTC+7)" in text
    assert "18:30 24/11/2026 (Asia/Tokyo, UTC+9)" in text
    assert "All times: Viet Nam time, UTC+7; Asia/Tokyo, UTC+9." in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_from_outside_stay_words(language: Language) -> None:
    hostile = LocalText(vi=EVIL, en=EVIL)
    mail = rendered(
        alarm(1, "escalated", subject=EVIL, group=hostile, moved=True),
        alarm(2, "escalated", subject="x" * 500, authority=hostile),
        language=language,
        name=EVIL,
    )
    assert mail["Bcc"] is None
    html, text = body(mail, "html"), body(mail, "plain")
    assert "<script>" not in html
    assert "{{ 7 * 7 }}" in text
    assert "\u202e" not in html + text
    assert not re.search(r"^Bcc:", text, re.MULTILINE)
    assert "x" * 81 not in text


def test_rendering_again_gives_the_same_bytes() -> None:
    assert MAIL.render(row(), GATHERED, AT_EIGHT) == DigestMail(LETTERHEAD).render(row(), GATHERED, AT_EIGHT)
    assert MAIL.render(row(), GATHERED, AT_EIGHT) != MAIL.render(row(), GATHERED, AT)
