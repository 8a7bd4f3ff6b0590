"""Whole mails: exact bytes for every template and language, and nothing from outside that changes their shape."""

import email
import email.policy
import os
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from schemas.tickets import (
    AnswerGiven,
    BusinessReplied,
    DeadlineMissed,
    DeliveryTroubled,
    Known,
    TicketAssigned,
    TicketEscalated,
    TicketOpened,
    TicketResolved,
    ToldAs,
)
from schemas.values import Business, ChatAddress, Contact, Deadline, Language, LocalText, Message, Named, RefusedFiles
from services.notifier.domain.address import BadAddress
from services.notifier.domain.audience import Delivery, Template, plan
from services.notifier.rendering import TEMPLATES, Letterhead, Renderer
from tests.unit.notifier.examples import ANNA, AT, MINH, TICKET_ID, TOLD, event, group, message, ticket

EXPECTED = Path(__file__).parents[2] / "data" / "mails_out"
UPDATE = os.environ.get("UPDATE_MAILS_OUT") == "1"
"""Set it to write the files anew, then read the difference."""

LANGUAGES: tuple[Language, ...] = get_args(Language)
EVIL = "Lô tôm\r\nBcc: eve@evil.example\r\n\r\n<script>alert(1)</script>\u202e\x00"


def status_url(reference: str, ticket_id: str, at: datetime) -> str:
    return f"https://helpdesk.example/requests/{reference}?k={ticket_id[-4:]}{at:%H%M}"


def thread_id(ticket_id: str) -> str:
    return f"<ticket.{ticket_id}.signed@customs.example>"


def staff_thread_id(ticket_id: str) -> str:
    return f"<staff.{ticket_id}.signed@customs.example>"


RENDERER = Renderer(
    Letterhead(
        "helpdesk@customs.example",
        "Hải quan – Hỗ trợ doanh nghiệp",
        status_url,
        lambda ticket_id: f"https://desk.example/{ticket_id}",
        thread_id,
        staff_thread_id=staff_thread_id,
    )
)


def told(kind: type[Known], template: str, language: Language, **changes: object) -> tuple[Delivery, Known]:
    """The delivery of one template and its event, with every recipient reading that language."""
    recipient = MINH if language == "vi" else ANNA
    staff = {"recipients": (recipient,)} if "recipients" in kind.model_fields else {}
    changes.setdefault("ticket", ticket(language=language))
    told_event = event(kind, **{**staff, **changes})
    return next(delivery for delivery in plan(told_event) if delivery.template == template), told_event


def cases() -> list[tuple[str, type[Known], str, dict[str, Any]]]:
    """Every template of every kind of event, and the variants whose words differ."""
    plain: list[tuple[str, type[Known], str, dict[str, Any]]] = [
        (f"{kind.__name__}.{delivery.template}", kind, delivery.template, {}) for kind in TOLD for delivery in plan(event(kind))[:1]
    ]
    return [
        *plain,
        ("TicketOpened.assignment", TicketOpened, "assignment", {}),
        ("TicketOpened.acknowledgement.refused", TicketOpened, "acknowledgement", {"message": _with_refused_files()}),
        ("BusinessReplied.acknowledgement.refused", BusinessReplied, "acknowledgement", {"message": _with_refused_files()}),
        ("TicketOpened.assignment.quoted", TicketOpened, "assignment", {"message": _quoted()}),
        ("BusinessReplied.new_message.quoted", BusinessReplied, "new_message", {"message": _quoted()}),
        ("TicketResolved.resolution.no_words", TicketResolved, "resolution", {"message": None}),
        ("DeliveryTroubled.delivery_trouble.hard", DeliveryTroubled, "delivery_trouble", _came_back("hard", suppressed=True)),
        ("DeliveryTroubled.delivery_trouble.soft", DeliveryTroubled, "delivery_trouble", _came_back("soft", suppressed=False)),
        ("TicketEscalated.escalation.authority", TicketEscalated, "escalation", {"to_authority": "Bộ Tài chính"}),
        ("TicketEscalated.escalation.told_only", TicketEscalated, "escalation", {"from_group": group()}),
        *((f"TicketEscalated.escalation.as_{role}", TicketEscalated, "escalation", _told_as(role)) for role in get_args(ToldAs)),
    ]


