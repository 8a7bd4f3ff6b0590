"""A flood of requests to one address: a few mails at once and one of all the others, once, whoever folds and whoever dies."""

import asyncio
import email
import email.policy
from datetime import timedelta
from typing import Any

import pytest
import structlog

from kit.ids import SLOTS
from kit.mongo import Document
from schemas.notifications import NotificationFailed
from schemas.tickets import (
    AnswerGiven,
    BusinessReplied,
    DeadlineMissed,
    DeadlineWarned,
    DeliveryTroubled,
    Known,
    QuestionAsked,
    TicketAssigned,
    TicketClaimed,
    TicketEscalated,
    TicketOpened,
    TicketReferred,
    TicketResolved,
)
from schemas.values import Contact
from services.notifier.digest_mail import DigestMail
from services.notifier.digests import Digests, Gatherer
from services.notifier.domain.floods import Floods
from services.notifier.domain.new_work import NewWorkDigest
from services.notifier.handlers import Handlers
from services.notifier.limits import Limits
from services.notifier.new_work_digests import MOST
from services.notifier.preferences import Preferences
from services.notifier.rendering import Letterhead
from services.notifier.screening import Screening
from services.notifier.suppressions import Suppressions
from tests.component.notifier.conftest import SENDER, Office, settle, status_url
from tests.unit.notifier.examples import ANNA, MINH, event, group, message, ticket

BOX = "hon-gai@customs.example"
LANE = "new_work:group:hon-gai"


class Held(Floods):
    """In a minute that does not end while a test runs, an hour from now."""

    def __init__(self, office: Office, per_minute: int = 5) -> None:
        super().__init__(per_minute)
        self.at = office.mongo.now() + timedelta(hours=1)

    def until(self, address: str, now: Any) -> Any:
        return super().until(address, self.at)


def another(office: Office, floods: Floods) -> Handlers:
    """Another process that plans."""
    screening = Screening(Suppressions(office.database), Limits(office.database, per_minute=600), Preferences(office.database))
    return office.telling(screening, floods=floods)


@pytest.fixture
def flooded(office: Office) -> Office:
    office.handlers = another(office, Held(office))
    return office


def given(ticket_id: str, number: int = 1, **changed: Any) -> Known:
    """A request that a machine wrote, so that nobody acknowledges it, in the queue of its group."""
    its_ticket = {"reference": f"HQ-{ticket_id}", "status": "new", "officer": None, "contact": Contact(name="Lan")}
    fields: dict[str, Any] = {
        "id": f"{ticket_id}-{number}",
        "ticket_id": ticket_id,
        "sequence": number,
        "message": message(kind="request", author_role="business", automatic="auto-generated"),
        "recipients": (),
    }
    changes = changed.pop("ticket", {})
    return event(TicketOpened, **fields | changed, ticket=ticket(**its_ticket | changes))


def later(kind: type[Known], ticket_id: str, **changed: Any) -> Known:
    """The ticket's second event."""
    at = message().at
    return kind.model_validate({"id": f"{ticket_id}-2", "source": "x", "occurred_at": at, "ticket_id": ticket_id, "sequence": 2, **changed})


async def when_due(office: Office) -> None:
    await office.database["deliveries"].update_many(
        {"state": "gathering"}, {"$set": {"next_at": office.mongo.now() - timedelta(seconds=1)}}
    )


async def states(office: Office) -> dict[str, str]:
    return {row["event_id"]: row["state"] for row in await office.rows() if row["template"] != "digest"}


