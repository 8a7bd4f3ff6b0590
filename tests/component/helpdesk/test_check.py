"""Each invariant finds what breaks it, names the record, and is silent about everything else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helpdesk.checking.accepted import ACCEPTED
from helpdesk.checking.deliveries import TELLING
from helpdesk.checking.examining import INVARIANTS, Result, examine
from helpdesk.checking.installation import Installation
from helpdesk.checking.journals import JOURNALS
from helpdesk.checking.outcomes import REPORTED
from helpdesk.checking.overdue import OVERDUE
from helpdesk.checking.report import as_json, lines
from helpdesk.checking.sending import delivery_warnings
from helpdesk.checking.unanswered import chat_warnings
from kit.ids import new_id
from kit.mongo import Database, Document
from schemas.requests import request_events
from services.routing.domain.commands import Reply
from services.routing.rollups import Rollups
from tests.component.helpdesk.building import Building, Story, built, lived
from tests.support.servers import MongoServer

AT_ONCE = 0.01


@pytest.fixture(scope="module")
async def story(mongo_server: MongoServer) -> AsyncIterator[Story]:
    """With one of its outcomes folded."""
    async with lived(mongo_server.uri) as story:
        await Rollups(story.mongo, story.databases["routing"], batch=1).fold()
        yield story


@pytest.fixture
async def building(mongo_server: MongoServer) -> AsyncIterator[Building]:
    async with built(mongo_server.uri) as building:
        yield building


async def checked(installation: Installation, pause: float = AT_ONCE, **options: Any) -> list[Result]:
    return await examine(installation, pause=pause, **options)


def broken(results: list[Result]) -> dict[str, list[tuple[str, str]]]:
    """What was found: invariant to (record, what)."""
    return {result.invariant.name: [(finding.record, finding.what) for finding in result.shown] for result in results if not result.holds}


@asynccontextmanager
async def changed(database: Database, collection: str, query: Document, change: Document | None) -> AsyncIterator[str]:
    """One document changed, or deleted, for the time being; its id."""
    row = await database[collection].find_one(query)
    assert row is not None, query
    if change is None:
        await database[collection].delete_one({"_id": row["_id"]})
    else:
        await database[collection].update_one({"_id": row["_id"]}, change)
    try:
        yield row["_id"]
    finally:
        await database[collection].replace_one({"_id": row["_id"]}, row, upsert=True)


@asynccontextmanager
async def added(database: Database, collection: str, row: Document) -> AsyncIterator[None]:
    await database[collection].insert_one(row)
    try:
        yield
    finally:
        await database[collection].delete_one({"_id": row["_id"]})


async def test_what_the_real_code_wrote_is_consistent(story: Story) -> None:
    results = await checked(story.installation)
    assert broken(results) == {}
    looked_at = {result.invariant.name: result.looked_at for result in results}
    assert all(looked_at.values()), looked_at


async def test_the_story_is_worth_checking(story: Story) -> None:
    routing, notifier = story.databases["routing"], story.databases["notifier"]
    kinds = set(await routing["journal"].distinct("type"))
    assert {"ticket_opened", "answer_given", "ticket_resolved", "business_replied", "deadline_missed", "ticket_escalated"} <= kinds
    assert {"ticket_closed", "clock_finished"} <= kinds - set(TELLING)
    assert set(await notifier["deliveries"].distinct("channel")) == {"email", "chat", "page"}
    assert set(await notifier["deliveries"].distinct("state")) == {"pending", "gathering", "folded", "delivered", "failed", "dropped"}
    mails = story.databases["intake"]["mails"]
    assert set(await mails.distinct("as")) == {"request", "duplicate", "message", "bounce"}
    assert set(await mails.distinct("state")) == {"done", "kept", "parked"}
    assert set(await routing["outcomes"].distinct("verdict")) == {"met", "missed"}


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Break:
    """One document that is changed; `ticket` narrows the query to one of the story's, `besides` names what else sees it."""

    invariant: str
    service: str
    collection: str
    query: Document
    change: Document | None
    what: str
    record: str = "{service}/{collection}/{id}"
    ticket: str | None = None
    besides: str | None = None


