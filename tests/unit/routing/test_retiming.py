"""A newer revision of the organisation: what was spent stays spent, and the rest is measured anew from when it was loaded.

Tickets are opened at Hon Gai on Monday 2025-03-03 at 09:00; the office works 08:00-12:00 and 13:00-17:00, Monday to Friday.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.organisation import CalendarSpec, Organisation, PolicySpec, Target
from schemas.tickets import DeadlinesMoved
from schemas.values import ClockKind
from services.routing.directory import context as of_organisation
from services.routing.domain import clocks
from services.routing.domain.clocks import Clock, Pause
from services.routing.domain.commands import Actor, Claim, Note, Reopen, Reply, Wait
from services.routing.domain.context import Context, Edition
from services.routing.domain.decide import (
    Decision,
    Outdated,
    brought_up,
    business_message,
    decide,
    delivery,
    next_at,
    open_ticket,
    time_passing,
)
from services.routing.domain.retiming import remeasured
from services.routing.domain.ticket import Ticket
from tests.support.happenings import HAI, delivered, message, request, types
from tests.support.organisations import as_written, local, organisation
from tests.unit.routing.generated import CALENDARS, EXAMPLES, instants, pauses_near, spec

Change = Callable[[dict[str, Any]], None]
TUESDAY, LATER = "2025-03-04", local("2025-03-20 09:00")


def revised(*changes: Change) -> Organisation:
    written = as_written()
    for change in changes:
        change(written)
    return organisation(**written)


def office(**rules: Any) -> Change:
    return lambda written: written["calendars"][0].update(rules)


def targets(*targets: dict[str, Any]) -> Change:
    """The standard policy's."""
    return lambda written: written["policies"][1].update(targets=list(targets))


def in_group(**fields: Any) -> Change:
    return lambda written: written["groups"][3].update(fields)


def editions(*loaded: tuple[str, Organisation]) -> list[Context]:
    """Revision 1, 2, 3 …, each loaded at its instant and knowing those before."""
    found: list[Context] = []
    for number, (wall, org) in enumerate(loaded, start=1):
        found.append(of_organisation(org, number, Edition(number, local(wall), tuple(found))))
    return found


ORIGINAL = ("2025-01-01 09:00", organisation())


def opened(ctx: Context, wall: str = "2025-03-03 09:00") -> Ticket:
    return open_ticket(request(local(wall)), ctx, {}, local(wall)).ticket


def clock(ticket: Ticket, kind: ClockKind) -> Clock:
    return [clock for clock in ticket.clocks if clock.kind == kind][-1]


def due(ticket: Ticket, kind: ClockKind) -> datetime | None:
    return clock(ticket, kind).due_at


def moved(decision: Decision) -> dict[str, tuple[datetime | None, datetime | None]]:
    (event,) = [event for event in decision.events if isinstance(event, DeadlinesMoved)]
    assert event.ticket.version == event.sequence
    return {move.clock: (move.old_due_at, move.new_due_at) for move in event.moves}


ONE_DAY: dict[str, Any] = {"clock": "resolution", "days": 1}
HAND_OVER: dict[str, Any] = {"clock": "hand_over", "hours": 16}


