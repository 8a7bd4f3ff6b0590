"""One mail and several tickets: whose words of it go where, once each, whatever way and however often it comes."""

from dataclasses import dataclass
from typing import Any

import pytest

from kit.journal import JOURNAL
from kit.mail_tokens import reply_address
from kit.mongo import Document
from tests.support.mailroom import AUTHSERV, FOCAL, HON_GAI, LAN, SECRET, Mailroom, mail

BOTH = (FOCAL, HON_GAI)
STRANGER = "mai@other.example"


@dataclass(frozen=True)
class Ticket:
    """Of the focal point."""

    id: str

    @property
    def reply_to(self) -> str:
        return str(reply_address(SECRET, FOCAL, self.id))


async def asked(room: Mailroom) -> Ticket:
    return Ticket((await room.deliver_and_read(mail()))["ticket_id"])


async def over(room: Mailroom, ticket_id: str) -> None:
    await room.database["conversations"].update_one({"_id": ticket_id}, {"$set": {"ticket.status": "closed"}})


async def deliver(room: Mailroom, message: Any, *to: str, sender: str = LAN) -> dict[str, Document]:
    """What became of one mail, by group."""
    known = {row["_id"] for row in await room.rows()}
    await room.deliver(message, *to, sender=sender)
    await room.read()
    return {row["group"]: row for row in await room.rows() if row["_id"] not in known}


# What follows a mail to two departments


FOLLOWS: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
    # where the follow-up goes, what it names of the asker's own mails, and whose ticket each copy of it is on
    ("hon-gai", ("began",), {"hon-gai": "hon-gai"}),
    ("focal", ("began",), {"focal": "focal"}),
    ("both", ("began",), {"focal": "focal", "hon-gai": "hon-gai"}),
    ("hon-gai", ("began", "to focal alone"), {"hon-gai": "hon-gai"}),
]


@pytest.mark.parametrize(("to", "named", "becomes"), FOLLOWS)
async def test_what_follows_a_mail_to_both_is_on_the_ticket_of_the_department_it_goes_to(
    room: Mailroom, to: str, named: tuple[str, ...], becomes: dict[str, str]
) -> None:
    began = await deliver(room, mail("Hai phòng", to=f"{FOCAL}, {HON_GAI}", message_id="<began@anbinh.example>"), *BOTH)
    later = mail("Re", "Cho đầu mối.", In_Reply_To="<began@anbinh.example>", message_id="<later@anbinh.example>")
    assert (await deliver(room, later))["focal"]["ticket_id"] == began["focal"]["ticket_id"]
    ids = {"began": "<began@anbinh.example>", "to focal alone": "<later@anbinh.example>"}
    boxes = {"focal": (FOCAL,), "hon-gai": (HON_GAI,), "both": BOTH}[to]
    follows = mail("Re", "Bổ sung.", to=", ".join(boxes), References=" ".join(ids[name] for name in named))
    became = await deliver(room, follows, *boxes)
    assert {group: row["ticket_id"] for group, row in became.items()} == {
        group: began[whose]["ticket_id"] for group, whose in becomes.items()
    }
    assert {row["as"] for row in became.values()} == {"message"}


async def test_a_stranger_who_names_a_mail_to_both_is_on_neither_ticket(room: Mailroom) -> None:
    began = await deliver(room, mail("Hai phòng", to=f"{FOCAL}, {HON_GAI}", message_id="<began@anbinh.example>"), *BOTH)
    strange = mail("Re", "Tôi là người lạ.", from_=STRANGER, to=HON_GAI, In_Reply_To="<began@anbinh.example>")
    became = await deliver(room, strange, HON_GAI)
    assert became["hon-gai"]["as"] == "request"
    assert became["hon-gai"]["ticket_id"] not in {row["ticket_id"] for row in began.values()}


# What has the reply addresses of several tickets of one department


async def two_asked(room: Mailroom) -> tuple[Ticket, Ticket]:
    other = await room.deliver_and_read(mail("Việc khác", "Một việc khác."))
    return await asked(room), Ticket(other["ticket_id"])


async def heard(room: Mailroom, *about: Ticket, text: str = "Cả hai việc.") -> list[int]:
    """How often these words are on each ticket."""
    return [sum(text in said for said in await room.bodies(it.id)) for it in about]


def to_both(one: Ticket, other: Ticket, **headers: str) -> Any:
    return mail("Re", "Cả hai việc.", **{"to": f"{one.reply_to}, {other.reply_to}", **headers})


