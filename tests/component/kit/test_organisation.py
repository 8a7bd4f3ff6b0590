"""The organisation in one service's database, by revision."""

import asyncio

import pytest

from kit.errors import TransientError
from kit.mongo import Database
from kit.organisation import OrganisationStore
from schemas.organisation import Organisation
from tests.support.organisations import organisation


@pytest.fixture
def loaded() -> Organisation:
    return organisation()


def renamed(old: Organisation, name: str) -> Organisation:
    return old.model_copy(update={"name": old.name.model_copy(update={"en": name})})


async def test_while_none_is_loaded_whoever_asks_comes_again(database: Database) -> None:
    store = OrganisationStore(database)
    assert await store.refresh() is False
    assert not store.loaded
    with pytest.raises(TransientError, match="helpdesk load"):
        _ = store.current


async def test_a_loaded_one_is_known_after_the_next_look_just_as_it_was_saved(database: Database, loaded: Organisation) -> None:
    store, elsewhere = OrganisationStore(database), OrganisationStore(database)
    assert await elsewhere.save(loaded) == 1
    await store.refresh()
    assert (store.current.number, store.current.organisation) == (1, loaded)


async def test_the_same_again_is_no_new_revision_and_a_change_is(database: Database, loaded: Organisation) -> None:
    store = OrganisationStore(database)
    changed = renamed(loaded, "Renamed")
    assert [await store.save(one) for one in (loaded, loaded, changed, changed, loaded)] == [1, 1, 2, 2, 3]
    await store.refresh()
    before = store.current
    await store.refresh()
    assert store.current is before  # nothing was read that is at hand
    assert (before.number, before.organisation) == (3, loaded)
    assert await database["organisation"].count_documents({}) == 3


async def test_two_that_load_at_once_each_have_their_revision(database: Database, loaded: Organisation) -> None:
    numbers = await asyncio.gather(*(OrganisationStore(database).save(renamed(loaded, name)) for name in ("A", "B", "C")))
    assert sorted(numbers) == [1, 2, 3]
