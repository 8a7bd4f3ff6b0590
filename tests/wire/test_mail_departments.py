"""One mail to several departments, one mail by several ways: each department has its one ticket, and each ticket has the mail once."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from kit.links import thread_id
from kit.mail_tokens import reply_address
from kit.mongo import Document
from schemas.values import Trust
from services.intake.acceptance import Acceptance
from services.intake.mail.filing import Filing
from services.intake.mail.letter import Letter
from services.intake.mail.parser import Parser
from services.intake.mail.threads import Thread, Threads
from services.intake.mail.wiring import current_mailboxes
from services.intake.status import Conversations
from services.intake.storing import FileStore
from tests.support.mailroom import BOUNCES, FOCAL, HON_GAI, LAN, SECRET, SENDER, Mailroom, mail, open_mailroom
from tests.support.servers import MongoServer

BOTH = (FOCAL, HON_GAI)


@dataclass(frozen=True)
class Ticket:
    id: str
    group: str

    @property
    def reply_to(self) -> str:
        return str(reply_address(SECRET, {"focal": FOCAL, "hon-gai": HON_GAI}[self.group], self.id))

    @property
    def thread(self) -> str:
        return thread_id(SECRET, self.id, "customs.example")


async def asked(room: Mailroom) -> Ticket:
    """A request of Lan's to the focal point."""
    return Ticket((await room.deliver_and_read(mail()))["ticket_id"], "focal")


async def deliver(room: Mailroom, message: Any, *to: str) -> dict[str, Document]:
    """What became of one mail, by group."""
    known = {row["_id"] for row in await room.rows()}
    await room.deliver(message, *to)
    await room.read()
    return {row["group"]: row for row in await room.rows() if row["_id"] not in known}


async def tickets(room: Mailroom) -> dict[str, list[str]]:
    """Of every group, the events of its tickets."""
    rows = await room.database["conversations"].find().sort("_id", 1).to_list(None)
    return {f"{row['group']} {number}": await room.events(row["_id"]) for number, row in enumerate(rows)}


async def test_a_second_department_that_an_answer_goes_to_as_well_gets_a_linked_ticket(room: Mailroom) -> None:
    it = await asked(room)
    became = await deliver(room, mail("Re", "Xin bổ sung.", to=it.reply_to, Cc=HON_GAI), it.reply_to, HON_GAI)
    assert (became["focal"]["as"], became["focal"]["ticket_id"]) == ("message", it.id)
    assert became["hon-gai"]["as"] == "request"
    (opened,) = await room.bodies(became["hon-gai"]["ticket_id"])
    (first,) = await room.database["conversations"].find({"_id": it.id}).to_list(None)
    assert f'"linked_to":"{first["reference"]}"' in opened
    assert '"group":"hon-gai"' in opened


async def test_a_conversation_whose_every_mail_goes_to_both_has_two_tickets_and_each_mail_once_on_each(room: Mailroom) -> None:
    it = await asked(room)
    linked: Ticket | None = None
    for number in range(4):
        about = linked if linked and number % 2 else it
        became = await deliver(room, mail("Re", f"Lần {number}.", to=about.reply_to, Cc=f"{FOCAL}, {HON_GAI}"), about.reply_to, *BOTH)
        linked = Ticket(became["hon-gai"]["ticket_id"], "hon-gai")
        assert became["focal"]["ticket_id"] == it.id
    assert await tickets(room) == {
        "focal 0": ["request_received", *["message_received"] * 4],
        "hon-gai 1": ["request_received", *["message_received"] * 3],
    }


@pytest.mark.parametrize("first", ["focal", "hon-gai"])
async def test_it_is_the_same_whichever_mailbox_gets_its_copy_first(room: Mailroom, first: str) -> None:
    it = await asked(room)
    answer = mail("Re", "Xin bổ sung.", to=it.reply_to, Cc=HON_GAI)
    ways = {"focal": it.reply_to, "hon-gai": HON_GAI}
    became: dict[str, Document] = {}
    for group in sorted(ways, key=lambda group: group != first):
        became |= await deliver(room, answer, ways[group])
    assert became["focal"]["ticket_id"] == it.id
    assert became["hon-gai"]["as"] == "request"
    assert await tickets(room) == {"focal 0": ["request_received", "message_received"], "hon-gai 1": ["request_received"]}


