"""Which ticket a mail goes to, rule by rule, and what our own mail that comes back becomes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from typing import Any

import pytest

from kit.ids import new_id
from kit.links import thread_id
from kit.mail_tokens import bounce_address, delivery_message_id, loop_mark, reply_address
from kit.mongo import Document
from schemas.tickets import Known, TicketOpened
from schemas.values import Contact
from services.intake.domain.mailboxes import Mailbox
from services.intake.mail.arrivals import Arrived
from services.notifier.domain.audience import plan
from services.notifier.rendering import Letterhead, Renderer
from tests.support.mailroom import AUTHSERV, BOUNCES, FOCAL, HON_GAI, LAN, SECRET, Mailroom, mail, open_mailroom
from tests.support.servers import MongoServer
from tests.unit.notifier.examples import event

STRANGER = "mai@other.example"
DELIVERY = "54db9868-479f-52ea-9847-eea6ea0eee8e"
DOMAIN = "customs.example"


@pytest.fixture(name="room", scope="module")
async def _room(mongo_server: MongoServer) -> AsyncIterator[Mailroom]:
    async with open_mailroom(mongo_server.uri) as room:
        yield room


@dataclass(frozen=True)
class Asked:
    """A request of Lan's that came by mail, and what our mail about it carries."""

    ticket_id: str
    reference: str
    message_id: str

    @property
    def reply_to(self) -> str:
        return str(reply_address(SECRET, HON_GAI, self.ticket_id))

    @property
    def return_path(self) -> str:
        return str(bounce_address(SECRET, BOUNCES, self.ticket_id, DELIVERY))

    @property
    def thread(self) -> str:
        return thread_id(SECRET, self.ticket_id, DOMAIN)

    @property
    def sent_id(self) -> str:
        return delivery_message_id(SECRET, self.ticket_id, DELIVERY, DOMAIN)


async def asked(room: Mailroom) -> Asked:
    message = mail()
    row = await room.deliver_and_read(message)
    (conversation,) = await room.database["conversations"].find({"_id": row["ticket_id"]}).to_list(None)
    return Asked(row["ticket_id"], conversation["reference"], message["Message-ID"])


async def body(room: Mailroom, ticket_id: str) -> dict[str, Any]:
    """Of the newest event of the ticket."""
    return json.loads((await room.bodies(ticket_id))[-1])  # type: ignore[no-any-return]


def proven(sender: str, verdict: str = "pass") -> dict[str, str]:
    return {"from_": sender, "Authentication_Results": f"{AUTHSERV}; dmarc={verdict} header.from={sender.partition('@')[2]}"}


Signs = Callable[[Asked], dict[str, str]]

RULES: list[tuple[str, str, Signs, str]] = [
    # who writes, and what the mail carries: does it go onto the ticket?
    ("a token in To", STRANGER, lambda it: {"to": it.reply_to.upper()}, "message"),
    ("a token in Cc", STRANGER, lambda it: {"Cc": f"Hòn Gai <{it.reply_to}>"}, "message"),
    ("a token in Delivered-To", STRANGER, lambda it: {"Delivered_To": it.reply_to}, "message"),
    ("a token of the asker's own ticket", LAN, lambda it: {"to": it.reply_to}, "message"),
    ("a token changed in one place", STRANGER, lambda it: {"to": it.reply_to.replace("+r.", "+r.a")}, "request"),
    ("our thread id in References", STRANGER, lambda it: {"References": f"<a@b.example> {it.thread}"}, "message"),
    ("the id of our mail in In-Reply-To", STRANGER, lambda it: {"In_Reply_To": it.sent_id}, "message"),
    ("an unsigned id of ours", STRANGER, lambda it: {"In_Reply_To": f"<d.{it.ticket_id}@{DOMAIN}>"}, "request"),
    ("the id of the asker's own mail, by the asker", LAN, lambda it: {"In_Reply_To": it.message_id}, "message"),
    ("the id of the asker's own mail, by another", STRANGER, lambda it: {"In_Reply_To": it.message_id}, "request"),
    ("the reference, proven to be the asker", LAN, lambda it: {"subject": it.reference, **proven(LAN)}, "message"),
    ("the reference, by the asker, unproven", LAN, lambda it: {"subject": it.reference}, "request"),
    ("the reference, under a forged address", LAN, lambda it: {"subject": it.reference, **proven(LAN, "fail")}, "request"),
    ("the reference, proven to be another", STRANGER, lambda it: {"subject": it.reference, **proven(STRANGER)}, "request"),
    ("nothing", LAN, lambda _: {}, "request"),
]


