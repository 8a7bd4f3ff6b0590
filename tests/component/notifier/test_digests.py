"""Alarms gathered for one person: one mail of them all, once, whoever folds and whoever dies."""

import asyncio
import email
import email.policy
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from kit.mongo import Document
from schemas.notifications import NotificationDelivered, NotificationFailed
from schemas.tickets import AnswerGiven, BusinessReplied, DeadlineMissed, DeadlineWarned, Known, TicketEscalated, TicketResolved
from schemas.values import Deadline, Person
from services.notifier.digest_mail import DigestMail
from services.notifier.digests import Digests
from services.notifier.domain.gathering import WINDOW, Alarm
from services.notifier.rendering import Letterhead
from tests.component.notifier.conftest import SENDER, Office, settle, status_url
from tests.unit.notifier.examples import ANNA, MINH, event, ticket


def about(ticket_id: str, state: str = "running", *, missed: datetime | None = None, due: datetime | None = None, **changed: Any) -> Any:
    deadline = Deadline.model_validate({"kind": "resolution", "cycle": 1, "state": state, "due_at": due, "missed_at": missed})
    return ticket(reference=f"HQ-{ticket_id}", deadlines=(deadline,), **changed)


def late(office: Office, ticket_id: str, number: int = 2, *people: Person, hours: float = 1, **changed: Any) -> Known:
    """A miss that an outage kept from being told."""
    due = office.mongo.now() - timedelta(hours=hours)
    fields: dict[str, Any] = {
        "id": f"{ticket_id}-{number}",
        "ticket_id": ticket_id,
        "sequence": number,
        "clock": "resolution",
        "due_at": due,
        "ticket": about(ticket_id, missed=due, due=due),
        "recipients": people or (MINH,),
    }
    return event(DeadlineMissed, **(fields | changed))


async def when_due(office: Office, **query: Any) -> None:
    await office.database["deliveries"].update_many(
        {"state": "gathering", **query}, {"$set": {"next_at": office.mongo.now() - timedelta(seconds=1)}}
    )


async def states(office: Office) -> dict[str, str]:
    return {row["event_id"]: row["state"] for row in await office.rows() if row["template"] != "digest"}


def mails(office: Office) -> list[tuple[str, str]]:
    """Recipient and subject of what the mail server took."""
    parsed = [(to, email.message_from_bytes(raw, policy=email.policy.default)) for _, [to], raw in office.box.seen]
    return [(to, str(mail["Subject"])) for to, mail in parsed]


async def test_after_an_outage_each_person_gets_one_mail_of_everything(office: Office) -> None:
    await office.plan(*(late(office, f"t{number}", 2, MINH, ANNA) for number in range(300)))
    sender = await office.alone()
    assert not await office.gather()  # they are still being gathered
    await settle(sender)
    assert office.box.seen == []
    await when_due(office)
    assert await office.gather()
    await settle(sender)
    assert sorted(mails(office)) == [
        ("anna@customs.example", "300 deadlines need attention: 300 missed"),
        ("minh@customs.example", "300 thời hạn cần chú ý: 300 quá hạn"),
    ]
    ended = await office.ended()
    assert len(ended) == 600
    assert {(one.type, one.template, one.channel) for one in ended} == {("notification_delivered", "deadline_missed", "email")}
    assert len({one.delivery_id for one in ended}) == 600
    assert set((await states(office)).values()) == {"delivered"}
    assert not await office.gather()


async def test_what_is_told_in_time_goes_out_at_once_as_ever(office: Office) -> None:
    await office.plan(late(office, "t", hours=0))
    await settle(await office.alone())
    assert [subject for _, subject in mails(office)] == ["[HQ-t] Quá hạn: Vướng mắc về mã HS của tôm đông lạnh"]


async def test_one_alone_is_sent_as_the_mail_it_is(office: Office) -> None:
    await office.plan(late(office, "t"))
    await when_due(office)
    await office.gather()
    await settle(await office.alone())
    assert [subject for _, subject in mails(office)] == ["[HQ-t] Quá hạn: Vướng mắc về mã HS của tôm đông lạnh"]
    assert [one.event_id for one in await office.ended()] == ["t-2"]