async def test_a_mail_to_both_that_is_answered_to_both_stays_on_the_two_tickets_it_began(room: Mailroom) -> None:
    began = await deliver(room, mail("Hai phòng", to=f"{FOCAL}, {HON_GAI}"), *BOTH)
    for group in ("focal", "hon-gai"):
        it = Ticket(began[group]["ticket_id"], group)
        became = await deliver(room, mail("Re", f"Trả lời {group}.", Cc=HON_GAI, References=it.thread), *BOTH)
        assert {name: row["ticket_id"] for name, row in became.items()} == {name: row["ticket_id"] for name, row in began.items()}
    assert await tickets(room) == {
        "focal 0": ["request_received", *["message_received"] * 2],
        "hon-gai 1": ["request_received", *["message_received"] * 2],
    }


async def test_a_mail_with_answers_to_two_tickets_is_for_each_department_about_its_own(room: Mailroom) -> None:
    one = await asked(room)
    other = Ticket((await room.deliver_and_read(mail("Việc khác"), HON_GAI))["ticket_id"], "hon-gai")
    became = await deliver(room, mail("Re", "Cả hai.", to=f"{one.reply_to}, {other.reply_to}"), one.reply_to, other.reply_to)
    assert {group: (row["as"], row["ticket_id"]) for group, row in became.items()} == {
        "focal": ("message", one.id),
        "hon-gai": ("message", other.id),
    }


async def test_who_writes_to_another_mailbox_alone_is_on_the_ticket_wherever_that_went(room: Mailroom) -> None:
    it = await asked(room)
    became = await deliver(room, mail("Re", "Nhầm địa chỉ.", to=HON_GAI, In_Reply_To=it.thread), HON_GAI)
    assert (became["hon-gai"]["as"], became["hon-gai"]["ticket_id"]) == ("message", it.id)


async def test_a_ticket_that_moved_is_at_home_where_it_is_and_where_it_was_asked(room: Mailroom) -> None:
    it = await asked(room)
    moved = {"ticket": {"status": "open", "group": {"key": "hon-gai"}}}
    await room.database["conversations"].update_one({"_id": it.id}, {"$set": moved})
    became = await deliver(room, mail("Re", "Xin bổ sung.", to=it.reply_to, Cc=HON_GAI), it.reply_to, HON_GAI)
    assert {row["ticket_id"] for row in became.values()} == {it.id}
    assert sorted(row["as"] for row in became.values()) == ["duplicate", "message"]
    assert await tickets(room) == {"focal 0": ["request_received", "message_received"]}


async def test_a_machine_s_answer_to_both_opens_nothing(room: Mailroom) -> None:
    it = await asked(room)
    away = mail("Vắng mặt", "Tôi đi công tác.", to=it.reply_to, Cc=HON_GAI, Auto_Submitted="auto-replied")
    became = await deliver(room, away, it.reply_to, HON_GAI)
    assert sorted(row["as"] for row in became.values()) == ["automatic", "duplicate"]
    assert list(await tickets(room)) == ["focal 0"]


async def test_a_linked_ticket_that_is_over_is_followed_by_a_new_one(room: Mailroom) -> None:
    it = await asked(room)
    linked = []
    for number in range(3):
        became = await deliver(room, mail("Re", f"Lần {number}.", to=it.reply_to, Cc=HON_GAI), it.reply_to, HON_GAI)
        linked.append(became["hon-gai"]["ticket_id"])
        if number == 0:
            await room.database["conversations"].update_one({"_id": linked[0]}, {"$set": {"ticket.status": "closed"}})
    assert linked[0] != linked[1] == linked[2]
    assert (await room.events(it.id)).count("message_received") == 3


