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


def stretched(old: Organisation, hours: float) -> Organisation:
    """Measures otherwise."""
    target = old.policies[0].targets[0].model_copy(update={"hours": hours})
    return old.model_copy(update={"policies": (old.policies[0].model_copy(update={"targets": (target,)}), *old.policies[1:])})


def same(old: Organisation) -> Organisation:
    return old


async def test_editions_are_the_revisions_that_measure_deadlines_otherwise(database: Database, loaded: Organisation) -> None:
    using: list[int | None] = [1]

    async def in_use() -> int | None:
        return using[0]

    versions = [
        loaded,
        renamed(loaded, "A"),
        *(one for hours in range(2, 9) for one in (stretched(loaded, hours), renamed(stretched(loaded, hours), "B"))),
    ]
    writer = OrganisationStore(database)
    for version in versions:
        await writer.save(version)
    store = OrganisationStore(database, in_use)
    await store.refresh()
    assert [edition.number for edition in store.current.editions] == [1, 3, 5, 7, 9, 11, 13, 15]
    assert [edition.organisation for edition in store.current.editions] == [
        versions[edition.number - 1] for edition in store.current.editions
    ]
    for oldest, kept in ((4, [3, 5, 7, 9, 11, 13, 15]), (16, [9, 11, 13, 15]), (None, [9, 11, 13, 15])):
        using[0], store = oldest, OrganisationStore(database, in_use)
        await store.refresh()
        assert [edition.number for edition in store.current.editions] == kept


async def test_whoever_asks_for_no_editions_gets_none_and_any_revision_can_be_had_again(database: Database, loaded: Organisation) -> None:
    store = OrganisationStore(database)
    await store.save(loaded)
    await store.save(renamed(loaded, "A"))
    await store.refresh()
    assert store.current.editions == ()
    old = await store.revision(1)
    assert old is not None
    assert (old.number, old.organisation) == (1, loaded)
    assert await store.revision(3) is None