async def test_several_alarms_of_one_clock_are_the_gravest_mail_alone_and_all_end_with_it(office: Office) -> None:
    miss = late(office, "t")
    step = event(TicketEscalated, id="t-3", ticket_id="t", sequence=3, due_at=miss.occurred_at, ticket=miss.ticket)
    await office.plan(miss, step)
    await when_due(office)
    await office.gather()
    await settle(await office.alone())
    assert [subject[:28] for _, subject in mails(office)] == ["[HQ-t] Chuyển lên cấp trên: "]
    assert sorted(one.event_id for one in await office.ended()) == ["t-2", "t-3"]


async def test_in_quiet_hours_alarms_wait_and_urgent_mail_on_the_same_ticket_does_not(office: Office) -> None:
    monday = office.mongo.now() + timedelta(days=2)
    quiet = late(office, "t", hours=0, tell_at=monday)
    heard = event(BusinessReplied, id="t-3", ticket_id="t", sequence=3, ticket=quiet.ticket)
    answered = event(AnswerGiven, id="t-4", ticket_id="t", sequence=4, ticket=quiet.ticket)
    await office.plan(quiet, heard, answered, late(office, "u", hours=0, tell_at=monday))
    await office.gather()
    await settle(await office.alone())
    assert sorted(to for to, _ in mails(office)) == ["lan@halong.example", "minh@customs.example"]
    waiting = await office.rows(state="gathering")
    assert {abs(row["next_at"] - monday) < timedelta(milliseconds=2) for row in waiting} == {True}
    assert await states(office) == {"t-2": "gathering", "t-3": "delivered", "t-4": "delivered", "u-2": "gathering"}


async def test_monday_morning_is_one_mail_and_what_is_not_due_yet_waits_on(office: Office) -> None:
    now = office.mongo.now()
    await office.plan(*(late(office, f"t{number}", hours=0, tell_at=now + timedelta(days=2)) for number in range(3)))
    await office.plan(late(office, "later", hours=0, tell_at=now + timedelta(days=3)))
    await when_due(office, ticket_id={"$ne": "later"})
    await office.gather()
    await settle(await office.alone())
    assert [subject for _, subject in mails(office)] == ["3 thời hạn cần chú ý: 3 quá hạn"]
    assert (await states(office))["later-2"] == "gathering"


async def test_what_is_done_before_it_is_told_is_not_told(office: Office) -> None:
    await office.plan(*(late(office, f"t{number}") for number in range(3)))
    done = event(TicketResolved, id="t1-3", ticket_id="t1", sequence=3, ticket=about("t1", "missed"), message=None)
    await office.plan(done)
    assert await states(office) == {"t0-2": "gathering", "t1-2": "dropped", "t2-2": "gathering", "t1-3": "pending"}
    await when_due(office)
    await office.gather()
    await settle(await office.alone())
    assert ("minh@customs.example", "2 thời hạn cần chú ý: 2 quá hạn") in mails(office)
    assert "t1-2" not in {one.event_id for one in await office.ended()}


async def test_what_is_done_in_the_batch_that_says_it_is_late_is_not_told(office: Office) -> None:
    done = event(TicketResolved, id="t-3", ticket_id="t", sequence=3, ticket=about("t", "missed"), message=None)
    await office.plan(late(office, "t"), done)
    assert (await states(office))["t-2"] == "dropped"


async def test_an_older_event_that_comes_again_takes_nothing_back(office: Office) -> None:
    before = event(DeadlineWarned, id="t-1", ticket_id="t", sequence=1, ticket=about("t", "met"), recipients=())
    await office.plan(late(office, "t"))
    await office.plan(before)
    assert (await states(office))["t-2"] == "gathering"