@pytest.mark.parametrize(
    ("why", "loaded", "change", "kind", "before", "after"),
    [
        ("a holiday ahead", "03 10:00", office(closed=[TUESDAY]), "hand_over", "05 09:00", "06 09:00"),
        ("a holiday ahead, in days", "03 10:00", office(closed=[TUESDAY]), "resolution", "10 17:00", "11 17:00"),
        # Six hours were worked; counted again the Monday would have had none.
        ("a day closed while it is worked", "03 16:00", office(closed=["2025-03-03"]), "hand_over", "05 09:00", "05 10:00"),
        # Tuesday's close had counted as a day by then.
        ("a day closed after it was worked", "05 10:00", office(closed=[TUESDAY]), "resolution", "10 17:00", "10 17:00"),
        ("a morning closed", "03 10:00", office(closures={TUESDAY: [["08:00", "12:00"]]}), "hand_over", "05 09:00", "05 14:00"),
        ("a Saturday worked", "03 10:00", office(extra={"2025-03-08": [["08:00", "12:00"]]}), "resolution", "10 17:00", "08 12:00"),
        ("fewer days", "05 10:00", targets({"clock": "resolution", "days": 3}), "resolution", "10 17:00", "06 17:00"),
        ("more days", "05 10:00", targets({"clock": "resolution", "days": 6}), "resolution", "10 17:00", "11 17:00"),
        ("hours in the place of days", "05 10:00", targets({"clock": "resolution", "hours": 20}), "resolution", "10 17:00", "05 14:00"),
        (
            "the day of receipt counts",
            "04 10:00",
            targets({**ONE_DAY, "days": 5, "count_first_day": True}),
            "resolution",
            "10 17:00",
            "07 17:00",
        ),
        ("less than was spent", "05 10:00", targets(ONE_DAY), "resolution", "10 17:00", "05 10:00"),
        ("another calendar for the group", "03 16:00", in_group(calendar="border"), "hand_over", "05 09:00", "04 02:00"),
        (
            "the calendar is gone",
            "03 16:00",
            lambda written: written["calendars"][0].update(key="new"),
            "hand_over",
            "05 09:00",
            "05 09:00",
        ),
        ("no target any more", "03 10:00", targets(ONE_DAY), "hand_over", "05 09:00", "05 09:00"),
        (
            "a policy of its own",
            "03 10:00",
            lambda written: written["policies"][0].update(units=["hon-gai"]),
            "resolution",
            "10 17:00",
            "06 09:00",
        ),
    ],
)
def test_by_hand(why: str, loaded: str, change: Change, kind: ClockKind, before: str, after: str) -> None:
    written = as_written()
    change(written)
    if why == "the calendar is gone":
        for group in written["groups"]:
            group["calendar"] = group["calendar"].replace("office", "new")
    first, second = editions(ORIGINAL, (f"2025-03-{loaded}", organisation(**written)))
    ticket = opened(first)
    assert due(ticket, kind) == local(f"2025-03-{before}")
    decision = brought_up(ticket, second, local(f"2025-03-{loaded}"))
    assert due(decision.ticket, kind) == local(f"2025-03-{after}"), why
    assert decision.ticket.revision == 2


def test_the_event_tells_every_clock_that_moved_and_the_revision_that_moved_it() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 10:00", revised(office(closed=[TUESDAY]))))
    decision = brought_up(opened(first), second, local("2025-03-03 10:05"))
    assert moved(decision) == {
        "hand_over": (local("2025-03-05 09:00"), local("2025-03-06 09:00")),
        "resolution": (local("2025-03-10 17:00"), local("2025-03-11 17:00")),
    }
    (event,) = decision.events
    assert isinstance(event, DeadlinesMoved)
    assert (event.revision, event.occurred_at) == (2, local("2025-03-03 10:05"))
    assert "2" in event.because
    assert {deadline.due_at for deadline in event.ticket.deadlines} >= {local("2025-03-06 09:00"), local("2025-03-11 17:00")}


def test_it_is_done_once_and_it_makes_no_difference_when() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 10:00", revised(office(closed=[TUESDAY]))))
    at_once = brought_up(opened(first), second, local("2025-03-03 10:00"))
    later = brought_up(opened(first), second, local("2025-03-03 13:30"))
    assert at_once.ticket.clocks == later.ticket.clocks
    assert [event.id for event in at_once.events] == [event.id for event in later.events]
    again = brought_up(at_once.ticket, second, local("2025-03-03 13:30"))
    assert (again.ticket, again.events) == (at_once.ticket, ())


def test_over_several_revisions_is_one_move_and_the_same_as_one_after_the_other() -> None:
    second, third = (
        revised(office(closed=[TUESDAY])),
        revised(office(closed=["2025-03-05"]), targets(HAND_OVER, {"clock": "resolution", "days": 4})),
    )
    one, two, three = editions(ORIGINAL, ("2025-03-03 10:00", second), ("2025-03-03 15:00", third))
    at_once = brought_up(opened(one), three, LATER - timedelta(days=16))
    step = brought_up(opened(one), two, local("2025-03-03 10:00"))
    stepwise = brought_up(step.ticket, three, local("2025-03-03 15:00"))
    assert at_once.ticket.clocks == stepwise.ticket.clocks
    assert types(at_once).count("deadlines_moved") == 1
    assert due(at_once.ticket, "hand_over") == local("2025-03-06 09:00")  # Monday 7 hours, Tuesday 8, the Wednesday closed


def test_a_move_that_a_later_revision_took_back_is_none() -> None:
    one, _, three = editions(ORIGINAL, ("2025-03-03 10:00", revised(office(closed=[TUESDAY]))), ("2025-03-03 11:00", organisation()))
    decision = brought_up(opened(one), three, local("2025-03-03 12:00"))
    assert (decision.events, decision.ticket.revision) == ((), 3)
    assert due(decision.ticket, "resolution") == local("2025-03-10 17:00")