@pytest.mark.parametrize(("name", "sender", "signs", "becomes"), RULES, ids=[name for name, *_ in RULES])
async def test_a_mail_goes_onto_the_ticket_its_signs_prove(room: Mailroom, name: str, sender: str, signs: Signs, becomes: str) -> None:
    it = await asked(room)
    row = await room.deliver_and_read(mail(**{"subject": name, "from_": sender, **signs(it)}), FOCAL, sender=sender)
    assert (row["as"], row["ticket_id"] == it.ticket_id) == (becomes, becomes == "message")


@pytest.mark.parametrize("recipient", ["reply_to", "reply_to_upper"])
async def test_a_token_in_the_envelope_alone_is_enough(room: Mailroom, recipient: str) -> None:
    it = await asked(room)
    address = it.reply_to.upper() if recipient == "reply_to_upper" else it.reply_to
    row = await room.deliver_and_read(mail(from_=STRANGER, to="undisclosed-recipients:;"), address, sender=STRANGER)
    assert (row["as"], row["ticket_id"]) == ("message", it.ticket_id)


async def test_a_token_counts_before_an_id_and_an_id_before_a_reference(room: Mailroom) -> None:
    by_token, by_id, by_reference = [await asked(room) for _ in range(3)]
    all_three = {"References": by_id.thread, **proven(LAN)}
    row = await room.deliver_and_read(mail(f"Re: {by_reference.reference}", to=by_token.reply_to, **all_three))
    assert row["ticket_id"] == by_token.ticket_id
    row = await room.deliver_and_read(mail(f"Re: {by_reference.reference}", "Lần hai", **all_three))
    assert row["ticket_id"] == by_id.ticket_id


@pytest.mark.parametrize(
    ("headers", "trust", "verified"),
    [
        ({"from_": STRANGER}, "none", False),
        (proven(STRANGER), "pass", False),
        ({}, "none", None),
        (proven(LAN), "pass", True),
        (proven(LAN, "fail"), "fail", False),
        ({"Authentication_Results": "mx.evil.example; dmarc=pass"}, "none", None),
    ],
)
async def test_officers_are_told_how_far_the_writer_is_proven(
    room: Mailroom, headers: dict[str, str], trust: str, verified: bool | None
) -> None:
    it = await asked(room)
    await room.deliver_and_read(mail("Re", str(headers), to=it.reply_to, **headers))
    said = await body(room, it.ticket_id)
    assert (said["type"], said["trust"], said.get("verified")) == ("message_received", trust, verified)
    assert ("chưa xác minh" in str(said.get("author_name"))) is (verified is False)


@pytest.mark.parametrize(("authserv_ids", "trust"), [((), "none"), ((AUTHSERV,), "pass"), (("mx.elsewhere.example",), "none")])
async def test_a_folder_s_mail_is_proven_by_the_server_that_is_said_to_be_ours_and_by_no_other(
    room: Mailroom, authserv_ids: tuple[str, ...], trust: str
) -> None:
    message, box = mail(**proven(LAN)), Mailbox(FOCAL, "focal")
    arrived = Arrived(message.as_bytes(), LAN, (FOCAL,), (box,), "imap.example", "", "imap", authserv_ids=authserv_ids)
    await room.arrivals.keep(arrived)
    await room.read()
    assert (await body(room, (await room.row())["ticket_id"]))["trust"] == trust