BREAKS = {
    "an organisation another service does not have": Break(
        "organisation", "notifier", "organisation", {}, {"$set": {"digest": "other"}}, "has the digest other…, while routing has"
    ),
    "a service without an organisation": Break(
        "organisation", "intake", "organisation", {}, None, "has no organisation", record="intake/organisation/none"
    ),
    "a file that is gone": Break(
        "attachments", "intake", "files.files", {"length": 1}, None, "which is not stored", record="intake/submissions/form:"
    ),
    "a file that lost some of its bytes": Break(
        "attachments", "intake", "files.chunks", {"n": 1}, None, "of which 2 of 3 pieces are stored", record="intake/submissions/form:"
    ),
    "a message that is not on its ticket": Break(
        "accepted", "routing", "messages", {"message.text": "Cảm ơn."}, None, "has no message", record="intake/submissions/form:"
    ),
    "a conversation ahead of its journal": Break(
        "intake_journal", "intake", "conversations", {"version": 2}, {"$inc": {"version": 1}}, "number 3 of 3 is missing"
    ),
    "a conversation behind its journal": Break(
        "intake_journal", "intake", "conversations", {"version": 2}, {"$set": {"version": 1}}, "says it has 1 event; its journal has 2"
    ),
    "an event gone from the middle of a stream": Break(
        "routing_journal", "routing", "journal", {"seq": 3}, None, "number 3 of", record="routing/tickets/", ticket="answered"
    ),
    "an event gone from the beginning of a stream": Break(
        "routing_journal", "routing", "journal", {"seq": 1}, None, "number 1 of", record="routing/tickets/", ticket="answered"
    ),
    "a delivery that ended without its event": Break(
        "notifier_journal", "notifier", "journal", {}, None, "number 1 of 1 is missing", record="notifier/deliveries/"
    ),
    "a delivery that waits and has ended": Break(
        "notifier_journal",
        "notifier",
        "deliveries",
        {"state": "delivered", "template": "acknowledgement"},
        {"$set": {"state": "pending", "content": b"x"}},
        "says it has 0 events; its journal has 1",
    ),
    "a deadline nobody looks at any more": Break(
        "deadlines", "routing", "tickets", {}, {"$unset": {"next_at": ""}}, "but the ticker looks at it never", ticket="fresh"
    ),
    "a deadline that is looked at too late": Break(
        "deadlines",
        "routing",
        "tickets",
        {},
        {"$set": {"next_at": datetime(9000, 1, 1, tzinfo=UTC)}},
        "not before 9000-01-01",
        ticket="fresh",
    ),
    "a ticket the ticker forgot": Break(
        "deadlines", "routing", "tickets", {}, {"$set": {"next_at": LONG_AGO}}, "since 2020-01-01 00:00:00 UTC and nothing", ticket="fresh"
    ),
    "a deadline that passed without its event": Break(
        "deadlines",
        "routing",
        "tickets",
        {},
        {"$set": {"state.clocks.0.due_at": "2020-01-01T00:00:00Z"}},
        "clock (cycle 1) was due 2020-01-01 00:00:00 UTC and no miss is recorded",
        ticket="fresh",
    ),
    "clocks that make no sense": Break(
        "deadlines", "routing", "tickets", {}, {"$set": {"state.clocks.0.kind": "lunch"}}, "its clocks can't be read", ticket="fresh"
    ),
    "a finished clock no report counts": Break(
        "outcomes", "routing", "outcomes", {"verdict": "missed", "pending": True}, None, "finished with missed"
    ),
    "a report that flatters": Break(
        "outcomes",
        "routing",
        "outcomes",
        {"verdict": "missed", "pending": True},
        {"$set": {"verdict": "met"}},
        "says met, the clock of ticket",
    ),
    "a report of time that nobody can have worked": Break(
        "outcomes", "routing", "outcomes", {"verdict": "missed", "pending": True}, {"$set": {"worked_ms": -1}}, "says -1 ms were worked"
    ),
    "a sum that counts one too many": Break("rollups", "routing", "rollups", {}, {"$inc": {"cancelled": 1}}, "cancelled: 1 and not 0"),
    "a sum that is gone": Break("rollups", "routing", "rollups", {}, None, "0 and not 1"),
    "somebody nobody told": Break(
        "told",
        "notifier",
        "deliveries",
        {"state": "pending", "template": "assignment"},
        None,
        "asks for a delivery to",
        record="routing/journal/",
    ),
    "a delivery with nothing to send": Break(
        "sendable", "notifier", "deliveries", {"state": "pending"}, {"$unset": {"content": ""}}, "waits to be sent and has no content"
    ),
    "an alarm with nothing to tell": Break(
        "sendable", "notifier", "deliveries", {"state": "gathering"}, {"$unset": {"alarm": ""}}, "waits to be sent and has no content"
    ),
    "an alarm nobody remembers": Break(
        "gathered",
        "notifier",
        "deliveries",
        {"state": "gathering"},
        {"$set": {"next_at": LONG_AGO}},
        "was to be told 2020-01-01 00:00:00 UTC and is still gathering",
    ),
    "a mail of many alarms that lost one of them": Break(
        "digests",
        "notifier",
        "deliveries",
        {"template": "digest", "state": "pending"},
        {"$set": {"parts.0": "nowhere"}},
        "1 of which are not",
    ),
    "an alarm told in no mail": Break(
        "digests", "notifier", "deliveries", {"state": "folded"}, {"$unset": {"digest": ""}}, "1 of which are not", "notifier/deliveries/"
    ),
    "somebody not told and no reason": Break(
        "reasons", "notifier", "deliveries", {"state": "dropped"}, {"$unset": {"reason": ""}}, "is dropped without a reason"
    ),
    "an answer that was dropped": Break(
        "reasons",
        "notifier",
        "deliveries",
        {"state": "pending", "audience": "business"},
        {"$set": {"state": "dropped", "template": "answer", "reason": "too many"}},
        "was dropped, and nobody is told",
    ),
    "a mail that came back and was not told to be": Break(
        "notifier_journal", "notifier", "journal", {"seq": 2}, None, "number 2 of 2 is missing", record="notifier/deliveries/"
    ),
    "a mail on no request": Break(
        "settled_mails", "intake", "mails", {"as": "request"}, {"$unset": {"ticket_id": ""}}, "is done, but stands on no request"
    ),
    "a mail on a request that has nothing of it": Break(
        "settled_mails",
        "intake",
        "submissions",
        {"raw.message_id": {"$regex": "2@anbinh"}},
        {"$unset": {"raw.mail": ""}},
        "is a message of the request",
        record="intake/mails/",
    ),
    "a mail that came to something unknown": Break(
        "settled_mails", "intake", "mails", {"as": "duplicate"}, {"$set": {"as": "lunch"}}, "is done as lunch"
    ),
    "a report on a request that has none": Break(
        "settled_mails", "intake", "mails", {"as": "message"}, {"$set": {"as": "bounce"}}, "which has no report"
    ),
    "a mail kept for no reason": Break(
        "settled_mails", "intake", "mails", {"state": "kept"}, {"$unset": {"reason": ""}}, "is kept without a reason"
    ),
    "a parked mail that nobody will see": Break(
        "settled_mails",
        "intake",
        "mails",
        {"state": "parked"},
        {"$set": {"ticket_id": "nowhere"}},
        "on the request nowhere, which is not there",
    ),
    "a mail that was taken and is gone": Break(
        "handed_in",
        "intake",
        "mails",
        {"state": "kept"},
        None,
        "which is not stored",
        record="intake/mail_keys/mailgun:3",
        besides="mail_sum",
    ),
    "a mail that was stored otherwise than it came": Break(
        "handed_in",
        "intake",
        "mails",
        {"state": "kept"},
        {"$set": {"sha256": "0"}},
        "with other bytes",
        record="intake/mail_keys/mailgun:3",
    ),
    "a message whose mail is gone": Break(
        "raw_mails",
        "intake",
        "mails",
        {"as": "message"},
        None,
        "which is not stored any more",
        record="intake/submissions/mail:",
        besides="mail_sum",
    ),
    "a mail more than was stored": Break(
        "mail_sum",
        "intake",
        "mail_tallies",
        {"rows": {"$gt": 0}},
        {"$inc": {"rows": -1}},
        "counted 5 mails when they were stored, and 6 are there",
    ),
    "an event nobody can read": Break("told", "routing", "journal", {"seq": 1}, {"$set": {"body": "{"}}, "can't be read", ticket="late"),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_one_thing_broken_is_the_one_thing_found(story: Story, name: str) -> None:
    case = BREAKS[name]
    query = dict(case.query)
    if case.ticket:
        query["_id" if case.collection == "tickets" else "stream"] = getattr(story, case.ticket).ticket_id
    async with changed(story.databases[case.service], case.collection, query, case.change) as row_id:
        found = broken(await checked(story.installation))
    assert set(found) == {case.invariant, case.besides or case.invariant}, found
    [(record, what)] = found[case.invariant]
    wanted = case.record.format(service=case.service, collection=case.collection, id=row_id)
    assert record.startswith(wanted)
    assert case.what in what
    assert broken(await checked(story.installation)) == {}


def owed(entry: Document, at: datetime = LONG_AGO) -> Document:
    """A row that says the entry is still to be published."""
    return {"_id": new_id(), "at": at, "entries": [{"id": entry["_id"], "slot": entry["slot"]}]}


async def test_an_event_that_never_reached_kafka_is_found(story: Story) -> None:
    entry: Any = await story.databases["routing"]["journal"].find_one({"type": "ticket_closed"})
    async with added(story.databases["routing"], "owed", owed(entry)):
        found = broken(await checked(story.installation))
    [(record, what)] = found.pop("published")
    assert not found
    assert record == f"routing/journal/{entry['_id']}"
    assert what.startswith(f"ticket_closed of {entry['stream']} is since")


async def test_an_event_to_be_published_that_is_in_no_journal_is_found(story: Story) -> None:
    async with added(story.databases["intake"], "owed", owed({"_id": "gone", "slot": 1})):
        found = broken(await checked(story.installation))
    assert found == {"published": [("intake/journal/gone", "entry gone is to be published, but is not in the journal")]}


@dataclass(frozen=True)
class Torn:
    """A delivery changed so that two invariants see it, each from its side."""

    query: Document
    change: Document
    found: set[str]
    what: str


TORN = {
    "an alarm that ended before the mail that tells it": Torn(
        {"state": "folded"}, {"$set": {"state": "delivered"}}, {"digests", "notifier_journal"}, "that tells it is pending"
    ),
    "an alarm that waits for a mail that has ended": Torn(
        {"digest": {"$exists": True}, "state": "delivered"},
        {"$set": {"state": "folded"}},
        {"digests", "notifier_journal"},
        "that tells it is delivered",
    ),
    "a mail of many alarms that ended alone": Torn(
        {"template": "digest", "state": "pending"}, {"$set": {"state": "delivered"}}, {"digests"}, "that tells it is delivered"
    ),
    "a mail that came back and does not know it": Torn(
        {"returned": {"$exists": True}}, {"$unset": {"returned": ""}}, {"returned", "notifier_journal"}, "was reported by a mail server"
    ),
}


@pytest.mark.parametrize("name", TORN)
async def test_what_belongs_together_and_was_torn_apart_is_found_from_both_sides(story: Story, name: str) -> None:
    case = TORN[name]
    async with changed(story.databases["notifier"], "deliveries", case.query, case.change):
        found = broken(await checked(story.installation))
    assert set(found) == case.found
    assert any(case.what in what for findings in found.values() for _, what in findings), found


async def test_a_request_that_never_became_a_ticket_is_found(story: Story) -> None:
    story.mongo.ago = timedelta(minutes=2)
    lost = await story.opens()
    story.mongo.ago = timedelta()
    await story.journals["intake"].mark_published(await story.journals["intake"].unpublished(range(64), 10))
    found = broken(await checked(story.installation))
    for collection, field in (("conversations", "_id"), ("submissions", "ticket_id"), ("journal", "stream")):
        await story.databases["intake"][collection].delete_one({field: lost.ticket_id})
    what = f"request {lost.reference} was accepted, but routing has no ticket {lost.ticket_id}"
    assert found == {"accepted": [(f"intake/conversations/{lost.ticket_id}", what)]}


async def test_a_ticket_that_vanished_is_missed_by_all_who_know_it(story: Story) -> None:
    async with changed(story.databases["routing"], "tickets", {"_id": story.late.ticket_id}, None):
        found = broken(await checked(story.installation))
    assert set(found) == {"accepted", "routing_journal", "outcomes"}
    assert "does not exist, but the journal has" in found["routing_journal"][0][1]
    assert all("has not finished" in what for _, what in found["outcomes"])


async def test_an_outcome_without_its_clock_is_found(story: Story) -> None:
    ticket = story.fresh.ticket_id
    row = {
        "_id": f"{ticket}:resolution:1:2020",
        "ticket_id": ticket,
        "verdict": "met",
        "pending": True,
        "kind": "resolution",
        "finished_at": LONG_AGO,
    }
    async with added(story.databases["routing"], "outcomes", row):
        found = broken(await checked(story.installation))
    assert found == {"outcomes": [(f"routing/outcomes/{row['_id']}", f"says met of a clock that ticket {ticket} has not finished")]}


async def test_a_delivery_planned_for_another_channel_counts_all_the_same(story: Story) -> None:
    """The chat account could be written to when the answer was planned, and can't any more."""
    notifier = story.databases["notifier"]
    row = await notifier["organisation"].find_one({})
    assert row is not None
    document = row["document"].replace('"callback_url":"http://127.0.0.1:1/"', '"callback_url":null')
    assert document != row["document"]
    async with changed(notifier, "organisation", {}, {"$set": {"document": document}}):
        assert broken(await checked(story.installation)) == {}


async def test_a_large_mail_whose_bytes_are_gone_is_found(story: Story) -> None:
    row = mail("mail-2", "kept", story.mongo.now(), file="nowhere", reason="bulk")
    async with added(story.databases["intake"], "mails", row):
        found = broken(await checked(story.installation))
    assert found == {"attachments": [("intake/mails/mail-2", "names the file nowhere, which is not stored")]}


def mail(mail_id: str, state: str, at: datetime, **more: Any) -> Document:
    fields = {"mailbox": "a@b.example", "group": "focal", "slot": 1, "envelope": {}, "size": 1, "sha256": "0"}
    return {"_id": mail_id, "mail": mail_id, "state": state, "received_at": at, "not_before": at, **fields, **more}


@pytest.mark.parametrize(
    ("state", "age", "found"), [("received", 6, True), ("received", 4, False), ("parked", 600, False), ("kept", 600, False)]
)
async def test_a_mail_is_worked_on_within_five_minutes(story: Story, state: str, age: int, found: bool) -> None:
    ticket = {} if state == "received" else {"ticket_id": story.late.ticket_id, "reason": "bulk"}
    row = mail("mail-1", state, story.mongo.now() - timedelta(minutes=age), **ticket)
    async with added(story.databases["intake"], "mails", row):
        results = broken(await checked(story.installation))
    assert [record for record, _ in results.get("mails", [])] == (["intake/mails/mail-1"] if found else [])
    assert set(results) <= {"mails"}


async def test_what_is_younger_than_a_minute_may_be_on_its_way(building: Building) -> None:
    await building.opens()  # neither published nor a ticket yet
    building.mongo.ago = timedelta(seconds=50)
    await building.opens()
    assert broken(await checked(building.installation)) == {}
    building.mongo.ago = timedelta(seconds=70)
    await building.opens()
    assert set(broken(await checked(building.installation))) == {"accepted", "published"}


async def test_a_suspect_that_is_in_order_after_the_pause_is_not_reported(story: Story) -> None:
    async with changed(story.databases["notifier"], "deliveries", {"state": "pending", "template": "assignment"}, None):
        checking = asyncio.create_task(checked(story.installation, pause=1.0))
        await asyncio.sleep(0.7)
    assert broken(await checking) == {}


async def test_nothing_is_found_in_an_installation_at_work(building: Building) -> None:
    """Requests, answers and ends of clocks while it is looked at, again and again."""
    done = asyncio.Event()

    async def work() -> None:
        while not done.is_set():
            receipt = await building.opens()
            await building.flow()
            await building.officer(receipt, Reply(new_id(), "Xem Điều 6."))
            await building.says(receipt, "Cảm ơn.")
            await building.flow()

    working = asyncio.create_task(work())
    try:
        for _ in range(8):
            await asyncio.sleep(0.2)
            assert broken(await checked(building.installation)) == {}
    finally:
        done.set()
        await working


async def test_new_work_that_waits_needs_no_mail_of_its_own_but_what_to_tell(building: Building) -> None:
    for _ in range(12):  # enough of them even if a minute ends meanwhile
        await building.opens()
    await building.flow(send=False)
    deliveries = building.databases["notifier"]["deliveries"]
    assert await deliveries.count_documents({"state": "gathering", "content": None}) > 0
    assert broken(await checked(building.installation)) == {}
    async with changed(building.databases["notifier"], "deliveries", {"state": "gathering"}, {"$unset": {"work": ""}}):
        assert set(broken(await checked(building.installation))) == {"sendable"}
    await deliveries.update_many({"state": "gathering"}, {"$set": {"next_at": building.mongo.now()}})
    await building.flow()
    assert await deliveries.count_documents({"template": "digest", "state": "delivered"}) > 0
    assert await deliveries.distinct("state", {"template": "assignment"}) == ["delivered"]
    assert broken(await checked(building.installation)) == {}


async def test_all_services_without_an_organisation_agree(building: Building) -> None:
    for database in building.databases.values():
        await database["organisation"].delete_many({})
    assert broken(await checked(building.installation)) == {}


async def test_a_document_of_no_known_shape_is_a_finding_and_hides_nothing_else(building: Building) -> None:
    await building.databases["intake"]["submissions"].insert_one({"_id": "odd", "ticket_id": "t"})
    await building.databases["notifier"]["organisation"].delete_many({})
    found = broken(await checked(building.installation))
    assert set(found) == {"accepted", "organisation"}
    assert "unknown shape" in found["accepted"][0][1]


async def test_thousands_are_looked_at_and_each_break_among_them_is_found(building: Building) -> None:
    building.mongo.ago = timedelta(minutes=5)
    receipts = await asyncio.gather(*(building.opens() for _ in range(2_500)))
    while await building._published("intake", request_events, building.routing.on_requests):  # noqa: SLF001 (routing is enough here)
        pass
    ids = sorted(receipt.ticket_id for receipt in receipts)
    wrong = [ids[0], ids[999], ids[1_000], ids[-1]]
    routing = building.databases["routing"]
    await routing["tickets"].update_many({"_id": {"$in": wrong}}, {"$inc": {"version": 1}})
    await routing["owed"].delete_many({})
    half = (ACCEPTED, *JOURNALS[:2], OVERDUE, REPORTED)

    results = await checked(building.installation, invariants=half)
    assert {result.invariant.name: result.looked_at for result in results if result.looked_at != 2_500} == {"outcomes": 0}
    assert [record for record, _ in broken(results)["routing_journal"]] == [f"routing/tickets/{ticket_id}" for ticket_id in wrong]

    [_, _, cut, *_] = await checked(building.installation, invariants=half, limit=1)
    assert (cut.count, len(cut.shown)) == (4, 1)


async def test_an_officer_whom_no_mail_reaches_is_a_warning_and_a_business_is_not(story: Story) -> None:
    notifier, held = story.databases["notifier"], {"since": story.mongo.now(), "reason": "550 5.1.1", "lifted_at": None}
    async with added(notifier, "suppressions", {"_id": "an@anphat.example", "officer": None, **held}):
        assert await delivery_warnings(story.installation) == []
    async with added(notifier, "suppressions", {"_id": "binh@customs.example", "officer": "binh", **held}):
        [warning] = await delivery_warnings(story.installation)
    assert warning.startswith("no mail goes to these of the staff, because it came back: binh (binh@customs.example, since ")


async def test_an_installation_at_work_is_without_warnings(story: Story) -> None:
    assert await delivery_warnings(story.installation) == []
    assert await chat_warnings(story.installation) == []


@pytest.mark.parametrize(("thread", "answered", "said"), [("zalo:7", False, True), ("zalo:7", True, False), ("zalo-2:7", False, False)])
async def test_a_chat_account_somebody_writes_to_and_that_is_posted_no_answers_is_a_warning(
    story: Story, thread: str, answered: bool, said: bool
) -> None:
    notifier, intake = story.databases["notifier"], story.databases["intake"]
    row = await notifier["organisation"].find_one({})
    assert row is not None
    document = row["document"] if answered else row["document"].replace('"callback_url":"http://127.0.0.1:1/"', '"callback_url":null')
    async with (
        added(intake, "threads", {"_id": f"chat:{thread}", "ticket_id": story.late.ticket_id}),
        changed(notifier, "organisation", {}, {"$set": {"document": document}}),
    ):
        warnings = await chat_warnings(story.installation)
    wanted = "answers to 1 conversation of the chat account 'zalo' are shown on the status page alone: give it a callback_url in "
    assert [warning.startswith(wanted) for warning in warnings] == [True] * said


async def test_what_nobody_sends_and_what_is_put_off_for_long_is_said(story: Story) -> None:
    """Mail held up is no contradiction, and yet nobody is told anything."""
    notifier, now = story.databases["notifier"], story.installation.mongo.now()
    long = now - timedelta(minutes=16)
    waits: Document = {"state": "pending", "template": "assignment"}
    async with changed(notifier, "deliveries", waits, {"$set": {"next_at": long}}):
        [due] = await delivery_warnings(story.installation)
    assert due.startswith(f"1 delivery is due for more than 15 minutes, the first since {long:%Y-%m-%d %H:%M} UTC, and not tried")
    tried = {"$set": {"first_at": long, "attempts": 3, "next_at": now + timedelta(minutes=5), "reason": "451 4.7.1 later\x1b[2J"}}
    async with changed(notifier, "deliveries", waits, tried) as delivery_id:
        [put_off] = await delivery_warnings(story.installation)
    assert f"({delivery_id}): 451 4.7.1 later" in put_off
    assert "\x1b" not in put_off
    async with changed(notifier, "deliveries", waits, {"$set": {"first_at": now - timedelta(minutes=14), "next_at": now}}):
        assert await delivery_warnings(story.installation) == []


@pytest.mark.parametrize(("minutes", "said"), [(1, True), (6, False)])
async def test_a_mail_relay_in_trouble_is_said_while_it_lasts(story: Story, minutes: int, said: bool) -> None:
    at = story.mongo.now() - timedelta(minutes=minutes)
    row = {"_id": "email", "since": LONG_AGO, "at": at, "reason": "535 5.7.8 wrong password"}
    async with added(story.databases["notifier"], "relay_trouble", row):
        warnings = await delivery_warnings(story.installation)
    start = "all mail is paused, the mail relay is in trouble since 2020-01-01 00:00 UTC"
    assert [(one.startswith(start), "535 5.7.8 wrong password" in one) for one in warnings] == [(True, True)] * said


async def test_what_has_no_finding_and_a_warning_is_not_said_to_be_all_well(story: Story) -> None:
    results = await checked(story.installation)
    assert [list(lines(results, warnings))[-1] for warnings in ([], ["x"], ["x", "y"])] == [
        "everything holds",
        "everything holds, but read the warning",
        "everything holds, but read the 2 warnings",
    ]


async def test_the_report_names_every_invariant_and_cuts_what_is_many(story: Story) -> None:
    finished = await story.databases["routing"]["journal"].find({"type": "clock_finished"}).to_list(None)
    await story.databases["routing"]["owed"].insert_many([owed(entry) for entry in finished])
    results = await checked(story.installation, limit=2)
    await story.databases["routing"]["owed"].delete_many({})
    count = next(result.count for result in results if not result.holds)
    text = list(lines(results, ["2 dead letters wait"]))
    assert [line[0] for line in text[: len(INVARIANTS)]].count("✗") == 1
    assert f"  and {count - 2} more; --all shows them" in text
    assert "warning: 2 dead letters wait" in text
    assert text[-1] == f"{count} findings"

    data = as_json(results, [], LONG_AGO)
    assert data["ok"] is False
    assert [row["count"] for row in data["invariants"] if not row["ok"]] == [count]
    assert set(data["invariants"][0]) == {"invariant", "meaning", "ok", "looked_at", "count", "findings"}
