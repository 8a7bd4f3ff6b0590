"""Whom an answer goes to when a machine wrote."""

from dataclasses import replace

import pytest

from services.intake.domain.mailboxes import Mailboxes
from services.intake.mail.contacts import contact_of
from services.intake.mail.letter import Letter, Person
from services.intake.mail.parsing import parse
from tests.support.organisations import as_written, organisation

OURS = Mailboxes.of(organisation(groups=as_written()["groups"]), sender="helpdesk@customs.example")
ROBOT = "no-reply@shop.example"


@pytest.mark.parametrize(
    ("sender", "reply_to", "contact"),
    [
        (ROBOT, "Hoa <hoa@anbinh.example>", Person("hoa@anbinh.example", "Hoa")),
        ("donotreply@shop.example", "hoa@ANBINH.example", Person("hoa@anbinh.example")),
        (ROBOT, f"{ROBOT}, Hoa <hoa@anbinh.example>", Person("hoa@anbinh.example", "Hoa")),
        ("mai@shop.example", "hoa@anbinh.example", Person("mai@shop.example", "Web")),
        (ROBOT, "", Person(ROBOT, "Web")),
        (ROBOT, ROBOT.upper(), Person(ROBOT, "Web")),
        (ROBOT, "hoa@anbinh.example, lan@anbinh.example", Person(ROBOT, "Web")),
        (ROBOT, "hoa@anbinh.example, x@nowhere", Person(ROBOT, "Web")),
        (ROBOT, "noreply@anbinh.example", Person(ROBOT, "Web")),
        (ROBOT, "helpdesk+r.1@customs.example", Person(ROBOT, "Web")),
        (ROBOT, "no address", Person(ROBOT, "Web")),
    ],
)
def test_the_one_other_address_in_reply_to_is_written_to_where_nobody_reads_what_goes_to_the_sender(
    sender: str, reply_to: str, contact: Person
) -> None:
    read = parse(f"From: Web <{sender}>\nReply-To: {reply_to}\n\nx".encode())
    assert contact_of(read, sender, OURS) == contact


def test_an_officer_is_nobody_who_asked() -> None:
    read = parse(f"From: Web <{ROBOT}>\nReply-To: hai@customs.example\n\nx".encode())
    assert contact_of(read, ROBOT, replace(OURS, staff=frozenset({"hai@customs.example"}))) == Person(ROBOT, "Web")


def test_it_survives_the_way_out_of_the_process_that_reads() -> None:
    read = parse(f"From: Web <{ROBOT}>\nReply-To: Hoa <hoa@anbinh.example>\n\nx".encode())
    assert Letter.of_frames(*read.to_frames()) == read
