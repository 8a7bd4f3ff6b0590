"""Room that large things take before they come in."""

import asyncio

import pytest

from kit.errors import TransientError
from kit.room import Room


async def hold(room: Room, size: int, entered: list[int], leave: asyncio.Event) -> None:
    async with room.held(size):
        entered.append(size)
        await leave.wait()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_fits_comes_in_at_once_and_the_rest_in_its_turn() -> None:
    room, entered = Room(10), list[int]()
    leaving = {size: asyncio.Event() for size in (6, 4, 8, 1)}
    tasks = [asyncio.create_task(hold(room, size, entered, leave)) for size, leave in leaving.items()]
    await settled()
    assert entered == [6, 4]
    leaving[4].set()
    await settled()
    assert entered == [6, 4]  # 1 would fit now, and waits behind 8: what is large must get its turn
    leaving[6].set()
    await settled()
    assert entered == [6, 4, 8, 1]
    for leave in leaving.values():
        leave.set()
    await asyncio.gather(*tasks)


async def test_what_is_larger_than_all_of_it_takes_all_of_it() -> None:
    room, entered, leave = Room(10), list[int](), asyncio.Event()
    tasks = [asyncio.create_task(hold(room, size, entered, leave)) for size in (50, 1)]
    await settled()
    assert entered == [50]
    leave.set()
    await asyncio.gather(*tasks)
    assert entered == [50, 1]


async def test_who_waited_in_vain_is_told_to_come_again_and_holds_nothing() -> None:
    room, entered, leave = Room(10, patience=0.01), list[int](), asyncio.Event()
    first = asyncio.create_task(hold(room, 9, entered, leave))
    await settled()
    with pytest.raises(TransientError, match="too much"):
        async with room.held(2):
            raise AssertionError("there was no room")
    async with room.held(1):  # nobody stands in its way any more
        leave.set()
        await first
    async with room.held(10):
        pass


async def test_who_goes_away_while_waiting_lets_the_next_one_in() -> None:
    room, entered, leave = Room(10), list[int](), asyncio.Event()
    first, second, third = (asyncio.create_task(hold(room, size, entered, leave)) for size in (7, 9, 3))
    await settled()
    second.cancel()
    await settled()
    assert entered == [7, 3]
    leave.set()
    await asyncio.gather(first, third)
    async with room.held(10):
        pass


async def test_room_is_given_back_after_an_error() -> None:
    room = Room(10, patience=0.01)
    with pytest.raises(ValueError, match="broken"):
        async with room.held(10):
            raise ValueError("broken")
    async with room.held(10):
        pass
