"""The journal: written with the state, read in an order that keeps every stream's."""

from datetime import timedelta

import pytest
from bson import Timestamp

from kit.errors import TransientError
from kit.ids import SLOTS
from kit.journal import PAGE, Journal
from kit.mongo import Database, DuplicateKey, Mongo, Session
from tests.component.kit.happened import START, Happened, happened

ALL_SLOTS = range(SLOTS)


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database, "test.happened")


async def write(mongo: Mongo, journal: Journal, *events: Happened, streams: list[str] | None = None) -> None:
    async def work(session: Session) -> None:
        await journal.append(events, session, streams=streams)

    await mongo.transaction(work)


async def owed(journal: Journal, limit: int = 1_000) -> list[str]:
    return [row["_id"] for row in await journal.unpublished(ALL_SLOTS, limit)]


async def mark(journal: Journal, *ids: str) -> None:
    await journal.mark_published([row for row in await journal.unpublished(ALL_SLOTS, 1_000) if row["_id"] in ids])


async def test_what_is_appended_is_owed_until_it_is_marked(mongo: Mongo, journal: Journal) -> None:
    began = mongo.now()
    await write(mongo, journal, happened("a", 1), happened("a", 2), happened("b", 3))
    assert await owed(journal) == ["a-1", "a-2", "b-3"]
    oldest = await journal.oldest_unpublished_at()
    assert oldest is not None
    assert began - timedelta(seconds=1) < oldest <= mongo.now()  # since when it is owed, however long ago it happened
    await mark(journal, "a-1", "b-3")
    assert await owed(journal) == ["a-2"]
    await mark(journal, "a-2")
    assert await owed(journal) == []
    assert await journal.oldest_unpublished_at() is None


async def test_one_row_says_of_all_that_was_written_together_that_it_is_owed(mongo: Mongo, journal: Journal, database: Database) -> None:
    await write(mongo, journal, *(happened("a", number) for number in range(1, 101)))
    await write(mongo, journal, happened("b", 1))
    assert await database["owed"].count_documents({}) == 2
    await journal.mark_published(await journal.unpublished(ALL_SLOTS, 100))
    assert await owed(journal) == ["b-1"]


async def test_no_more_is_read_than_was_asked_for_and_the_rest_stays_owed(mongo: Mongo, journal: Journal) -> None:
    await write(mongo, journal, *(happened("a", number) for number in range(1, 6)))
    first = await journal.unpublished(ALL_SLOTS, 3)
    assert [row["_id"] for row in first] == ["a-1", "a-2", "a-3"]
    await journal.mark_published(first)
    assert await owed(journal) == ["a-4", "a-5"]


async def test_two_relays_that_mark_their_parts_of_one_group_leave_nothing(mongo: Mongo, journal: Journal, database: Database) -> None:
    await write(mongo, journal, *(happened(f"ticket-{number}", 1) for number in range(30)))
    even, odd = [await journal.unpublished(range(start, SLOTS, 2), 100) for start in (0, 1)]
    await journal.mark_published(even)
    assert await journal.unpublished(range(0, SLOTS, 2), 100) == []
    assert {row["_id"] for row in await journal.unpublished(range(SLOTS), 100)} == {row["_id"] for row in odd}
    await journal.mark_published(odd)
    assert await database["owed"].count_documents({}) == 0


async def test_what_an_earlier_release_has_not_published_is_owed(mongo: Mongo, journal: Journal, database: Database) -> None:
    """Its entries said so themselves."""
    await write(mongo, journal, *(happened("a", number) for number in range(1, 4)))
    await database["owed"].delete_many({})
    await database["journal"].update_many({"seq": {"$ne": 2}}, {"$set": {"published": False}})
    await journal.adopt()
    assert await owed(journal) == ["a-1", "a-3"]
    await journal.mark_published(await journal.unpublished(ALL_SLOTS, 10))
    await journal.adopt()
    assert await owed(journal) == []


async def test_what_a_process_of_an_earlier_release_leaves_later_is_owed_too(mongo: Mongo, journal: Journal, database: Database) -> None:
    await journal.adopt()
    await write(mongo, journal, happened("a", 1))
    await database["owed"].delete_many({})
    await database["journal"].update_many({}, {"$set": {"published": False}})
    await journal.adopt()
    assert await owed(journal) == ["a-1"]