def subjects(office: Office) -> list[str]:
    return [str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"]) for _, _, raw in office.box.seen]


def text_of(row: Document) -> str:
    part = email.message_from_bytes(row["content"], policy=email.policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def test_three_hundred_requests_to_one_mailbox_are_five_mails_and_one_of_all_the_others(flooded: Office) -> None:
    await flooded.plan(*(given(f"t{number:03}") for number in range(300)))
    waiting = await flooded.rows(state="gathering")
    assert (len(waiting), {row["content"] for row in waiting}, {row["lane"] for row in waiting}) == (295, {None}, {LANE})
    sender = await flooded.alone()
    assert not await flooded.gather()  # the minute is not over
    await settle(sender)
    assert len(flooded.box.seen) == 5
    await when_due(flooded)
    assert await flooded.gather()
    [made] = await flooded.rows(template="digest")
    text = text_of(made)
    assert text.count(". HQ-t") == 100
    assert "Còn 195 yêu cầu khác, xin xem trong hàng đợi." in text
    await settle(sender)
    assert flooded.box.recipients == [BOX] * 6
    assert subjects(flooded)[5] == "295 yêu cầu mới"
    ended = await flooded.ended()
    assert {(one.type, one.template, one.channel) for one in ended} == {("notification_delivered", "assignment", "email")}
    assert len({one.delivery_id for one in ended}) == len(ended) == 300
    assert set((await states(flooded)).values()) == {"delivered"}
    assert not await flooded.gather()


async def test_the_same_events_again_change_nothing_before_the_fold_or_after_it(flooded: Office) -> None:
    events = [given(f"t{number}") for number in range(8)]
    await flooded.plan(*events, *events)
    before = await flooded.rows()
    assert sorted(row["state"] for row in before) == ["gathering"] * 3 + ["pending"] * 5
    await flooded.plan(*events)
    await another(flooded, Held(flooded)).on_tickets(events)
    assert await flooded.rows() == before
    await when_due(flooded)
    await flooded.gather()
    await flooded.plan(*events)
    assert not await flooded.gather()
    await settle(await flooded.alone(), steps=2)
    assert len(flooded.box.seen) == 6
    assert len(await flooded.ended()) == 8


async def test_what_somebody_took_or_ended_before_it_is_told_is_left_out(flooded: Office) -> None:
    await flooded.plan(*(given(f"t{number}") for number in range(12)))
    claimed = ticket(status="open", officer=MINH)
    until = flooded.mongo.now()
    resolved = ticket(status="resolved", officer=None, contact=Contact(name="Lan"))
    await flooded.plan(
        later(TicketClaimed, "t6", ticket=claimed, by="minh", until=until),
        later(TicketReferred, "t7", ticket=ticket(status="referred", officer=None), authority="Bộ", reason="x", by="minh"),
        later(TicketResolved, "t8", ticket=resolved, by="minh"),
        later(TicketAssigned, "t9", ticket=ticket(officer=None, group=group("mong-cai", mailbox=None)), because="x", by="minh"),
        later(TicketClaimed, "t0", ticket=claimed, by="minh", until=until),  # was told at once
    )
    gone = await flooded.rows(state="dropped")
    assert sorted(row["event_id"] for row in gone) == ["t6-1", "t7-1", "t8-1", "t9-1"]
    assert {row["reason"] for row in gone} == {"somebody has the request, or it is done, before this was told"}
    assert not any("work" in row or "content" in row for row in gone)
    await when_due(flooded)
    await flooded.gather()
    [made] = await flooded.rows(template="digest")
    assert [number for number in range(12) if f"HQ-t{number} " in text_of(made)] == [5, 10, 11]
    await settle(await flooded.alone())
    assert sorted(one.event_id for one in await flooded.ended() if one.audience == "staff") == sorted(
        f"t{number}-1" for number in (0, 1, 2, 3, 4, 5, 10, 11)
    )


async def test_a_claim_in_the_same_batch_leaves_it_out_too_and_an_older_event_takes_nothing_back(flooded: Office) -> None:
    claim = later(TicketClaimed, "t5", ticket=ticket(status="open", officer=MINH), by="minh", until=flooded.mongo.now())
    await flooded.plan(*(given(f"t{number}") for number in range(6)), claim)
    assert (await states(flooded))["t5-1"] == "dropped"
    assigned = event(TicketAssigned, id="u-3", ticket_id="u", sequence=3, recipients=(), ticket=ticket(status="open", officer=None))
    await flooded.plan(assigned)
    await flooded.plan(later(TicketClaimed, "u", ticket=ticket(status="open", officer=MINH), by="minh", until=flooded.mongo.now()))
    assert (await states(flooded))["u-3"] == "gathering"


OTHERS: tuple[type[Known], ...] = (
    BusinessReplied,
    AnswerGiven,
    QuestionAsked,
    TicketResolved,
    DeadlineWarned,
    DeadlineMissed,
    TicketEscalated,
    DeliveryTroubled,
)


async def test_nothing_else_waits_in_a_flood_not_even_on_the_same_tickets(flooded: Office) -> None:
    now = flooded.mongo.now()
    await flooded.plan(*(given(f"t{number}", recipients=(MINH,)) for number in range(20)))
    await flooded.plan(*(given(f"a{number}", ticket={"contact": Contact(name="Lan", email="lan@halong.example")}) for number in range(20)))
    for kind in OTHERS:
        timely = {name: now for name in ("due_at", "reached_at") if name in kind.model_fields}
        same = {"ticket": ticket(status="new", officer=None), "sequence": 2}
        await flooded.plan(*(event(kind, id=f"{kind.__name__}-{n}", ticket_id=f"t{n}", **same, **timely) for n in range(20)))
    waiting = await flooded.rows(state="gathering")
    assert {(row["template"], row["recipient"]) for row in waiting} == {("assignment", "minh"), ("assignment", "group:hon-gai")}
    assert len(waiting) == 30
    assert len(await flooded.rows(state="pending", template="assignment")) == 10
    assert len(await flooded.rows(state="pending", template={"$ne": "assignment"})) == 20 * len(OTHERS)


async def test_acknowledgements_go_at_once_however_many_requests_come(flooded: Office) -> None:
    await flooded.plan(*(event(TicketOpened, id=f"t{number}-1", ticket_id=f"t{number}") for number in range(20)))
    assert len(await flooded.rows(template="acknowledgement", state="pending")) == 20
    assert len(await flooded.rows(template="assignment", state="gathering")) == 2 * 15


async def test_two_processes_plan_it_and_it_is_still_one_mail(flooded: Office) -> None:
    other = Held(flooded)
    await flooded.plan(*(given(f"t{number}") for number in range(10)))
    await another(flooded, other).on_tickets([given(f"u{number}") for number in range(10)])
    waiting = await flooded.rows(state="gathering")
    assert len(waiting) == 10
    await when_due(flooded)
    await asyncio.gather(*(flooded.gather() for _ in range(4)))
    [made] = await flooded.rows(template="digest")
    assert len(made["parts"]) == 10
    await settle(await flooded.alone(), steps=2)
    assert len(flooded.box.seen) == 11
    assert len(await flooded.ended()) == 20


class Breaks(DigestMail):
    """Fails as a process that dies before its transaction commits."""

    def render_new_work(self, row: Document, told: NewWorkDigest) -> bytes:
        super().render_new_work(row, told)
        raise RuntimeError("died here")


async def test_whoever_dies_while_folding_leaves_everything_for_the_next_and_holds_up_no_other_lane(flooded: Office) -> None:
    await flooded.plan(*(given(f"t{number}") for number in range(9)))
    miss = event(DeadlineMissed, id="m", ticket_id="m", due_at=flooded.mongo.now() - timedelta(hours=1), ticket=ticket())
    await flooded.plan(miss)
    await when_due(flooded)
    before = await flooded.rows(state="gathering", lane=LANE)
    dying = Digests(flooded.mongo, flooded.database, Breaks(Letterhead(SENDER, "Helpdesk", status_url)))
    await flooded.gather(dying)
    assert await flooded.rows(state="gathering") == before
    assert await flooded.rows(template="digest") == []
    assert (await states(flooded))["m"] == "pending"
    await flooded.gather()
    [made] = await flooded.rows(template="digest")
    assert sorted(made["parts"]) == sorted(row["_id"] for row in before)


async def test_a_lane_that_fails_rests_and_is_not_even_looked_for(flooded: Office) -> None:
    await flooded.plan(*(given(f"t{number}") for number in range(9)))
    await when_due(flooded)
    dying = Digests(flooded.mongo, flooded.database, Breaks(Letterhead(SENDER, "Helpdesk", status_url)))
    gatherer = Gatherer(dying, lambda: range(SLOTS), flooded.mongo.now, flooded.wake.set, structlog.get_logger())
    with structlog.testing.capture_logs() as logs:
        assert [await gatherer.step() for _ in range(3)] == [False] * 3
    assert [entry["event"] for entry in logs] == ["digest.failed"]
    now = flooded.mongo.now()
    assert await dying.due(range(SLOTS), now) == [LANE]
    assert await dying.due(range(SLOTS), now, [LANE]) == []


async def test_whoever_dies_after_folding_has_sent_nothing_and_the_next_sends_it_once(flooded: Office) -> None:
    events = [given(f"t{number}") for number in range(9)]
    await flooded.plan(*events)
    await when_due(flooded)
    await flooded.digests.fold(LANE, flooded.mongo.now())
    assert not await flooded.gather()
    await flooded.plan(*events)
    await settle(await flooded.alone(), steps=2)
    assert len(flooded.box.seen) == 6
    assert len(await flooded.ended()) == 9


async def test_a_digest_that_is_refused_fails_for_each_request_in_it(flooded: Office) -> None:
    await flooded.plan(*(given(f"t{number}") for number in range(8)))
    sender = await flooded.alone()
    await settle(sender)
    flooded.box.rcpt[BOX] = "550 5.1.1 unknown"
    await when_due(flooded)
    await flooded.gather()
    await settle(sender)
    failed = [one for one in await flooded.ended() if isinstance(one, NotificationFailed)]
    assert {(one.template, one.reason) for one in failed} == {("assignment", "550 5.1.1 unknown")}
    assert len(failed) == 3
    assert sorted((await states(flooded)).values()) == ["delivered"] * 5 + ["failed"] * 3


async def test_one_that_is_alone_when_the_minute_ends_is_told_in_a_digest_of_one(flooded: Office) -> None:
    await flooded.plan(*(given(f"t{number}", recipients=(ANNA,)) for number in range(6)))
    await when_due(flooded)
    await flooded.gather()
    await settle(await flooded.alone())
    assert subjects(flooded)[-1] == "1 new request"


async def test_a_very_great_flood_is_folded_in_parts(flooded: Office) -> None:
    for begin in range(0, MOST + 100, 300):
        await flooded.plan(*(given(f"t{number:05}") for number in range(begin, begin + 300)))
    waiting = len(await flooded.rows(state="gathering"))
    assert waiting > MOST
    await when_due(flooded)
    while await flooded.gather():
        pass
    made = await flooded.rows(template="digest")
    assert sorted(len(row["parts"]) for row in made) == [waiting - MOST, MOST]
    assert sorted(text_of(row).count(". HQ-t") for row in made) == [waiting - MOST, 100]
    await settle(await flooded.alone(), steps=2, within=60)
    assert len(flooded.box.seen) == 7
    assert set((await states(flooded)).values()) == {"delivered"}
    assert len(await flooded.ended()) == waiting + 5


async def test_what_waits_in_the_next_minute_is_not_told_before_it_ends(flooded: Office) -> None:
    await flooded.plan(*(given(f"t{number}") for number in range(7)))
    await when_due(flooded)
    await flooded.plan(given("next"))
    await flooded.gather()
    [made] = await flooded.rows(template="digest")
    assert len(made["parts"]) == 2
    assert (await states(flooded))["next-1"] == "gathering"


@pytest.mark.parametrize("address", ["hòn gai@customs.example", "no-at-sign"])
async def test_an_address_that_cannot_be_written_to_fails_at_once_in_a_flood_too(flooded: Office, address: str) -> None:
    bad = {"group": group(mailbox=address)}
    await flooded.plan(*(given(f"t{number}", ticket=bad) for number in range(8)))
    assert set((await states(flooded)).values()) == {"failed"}
    assert len(await flooded.ended()) == 8


async def test_what_its_reader_turned_off_is_dropped_and_not_counted(flooded: Office) -> None:
    await Preferences(flooded.database).turn(ANNA.key, "new_requests", on=False, by="anna", at=flooded.mongo.now())
    own = [given(f"own{number}", recipients=(ANNA,), ticket={"officer": ANNA, "status": "open"}) for number in range(5)]
    await flooded.plan(*(given(f"t{number}", recipients=(ANNA,)) for number in range(8)), *own)
    found = await states(flooded)
    assert {found[f"t{number}-1"] for number in range(8)} == {"dropped"}
    assert {found[f"own{number}-1"] for number in range(5)} == {"pending"}


async def test_without_a_number_all_go_at_once(office: Office) -> None:
    await another(office, Held(office, 0)).on_tickets([given(f"t{number}") for number in range(20)])
    assert set((await states(office)).values()) == {"pending"}
    await office.telling(
        Screening(Suppressions(office.database), Limits(office.database, per_minute=600), Preferences(office.database))
    ).on_tickets([given(f"u{number}") for number in range(20)])
    assert set((await states(office)).values()) == {"pending"}