async def test_one_mail_to_two_departments_becomes_two_tickets_that_know_of_each_other(room: Mailroom) -> None:
    both = mail("Hai phòng", to=f"{FOCAL}, {HON_GAI}")
    await room.deliver(both, FOCAL, HON_GAI)
    await room.read()
    first, second = (await room.rows())[-2:]
    assert (first["as"], second["as"]) == ("request", "request")
    one, other = [await body(room, row["ticket_id"]) for row in (first, second)]
    assert {one["group"], other["group"]} == {"focal", "hon-gai"}
    assert (one.get("linked_to"), other["linked_to"]) == (None, one["reference"])


@pytest.mark.parametrize("author", [f"Lan <{LAN}>, x@evil.example", f"Lan <{LAN}> ({'a' * 2_000})"], ids=["two authors", "long comment"])
async def test_a_forged_sender_stays_forged_whatever_stands_beside_it(room: Mailroom, author: str) -> None:
    it = await asked(room)
    results = f"{AUTHSERV}; dmarc=fail header.from=anbinh.example"
    await room.deliver_and_read(mail("Re", from_=author, to=it.reply_to, Authentication_Results=results), it.reply_to)
    said = await body(room, it.ticket_id)
    assert (said["trust"], said["verified"]) == ("fail", False)


async def test_another_mailbox_whose_letters_fold_into_the_askers_is_not_the_askers(room: Mailroom) -> None:
    ticket_id = (await room.deliver_and_read(mail(from_="San <lesan@mail.example>")))["ticket_id"]
    to = str(reply_address(SECRET, FOCAL, ticket_id))
    results = f"{AUTHSERV}; dmarc=pass header.from=mail.example"
    head = f"From: leſan@mail.example\r\nTo: {to}\r\nSubject: Re\r\nMessage-ID: <ai@x>\r\nAuthentication-Results: {results}\r\n\r\nx"
    await room.deliver_and_read(head.encode(), to, sender="x@mail.example")
    assert (await body(room, ticket_id))["verified"] is False


@pytest.mark.parametrize("header", ["X-Autoreply: no", "X-Failed-Recipients:", "From: postmaster@anbinh.example"])
async def test_a_person_s_answer_that_looks_a_little_like_a_program_s_moves_the_ticket(room: Mailroom, header: str) -> None:
    it = await asked(room)
    from_ = "" if header.startswith("From") else f"From: {LAN}\r\n"
    head = f"{from_}{header}\r\nTo: {it.reply_to}\r\nSubject: Re: x\r\nMessage-ID: <nop@x>\r\n\r\nChung toi da nop C/O"
    assert (await room.deliver_and_read(head.encode(), it.reply_to))["as"] == "message"


async def test_nobody_is_trusted_for_one_of_several_addresses_in_one_field(room: Mailroom) -> None:
    proven = f"{AUTHSERV}; dmarc=pass header.from=anbinh.example"
    row = await room.deliver_and_read(mail(from_=f"<{LAN}>, <eva@anbinh.example>", Authentication_Results=proven))
    assert (await body(room, row["ticket_id"]))["trust"] == "none"


async def test_what_goes_on_after_the_end_is_a_new_ticket_linked_to_the_old_one(room: Mailroom) -> None:
    it = await asked(room)
    await room.database["conversations"].update_one({"_id": it.ticket_id}, {"$set": {"ticket.status": "closed"}})
    row = await room.deliver_and_read(mail("Re", "Lại hỏng.", to=it.reply_to))
    assert row["as"] == "request"
    assert (await body(room, row["ticket_id"]))["linked_to"] == it.reference


def report(address: str, *, status: str = "5.1.1", action: str = "failed", returned: str = "") -> EmailMessage:
    """RFC 3464, as Postfix writes it."""
    message = EmailMessage()
    message["From"] = "MAILER-DAEMON@mx.anbinh.example (Mail Delivery System)"
    message["To"] = BOUNCES
    message["Subject"] = "Undelivered Mail Returned to Sender"
    message["Message-ID"] = f"<{new_id()}@mx.anbinh.example>"
    message["Auto-Submitted"] = "auto-replied"
    recipients = f"Original-Recipient: rfc822;list@anbinh.example\nFinal-Recipient: rfc822; {address}\n"
    fields = f"Reporting-MTA: dns; mx.anbinh.example\n\n{recipients}Action: {action}\nStatus: {status}\n"
    parts = [
        ("text/plain", f"<{address}>: host mx.anbinh.example said: 550 {status} User unknown"),
        ("message/delivery-status", f"{fields}Diagnostic-Code: smtp; 550 {status} User unknown\n"),
        ("text/rfc822-headers", f"Message-ID: {returned or '<x@y.example>'}\nTo: {address}\n"),
    ]
    lines = [f"--=_b\nContent-Type: {kind}\n\n{text}\n" for kind, text in parts]
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = 'multipart/report; report-type=delivery-status; boundary="=_b"'
    message.set_payload("".join(lines) + "--=_b--\n")
    return message


