"""Which mails are a program's, and which a person's that look a little like one."""

import pytest

from services.intake.mail.automatic import UNSURE, answers_by_itself
from services.intake.mail.parsing import parse

LAN, ROBOT, SERVER = "lan@anbinh.example", "no-reply@anbinh.example", "MAILER-DAEMON@mx.anbinh.example"
SUBJECT = "Re: [HD-2025-000042] Trị giá lô tôm"
LIST = "List-Id: <xnk.anbinh.example>\nPrecedence: list"
SUPPRESSED = "X-Auto-Response-Suppress: OOF, AutoReply"
EXCHANGE = "X-Auto-Response-Suppress: All"


def judged(headers: str, from_: str = LAN, subject: str = SUBJECT) -> tuple[str | None, bool, bool]:
    """The reason; whether it makes a mail without a ticket nobody's request; whether it makes an answer to a ticket a program's."""
    letter = parse(f"From: {from_}\nSubject: {subject}\n{headers}\n\nx\n".replace("\n\n\n", "\n\n").encode())
    reason = letter.automatic
    return reason, reason is not None and reason not in UNSURE, reason is not None and answers_by_itself(reason, from_, letter.subject)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ("Auto-Submitted: auto-replied", "auto_submitted"),
        ("Auto-Submitted: auto-generated (away)\nX-Auto-Response-Suppress: All", "auto_submitted"),  # Exchange
        ("Precedence: bulk\nAuto-Submitted: auto-replied\nX-Autoreply: yes", "auto_submitted"),  # Gmail
        ("Precedence: bulk", "precedence"),
        ("Precedence: Junk", "precedence"),
        ("Precedence: auto_reply", "precedence"),
        ("X-Autoreply: yes", "auto_reply"),
        ("X-Autorespond: Vắng mặt", "auto_reply"),
        ("X-Failed-Recipients: lan@anbinh.example", "auto_reply"),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=q", "report"),
    ],
)
@pytest.mark.parametrize("beside", ["", LIST, SUPPRESSED, "List-Unsubscribe: <https://crm.example/u>"])
def test_what_only_programs_write_is_sure_whatever_stands_beside_it(headers: str, reason: str, beside: str) -> None:
    together = "\n".join(filter(None, (beside, headers)))
    if beside == LIST and reason == "precedence":
        together = f"List-Id: <xnk.anbinh.example>\n{headers}"
    assert judged(together) == (reason, True, True)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (LIST, "mailing_list"),
        ("Precedence: list", "mailing_list"),
        ("Mailing-List: list xnk@anbinh.example; contact xnk+owners@anbinh.example", "mailing_list"),
        ("List-Unsubscribe: <https://crm.anbinh.example/u>", "mailing_list"),
        (SUPPRESSED, "auto_response_suppress"),
        ("X-Auto-Response-Suppress: DR, RN", "auto_response_suppress"),
        (EXCHANGE, "auto_response_suppress"),
        (f"{LIST}\n{SUPPRESSED}", "auto_response_suppress"),
        ("Auto-Submitted: no", None),
        ("X-Autoreply: No", None),
        ("X-Autorespond:", None),
        ("X-Failed-Recipients:", None),
        ("Precedence: normal", None),
        ("X-Auto-Response-Suppress: None", None),
    ],
)
def test_what_lists_gateways_and_programs_add_to_a_person_s_mail_makes_it_no_program_s(headers: str, reason: str | None) -> None:
    assert judged(headers) == (reason, False, False)


@pytest.mark.parametrize(
    ("from_", "subject", "reason", "by_itself"),
    [
        (ROBOT, SUBJECT, "robot_sender", False),
        (SERVER, SUBJECT, "robot_sender", True),
        ("postmaster@anbinh.example", "Undeliverable: Trị giá", "robot_sender", True),
        ("postmaster@anbinh.example", f"Automatic reply: {SUBJECT}", "robot_sender", True),
        ("postmaster@anbinh.example", SUBJECT, "robot_sender", False),  # small firms have one mailbox
        (LAN, f"Automatic reply: {SUBJECT}", "automatic_subject", True),
        (LAN, f"Out of Office AutoReply: {SUBJECT}", "automatic_subject", True),
        (LAN, f"Out of the office {SUBJECT}", "automatic_subject", True),
        (LAN, f"Tự động trả lời: {SUBJECT}", "automatic_subject", True),
        (LAN, f"Trả lời tự động: {SUBJECT}", "automatic_subject", True),
        (LAN, "Vắng mặt", "automatic_subject", True),
        (ROBOT, f"Automatic reply: {SUBJECT}", "robot_sender", True),
        (LAN, "Vắng mặt cán bộ tại cửa khẩu", "automatic_subject", False),
        (LAN, "Undelivered container TCLU1234567 at Cat Lai port", "automatic_subject", False),
        (LAN, "Out of office hours: who inspects?", "automatic_subject", False),
        (LAN, f"Re: Automatic reply: {SUBJECT}", None, False),
    ],
)
def test_an_answer_is_a_program_s_for_its_sender_or_its_label(from_: str, subject: str, reason: str | None, by_itself: bool) -> None:
    """Without a ticket none of these is sure."""
    assert judged("X-Mailer: x", from_, subject) == (reason, False, by_itself)


def test_a_postmaster_that_wants_no_answers_is_a_server() -> None:
    assert judged(EXCHANGE, "postmaster@anbinh.example") == ("auto_response_suppress", False, True)


def test_a_label_and_the_wish_for_no_answers_together_are_sure() -> None:
    """Older servers of the away write no more than that."""
    assert judged(EXCHANGE, subject=f"Automatic reply: {SUBJECT}") == ("auto_reply", True, True)
    assert judged(EXCHANGE, subject="Vắng mặt cán bộ tại cửa khẩu") == ("auto_response_suppress", False, False)