JOURNEYS: list[tuple[str, list[list[int]], list[tuple[int, str]]]] = [
    # which reply addresses each journey of the mail has; on which ticket that row is, and as what
    ("in one", [[0, 1]], [(0, "message")]),
    ("in two", [[0], [1]], [(0, "message"), (1, "duplicate")]),
    ("the other first", [[1], [0]], [(1, "message"), (0, "duplicate")]),
    ("twice", [[0, 1], [0, 1]], [(0, "message"), (0, "duplicate")]),
]


@pytest.mark.parametrize(("journeys", "becomes"), [row[1:] for row in JOURNEYS], ids=[row[0] for row in JOURNEYS])
async def test_a_mail_with_answers_to_two_tickets_of_one_department_is_once_on_each(
    room: Mailroom, journeys: list[list[int]], becomes: list[tuple[int, str]]
) -> None:
    both = await two_asked(room)
    answer = to_both(*both)
    rows = [(await deliver(room, answer, *(both[each].reply_to for each in journey)))["focal"] for journey in journeys]
    assert [(row["ticket_id"], row["as"]) for row in rows] == [(both[which].id, kind) for which, kind in becomes]
    assert await heard(room, *both) == [1, 1]


async def test_a_copy_that_has_another_reply_address_in_its_envelope_alone_is_on_that_ticket_too(room: Mailroom) -> None:
    one, other = await two_asked(room)
    answer = to_both(one, other, to="undisclosed-recipients:;")
    rows = [(await deliver(room, answer, it.reply_to))["focal"] for it in (one, other, one)]
    assert [(row["ticket_id"], row["as"]) for row in rows] == [(one.id, "message"), (other.id, "message"), (one.id, "duplicate")]
    assert await heard(room, one, other) == [1, 1]


@pytest.mark.parametrize("lost", [0, 1, 2])
async def test_a_mail_to_two_tickets_that_is_read_again_is_still_once_on_each(room: Mailroom, lost: int) -> None:
    """Read again from the start; `lost`: how much of what came of it the first time was written."""
    both = await two_asked(room)
    row = (await deliver(room, to_both(*both), both[0].reply_to, both[1].reply_to))["focal"]
    written = [each["_id"] async for each in room.database["submissions"].find({"raw.mail": row["_id"]}).sort("message_id", 1)]
    assert len(written) == 2
    if lost < 2:
        await forget(room, both[1 - lost], row)
    await room.database["mails"].update_one({"_id": row["_id"]}, {"$set": {"state": "received"}})
    await room.read()
    assert await heard(room, *both) == [1, 1]
    (again,) = await room.rows(_id=row["_id"])
    assert (again["as"], again["ticket_id"]) == ("message", both[0].id)


async def forget(room: Mailroom, it: Ticket, row: Document) -> None:
    """As if this mail had not come to be said on that ticket."""
    said = await room.database["submissions"].find_one_and_delete({"ticket_id": it.id, "raw.mail": row["_id"]})
    assert said is not None
    await room.database[JOURNAL.name].delete_one({"stream": it.id, "type": "message_received"})


async def test_of_two_tickets_that_are_over_each_is_followed_by_its_own(room: Mailroom) -> None:
    both = await two_asked(room)
    for it in both:
        await over(room, it.id)
    answer = to_both(*both)
    for journey in (both, both[:1], both[1:]):
        await deliver(room, answer, *(it.reply_to for it in journey))
    following = [said for said in await opened(room) if "Cả hai việc." in said]
    first = {row["_id"]: row["reference"] async for row in room.database["conversations"].find()}
    assert len(following) == 2
    assert all(sum(f'"linked_to":"{first[it.id]}"' in said for said in following) == 1 for it in both)
    assert await heard(room, *both) == [0, 0]


async def opened(room: Mailroom) -> list[str]:
    return [each["body"] async for each in room.database[JOURNAL.name].find({"type": "request_received"})]


async def test_what_follows_a_ticket_and_that_ticket_are_one_when_both_are_over(room: Mailroom) -> None:
    it = await asked(room)
    await over(room, it.id)
    following = Ticket((await deliver(room, mail("Re", "Tiếp."), it.reply_to))["focal"]["ticket_id"])
    await over(room, following.id)
    before = set(await opened(room))
    await deliver(room, to_both(it, following), it.reply_to, following.reply_to)
    (anew,) = set(await opened(room)) - before
    assert "Cả hai việc." in anew
    assert (await room.events()).count("message_received") == 0