async def bounced(room: Mailroom, it: Asked, message: EmailMessage, to: str) -> Document:
    row = await room.deliver_and_read(message, to, sender="")
    assert row["ticket_id"] == it.ticket_id, row
    return row


async def test_a_bounce_to_the_return_path_of_a_delivery_is_reported_for_that_delivery(room: Mailroom) -> None:
    it = await asked(room)
    row = await bounced(room, it, report(LAN), it.return_path.upper())
    assert (row["state"], row["as"]) == ("done", "bounce")
    said = await body(room, it.ticket_id)
    assert (said["type"], said["delivery"], said["action"], said["hard"]) == ("delivery_bounced", "54db9868479f", "failed", True)
    assert said["sequence"] == 2
    assert (said["recipient"], said["original_recipient"]) == (LAN, "list@anbinh.example")
    assert "User unknown" in said["diagnostic"]


async def test_a_bounce_that_returns_our_mail_is_reported_though_it_went_to_another_address(room: Mailroom) -> None:
    it = await asked(room)
    assert (await bounced(room, it, report(LAN, returned=it.sent_id), FOCAL))["as"] == "bounce"


@pytest.mark.parametrize(("status", "action", "hard"), [("5.2.2", "failed", False), ("4.4.1", "delayed", False), ("5.1.1", "failed", True)])
async def test_a_report_says_whether_the_address_is_no_good_or_the_mail_only_waits(
    room: Mailroom, status: str, action: str, hard: bool
) -> None:
    it = await asked(room)
    message = report(LAN, status=status, action=action)
    message.set_payload(str(message.get_payload()).replace("User unknown", "see status"))
    await bounced(room, it, message, it.return_path)
    said = await body(room, it.ticket_id)
    assert (said["action"], said["hard"]) == (action, hard)


async def test_the_same_report_twice_is_reported_once(room: Mailroom) -> None:
    it = await asked(room)
    message = report(LAN)
    for _ in range(2):
        assert (await bounced(room, it, message, it.return_path))["as"] == "bounce"
    assert await room.events(it.ticket_id) == ["request_received", "delivery_bounced"]


async def test_a_forged_bounce_says_nothing_about_anybody(room: Mailroom) -> None:
    it = await asked(room)
    token = it.return_path.partition("@")[0]
    forged = f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}@{DOMAIN}"
    for message, to in ((report(LAN, returned=f"<{DELIVERY}@{DOMAIN}>"), BOUNCES), (report(LAN), forged)):
        row = await room.deliver_and_read(message, to, sender="")
        assert (row["state"], row.get("ticket_id")) == ("kept", None)
    assert await room.events(it.ticket_id) == ["request_received"]


async def test_an_out_of_office_answer_to_the_return_path_is_on_the_ticket_and_starts_nothing(room: Mailroom) -> None:
    it = await asked(room)
    row = await room.deliver_and_read(mail("Nghỉ phép", "Tôi trở lại ngày 5.", to=it.return_path), it.return_path)
    assert (row["as"], row["ticket_id"]) == ("automatic", it.ticket_id)
    assert (await body(room, it.ticket_id))["automatic"] == "to_return_path"


async def test_a_report_about_a_ticket_that_is_not_here_is_kept(room: Mailroom) -> None:
    elsewhere = bounce_address(SECRET, BOUNCES, new_id(), DELIVERY)
    row = await room.deliver_and_read(report(LAN), str(elsewhere), sender="")
    assert (row["state"], row["reason"]) == ("kept", "bounce")