def _quoted() -> Message:
    """A mail of the business that quotes ours."""
    whole = "Đã gửi bổ sung.\n\nVào Th 5, 20 thg 11, 2025 Hải quan <hongai@customs.example> đã viết:\n\n> Xin bổ sung chứng từ."
    return message(kind="message", author_role="business", text=whole, new_text="Đã gửi bổ sung.", attachments=())


def _with_refused_files() -> Message:
    """A mail of the business, some of whose files were not kept."""
    because = (
        LocalText(
            vi="Tệp “a.pdf” nặng 11 MB. Mỗi tệp tối đa 10 MB: vui lòng nén hoặc chia nhỏ tệp.",
            en="The file “a.pdf” has 11 MB. Each file may have at most 10 MB: compress or split it.",
        ),
        LocalText(
            vi="Tệp “<b>.pdf” không có nội dung. Vui lòng kiểm tra và chọn lại tệp.",
            en="The file “<b>.pdf” is empty. Check it and choose it again.",
        ),
    )
    return message(kind="request", author_role="business", channel="email", refused=RefusedFiles(because=because, more=3))


def _came_back(bounced: str, *, suppressed: bool) -> dict[str, Any]:
    reason = f"bounced ({bounced}): 550 5.1.1 no such mailbox"
    return {"address": "old@halong.example", "bounced": bounced, "suppressed": suppressed, "failed_at": AT, "reason": reason}


def _told_as(role: str) -> dict[str, Any]:
    """A step as routing tells it: which of how many, to whom in which capacity; the last step for the authority."""
    ladder: dict[str, Any] = {"number": 3, "steps": 4, "told_as": {MINH.key: role, ANNA.key: role}}
    if "authority" not in role:
        because = LocalText(
            vi="Quá hạn 4 giờ làm việc; Tổ hỗ trợ doanh nghiệp Hòn Gai tiếp nhận",
            en="4 working hours after the miss; Hon Gai Support Group takes over",
        )
        missed = Deadline(kind="resolution", cycle=1, state="running", due_at=AT, missed_at=AT)
        return ladder | {"because_in": because, "ticket": ticket(officer=MINH if role == "officer" else None, deadlines=(missed,))}
    because = LocalText(
        vi="Quá hạn 1 ngày làm việc; báo cáo Bộ Tài chính", en="1 working day after the miss; it goes to Ministry of Finance"
    )
    authority = LocalText(vi="Bộ Tài chính", en="Ministry of Finance")
    return ladder | {"number": 4, "because_in": because, "to_authority": "Bộ Tài chính", "authority": authority, "from_group": group()}


ALL = [(name, kind, template, changes, language) for name, kind, template, changes in cases() for language in LANGUAGES]
IDS = [f"{name}.{language}" for name, _, _, _, language in ALL]


def parsed(raw: bytes) -> EmailMessage:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def body(mail: EmailMessage, subtype: str) -> str:
    part = mail.get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def readable(raw: bytes) -> str:
    mail = parsed(raw)
    return "".join(f"{name}: {value}\n" for name, value in mail.items()) + "\n" + body(mail, "plain")


@pytest.mark.parametrize(("name", "kind", "template", "changes", "language"), ALL, ids=IDS)
def test_the_mail_is_the_one_on_file(name: str, kind: type[Known], template: str, changes: dict[str, Any], language: Language) -> None:
    raw = RENDERER.render(*told(kind, template, language, **changes))
    files = {EXPECTED / f"{name}.{language}.eml": raw, EXPECTED / f"{name}.{language}.txt": readable(raw).encode()}
    for path, content in files.items():
        if UPDATE:
            path.write_bytes(content)
        assert path.read_bytes() == content


