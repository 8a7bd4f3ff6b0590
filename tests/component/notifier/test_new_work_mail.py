"""The digest of new work as people get it: the bytes on file, text and HTML alike, and nothing from outside that changes its shape."""

import email
import email.policy
import re
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any

import pytest

from schemas.values import Language
from services.notifier.digest_mail import DigestMail
from services.notifier.domain.new_work import NewWork, new_work_digest
from services.notifier.notice_links import notice_url
from services.notifier.rendering import Letterhead
from tests.component.notifier.test_digest_mail import AT_EIGHT, EVIL, EXPECTED, LANGUAGES, MAIL, UPDATE, body, row, status_url
from tests.unit.notifier.examples import DUE

SECRET = "a-secret-of-this-installation"
BASE = "https://helpdesk.customs.example"
WITH_WAY_OUT = DigestMail(Letterhead("helpdesk@customs.example", "Helpdesk", status_url, notice_url=partial(notice_url, BASE, SECRET)))


def work(number: int, **changed: Any) -> NewWork:
    fields: dict[str, Any] = {
        "ticket_id": f"t{number}",
        "sequence": 1,
        "reference": f"HQ-7K3M-{number:04}",
        "subject": "Vướng mắc về mã HS của tôm đông lạnh",
        "business": "Công ty TNHH Thủy sản Hạ Long",
        "due_at": DUE + timedelta(hours=number),
        "status": "new",
        "group": "hon-gai",
        "officer": None,
        "timezone": "Asia/Ho_Chi_Minh",
        "mailbox": "hon-gai@customs.example",
    }
    return NewWork(**(fields | changed))


GIVEN = (
    work(2, subject="Trị giá tính thuế bị bác bỏ", business="Hợp tác xã Mực Cô Tô"),
    work(1),
    work(3, due_at=None),
)


def raw(*given: NewWork, language: str = "vi", mail: DigestMail = MAIL, **changed: Any) -> bytes:
    return mail.render_new_work(row(language, **changed), new_work_digest(given or GIVEN, AT_EIGHT))


def rendered(*given: NewWork, **options: Any) -> EmailMessage:
    mail = email.message_from_bytes(raw(*given, **options), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_digest_of_new_work_is_the_one_on_file(language: Language) -> None:
    mail = rendered(language=language)
    text = "".join(f"{name}: {value}\n" for name, value in mail.items()) + "\n" + body(mail, "plain")
    files = {EXPECTED / f"new_work.{language}.eml": raw(language=language), EXPECTED / f"new_work.{language}.txt": text.encode()}
    for path, content in files.items():
        if UPDATE:
            path.write_bytes(content)
        assert path.read_bytes() == content


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_whole_in_its_language(language: Language) -> None:
    mail = rendered(language=language)
    assert body(mail, "html").startswith(f'<!DOCTYPE html>\n<html lang="{language}">')
    foreign = re.compile(r"\b(Dear|request|deadline|Business|Reference)\b" if language == "vi" else r"Kính gửi|yêu cầu|Hạn|Doanh nghiệp")
    assert foreign.search(body(mail, "plain")) is None
    assert not [part.defects for part in mail.walk() if part.defects]
    assert "None" not in body(mail, "html")


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_html_have_the_same_rows_and_links(language: Language) -> None:
    mail = rendered(language=language)
    lines = [line for line in body(mail, "html").splitlines() if line.startswith("<tr ")]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in lines]
    assert [re.sub(r"<[^>]+>", "", reference) for reference, *_ in cells] == ["HQ-7K3M-0001", "HQ-7K3M-0002", "HQ-7K3M-0003"]
    text = body(mail, "plain")
    for reference, *others in cells:
        assert all(part in text for part in (re.sub(r"<[^>]+>", "", reference), *others) if part != "–")
    links = re.findall(r'href="([^"]+)"', body(mail, "html"))
    assert links == re.findall(r"^   (https://\S+)$", text, re.MULTILINE) == [f"https://desk.example/t{number}" for number in (1, 2, 3)]


def test_thousands_are_counted_a_hundred_shown_and_the_mail_is_not_cut_off() -> None:
    mail = rendered(*(work(number) for number in range(1000)), language="en")
    assert mail["Subject"] == "1000 new requests"
    assert body(mail, "html").count('<th scope="row"') == 100
    assert "And 900 more, which you find in the queue." in body(mail, "plain")
    assert len(mail.as_bytes()) < 102_000, "mail programs cut longer ones off"


def test_one_is_not_many() -> None:
    mail = rendered(work(1), language="en")
    assert mail["Subject"] == "1 new request"
    assert "1 new or newly assigned request came" in body(mail, "plain")


def test_the_headers_keep_robots_quiet_and_let_answers_reach_the_one_group() -> None:
    mail = rendered()
    assert (mail["Auto-Submitted"], mail["Reply-To"], mail["To"]) == (
        "auto-generated",
        "hon-gai@customs.example",
        "Trần Quang Minh <minh@customs.example>",
    )
    assert mail["Date"].datetime == AT_EIGHT
    assert rendered(work(1), work(2, mailbox="other@customs.example"))["Reply-To"] is None


def test_where_zones_differ_each_time_has_its_own() -> None:
    text = body(rendered(work(0), work(0, ticket_id="x", timezone="Asia/Tokyo"), language="en"), "plain")
    assert "16:30 24/11/2026 (Viet Nam time, UTC+7)" in text
    assert "18:30 24/11/2026 (Asia/Tokyo, UTC+9)" in text


def test_it_offers_a_way_out_when_nothing_in_it_is_its_readers_own_work() -> None:
    optional = [work(number, optional=True) for number in range(3)]
    url = notice_url(BASE, SECRET, "minh", "new_requests")
    mail = rendered(*optional, mail=WITH_WAY_OUT)
    assert mail["List-Unsubscribe"] == f"<{url}>"
    assert url in body(mail, "plain")
    assert f'href="{url}"' in body(mail, "html")
    own = rendered(*optional, work(4), mail=WITH_WAY_OUT)
    assert own["List-Unsubscribe"] is None
    assert "/notices/" not in body(own, "plain") + body(own, "html")


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_from_outside_stay_words(language: Language) -> None:
    mail = rendered(work(1, subject=EVIL, business=EVIL), work(2, subject="x" * 500, business="y" * 500), language=language, name=EVIL)
    assert mail["Bcc"] is None
    html, text = body(mail, "html"), body(mail, "plain")
    assert "<script>" not in html
    assert text.count("{{ 7 * 7 }}") == 3
    assert "\u202e" not in html + text
    assert not re.search(r"^Bcc:", text, re.MULTILINE)
    assert "x" * 81 not in text
    assert "y" * 81 not in text


def test_rendering_again_gives_the_same_bytes() -> None:
    assert raw() == raw(*reversed(GIVEN))