async def test_several_reports_at_once_each_get_a_place_of_their_own(room: Mailroom) -> None:
    it = await asked(room)
    await asyncio.gather(*(room.deliver(report(LAN), it.return_path, sender="") for _ in range(4)))
    await room.read()
    assert await room.events(it.ticket_id) == ["request_received", *["delivery_bounced"] * 4]


# Machines that answer each other


def of_another_helpdesk(kind: type[Known], **changes: Any) -> bytes:
    """A mail of an installation elsewhere, with a secret and a domain of its own."""
    elsewhere = Letterhead(
        "support@port.example",
        "Port Authority",
        lambda reference, _ticket, _at: f"https://port.example/{reference}",
        thread_id=partial(thread_id, "the-secret-of-the-other-one", domain="port.example"),
    )
    its_event = event(kind, **changes)
    delivery = next(delivery for delivery in plan(its_event) if delivery.audience == "business")
    return Renderer(elsewhere).render(delivery, its_event)


async def test_two_helpdesks_answer_each_other_once_and_no_more(room: Mailroom) -> None:
    """Ours wrote to theirs, which took it for a request and acknowledges it."""
    it = await asked(room)
    theirs = event(TicketOpened).ticket
    acknowledged = of_another_helpdesk(TicketOpened, ticket=theirs.model_copy(update={"contact": Contact(email=it.reply_to)}))
    row = await room.deliver_and_read(acknowledged, it.reply_to, sender="")
    assert (row["as"], row["ticket_id"]) == ("automatic", it.ticket_id)
    assert (await body(room, it.ticket_id))["automatic"] == "auto_submitted"
    unasked = of_another_helpdesk(TicketOpened, ticket=theirs.model_copy(update={"contact": Contact(email=FOCAL)}))
    again = await room.deliver_and_read(unasked, FOCAL, sender="")
    assert (again["state"], again["reason"]) == ("kept", "auto_submitted")


async def test_our_own_mail_that_comes_round_is_kept_though_all_its_other_headers_are_gone(room: Mailroom) -> None:
    it = await asked(room)
    marked = mail("Re", to=it.reply_to, X_Helpdesk_Loop=loop_mark(SECRET, new_id(), DOMAIN))
    row = await room.deliver_and_read(marked, it.reply_to)
    assert (row["state"], row["reason"]) == ("kept", "own_mail")
    assert await room.events(it.ticket_id) == ["request_received"]


@pytest.mark.parametrize("mark", [DOMAIN, loop_mark("another-secret", new_id(), DOMAIN)], ids=["no token", "a token of another secret"])
async def test_nobodys_mail_is_lost_because_it_names_our_domain_in_a_mark(room: Mailroom, mark: str) -> None:
    it = await asked(room)
    row = await room.deliver_and_read(mail("Re", to=it.reply_to, X_Helpdesk_Loop=mark), it.reply_to)
    assert (row["as"], row["ticket_id"]) == ("message", it.ticket_id)
    assert (await room.deliver_and_read(mail("Another thing", X_Helpdesk_Loop=mark)))["as"] == "request"


async def test_what_is_said_to_a_digest_is_put_on_none_of_its_tickets_and_a_report_of_it_is_known(room: Mailroom) -> None:
    it, digest = await asked(room), new_id()
    path = bounce_address(SECRET, BOUNCES, it.ticket_id, digest, alone=False)
    assert path is not None
    away = await room.deliver_and_read(mail("Vắng mặt", to=path, Auto_Submitted="auto-replied"), path)
    assert (away["state"], "ticket_id" in away) == ("kept", False)
    answer = mail("Re: 3 thời hạn", In_Reply_To=delivery_message_id(SECRET, it.ticket_id, digest, DOMAIN, alone=False))
    assert (await room.deliver_and_read(answer))["ticket_id"] != it.ticket_id
    row = await room.deliver_and_read(report("binh@customs.example"), path, sender="")
    assert (row["as"], row["ticket_id"]) == ("bounce", it.ticket_id)