async def test_a_takeover_is_told_though_the_clock_stands_still_but_without_a_date(office: Office) -> None:
    miss = late(office, "t")
    step = event(TicketEscalated, id="t-3", ticket_id="t", sequence=3, due_at=office.mongo.now() - timedelta(hours=1), ticket=miss.ticket)
    paused = event(TicketResolved, id="t-4", ticket_id="t", sequence=4, ticket=about("t", "paused"), message=None)
    await office.plan(step, paused, late(office, "u"))
    await when_due(office)
    await office.gather()
    [made] = await office.rows(template="digest")
    part = email.message_from_bytes(made["content"], policy=email.policy.default).get_body(("plain",))
    assert part is not None
    text = str(part.get_content())
    assert "đã chuyển lên cấp trên, Tổ hỗ trợ doanh nghiệp Hòn Gai đang giữ yêu cầu" in text
    assert text.count("Hạn: ") == 1


async def test_two_processes_that_fold_at_once_make_one_mail(office: Office) -> None:
    await office.plan(*(late(office, f"t{number}") for number in range(40)))
    await when_due(office)
    await asyncio.gather(*(office.gather() for _ in range(4)))
    [made] = await office.rows(template="digest")
    assert len(made["parts"]) == 40
    await settle(await office.alone(), steps=2)
    assert len(office.box.seen) == 1
    assert len(await office.ended()) == 40


class Breaks(DigestMail):
    """Fails as a process that dies before its transaction commits."""

    def render(self, row: Document, alarms: Sequence[Alarm], at: datetime) -> bytes:
        super().render(row, alarms, at)
        raise RuntimeError("died here")


async def test_whoever_dies_while_folding_leaves_everything_for_the_next_and_holds_up_no_other_lane(office: Office) -> None:
    await office.plan(*(late(office, f"t{number}", 2, MINH) for number in range(5)), late(office, "alone", 2, ANNA))
    await when_due(office)
    dying = Digests(office.mongo, office.database, Breaks(Letterhead(SENDER, "Helpdesk", status_url)))
    await office.gather(dying)
    assert len(await office.rows(state="gathering")) == 5
    assert await office.rows(template="digest") == []
    assert len(await office.rows(state="pending")) == 1
    await office.gather()
    [made] = await office.rows(template="digest")
    assert len(made["parts"]) == 5


async def test_whoever_dies_after_folding_has_sent_nothing_and_the_next_sends_it_once(office: Office) -> None:
    await office.plan(*(late(office, f"t{number}") for number in range(5)))
    await when_due(office)
    await office.digests.fold("digest:minh", office.mongo.now())
    assert not await office.gather()
    await office.plan(*(late(office, f"t{number}") for number in range(5)))  # the batch comes again: all of it is known
    await settle(await office.alone(), steps=2)
    assert len(office.box.seen) == 1


async def test_a_digest_that_is_put_off_is_the_same_mail_later_and_one_that_fails_fails_for_all(office: Office) -> None:
    office.box.rcpt["minh@customs.example"] = "451 4.7.1 greylisted"
    await office.plan(*(late(office, f"t{number}") for number in range(3)))
    await when_due(office)
    await office.gather()
    [before] = await office.rows(template="digest")
    sender = await office.alone()
    await settle(sender)
    office.box.rcpt["minh@customs.example"] = "550 5.1.1 unknown"
    await office.make_due()
    await settle(sender)
    [after] = await office.rows(template="digest")
    assert (before["_id"], after["state"], after["attempts"]) == (after["_id"], "failed", 2)
    ended = await office.ended()
    assert {(type(one), one.reason) for one in ended if isinstance(one, NotificationFailed)} == {(NotificationFailed, "550 5.1.1 unknown")}
    assert len(ended) == 3


async def test_late_ones_planned_within_the_window_come_along_though_it_is_not_over_for_them(office: Office) -> None:
    await office.plan(late(office, "first"))
    await when_due(office)
    await office.plan(late(office, "second"))
    [first, second] = sorted(await office.rows(), key=lambda row: row["next_at"])
    assert second["next_at"] - first["next_at"] > WINDOW - timedelta(seconds=1)
    await office.gather()
    [made] = await office.rows(template="digest")
    assert sorted(made["parts"]) == sorted([first["_id"], second["_id"]])
    await settle(await office.alone())
    assert all(isinstance(one, NotificationDelivered) for one in await office.ended())