def test_every_mail_on_file_belongs_to_a_case_and_every_template_has_one() -> None:
    assert {path.stem for path in EXPECTED.iterdir()} == set(IDS)
    assert {template for _, _, template, _ in cases()} == set(get_args(Template))


def test_every_template_exists_in_both_languages_and_no_other_file_lies_there() -> None:
    found = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*") if path.is_file()}
    shared = {"layout.txt.j2", "layout.html.j2", "layout.chat.j2", *(f"{language}.j2" for language in LANGUAGES)}
    assert found == shared | {f"{template}/{language}.j2" for template in get_args(Template) for language in LANGUAGES}


@pytest.mark.parametrize(("name", "kind", "template", "changes", "language"), ALL, ids=IDS)
def test_each_mail_is_whole_in_its_language(
    name: str, kind: type[Known], template: str, changes: dict[str, Any], language: Language
) -> None:
    delivery, its_event = told(kind, template, language, **changes)
    mail = parsed(RENDERER.render(delivery, its_event))
    html = body(mail, "html")
    assert html.startswith(f'<!DOCTYPE html>\n<html lang="{language}">')
    assert mail["Content-Language"] == language
    assert str(mail["Subject"]).startswith("[HQ-7K3M-9P2X] ")
    assert not [part.defects for part in mail.walk() if part.defects]
    foreign = re.compile(r"\b(Dear|request|officer|deadline|sincerely)\b" if language == "vi" else r"Kính gửi|yêu cầu|Trân trọng|phụ trách")
    assert foreign.search(body(mail, "plain").replace("https://helpdesk.example/requests/", "")) is None, name
    assert "{{" not in html
    assert "None" not in html


@pytest.mark.parametrize(("name", "kind", "template", "changes", "language"), ALL, ids=IDS)
def test_text_and_html_say_the_same(name: str, kind: type[Known], template: str, changes: dict[str, Any], language: Language) -> None:
    mail = parsed(RENDERER.render(*told(kind, template, language, **changes)))
    in_html = re.sub(r"<(title|style)>.*?</\1>|<[^>]+>", " ", body(mail, "html"))
    for escaped, plain in (("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&amp;", "&")):
        in_html = in_html.replace(escaped, plain)
    words = re.findall(r"\w+", re.sub(r"https?://\S+", "", body(mail, "plain")))
    assert words == re.findall(r"\w+", in_html), name


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("một  \t\nhai\u00a0\u2003\nba", "một\nhai\nba"),
        ("một\n\nhai", "một\n\nhai"),
        ("một\n\n\n\n\nhai\n\n\nba", "một\n\nhai\n\nba"),
        ("một\n \n\t\n\u00a0\nhai", "một\n\nhai"),
        ("\n\n  một\r\n\r\n\r\nhai\n\n", "  một\n\nhai"),
    ],
)
def test_what_was_said_keeps_its_lines_without_trailing_blanks_and_with_one_empty_line_between_paragraphs(said: str, shown: str) -> None:
    mail = parsed(RENDERER.render(*told(AnswerGiven, "answer", "vi", message=message(text=said))))
    rule = "-" * 70
    assert f"\n\n{rule}\n{shown}\n{rule}\n\n" in body(mail, "plain")
    paragraphs = shown.replace("\n\n", "</p>|").replace("\n", "<br>").replace("|", '\n<p style="margin:0 0 16px">')
    assert f'<p style="margin:0 0 16px">{paragraphs}</p>\n</div>' in body(mail, "html")


def test_every_fact_has_a_row_of_its_own_with_what_comes_from_outside_escaped() -> None:
    odd = ticket(subject="<b>\0\t</b>: & “x”", topic=Named(key="x", name=LocalText(vi="</td></tr>", en="x")))
    html = body(parsed(RENDERER.render(*told(TicketOpened, "acknowledgement", "vi", ticket=odd))), "html")
    rows = [re.sub(r"<[^>]+>", "|", line) for line in html.split("\n") if line.startswith("<tr")]
    assert [row.strip("|").split("||") for row in rows][:3] == [
        ["Mã yêu cầu", "HQ-7K3M-9P2X"],
        ["Tiêu đề", "&lt;b&gt; &lt;/b&gt;: &amp; “x”"],
        ["Lĩnh vực", "&lt;/td&gt;&lt;/tr&gt;"],
    ]
    assert len(rows) == len(("reference", "subject", "topic", "group", "first response", "resolution"))


