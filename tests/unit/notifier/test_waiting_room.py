"""What waits for a place: in the order it came, so many, and for a while alone."""

from datetime import UTC, datetime, timedelta

from kit.mongo import Document
from services.notifier.waiting_room import LONGEST_WAIT, SEATS, WaitingRoom

NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
LATE = NOW + LONGEST_WAIT + timedelta(seconds=1)


def rows(lane: str, slot: int = 1) -> list[Document]:
    return [{"lane": lane, "slot": slot}]


def with_lanes(*lanes: str) -> WaitingRoom:
    room = WaitingRoom()
    for slot, lane in enumerate(lanes):
        room.enter(lane, rows(lane, slot), NOW)
    return room


def test_whoever_came_first_is_next() -> None:
    room = with_lanes("b", "a")
    assert room.first(NOW) == ("b", rows("b", 0))
    room.enter("b", rows("b"), NOW)
    assert list(room) == ["a", "b"]
    assert [room.first(NOW), room.first(NOW), room.first(NOW)] == [("a", rows("a", 1)), ("b", rows("b")), None]


def test_each_takes_a_seat() -> None:
    room = with_lanes("a", "b")
    assert (len(room), room.free) == (2, SEATS - 2)
    room.clear()
    assert (len(room), room.free) == (0, SEATS)


def test_who_has_waited_for_too_long_is_passed_over() -> None:
    room = with_lanes("a", "b")
    room.enter("c", rows("c"), LATE)
    assert room.first(LATE) == ("c", rows("c"))
    assert len(room) == 0


def test_who_has_waited_for_as_long_as_one_may_is_not() -> None:
    assert with_lanes("a").first(NOW + LONGEST_WAIT) is not None


def test_what_is_anothers_or_old_is_forgotten() -> None:
    room = with_lanes("a", "b", "c")
    room.keep({0, 2}, NOW)
    assert list(room) == ["a", "c"]
    room.enter("d", rows("d", 2), LATE)
    room.keep({0, 2}, LATE)
    assert list(room) == ["d"]