async def test_a_department_still_gets_what_goes_on_after_the_first_one_s_ticket_is_over(room: Mailroom) -> None:
    it = await asked(room)
    linked = (await deliver(room, mail("Re", "Một.", to=it.reply_to, Cc=HON_GAI), it.reply_to, HON_GAI))["hon-gai"]["ticket_id"]
    await room.database["conversations"].update_one({"_id": it.id}, {"$set": {"ticket.status": "closed"}})
    became = await deliver(room, mail("Re", "Hai.", to=it.reply_to, Cc=HON_GAI), it.reply_to, HON_GAI)
    assert (became["hon-gai"]["as"], became["hon-gai"]["ticket_id"]) == ("message", linked)
    assert became["focal"]["as"] == "request"
    assert became["focal"]["ticket_id"] != it.id


# Whose ticket: nobody's words are on a ticket, and so on a status page, of somebody they did not write to


STRANGER = "mai@other.example"


async def answered(room: Mailroom, it: Ticket, text: str, sender: str = LAN, further: str = HON_GAI) -> dict[str, Document]:
    """To the ticket, and to another department as well."""
    return await deliver(room, mail("Re", text, from_=sender, to=it.reply_to, Cc=further), it.reply_to, further)


async def contacts(room: Mailroom) -> dict[str, str | None]:
    """Of every ticket, whose it is."""
    return {row["_id"]: row["email"] async for row in room.database["conversations"].find()}


async def test_the_asker_s_words_are_on_no_ticket_that_a_stranger_opened_beside_hers(room: Mailroom) -> None:
    it = await asked(room)
    strange = (await answered(room, it, "Tôi là người lạ.", STRANGER))["hon-gai"]
    secret = await answered(room, it, "Bí mật của Lan.")
    assert (secret["focal"]["ticket_id"], secret["hon-gai"]["as"]) == (it.id, "request")
    assert not any("Bí mật" in said for said in await room.bodies(strange["ticket_id"]))
    assert {str(email).lower() for email in (await contacts(room)).values()} == {LAN.lower(), STRANGER}


async def test_every_sender_has_one_ticket_in_a_further_department_whoever_came_first(room: Mailroom) -> None:
    it = await asked(room)
    became = [(sender, (await answered(room, it, f"Lần {n}.", sender))["hon-gai"]) for n in range(2) for sender in (STRANGER, LAN)]
    assert [row["as"] for _, row in became] == ["request", "request", "message", "message"]
    whose = await contacts(room)
    assert all(str(whose[row["ticket_id"]]).lower() == sender.lower() for sender, row in became)
    assert len(whose) == 3


async def test_who_goes_on_with_a_stranger_s_ticket_in_the_asker_s_department_gets_one_there_too(room: Mailroom) -> None:
    it = await asked(room)
    beside = Ticket((await answered(room, it, "Một.", STRANGER))["hon-gai"]["ticket_id"], "hon-gai")
    back = (await answered(room, beside, "Hai.", STRANGER, FOCAL))["focal"]
    assert (back["as"], back["ticket_id"] == it.id) == ("request", False)
    assert (await room.events(it.id)).count("message_received") == 1


async def test_what_a_business_is_shown_of_a_linked_ticket_does_not_name_the_other(room: Mailroom) -> None:
    it = await asked(room)
    strange = (await answered(room, it, "Tôi là người lạ.", STRANGER))["hon-gai"]["ticket_id"]
    (first,) = await room.database["conversations"].find({"_id": it.id}).to_list(None)
    shown = await Conversations(room.database).get(strange)
    assert shown is not None
    assert first["reference"] not in repr(shown.view("Asia/Ho_Chi_Minh"))
    assert first["reference"] in (await room.bodies(strange))[0]


async def over(room: Mailroom, ticket_id: str) -> None:
    await room.database["conversations"].update_one({"_id": ticket_id}, {"$set": {"ticket.status": "closed"}})