def test_rendering_again_gives_the_same_bytes() -> None:
    delivery, its_event = told(AnswerGiven, "answer", "vi")
    letterhead = Letterhead("helpdesk@customs.example", "Hải quan – Hỗ trợ doanh nghiệp", status_url, thread_id=thread_id)
    assert RENDERER.render(delivery, its_event) == Renderer(letterhead).render(delivery, its_event)


def test_an_acknowledgement_tells_reference_link_group_and_deadlines_with_the_zone() -> None:
    text = body(parsed(RENDERER.render(*told(TicketOpened, "acknowledgement", "vi"))), "plain")
    for line in (
        "Mã yêu cầu: HQ-7K3M-9P2X",
        "https://helpdesk.example/requests/HQ-7K3M-9P2X?k=c0de0315",
        "Hạn phản hồi lần đầu: 16:30, thứ Ba, 24/11/2026 (giờ Việt Nam, UTC+7)",
        "Hạn giải quyết: 16:30, thứ Hai, 30/11/2026 (giờ Việt Nam, UTC+7)",
    ):
        assert line in text
    assert "Tổ hỗ trợ doanh nghiệp Hòn Gai (Hải quan cửa khẩu cảng Hòn Gai)" in text
    assert "tại nhóm" not in text, "a hand-over is not the asker's affair"


@pytest.mark.parametrize(
    ("language", "expected", "others"),
    [
        ("vi", "– Tệp “a.pdf” nặng 11 MB. Mỗi tệp tối đa 10 MB: vui lòng nén hoặc chia nhỏ tệp.", "cũng không nhận được: 3."),
        ("en", "– The file “a.pdf” has 11 MB. Each file may have at most 10 MB: compress or split it.", "did not reach us either: 3."),
    ],
)
def test_an_acknowledgement_names_the_files_that_were_not_kept_with_the_remedy(language: Language, expected: str, others: str) -> None:
    mail = parsed(RENDERER.render(*told(TicketOpened, "acknowledgement", language, message=_with_refused_files())))
    lines = body(mail, "plain").split("\n")
    assert expected in lines
    assert [line for line in lines if line.endswith(others)] != []
    assert "“&lt;b&gt;.pdf”" in body(mail, "html")


def test_where_no_other_file_was_refused_none_is_counted() -> None:
    one = RefusedFiles(because=(LocalText(vi="Tệp “a.pdf” không có nội dung.", en="The file “a.pdf” is empty."),))
    text = body(parsed(RENDERER.render(*told(TicketOpened, "acknowledgement", "en", message=message(refused=one)))), "plain")
    assert "\n– The file “a.pdf” is empty.\n\nTo send them" in text


def test_the_words_about_a_refused_file_stay_on_their_line() -> None:
    evil = LocalText(vi=EVIL, en=EVIL)
    refused = message(refused=RefusedFiles(because=(evil,)))
    mail = parsed(RENDERER.render(*told(TicketOpened, "acknowledgement", "vi", message=refused)))
    assert "– Lô tôm Bcc: eve@evil.example <script>alert(1)</script>" in body(mail, "plain").split("\n")
    assert "<script" not in body(mail, "html")


def test_an_acknowledgement_does_not_mail_the_words_of_the_form_to_whoever_was_named_in_it() -> None:
    raw = RENDERER.render(*told(TicketOpened, "acknowledgement", "vi"))
    assert "phân luồng đỏ" not in body(parsed(raw), "plain") + body(parsed(raw), "html")