async def test_a_late_copy_is_not_on_what_has_followed_since(room: Mailroom) -> None:
    it = await asked(room)
    await over(room, it.id)
    first = mail("Re", "Tiếp một.", to=it.reply_to)
    followed = (await deliver(room, first, it.reply_to))["focal"]["ticket_id"]
    await over(room, followed)
    since = (await deliver(room, mail("Re", "Tiếp hai.", to=it.reply_to), it.reply_to))["focal"]["ticket_id"]
    late = (await deliver(room, first, it.reply_to))["focal"]
    assert (late["as"], late["ticket_id"]) == ("duplicate", followed)
    assert since != followed
    assert await room.events(since) == ["request_received"]


@pytest.mark.parametrize("sender", [STRANGER, ""], ids=["a stranger", "nobody"])
async def test_who_has_both_reply_addresses_and_did_not_ask_is_unverified_on_both(room: Mailroom, sender: str) -> None:
    both = await two_asked(room)
    await room.deliver(to_both(*both, from_=sender or "Máy <>"), *(it.reply_to for it in both), sender=sender)
    await room.read()
    assert await heard(room, *both) == [1, 1]
    last = [(await room.bodies(it.id))[-1] for it in both]
    assert all('"verified":false' in said for said in last)


async def test_an_officer_s_words_to_two_tickets_are_on_neither(room: Mailroom) -> None:
    both = await two_asked(room)
    became = await deliver(room, to_both(*both, from_="hong@customs.example"), *(it.reply_to for it in both))
    assert (became["focal"]["state"], await heard(room, *both)) == ("kept", [0, 0])


async def test_an_officer_s_words_to_his_own_ticket_and_another_s_are_on_his_own(room: Mailroom) -> None:
    officer = "hong@customs.example"
    his = Ticket((await room.deliver_and_read(mail(from_=officer), sender=officer))["ticket_id"])
    hers = await asked(room)
    await room.deliver(to_both(his, hers, from_=officer), his.reply_to, hers.reply_to, sender=officer)
    await room.read()
    assert await heard(room, his, hers) == [1, 0]


# What web forms send: mail of one address that nobody reads, with whom it is from in Reply-To

FORM = "no-reply@forms.example"
MINH, THU = "minh@cty.example", "thu@cty.example"


async def filled_in(room: Mailroom, it: Ticket, text: str, who: str) -> Document:
    form = mail("Biểu mẫu", text, from_=f"Biểu mẫu <{FORM}>", to=it.reply_to, Reply_To=who)
    return (await deliver(room, form, it.reply_to, sender=FORM))["focal"]


async def whose(room: Mailroom) -> dict[str, str]:
    return {row["_id"]: str(row["email"]) async for row in room.database["conversations"].find()}


async def test_what_a_web_form_sends_after_the_end_is_one_following_ticket_for_each_who_filled_it_in(room: Mailroom) -> None:
    it = await asked(room)
    await over(room, it.id)
    rows = [(who, await filled_in(room, it, f"Lần {number}.", who)) for number in range(3) for who in (MINH, THU)]
    assert [row["as"] for _, row in rows] == ["request"] * 2 + ["message"] * 4
    emails = await whose(room)
    assert all(emails[row["ticket_id"]] == who for who, row in rows)
    assert len(emails) == 3


async def test_a_web_form_s_following_ticket_that_is_over_is_followed_by_one(room: Mailroom) -> None:
    it = await asked(room)
    await over(room, it.id)
    first = (await filled_in(room, it, "Một.", MINH))["ticket_id"]
    await over(room, first)
    second, third = [(await filled_in(room, it, text, MINH))["ticket_id"] for text in ("Hai.", "Ba.")]
    assert first != second == third


async def test_whom_a_web_form_names_is_not_proven_by_what_proves_the_form(room: Mailroom) -> None:
    it = await asked(room)
    await over(room, it.id)
    proven = {"from_": FORM, "to": it.reply_to, "Authentication_Results": f"{AUTHSERV}; dmarc=pass header.from=forms.example"}
    rows = [await room.deliver_and_read(mail("Re", f"Lần {n}.", **proven, Reply_To=MINH), it.reply_to, sender=FORM) for n in range(2)]
    assert [row["as"] for row in rows] == ["request", "message"]
    last = (await room.bodies(rows[0]["ticket_id"]))[-1]
    assert '"verified":false' in last
    assert "chưa xác minh" in last


async def test_naming_the_asker_in_reply_to_puts_no_words_on_what_follows_for_her(room: Mailroom) -> None:
    it = await asked(room)
    await over(room, it.id)
    hers = (await deliver(room, mail("Re", "Lại hỏng.", to=it.reply_to), it.reply_to))["focal"]["ticket_id"]
    row = await filled_in(room, it, "Tôi là người lạ.", LAN)
    assert row["as"] == "request"
    assert row["ticket_id"] != hers
    assert await room.events(hers) == ["request_received"]
