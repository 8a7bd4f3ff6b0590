"""What officers write by mail is said among officers: the page of a ticket, which its asker reads, never shows it."""

import email
import email.policy
from dataclasses import replace
from functools import partial

import pytest

from helpdesk.mail.stored import StoredMails
from kit.ids import new_id
from kit.links import staff_thread_id, thread_id
from kit.mail_tokens import bounce_address, delivery_message_id, reply_address
from schemas.tickets import BusinessReplied
from services.notifier.domain.audience import plan
from services.notifier.rendering import Letterhead, Renderer
from tests.support.mailroom import BOUNCES, FOCAL, HON_GAI, LAN, SECRET, SENDER, Mailroom, mail
from tests.unit.notifier.examples import event

DOMAIN = "customs.example"
HONG = "Bà Hồng <Hong@customs.example>"
AUTHORITY = "mof@gov.example"
RENDERER = Renderer(
    Letterhead(
        SENDER,
        "Hải quan",
        lambda reference, _ticket, _at: f"https://helpdesk.example/{reference}",
        thread_id=partial(thread_id, SECRET, domain=DOMAIN),
        message_id=partial(delivery_message_id, SECRET, domain=DOMAIN),
        staff_thread_id=partial(staff_thread_id, SECRET, domain=DOMAIN),
        staff_message_id=partial(delivery_message_id, SECRET, domain=DOMAIN, staff=True),
        reply_to=partial(reply_address, SECRET),
    )
)


def notice(ticket_id: str) -> dict[str, str]:
    """The headers of an answer to what an officer is told of a new message."""
    replied = event(BusinessReplied, ticket_id=ticket_id)
    told = next(delivery for delivery in plan(replied) if delivery.audience == "staff")
    sent = email.message_from_bytes(RENDERER.render(replace(told, ticket_id=ticket_id), replied), policy=email.policy.default)
    return {"In_Reply_To": str(sent["Message-ID"]), "References": f"{sent['References']} {sent['Message-ID']}"}


def signs(ticket_id: str) -> dict[str, dict[str, str]]:
    """Every way in which an officer's mail can be about a ticket, those of mails of earlier releases too."""
    message_id, path = partial(delivery_message_id, SECRET, ticket_id, new_id(), DOMAIN), partial(bounce_address, SECRET, BOUNCES)
    return {
        "notice": notice(ticket_id),
        "thread alone": {"References": staff_thread_id(SECRET, ticket_id, DOMAIN)},
        "message id alone": {"In_Reply_To": message_id(staff=True)},
        "digest": {"In_Reply_To": message_id(alone=False)},
        "return path": {"to": str(path(ticket_id, new_id(), staff=True))},
        "thread of the asker": {"References": thread_id(SECRET, ticket_id, DOMAIN)},
        "message id of the asker's mail": {"In_Reply_To": message_id()},
        "address of the asker's answers": {"to": str(reply_address(SECRET, FOCAL, ticket_id))},
    }


@pytest.mark.parametrize("sign", list(signs(new_id())))
@pytest.mark.parametrize("officer", [HONG, AUTHORITY])
async def test_what_an_officer_answers_by_mail_is_kept_with_its_ticket_and_said_to_nobody(room: Mailroom, officer: str, sign: str) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    row = await room.deliver_and_read(mail("Re", "Nội bộ: doanh nghiệp này gian lận.", from_=officer, **signs(ticket_id)[sign]))
    assert (row["state"], row.get("reason"), row.get("ticket_id")) == ("kept", "from_staff", ticket_id)
    assert await room.events() == ["request_received"]


@pytest.mark.parametrize(
    "headers",
    [
        {"from_": "Hồng <Hong+viec@customs.example>"},
        {"from_": f"Lan <{LAN}>, {HONG}"},
        {"from_": f"{HONG}, Lan <{LAN}>"},
        {"from_": f"Phòng: {LAN}, hong+viec@customs.example;"},
        {"from_": f"Lan <{LAN}>", "Sender": HONG},
        {"from_": f"Hòn Gai <{HON_GAI}>", "Sender": "HONG@customs.example"},
    ],
    ids=["tag", "second author", "first author", "group", "sender of the asker's", "sender of a department's"],
)
async def test_an_officer_is_known_by_a_tagged_address_and_beside_others(room: Mailroom, headers: dict[str, str]) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    to = str(reply_address(SECRET, FOCAL, ticket_id))
    row = await room.deliver_and_read(mail("Re", "Nội bộ: doanh nghiệp này gian lận.", to=to, **headers), to)
    assert (row["state"], row.get("reason"), row.get("ticket_id")) == ("kept", "from_staff", ticket_id)
    assert await room.events() == ["request_received"]