def test_revisions_that_measure_alike_and_tickets_that_are_over_are_left_alone() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 10:00", revised(office(closed=[TUESDAY]))))
    newer = replace(first, revision=7)  # another name of the organisation, say
    assert brought_up(opened(newer), newer, LATER).ticket == opened(newer)
    over = replace(opened(first), status="closed")
    assert brought_up(over, second, LATER) == Decision(over)
    without = replace(second, edition=None)
    assert brought_up(opened(first), without, LATER) == Decision(opened(first))


def test_a_paused_clock_keeps_its_pause_and_what_was_left() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 14:00", revised(office(closed=[TUESDAY]))))
    waiting = decide(opened(first), Wait("q", "Hồ sơ nào?"), HAI, first, local("2025-03-03 11:00")).ticket
    assert clock(waiting, "hand_over").left == timedelta(hours=14)
    decision = brought_up(waiting, second, local("2025-03-03 14:00"))
    kept = clock(decision.ticket, "hand_over")
    assert (kept.due_at, kept.left, kept.pauses) == (None, timedelta(hours=14), clock(waiting, "hand_over").pauses)
    assert all(
        move.paused
        for event in decision.events
        if isinstance(event, DeadlinesMoved)
        for move in event.moves
        if move.clock != "first_response"
    )
    resumed = decide(decision.ticket, Claim(), HAI, second, local("2025-03-05 08:00")).ticket
    back = answered(resumed, second, local("2025-03-05 08:00"))
    assert due(back, "hand_over") == local("2025-03-06 15:00")  # 14 hours from Wednesday 08:00


def answered(ticket: Ticket, ctx: Context, at: datetime) -> Ticket:
    """The business answers what it was asked."""
    return business_message(ticket, message(at), ctx, at).ticket


def test_a_miss_and_its_instant_stay_whatever_is_loaded_after() -> None:
    loosened = revised(office(closed=["2025-03-03"]), targets({"clock": "first_response", "hours": 40}, HAND_OVER))
    first, second = editions(ORIGINAL, ("2025-03-03 15:00", loosened))
    missed = time_passing(opened(first), first, local("2025-03-03 14:30")).ticket
    decision = brought_up(missed, second, local("2025-03-03 15:00"))
    late = clock(decision.ticket, "first_response")
    assert (late.due_at, late.missed_at, late.is_missed) == (local("2025-03-03 14:00"), local("2025-03-03 14:00"), True)
    assert late.target.hours == 4
    assert "first_response" not in moved(decision)
    asked = decide(decision.ticket, Reply("a", "Xin lỗi vì chậm trễ."), HAI, second, local("2025-03-06 09:00")).ticket
    assert clock(asked, "first_response").is_missed


def test_a_miss_nobody_has_seen_when_the_revision_was_loaded_is_recorded_first() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 15:00", revised(targets({"clock": "first_response", "hours": 40}, HAND_OVER))))
    decision = brought_up(opened(first), second, local("2025-03-03 15:10"))
    assert types(decision) == ["deadline_missed"]
    assert clock(decision.ticket, "first_response").missed_at == local("2025-03-03 14:00")


def test_a_deadline_lifted_before_it_passed_is_never_missed() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 13:30", revised(targets({"clock": "first_response", "hours": 6}, HAND_OVER))))
    decision = time_passing(opened(first), second, local("2025-03-03 14:30"))  # the ticker comes before the retimer
    assert "deadline_missed" not in types(decision)
    assert due(decision.ticket, "first_response") == local("2025-03-03 16:00")
    assert types(decision)[0] == "deadlines_moved"


def test_a_deadline_used_up_by_the_revision_is_missed_at_the_instant_it_was_loaded() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 11:00", revised(targets({"clock": "first_response", "hours": 1}, HAND_OVER))))
    decision = time_passing(opened(first), second, local("2025-03-03 13:30"))
    assert clock(decision.ticket, "first_response").missed_at == local("2025-03-03 11:00")


def test_a_finished_clock_keeps_its_verdict_and_everything_else() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 15:00", revised(office(closed=["2025-03-03"]))))
    ticket = opened(first)
    ended = replace(ticket, clocks=tuple(clocks.finish(one, local("2025-03-03 10:00")) for one in ticket.clocks))
    assert brought_up(ended, second, LATER).ticket == replace(ended, revision=2)


def test_what_was_warned_of_stays_warned() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 13:00", revised(office(closed=[TUESDAY]))))
    warned = time_passing(opened(first), first, local("2025-03-03 12:30")).ticket
    assert clock(warned, "first_response").warned == (75,)
    assert clock(brought_up(warned, second, local("2025-03-03 13:00")).ticket, "first_response").warned == (75,)


