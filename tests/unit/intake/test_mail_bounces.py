"""Reports of mail servers: whom they are about, whether the address is no good, and that nothing else is taken for one."""

from typing import Any

import pytest

from services.intake.domain.bounces import Bounce, failure, is_hard
from services.intake.mail.parsing import parse
from tests.support.mail_samples import COLLECTED, collected, expected_bounces

RECOGNISED = 0.92
HARDNESS = 0.88
"""Of the recognised ones. Tables of reasons differ: many servers write `user unknown` for a full or refused mailbox."""


def read(name: str) -> Bounce | None:
    return parse((COLLECTED / "bounces" / name).read_bytes()).bounce


def hardness_is_right(bounce: Bounce, expected: list[dict[str, Any]]) -> bool:
    return sorted(each.hard for each in bounce.recipients) == sorted(each["hard"] for each in expected)


def test_collected_bounces_are_recognised_with_their_recipients() -> None:
    expected = expected_bounces()
    found = {name: bounce for name in expected if (bounce := read(name))}
    right = [name for name, bounce in found.items() if hardness_is_right(bounce, expected[name])]
    assert len(found) >= RECOGNISED * len(expected)
    assert len(right) >= HARDNESS * len(found)
    for bounce in found.values():
        assert all("@" in each.address or each.address for each in bounce.recipients)


def test_no_other_collected_mail_is_taken_for_a_bounce() -> None:
    others = [path for path in [*collected("malformed"), *collected("replies")] if "multipart_report" not in path.name]
    assert [path.name for path in others if parse(path.read_bytes()).bounce] == []


def test_an_answering_machine_among_the_collected_mails_is_none_either() -> None:
    assert [name for name, each in expected_bounces().items() if each[0]["reason"] in {"vacation", "delivered"} and read(name)] == []


@pytest.mark.parametrize(
    ("status", "said", "hard"),
    [
        ("5.1.1", "550 5.1.1 User unknown", True),
        ("5.1.1", "", True),
        ("5.0.0", "550 No such user here", True),
        ("5.0.0", "550 something", False),
        ("5.1.2", "Host or domain name not found", True),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", True),
        ("5.2.1", "550 5.2.1 User unknown", False),  # the mailbox is there
        ("5.2.2", "552 Mailbox full", False),
        ("5.1.1", "552 5.1.1 mailbox is over quota", False),
        ("5.1.8", "553 Domain of sender address does not exist", False),
        ("5.7.1", "554 rejected: spam", False),
        ("5.7.26", "550 5.7.26 Unauthenticated email, DMARC policy", False),
        ("4.1.1", "450 4.1.1 User unknown", False),
        ("5.4.4", "Unable to route: no mail hosts for domain", True),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", True),
        ("5.4.7", "Delivery expired (message too old)", False),
    ],
)
def test_hard_or_soft_by_hand(status: str, said: str, hard: bool) -> None:
    assert is_hard(status, said) is hard


def test_a_warning_is_never_hard_and_its_status_is_a_passing_one() -> None:
    delayed = failure("a@b.example", "5.1.1", "550 5.1.1 User unknown", "delayed")
    assert (delayed.hard, delayed.status) == (False, "4.0.0")


def test_a_diagnostic_is_one_clean_line_of_bounded_length() -> None:
    said = failure("a@b.example", "5.1.1", "550 \x1b[31m5.1.1\r\nUser\tunknown " + "x" * 9_000).diagnostic
    assert said.startswith("550 [31m5.1.1 User unknown x")
    assert len(said) == 500


def test_a_report_tells_the_address_a_mail_was_passed_on_to_and_the_one_it_was_sent_to() -> None:
    fields = (
        b"Original-Recipient: rfc822;lan@anbinh.example\nFinal-Recipient: rfc822; ke-toan@anbinh.example\nAction: failed\nStatus: 5.1.1\n"
    )
    bounce = parse(b"From: MAILER-DAEMON@mx\nContent-Type: message/delivery-status\n\n" + fields).bounce
    assert bounce is not None
    (found,) = bounce.recipients
    assert (found.address, found.original) == ("ke-toan@anbinh.example", "lan@anbinh.example")


def test_an_address_is_not_taken_for_a_status() -> None:
    assert failure("a@b.example", "", "host 192.5.1.1 said: 550 5.7.1.9 no").status == "5.0.0"