@pytest.mark.parametrize(
    ("headers", "envelope"),
    [
        ({"From": "Hong <hong.rieng@thu.example>"}, "Hong@customs.example"),
        ({"From": "Phong XNK <phong@customs.example>"}, "prvs=4217f3a9c0=hong@customs.example"),
        ({"From": '"Hong via Tong" <tong@lists.example>', "Reply-To": "hong@customs.example"}, "tong-bounces@lists.example"),
        ({"From": '"Hong via AB" <' + LAN + ">", "X-Original-From": "Hong <hong@customs.example>"}, "ab-bounces@anbinh.example"),
        ({"From": "Mai <mai@anbinh.example>", "Resent-From": "hong@customs.example"}, "tong-bounces@lists.example"),
        ({"From": "Hong <hong @ customs.example>"}, "o@gw.example"),
        ({"From": "Hong <hong@customs.example.>"}, "o@gw.example"),
        ({"From": "Hong <'hong@customs.example'>"}, "o@gw.example"),
        ({"From": 'Hong <"hong"@customs.example>'}, "o@gw.example"),
    ],
    ids=["private From", "department's From", "list", "asker's list", "handed on", "blanks", "dot", "apostrophes", "quotes"],
)
async def test_an_officer_is_known_by_every_way_a_mail_says_who_wrote_it(room: Mailroom, headers: dict[str, str], envelope: str) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    to = str(reply_address(SECRET, FOCAL, ticket_id))
    row = await room.deliver_and_read(written({**headers, "To": to}), to, sender=envelope)
    assert (row["state"], row.get("reason"), row.get("ticket_id")) == ("kept", "from_staff", ticket_id)
    assert await room.events() == ["request_received"]


@pytest.mark.parametrize(
    ("headers", "envelope"),
    [
        ({"From": LAN}, "hong@customs.example"),
        ({"From": LAN, "Resent-From": "hong@customs.example"}, LAN),
        ({"From": "mai@anbinh.example"}, "hong+caf_=focal=customs.example@customs.example"),
        ({"From": LAN, "Reply-To": AUTHORITY, "Sender": AUTHORITY, "List-Post": f"<mailto:{AUTHORITY}>"}, "mof-bounces@gov.example"),
    ],
    ids=["relay", "handed on by hand", "handed on by a mailbox", "list"],
)
async def test_what_only_goes_through_the_hands_of_staff_is_the_business_s(room: Mailroom, headers: dict[str, str], envelope: str) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    to = str(reply_address(SECRET, FOCAL, ticket_id))
    row = await room.deliver_and_read(written({**headers, "To": to}), to, sender=envelope)
    assert (row["as"], row["ticket_id"]) == ("message", ticket_id)


def written(headers: dict[str, str]) -> bytes:
    """With fields that no decent program would write."""
    fields = {"Subject": "Re", "Message-ID": f"<{new_id()}@anbinh.example>", "Date": "Mon, 03 Mar 2025 09:00:00 +0700", **headers}
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\nNoi bo: doanh nghiep nay gian lan."


@pytest.mark.parametrize("automatic", ["auto-replied", None])
async def test_so_is_what_an_officer_sends_to_two_departments_or_while_away(room: Mailroom, automatic: str | None) -> None:
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    answer = mail("Re", from_=HONG, **notice(ticket_id), **({"Auto_Submitted": automatic} if automatic else {}))
    await room.deliver_and_read(answer, FOCAL, HON_GAI)
    assert [(row["reason"], row["ticket_id"]) for row in (await room.rows())[1:]] == [("from_staff", ticket_id)] * 2
    assert await room.events() == ["request_received"]


@pytest.mark.parametrize("sign", ["notice", "thread alone", "message id alone", "return path"])
@pytest.mark.parametrize("sender", [LAN, "hong.rieng@thu.example"])
async def test_what_staff_were_told_by_brings_nobody_elses_mail_to_the_ticket(room: Mailroom, sender: str, sign: str) -> None:
    """An officer's private address, or somebody a notice was passed on to."""
    ticket_id = (await room.deliver_and_read(mail()))["ticket_id"]
    headers = {name: value for name, value in signs(ticket_id)[sign].items() if name != "to"}
    to = signs(ticket_id)[sign].get("to", FOCAL)
    row = await room.deliver_and_read(mail("Re", "Nội bộ.", from_=sender, to=to, **headers), to)
    assert row.get("ticket_id") != ticket_id
    assert await room.events(ticket_id) == ["request_received"]


async def test_an_officer_who_asks_something_has_a_request_and_says_more_on_it(room: Mailroom) -> None:
    asked = await room.deliver_and_read(mail("Máy in hỏng", from_=HONG), HON_GAI)
    assert asked["as"] == "request"
    more = await room.deliver_and_read(mail("Re", from_=HONG, References=thread_id(SECRET, asked["ticket_id"], DOMAIN)), HON_GAI)
    assert (more["as"], more["ticket_id"]) == ("message", asked["ticket_id"])
    told = await room.deliver_and_read(mail("Re", "Nội bộ.", from_=HONG, **notice(asked["ticket_id"])), HON_GAI)
    assert (told["state"], told["reason"]) == ("kept", "from_staff")


async def test_what_was_kept_can_be_opened_as_a_request_of_its_own_linked_to_the_ticket(room: Mailroom) -> None:
    first = await room.deliver_and_read(mail())
    kept = await room.deliver_and_read(mail("Re", "Nội bộ.", from_=HONG, **notice(first["ticket_id"])))
    await StoredMails(room.mongo, room.database).open(kept["_id"], "quan")
    await room.read()
    row = await room.row()
    assert (row["state"], row["as"]) == ("done", "request")
    (opened,) = await room.bodies(row["ticket_id"])
    (about,) = await room.database["conversations"].find({"_id": first["ticket_id"]}).to_list(None)
    assert row["ticket_id"] != first["ticket_id"]
    assert f'"linked_to":"{about["reference"]}"' in opened