async def test_what_goes_on_after_the_end_is_one_following_ticket_for_each_sender(room: Mailroom) -> None:
    it = await asked(room)
    await over(room, it.id)
    became = [
        (await deliver(room, mail("Re", f"Tiếp {n}.", from_=sender, to=it.reply_to), it.reply_to))["focal"] for n, sender in FOLLOWING
    ]
    assert [row["as"] for row in became] == ["request", "request", "message", "message"]
    assert [row["ticket_id"] for row in became[:2]] == [row["ticket_id"] for row in became[2:]]
    whose = await contacts(room)
    assert [str(whose[row["ticket_id"]]).lower() for row in became[:2]] == [LAN.lower(), STRANGER]


FOLLOWING = [(0, LAN), (0, STRANGER), (1, LAN), (1, STRANGER)]


async def test_a_following_ticket_that_is_over_is_followed_by_one(room: Mailroom) -> None:
    it = await asked(room)
    await over(room, it.id)
    follows = []
    for number in range(4):
        row = (await deliver(room, mail("Re", f"Lần {number}.", to=it.reply_to), it.reply_to))["focal"]
        follows.append(row["ticket_id"])
        if number == 1:
            await over(room, row["ticket_id"])
    assert follows[0] == follows[1] != follows[2] == follows[3]


async def test_a_further_department_keeps_its_ticket_when_the_first_one_s_is_followed_by_another(room: Mailroom) -> None:
    it = await asked(room)
    await over(room, it.id)
    first = await answered(room, it, "Một.")
    following = Ticket(first["focal"]["ticket_id"], "focal")
    second, third = await answered(room, following, "Hai."), await answered(room, it, "Ba, theo thư cũ.")
    assert {row["hon-gai"]["ticket_id"] for row in (second, third)} == {first["hon-gai"]["ticket_id"]}
    assert {row["focal"]["ticket_id"] for row in (second, third)} == {following.id}
    assert len(await tickets(room)) == 3


async def test_of_two_mails_after_the_end_at_the_same_moment_one_opens_what_follows(room: Mailroom) -> None:
    it = await asked(room)
    await over(room, it.id)
    messages = [mail("Re", f"Tiếp {number}.") for number in range(2)]
    for message in messages:
        await room.deliver(message)
    rows, together = (await room.rows())[-2:], asyncio.Barrier(2)
    letters = [await room.parser.parse(message.as_bytes()) for message in messages]
    becomes = await asyncio.gather(
        *(filing(room, Meeting(room, together, it.id)).file(row, letter) for row, letter in zip(rows, letters, strict=True))
    )
    assert len({settled.changes["ticket_id"] for settled in becomes}) == 1
    assert sorted(settled.changes["as"] for settled in becomes) == ["message", "request"]


# The same mail by several ways


async def test_postmaster_and_the_group_s_own_mailbox_make_one_ticket_of_one_mail(room: Mailroom) -> None:
    message = mail(to="postmaster@customs.example", Cc=FOCAL)
    first = await room.deliver_and_read(message, "postmaster@customs.example")
    again = await room.deliver_and_read(message, FOCAL)
    assert (first["mailbox"], again["mailbox"]) == ("postmaster@customs.example", FOCAL)
    assert (again["as"], again["ticket_id"]) == ("duplicate", first["ticket_id"])


async def test_a_copy_is_one_whatever_its_own_envelope_makes_it_look_like(room: Mailroom) -> None:
    message = mail()
    first = await room.deliver_and_read(message)
    again = await room.deliver_and_read(message, sender="")
    assert (again["state"], again["as"], again["ticket_id"]) == ("done", "duplicate", first["ticket_id"])


async def test_a_mail_without_a_thread_is_the_same_mail_after_the_thread_was_found(room: Mailroom) -> None:
    """It names one of the asker's own mails, which comes in later than itself."""
    earlier = mail("Trước")
    later = mail("Sau", "Bổ sung.", In_Reply_To=earlier["Message-ID"])
    opened = await room.deliver_and_read(later)
    await room.deliver_and_read(earlier)
    again = await room.deliver_and_read(later)
    assert (again["as"], again["ticket_id"]) == ("duplicate", opened["ticket_id"])
    assert await room.events(opened["ticket_id"]) == ["request_received"]