@pytest.mark.parametrize(
    ("kind", "template", "changes", "expected"),
    [
        (TicketOpened, "acknowledgement", {}, "auto-replied"),
        (BusinessReplied, "acknowledgement", {"message": _with_refused_files()}, "auto-replied"),
        (TicketOpened, "assignment", {}, "auto-generated"),
        (DeadlineMissed, "deadline_missed", {}, "auto-generated"),
        (TicketResolved, "resolution", {"message": None}, "auto-generated"),
        (TicketResolved, "resolution", {}, None),
        (AnswerGiven, "answer", {}, None),
    ],
)
def test_what_no_person_wrote_says_so_to_other_robots(
    kind: type[Known], template: str, changes: dict[str, Any], expected: str | None
) -> None:
    mail = parsed(RENDERER.render(*told(kind, template, "en", **changes)))
    assert mail["Auto-Submitted"] == expected
    assert mail["X-Auto-Response-Suppress"] == ("OOF, AutoReply, DR, RN, NRN" if expected else None)


def test_the_headers_let_mail_programs_thread_and_answers_reach_the_group() -> None:
    delivery, its_event = told(AnswerGiven, "answer", "vi")
    mail = parsed(RENDERER.render(delivery, its_event))
    assert mail["Message-ID"] == f"<{delivery.id}@customs.example>"
    assert mail["References"] == mail["In-Reply-To"] == thread_id(TICKET_ID)
    assert mail["Reply-To"] == "hon-gai@customs.example"
    assert mail["To"] == "Nguyễn Thị Lan <lan@halong.example>"
    assert mail["Date"].datetime == AT
    assert mail["Date"].datetime.utcoffset() == AT.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).utcoffset()


def test_a_group_without_a_usable_mailbox_costs_the_reply_to_alone() -> None:
    for mailbox in (None, "nonsense"):
        delivery, its_event = told(AnswerGiven, "answer", "vi", ticket=ticket(group=group(mailbox=mailbox)))
        assert parsed(RENDERER.render(delivery, its_event))["Reply-To"] is None


def test_an_address_in_a_vietnamese_domain_is_written_in_ascii() -> None:
    delivery, its_event = told(AnswerGiven, "answer", "vi", ticket=ticket(contact=Contact(email="anh@thư.vn")))
    assert parsed(RENDERER.render(delivery, its_event))["To"] == "anh@xn--th-e0a.vn"


@pytest.mark.parametrize("address", ["lan@halong.example\r\nBcc: eve@evil.example", "ánh @halong.example", "nonsense"])
def test_an_address_that_cannot_be_written_to_is_refused(address: str) -> None:
    delivery, its_event = told(AnswerGiven, "answer", "vi", ticket=ticket(contact=Contact(email=address)))
    with pytest.raises(BadAddress):
        RENDERER.render(delivery, its_event)


@pytest.mark.parametrize(("name", "kind", "template", "changes", "language"), ALL, ids=IDS)
def test_line_breaks_and_markup_from_outside_change_nothing_of_the_mails_shape(
    name: str, kind: type[Known], template: str, changes: dict[str, Any], language: Language
) -> None:
    evil_ticket = ticket(
        language=language,
        subject=EVIL,
        reference="HQ\r\nBcc: eve@evil.example",
        business=Business(name=EVIL),
        contact=Contact(name=EVIL, email="lan@halong.example"),
    )
    evil: dict[str, Any] = {"ticket": evil_ticket}
    evil |= {field: EVIL for field in ("because", "reason") if field in kind.model_fields}
    if "message" in kind.model_fields and "message" not in changes:
        evil["message"] = message(text=EVIL, author_name=EVIL)
    person = (MINH if language == "vi" else ANNA).model_copy(update={"name": EVIL})
    if "recipients" in kind.model_fields:
        evil["recipients"] = (person,)
    mail = parsed(RENDERER.render(*told(kind, template, language, **{**changes, **evil})))
    harmless = parsed(RENDERER.render(*told(kind, template, language, **changes)))
    assert mail.keys() == harmless.keys(), name
    assert "Bcc" not in mail
    assert "<script" not in body(mail, "html")
    assert not set("\x00\u202e") & set(body(mail, "plain") + body(mail, "html") + str(mail["Subject"]))