def test_every_decision_brings_the_ticket_up_first() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 10:00", revised(office(closed=[TUESDAY]))))
    at = local("2025-03-03 10:30")
    decision = decide(opened(first), Note("n", "Đã gọi điện."), Actor("hai", "Hai"), second, at)
    assert types(decision) == ["deadlines_moved", "note_added"]
    assert decision.ticket.clocks == brought_up(opened(first), second, at).ticket.clocks
    assert next_at(decision.ticket, second) == local("2025-03-03 12:00")  # three quarters of the first response


def test_the_next_alarm_follows_the_new_deadline() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 10:00", revised(targets({"clock": "first_response", "hours": 12}))))
    ticket = brought_up(opened(first), second, local("2025-03-03 10:00")).ticket
    assert next_at(ticket, second) == local("2025-03-04 10:00")  # nine of twelve hours


def test_a_clock_of_a_machine_that_is_ahead_counts_nothing_before_it_is_spent() -> None:
    """The revision claims to have been loaded in an hour: what is spent until now is all there is."""
    first, second = editions(ORIGINAL, ("2025-03-03 11:00", revised(office(closed=["2025-03-03"]))))
    ticket = brought_up(opened(first), second, local("2025-03-03 10:00")).ticket
    assert clock(ticket, "hand_over").carried == timedelta(hours=1)


def test_a_revision_older_than_all_that_are_known_is_taken_for_the_oldest() -> None:
    first, second = editions(("2025-02-01 09:00", revised(office(closed=[TUESDAY]))), ("2025-03-03 16:00", organisation()))
    first = replace(first, revision=5, edition=Edition(5, local("2025-02-01 09:00")))
    second = replace(second, revision=6, edition=Edition(6, local("2025-03-03 16:00"), (first,)))
    ticket = replace(opened(first), revision=2)
    assert due(brought_up(ticket, second, local("2025-03-03 16:00")).ticket, "hand_over") == local("2025-03-05 09:00")


# --- a replica that has not read the newest revision -------------------------------------------------------------

AT = local("2025-03-03 13:00")
BEHIND: list[tuple[str, Callable[[Ticket, Context], Decision]]] = [
    ("an officer", lambda ticket, ctx: decide(ticket, Reopen("Tiếp tục."), HAI, ctx, AT)),
    ("the business", lambda ticket, ctx: business_message(ticket, message(AT), ctx, AT)),
    ("a delivery", lambda ticket, ctx: delivery(ticket, delivered("q", AT), ctx, AT)),
    ("time", lambda ticket, ctx: time_passing(ticket, ctx, AT)),
    ("the retimer", lambda ticket, ctx: brought_up(ticket, ctx, AT)),
]


@pytest.mark.parametrize("decided", [row[1] for row in BEHIND], ids=[row[0] for row in BEHIND])
def test_nothing_is_decided_by_a_revision_older_than_the_one_that_measures_the_ticket(
    decided: Callable[[Ticket, Context], Decision],
) -> None:
    """Its pause would end by the old calendar under the new number, and the holiday would never be counted."""
    first, second = editions(ORIGINAL, ("2025-03-03 12:00", revised(office(closed=[TUESDAY]))))
    waiting = decide(opened(first), Wait("q", "Hồ sơ nào?"), HAI, first, local("2025-03-03 10:00")).ticket
    ahead = brought_up(waiting, second, local("2025-03-03 12:30")).ticket
    with pytest.raises(Outdated, match="revision 2, and the newest known here is 1"):
        decided(ahead, first)
    decided(ahead, second)


# --- what was missed stays where it was missed -------------------------------------------------------------------


def taken_over() -> list[Change]:
    """Four hours round the clock at the border gate, then the department takes over, which works office hours."""

    def policies(written: dict[str, Any]) -> None:
        ladder = [{"after_hours": 1, "take_over": "parent_group", "tell": ["lead"]}, {"after_hours": 20, "tell": ["authority"]}]
        border = {"key": "border", "units": ["cau-treo"], "targets": [{"clock": "resolution", "hours": 4}], "ladder": ladder}
        written["policies"] = [border, {"key": "standard", "targets": [{"clock": "resolution", "hours": 80}]}]

    def department(written: dict[str, Any]) -> None:
        written["groups"].append({**written["groups"][0], "key": "ha-tinh", "unit": "ha-tinh", "lead": "tong"})
        written["officers"] = [{**one, "groups": ["ha-tinh"]} if one["key"] == "tong" else one for one in written["officers"]]

    return [policies, department]


