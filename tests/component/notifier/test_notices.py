"""Turning notices off: the link in the mail, the page behind it, the one click of a mail program, and the way back."""

import email
import email.policy
import re
from email.message import EmailMessage
from functools import partial

import httpx
import pytest

from kit.log import get_logger
from kit.web import web_app
from schemas.tickets import AnswerGiven, DeadlineMissed, DeadlineWarned, Known
from services.notifier.digest_mail import DigestMail
from services.notifier.domain.audience import plan
from services.notifier.notice_links import notice_url
from services.notifier.notice_pages import NoticePages
from services.notifier.preferences import Preferences
from services.notifier.rendering import Letterhead, Renderer
from tests.component.notifier.conftest import SENDER, Office, status_url
from tests.component.notifier.test_digest_mail import AT_EIGHT, MAIL, alarm
from tests.component.notifier.test_digest_mail import row as digest_row
from tests.unit.notifier.examples import ANNA, MINH, event

SECRET = "a-secret-of-this-installation"
BASE = "https://helpdesk.customs.example"
LETTERHEAD = Letterhead(SENDER, "Helpdesk", status_url, notice_url=partial(notice_url, BASE, SECRET))


def mailed(kind: type[Known], audience: str) -> EmailMessage:
    its_event = event(kind, recipients=(ANNA,)) if "recipients" in kind.model_fields else event(kind)
    delivery = next(delivery for delivery in plan(its_event) if delivery.audience == audience)
    mail = email.message_from_bytes(Renderer(LETTERHEAD).render(delivery, its_event), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def body(mail: EmailMessage, subtype: str) -> str:
    part = mail.get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_warning_says_where_to_turn_warnings_off_in_its_head_and_in_its_words() -> None:
    mail, url = mailed(DeadlineWarned, "staff"), notice_url(BASE, SECRET, ANNA.key, "warnings")
    assert mail["List-Unsubscribe"] == f"<{url}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert body(mail, "plain").endswith(f"\n\nTurn notices of this kind off, or on again:\n{url}\n")
    assert f'href="{url}"' in body(mail, "html")


@pytest.mark.parametrize(("kind", "audience"), [(DeadlineMissed, "staff"), (AnswerGiven, "business")])
def test_what_has_to_be_told_offers_no_way_out(kind: type[Known], audience: str) -> None:
    mail = mailed(kind, audience)
    assert (mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"]) == (None, None)
    assert "/notices/" not in body(mail, "plain") + body(mail, "html")


def test_a_digest_can_be_turned_off_when_nothing_in_it_is_more_than_a_warning() -> None:
    made = DigestMail(LETTERHEAD)
    warned = [alarm(number, "warned", percent=75) for number in range(2)]
    row = digest_row("en")
    for alarms, offered in ((warned, True), ([*warned, alarm(3, "missed")], False), ([*warned, alarm(3, "escalated")], False)):
        mail = email.message_from_bytes(made.render(row, alarms, AT_EIGHT))
        assert (mail["List-Unsubscribe"] is not None) is offered
    assert "List-Unsubscribe" not in email.message_from_bytes(MAIL.render(row, warned, AT_EIGHT))
    assert "List-Unsubscribe" not in email.message_from_bytes(made.render({**row, "recipient": "group:focal"}, warned, AT_EIGHT))


async def test_a_click_turns_it_off_a_look_does_not_and_the_page_turns_it_on_again(office: Office) -> None:
    preferences = Preferences(office.database)
    app = web_app("x", description="x", version="1", logger=get_logger("test"), max_body=1_000)
    NoticePages(preferences, [SECRET], office.mongo.now, get_logger("test")).add_to(app)
    path = notice_url("", SECRET, MINH.key, "warnings")
    off = {(MINH.key, "warnings")}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers={"Accept-Language": "vi"}) as client:
        looked = await client.get(path)
        assert looked.status_code == 200
        assert "đang được gửi cho <strong>minh</strong>" in looked.text
        assert await preferences.off([MINH.key]) == set()
        first, clicked = [await client.post(path, data={"List-Unsubscribe": "One-Click"}) for _ in range(2)]
        assert (first.status_code, clicked.status_code, await preferences.off([MINH.key])) == (200, 200, off)
        (action,) = re.findall(r'action="([^"]+)"', clicked.text)
        assert action == f"{path}/on"
        assert "Bật lại" in clicked.text
        assert "form-action 'self'" in clicked.headers["Content-Security-Policy"]
        again = await client.post(action, headers={"Accept-Language": "en"})
        assert "are sent to <strong>minh</strong>" in again.text
        assert await preferences.off([MINH.key]) == set()
        forged = path.replace(MINH.key, ANNA.key)
        assert [(await client.request(method, forged)).status_code for method in ("GET", "POST")] == [404, 404]
        assert await preferences.off([ANNA.key]) == set()