async def test_a_clock_that_goes_back_between_two_groups_turns_nothing_round(mongo: Mongo, database: Database) -> None:
    """The second is read by whoever looks at no more than one."""
    clock = iter([START + timedelta(seconds=1), START])
    journal = Journal(database, "test.happened", lambda: next(clock))
    await write(mongo, journal, happened("a", 1, occurred_at=START + timedelta(hours=1)))
    await write(mongo, journal, happened("a", 2, occurred_at=START))
    assert await owed(journal, limit=1) == ["a-1"]
    first, second = [row["order"] async for row in database["owed"].find().sort("at", -1)]
    assert Timestamp(0, 0) < first < second


async def test_what_was_lost_comes_before_what_was_never_published(mongo: Mongo, journal: Journal) -> None:
    await write(mongo, journal, happened("a", 1), happened("a", 2))
    await journal.mark_published(await journal.unpublished(ALL_SLOTS, 10))
    await write(mongo, journal, happened("b", 1), happened("a", 3))
    assert [page async for page in journal.owe_again(START)]
    assert [row for row in await owed(journal, limit=3) if row.startswith("a")] == ["a-1", "a-2"]
    while rows := await journal.unpublished(ALL_SLOTS, 2):
        await journal.mark_published(rows)
    assert await owed(journal) == []


async def test_more_than_one_page_is_owed_again(mongo: Mongo, journal: Journal) -> None:
    await write(mongo, journal, *(happened("a", number) for number in range(1, PAGE + 11)))
    await journal.mark_published(await journal.unpublished(ALL_SLOTS, 2 * PAGE))
    last = START + timedelta(seconds=PAGE + 10)
    assert [page async for page in journal.owe_again(START)] == [(last - timedelta(seconds=10), PAGE), (last, 10)]
    assert len(await owed(journal, limit=2 * PAGE)) == PAGE + 10


async def test_an_event_of_a_transaction_that_fails_was_never_journalled(mongo: Mongo, journal: Journal) -> None:
    async def work(session: Session) -> None:
        await journal.append([happened("a", 1)], session)
        raise TransientError("the rest did not work")

    with pytest.raises(TransientError):
        await mongo.transaction(work)
    assert await owed(journal) == []


@pytest.mark.parametrize("again", [happened("a", 2, id="a-1"), happened("a", 1, id="another")], ids=["same id", "same place in the stream"])
async def test_an_event_that_is_there_already_is_a_duplicate_key(mongo: Mongo, journal: Journal, again: Happened) -> None:
    await write(mongo, journal, happened("a", 1))
    with pytest.raises(DuplicateKey):
        await write(mongo, journal, happened("b", 1), again)
    assert await owed(journal) == ["a-1"]


async def test_several_streams_of_one_ticket_may_each_begin_at_one(mongo: Mongo, journal: Journal) -> None:
    first, second = happened("a", 1, id="first"), happened("a", 1, id="second")
    await write(mongo, journal, first, second, streams=["delivery-1", "delivery-2"])
    assert sorted(await owed(journal)) == ["first", "second"]
    assert {row["key"] for row in await journal.unpublished(ALL_SLOTS, 10)} == {"a"}


async def test_events_of_one_instant_come_in_their_streams_order(mongo: Mongo, journal: Journal) -> None:
    for number in (3, 1, 2):
        await write(mongo, journal, happened("a", number, occurred_at=START))
    assert await owed(journal) == ["a-1", "a-2", "a-3"]


async def test_a_clock_that_went_back_does_not_turn_a_stream_round(mongo: Mongo, journal: Journal) -> None:
    await write(mongo, journal, happened("a", 1, occurred_at=START + timedelta(seconds=2)), happened("b", 1))
    await write(mongo, journal, happened("a", 2, occurred_at=START), happened("a", 3))
    assert [row for row in await owed(journal) if row.startswith("a")] == ["a-1", "a-2", "a-3"]


async def test_only_the_slots_asked_for_are_read(mongo: Mongo, journal: Journal) -> None:
    await write(mongo, journal, *(happened(f"ticket-{number}", 1) for number in range(30)))
    even, odd = [await journal.unpublished(range(start, SLOTS, 2), 100) for start in (0, 1)]
    assert {row["slot"] % 2 for row in even} == {0}
    assert len(even) + len(odd) == 30
    assert await journal.unpublished([], 100) == []


async def test_only_what_was_journalled_in_the_window_is_owed_again(mongo: Mongo, journal: Journal) -> None:
    await write(mongo, journal, *(happened("a", number) for number in range(1, 6)))
    await mark(journal, *(f"a-{number}" for number in range(1, 6)))
    assert [count async for _, count in journal.owe_again(START + timedelta(seconds=3))] == [3]
    assert await owed(journal) == ["a-3", "a-4", "a-5"]