@pytest.mark.parametrize(
    ("why", "change"),
    [
        ("a day years away", office(closed=["2027-03-04"])),
        ("the very day, of the group that has it now", office(closed=[TUESDAY])),
        ("a policy", targets({"clock": "resolution", "hours": 90})),
    ],
)
def test_the_ladder_of_a_missed_clock_goes_on_by_the_calendar_it_was_missed_on(why: str, change: Change) -> None:
    base = taken_over()
    first, second = editions(("2025-03-01 00:00", revised(*base)), ("2025-03-03 18:30", revised(*base, change)))
    at = local("2025-03-03 12:00")
    ticket = open_ticket(request(at, unit="cau-treo"), first, {}, at).ticket
    late = time_passing(ticket, first, local("2025-03-03 18:00")).ticket
    assert (late.group, next_at(late, first)) == ("ha-tinh", local("2025-03-04 12:00"))
    after = brought_up(late, second, local("2025-03-03 18:31"))
    missed = clock(after.ticket, "resolution")
    assert (missed.calendar, missed.due_at, missed.is_missed) == ("border", local("2025-03-03 16:00"), True), why
    assert next_at(after.ticket, second) == local("2025-03-04 12:00")


def test_a_missed_clock_stays_missed_when_its_own_calendar_loses_the_day_it_was_missed_on() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 15:00", revised(office(closed=["2025-03-03"]))))
    missed = time_passing(opened(first), first, local("2025-03-03 14:30")).ticket
    after = brought_up(missed, second, local("2025-03-03 15:00")).ticket
    back = answered(decide(after, Wait("q", "Hồ sơ nào?"), HAI, second, local("2025-03-04 09:00")).ticket, second, LATER)
    assert clock(back, "first_response").due_at == local("2025-03-03 14:00")
    assert clock(back, "first_response").is_missed


def test_a_clock_without_a_target_any_more_keeps_its_calendar_too() -> None:
    without = targets({"clock": "first_response", "hours": 4}, {"clock": "resolution", "days": 5})
    first, second = editions(ORIGINAL, ("2025-03-03 16:00", revised(without, in_group(calendar="border"))))
    assert clock(brought_up(opened(first), second, local("2025-03-03 16:00")).ticket, "hand_over").due_at == local("2025-03-05 09:00")


def under(calendar: CalendarSpec, number: int, at: datetime) -> Context:
    org = organisation()
    specs = tuple(calendar.model_copy(update={"key": one.key}) for one in org.calendars)
    return of_organisation(org.model_copy(update={"calendars": specs}), number, Edition(number, at))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, CALENDARS - 1), st.integers(0, CALENDARS - 1), instants, st.integers(0, 20_000), st.integers(1, 80), st.data())
def test_what_was_spent_before_and_after_sums_to_the_target(
    old_number: int, new_number: int, start: datetime, minutes: int, hours: int, data: st.DataObject
) -> None:
    at = start + timedelta(minutes=minutes)
    old, new = under(spec(old_number), 1, start), under(spec(new_number), 2, at)
    target = Target(clock="resolution", hours=hours)
    pauses = data.draw(pauses_near(start))
    running = replace(clocks.start("resolution", 1, target, "p", 1, "office", old.calendar("office"), start), pauses=pauses)
    running = clocks.retarget(running, target, "p", 1, "office", old.calendar("office"), start)
    policy = PolicySpec(key="p", targets=(target,))
    after = remeasured(running, policy, "office", old, new, at)
    assert (after.pauses, after.warned, after.target) == (running.pauses, running.warned, target)
    assert remeasured(after, policy, "office", new, new, at) == after
    assert after.due_at is not None
    worked = old.calendar("office").elapsed(start, at, pauses)
    if old.calendar_spec("office") == new.calendar_spec("office"):
        assert after == running
    elif worked < timedelta(hours=hours):
        assert worked + new.calendar("office").elapsed(at, after.due_at, pauses) == timedelta(hours=hours)
    else:
        assert after.due_at == max([at, *(end for begun, end in stretches(pauses) if begun <= at)])


def stretches(pauses: tuple[Pause, ...]) -> list[tuple[datetime, datetime]]:
    """Those that touch as one."""
    found: list[tuple[datetime, datetime]] = []
    for pause in sorted(pauses, key=lambda pause: pause.began_at):
        assert pause.ended_at is not None
        if found and pause.began_at <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], pause.ended_at))
        else:
            found.append((pause.began_at, pause.ended_at))
    return found