async def test_what_cannot_be_read_is_one_request_under_all_addresses_of_a_group(mongo_server: MongoServer) -> None:
    async with open_mailroom(mongo_server.uri, parser=Parser(command=("-c", "raise SystemExit"))) as room:
        first = await room.deliver_and_read(mail(message_id="<a@b.example>"), "postmaster@customs.example")
        again = await room.deliver_and_read(mail(message_id="<a@b.example>"), FOCAL)
    assert (first["state"], again["state"], again["ticket_id"]) == ("parked", "parked", first["ticket_id"])


class Meeting(Threads):
    """Finds the thread, or not, when all who look are there: nobody has written anything by then."""

    def __init__(self, room: Mailroom, together: asyncio.Barrier, finds: str | None) -> None:
        super().__init__(room.database, [SECRET])
        self._together, self._finds = together, finds

    async def of(
        self, letter: Letter, sender: str, recipients: Iterable[str] = (), trust: Trust = "none", group: str = ""
    ) -> Thread | None:
        await self._together.wait()
        return await self.ticket(self._finds, sender) if self._finds else None


@pytest.mark.parametrize("found", [(True, False), (False, False), (True, True)], ids=["one sees the thread", "none does", "both do"])
async def test_of_two_copies_at_the_same_moment_one_is_a_copy(room: Mailroom, found: tuple[bool, bool]) -> None:
    it = await asked(room)
    message = mail("Re", "Xin bổ sung.")
    for _ in range(2):
        await room.deliver(message)
    first, *rows = await room.rows()
    letter, together = await room.parser.parse(message.as_bytes()), asyncio.Barrier(2)
    becomes = await asyncio.gather(
        *(filing(room, Meeting(room, together, it.id if sees else None)).file(row, letter) for row, sees in zip(rows, found, strict=True))
    )
    assert first["ticket_id"] == it.id
    assert len({settled.changes["ticket_id"] for settled in becomes}) == 1
    assert [settled.changes["as"] for settled in becomes].count("duplicate") == 1
    assert len(await room.events()) == 2


async def test_of_two_copies_in_two_departments_at_the_same_moment_the_ticket_has_one(room: Mailroom) -> None:
    it = await asked(room)
    message = mail("Re", "Xin bổ sung.", to="undisclosed-recipients:;")
    for box in BOTH:
        await room.deliver(message, box)
    rows = (await room.rows())[-2:]
    letter, together = await room.parser.parse(message.as_bytes()), asyncio.Barrier(2)
    becomes = await asyncio.gather(*(filing(room, Meeting(room, together, it.id)).file(row, letter) for row in rows))
    assert sorted(settled.changes["as"] for settled in becomes) == ["duplicate", "message"]
    assert await room.events() == ["request_received", "message_received"]


def filing(room: Mailroom, threads: Threads) -> Filing:
    """As another process has it, with a connection of its own to what is shared."""
    journal = room.acceptance._journal  # noqa: SLF001 (what all processes share is the database)
    acceptance = Acceptance(room.mongo, room.database, journal)
    return Filing(room.database, acceptance, FileStore(room.database), threads, current_mailboxes(room.organisation, SENDER, BOUNCES))


async def test_the_whole_conversation_is_accounted_for(room: Mailroom) -> None:
    it = await asked(room)
    await deliver(room, mail("Re", "Một.", to=it.reply_to, Cc=HON_GAI), it.reply_to, HON_GAI)
    rows = await room.rows()
    submissions = await room.database["submissions"].find().to_list(None)
    assert {row["as"] for row in rows} == {"request", "message"}
    assert {(row["ticket_id"], row["_id"]) for row in rows} <= {(each["ticket_id"], each["raw"]["mail"]) for each in submissions}
    assert LAN.lower() in {str(row["lane"]) for row in rows}