def test_a_fact_from_outside_cannot_pretend_to_be_another_fact() -> None:
    delivery, its_event = told(TicketAssigned, "assignment", "vi", because="xong\nMã yêu cầu: HQ-FAKE")
    lines = body(parsed(RENDERER.render(delivery, its_event)), "plain").split("\n")
    assert [line for line in lines if line.startswith("Mã yêu cầu:")] == ["Mã yêu cầu: HQ-7K3M-9P2X"]


def test_a_very_long_subject_is_shortened_and_a_missing_name_replaced_by_the_business() -> None:
    bare = ticket(subject="đ" * 500, contact=Contact(email="lan@halong.example"))
    mail = parsed(RENDERER.render(*told(AnswerGiven, "answer", "vi", ticket=bare)))
    assert len(str(mail["Subject"])) < 170
    assert body(mail, "plain").startswith("Kính gửi Công ty TNHH Thủy sản Hạ Long,\n")


def test_an_officers_words_keep_their_lines_and_paragraphs() -> None:
    mail = parsed(RENDERER.render(*told(AnswerGiven, "answer", "vi")))
    assert "\n\nXin xem công văn <đính kèm> & trang 2.\nChào Quý công ty.\n" in body(mail, "plain")
    assert "Xin xem công văn &lt;đính kèm&gt; &amp; trang 2.<br>Chào Quý công ty.</p>" in body(mail, "html")


def test_staff_learn_why_they_were_told() -> None:
    officer = body(parsed(RENDERER.render(*told(DeadlineMissed, "deadline_missed", "vi"))), "plain")
    supervisor = body(parsed(RENDERER.render(*told(DeadlineMissed, "deadline_missed", "en"))), "plain")
    shared = event(DeliveryTroubled, recipients=())
    mailbox = body(parsed(RENDERER.render(plan(shared)[0], shared)), "plain")
    assert "đang là cán bộ phụ trách yêu cầu" in officer
    assert "lead the group that has it or supervise it" in supervisor
    assert "hộp thư chung" in mailbox


CHAT = ticket(contact=Contact(name="Lan", chat=ChatAddress(account="demo", conversation="7")))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [TicketOpened, AnswerGiven, TicketResolved])
def test_a_chat_message_is_short_and_names_reference_and_link(kind: type[Known], language: Language) -> None:
    chat_event = event(kind, ticket=CHAT.model_copy(update={"language": language}))
    text = RENDERER.render_chat(plan(chat_event)[0], chat_event)
    assert text.startswith("[HQ-7K3M-9P2X] ")
    assert text.endswith("https://helpdesk.example/requests/HQ-7K3M-9P2X?k=c0de0315")
    assert len(text) < 500


def test_a_chat_answer_reads_like_this() -> None:
    chat_event = event(AnswerGiven, ticket=CHAT)
    assert RENDERER.render_chat(plan(chat_event)[0], chat_event) == (
        "[HQ-7K3M-9P2X] Tổ hỗ trợ doanh nghiệp Hòn Gai trả lời:\n\n"
        "Mã HS phù hợp là 0306.17.\n\n"
        "Xin xem công văn <đính kèm> & trang 2.\nChào Quý công ty.\n\n"
        "Xem toàn bộ nội dung trao đổi: https://helpdesk.example/requests/HQ-7K3M-9P2X?k=c0de0315"
    )


def test_a_reply_that_reopened_says_so() -> None:
    again = body(parsed(RENDERER.render(*told(BusinessReplied, "new_message", "en"))), "plain")
    more = body(parsed(RENDERER.render(*told(BusinessReplied, "new_message", "en", reopened=False))), "plain")
    assert "is open again" in again
    assert "is open again" not in more


def test_the_time_of_an_event_is_all_the_time_a_mail_knows() -> None:
    later = datetime(2026, 12, 1, tzinfo=UTC)
    delivery, its_event = told(AnswerGiven, "answer", "vi", occurred_at=later)
    assert parsed(RENDERER.render(delivery, its_event))["Date"].datetime == later
