"""The ladder as the people on it meet it: each step once whatever becomes of the ladder, told in duty hours, and never to nobody."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.organisation import Organisation, PolicySpec, Step, Target
from schemas.tickets import DeadlineMissed, DeadlineWarned, TicketEscalated
from services.routing.domain import clocks, ladder
from services.routing.domain.clocks import Clock
from services.routing.domain.commands import Actor, Reply, Resolve, Wait
from services.routing.domain.decide import time_passing
from services.routing.domain.people import told, told_as
from services.routing.domain.quiet import tell_at
from tests.support.happenings import OPENED, Life, keys, request, types
from tests.support.organisations import as_written, context, local, officer, organisation, with_officers

QUAN = Actor("quan", "Quan")
"""An administrator, who may work on everything."""

EIGHT = Target(clock="resolution", hours=8, warn_percent=())
WARN = Step(percent=75, tell=("officer",))
PARENT = Step(after_hours=4, tell=("lead",), take_over="parent_group")
AUTHORITY = Step(after_days=1, tell=("authority",), take_over="authority")


def policy(*steps: Step) -> PolicySpec:
    return PolicySpec(key="standard", targets=(EIGHT,), ladder=steps)


def clock(*taken: int | str) -> Clock:
    begun = clocks.start("resolution", 1, EIGHT, "standard", 1, "office", context().calendar("office"), OPENED)
    return replace(begun, escalated=taken)


def left(measured: Clock, ladder_of: PolicySpec) -> list[str]:
    return [alarm.key for alarm in ladder.alarms(measured, ladder_of, context().calendar("office")) if alarm.what == "step"]


# --- a step stays the same step ----------------------------------------------------------------------------------

SAME: list[tuple[str, tuple[int | str, ...], tuple[Step, ...], list[str]]] = [
    ("nothing taken", (), (WARN, PARENT), ["resolution 75%", "resolution +4h parent_group"]),
    ("one taken", ("resolution 75%",), (WARN, PARENT), ["resolution +4h parent_group"]),
    ("one put before it", ("resolution +4h parent_group",), (WARN, PARENT, AUTHORITY), ["resolution 75%", "resolution +1d authority"]),
    ("the order changed", ("resolution 75%",), (PARENT, WARN), ["resolution +4h parent_group"]),
    ("somebody else is told", ("resolution 75%",), (WARN.model_copy(update={"tell": ("lead",)}),), []),
    (
        "its time changed",
        ("resolution +4h parent_group",),
        (PARENT.model_copy(update={"after_hours": 6}),),
        ["resolution +6h parent_group"],
    ),
    ("its time changed under its own key", ("up",), (PARENT.model_copy(update={"after_hours": 6, "key": "up"}),), []),
    ("two alike", ("resolution 75%",), (WARN, WARN), ["resolution 75% #2"]),
    ("two alike, both taken", ("resolution 75%", "resolution 75% #2"), (WARN, WARN), []),
    ("a place, as older records have it", (0,), (WARN, PARENT), ["resolution +4h parent_group"]),
    ("a place and a key", (0, "resolution +4h parent_group"), (WARN, PARENT), []),
    ("a place the ladder no longer has", (5,), (WARN,), ["resolution 75%"]),
    ("steps of another clock", (), (Step(clock="first_response", percent=50), WARN), ["resolution 75%"]),
]


@pytest.mark.parametrize(("taken", "steps", "expected"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_a_step_is_known_by_what_it_is_and_not_by_where_it_stands(
    taken: tuple[int | str, ...], steps: tuple[Step, ...], expected: list[str]
) -> None:
    assert sorted(left(clock(*taken), policy(*steps))) == sorted(expected)


def test_places_of_older_records_become_keys_with_the_next_step() -> None:
    assert ladder.by_keys(clock(0, 1), policy(WARN, PARENT)).escalated == ("resolution 75%", "resolution +4h parent_group")
    untouched = clock("resolution 75%")
    assert ladder.by_keys(untouched, policy(PARENT)) is untouched


def edited(life: Life, ladder_of: list[dict[str, Any]], revision: int) -> None:
    """From now on the organisation has this ladder."""
    standard = {"key": "standard", "targets": [{"clock": "resolution", "hours": 8, "warn_percent": []}], "ladder": ladder_of}
    life.ctx = context(organisation(policies=[standard]), revision)


def test_a_step_put_in_after_one_was_taken_is_taken_and_no_event_comes_twice() -> None:
    before = [{"after_hours": 4, "tell": ["lead"], "take_over": "parent_group"}]
    standard = {"key": "standard", "targets": [{"clock": "resolution", "hours": 8, "warn_percent": []}], "ladder": before}
    life = Life(context(organisation(policies=[standard])))
    life.time(local("2025-03-04 14:30"))
    edited(life, [{"after_hours": 2, "tell": ["lead"]}, *before, {"after_hours": 6, "tell": ["supervisor"]}], 2)
    steps = [event for event in life.time(local("2025-03-05 09:00")).events if isinstance(event, TicketEscalated)]
    assert [(step.step, step.number, step.steps) for step in steps] == [(0, 1, 3), (2, 3, 3)]


STEPS: list[dict[str, Any]] = [
    {"percent": 30, "tell": ["officer"]},
    {"percent": 75, "tell": ["lead"], "take_over": "parent_group"},
    {"after_hours": 0, "tell": ["lead"]},
    {"after_hours": 4, "tell": ["supervisor"], "take_over": "parent_group"},
    {"after_days": 1, "tell": ["authority"], "take_over": "authority"},
]
edits = st.lists(st.tuples(st.integers(1, 30), st.lists(st.sampled_from(STEPS), unique_by=str)), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(edits)
def test_whatever_the_ladder_becomes_while_time_passes_each_step_is_taken_at_most_once(
    edits: list[tuple[int, list[dict[str, Any]]]],
) -> None:
    life, now = Life(context(organisation(policies=[{"key": "standard", "targets": [{"clock": "resolution", "hours": 8}]}]))), OPENED
    taken: list[str] = []
    for revision, (hours, steps) in enumerate(edits, 2):
        edited(life, steps, revision)
        now += timedelta(hours=hours)
        found = [event for event in life.time(now).events if isinstance(event, TicketEscalated)]
        taken += [str({**steps[event.step], "tell": ()}) for event in found]
    assert len(taken) == len(set(taken))
    assert life.time(now).events == ()


# --- in one cycle ------------------------------------------------------------------------------------------------


def asked_twice(take_over: str) -> list[TicketEscalated]:
    """The business writes on two days, and both times nobody answers for two hours."""
    step = {"clock": "next_response", "after_hours": 1, "tell": ["supervisor"], "take_over": take_over}
    targets = [{"clock": "first_response", "hours": 8}, {"clock": "next_response", "hours": 1}, {"clock": "resolution", "days": 30}]
    life = Life(context(organisation(policies=[{"key": "p", "targets": targets, "ladder": [step]}])))
    life.officer(Reply("a", "Vâng."), OPENED)
    life.accepted("a", OPENED)
    found: list[TicketEscalated] = []
    for number, day in enumerate(("2025-03-04", "2025-03-05"), 2):
        life.business(local(f"{day} 08:00"), number)
        found += [event for event in life.time(local(f"{day} 11:00")).events if isinstance(event, TicketEscalated)]
        life.officer(Reply(f"b{number}", "Vâng."), local(f"{day} 11:10"), QUAN)
        life.accepted(f"b{number}", local(f"{day} 11:10"))
    return found


def test_each_unanswered_message_is_told_again_but_moves_the_ticket_once_in_a_cycle() -> None:
    first, again = asked_twice("parent_group")
    assert (first.from_group.key, first.ticket.group.key) == ("hon-gai", "quang-ninh")
    assert (again.from_group.key, again.ticket.group.key) == ("quang-ninh", "quang-ninh")
    assert again.because_in is not None
    assert again.because_in.en == "1 working hour after the miss"
    assert keys(again.recipients) == ["sau"]


def test_it_goes_to_the_authority_once_in_a_cycle() -> None:
    first, again = asked_twice("authority")
    assert (first.to_authority, again.to_authority) == ("Bộ Tài chính", None)
    assert (keys(again.recipients), again.step, again.number) == (["sau"], 0, 1)


def test_a_hand_over_missed_in_two_groups_brings_the_ticket_up_once() -> None:
    ladder = [{"clock": "hand_over", "after_hours": 1, "tell": ["lead"], "take_over": "parent_group"}]
    targets = [{"clock": "hand_over", "hours": 2}, {"clock": "resolution", "days": 30}]
    top = {**as_written()["groups"][0], "key": "top", "unit": "general", "lead": "phuc"}
    org = organisation(policies=[{"key": "p", "targets": targets, "ladder": ladder}], groups=[*as_written()["groups"], top])
    life = Life(context(org))
    moved = [event for wall in ("03 14:00", "03 17:00", "04 14:00") for event in life.time(local(f"2025-03-{wall}")).events]
    steps = [event for event in moved if isinstance(event, TicketEscalated)]
    assert [(step.from_group.key, step.ticket.group.key) for step in steps] == [("hon-gai", "quang-ninh"), ("quang-ninh", "quang-ninh")]


# --- what ends the ladder ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["resolved", "asked the business"])
def test_a_resolution_or_a_pause_after_the_miss_cancels_the_takeover(how: str) -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), OPENED + timedelta(hours=1))
    life.accepted("a", OPENED + timedelta(hours=1))
    life.time(local("2025-03-10 18:00"))
    life.officer(Resolve("m", "Xong.") if how == "resolved" else Wait("m", "Hồ sơ nào?"), local("2025-03-11 09:00"))
    life.accepted("m", local("2025-03-11 09:00"))
    assert "ticket_escalated" not in types(life.time(local("2025-03-12 09:00")))
    assert life.ticket.group == "hon-gai"


def test_an_answer_ends_the_ladder_of_the_first_response() -> None:
    steps = [{"clock": "first_response", "after_hours": 1, "take_over": "parent_group"}]
    life = Life(context(organisation(policies=[{"key": "p", "targets": [{"clock": "first_response", "hours": 4}], "ladder": steps}])))
    life.time(local("2025-03-03 14:00"))
    life.officer(Reply("a", "Vâng."), local("2025-03-03 14:30"))
    life.accepted("a", local("2025-03-03 14:30"))
    assert life.time(local("2025-03-20 09:00")).events == ()


# --- quiet hours -------------------------------------------------------------------------------------------------


def groups(key: str, **changed: Any) -> list[dict[str, Any]]:
    return [{**spec, **changed} if spec["key"] == key else spec for spec in as_written()["groups"]]


QUIET: list[tuple[str, str, dict[str, Any], str | None]] = [
    ("Saturday night", "2025-03-08 02:00", {}, "2025-03-10 08:00"),
    ("Friday at the very close", "2025-03-07 17:00", {}, "2025-03-10 08:00"),
    ("at lunch", "2025-03-07 12:30", {}, "2025-03-07 13:00"),
    ("at the opening", "2025-03-10 08:00", {}, None),
    ("at work", "2025-03-07 16:59", {}, None),
    ("on duty 24/24", "2025-03-08 02:00", {"on_duty_always": True}, None),
    ("clocks run at night, people sleep", "2025-03-08 02:00", {"calendar": "border", "duty_calendar": "office"}, "2025-03-10 08:00"),
    ("clocks and people are there at night", "2025-03-08 02:00", {"calendar": "border"}, None),
    ("duty hours beyond those of the clocks", "2025-03-08 02:00", {"duty_calendar": "border"}, None),
]


@pytest.mark.parametrize(("wall", "changed", "expected"), [row[1:] for row in QUIET], ids=[row[0] for row in QUIET])
def test_alarms_are_told_in_duty_hours(wall: str, changed: dict[str, Any], expected: str | None) -> None:
    ctx = context(organisation(groups=groups("hon-gai", **changed)))
    assert tell_at(ctx, ctx.group("hon-gai"), local(wall)) == (local(expected) if expected else None)


def test_a_calendar_that_never_opens_again_lets_alarms_through() -> None:
    gone = {"key": "gone", "timezone": "UTC", "extra": {"2020-01-01": [("08:00", "09:00")]}}
    ctx = context(organisation(groups=groups("hon-gai", duty_calendar="gone"), calendars=[*as_written()["calendars"], gone]))
    assert tell_at(ctx, ctx.group("hon-gai"), local("2025-03-08 02:00")) is None


def in_the_night(**changed: Any) -> Life:
    """Clocks that run around the clock in a group that is there in office hours: due Saturday 02:00."""
    steps = [{"after_hours": 1, "tell": ["lead"]}]
    policies = [{"key": "p", "targets": [{"clock": "resolution", "hours": 4, "warn_percent": [50]}], "ladder": steps}]
    spec = groups("hon-gai", calendar="border", duty_calendar="office", **changed)
    return Life(context(organisation(policies=policies, groups=spec)), request(local("2025-03-07 22:00")))


def alarmed(life: Life, at: datetime) -> list[Any]:
    return [event for event in life.time(at).events if isinstance(event, DeadlineWarned | DeadlineMissed | TicketEscalated)]


def test_a_breach_on_saturday_at_two_is_recorded_at_once_and_told_on_monday_at_eight() -> None:
    life = in_the_night()
    found = [event for wall in ("00:00", "02:00", "03:00") for event in alarmed(life, local(f"2025-03-08 {wall}"))]
    assert types_of(found) == ["deadline_warned", "deadline_missed", "ticket_escalated"]
    assert [event.occurred_at for event in found] == [local(f"2025-03-08 {wall}") for wall in ("00:00", "02:00", "03:00")]
    assert {event.tell_at for event in found} == {local("2025-03-10 08:00")}


def test_a_group_on_duty_around_the_clock_is_told_in_the_night() -> None:
    life = in_the_night(on_duty_always=True)
    assert {event.tell_at for event in alarmed(life, local("2025-03-08 03:00"))} == {None}


def test_a_step_is_told_in_the_hours_of_the_group_that_has_it_now() -> None:
    life = Life()
    life.officer(Reply("a", "Vâng."), OPENED + timedelta(hours=1))
    life.accepted("a", OPENED + timedelta(hours=1))
    life.ctx = context(organisation(groups=groups("quang-ninh", on_duty_always=True)))
    told_late = alarmed(life, local("2025-03-15 02:00"))
    assert [(type(event), event.tell_at) for event in told_late if event.recipients and event.ticket.group.key == "quang-ninh"] == [
        (TicketEscalated, None),
        (TicketEscalated, None),
    ]
    assert [event.tell_at for event in told_late if isinstance(event, DeadlineMissed) and event.clock == "resolution"] == [
        local("2025-03-17 08:00")
    ]


def taken_over_on_sunday() -> list[Any]:
    """The border gate is on duty day and night; the department that takes over is not."""
    department = {**as_written()["groups"][0], "key": "ha-tinh", "unit": "ha-tinh", "lead": "tong"}
    officers = [{**spec, "groups": ["ha-tinh"]} if spec["key"] == "tong" else spec for spec in as_written()["officers"]]
    org = organisation(groups=[*as_written()["groups"], department], officers=officers)
    return alarmed(Life(context(org), request(local("2025-03-07 20:00"), unit="cau-treo")), local("2025-03-09 23:00"))


def test_a_takeover_from_a_group_at_work_is_told_at_once_though_the_group_above_is_not() -> None:
    (step,) = [event for event in taken_over_on_sunday() if isinstance(event, TicketEscalated)]
    assert (step.ticket.group.key, step.tell_at) == ("ha-tinh", None)
    assert step.told_as["cam"] == "relieved_lead"


@pytest.mark.parametrize(("duty", "expected"), [("early", "2025-03-15 06:00"), ("late", "2025-03-17 08:00")])
def test_of_two_groups_that_are_both_closed_the_one_that_opens_first_decides(duty: str, expected: str) -> None:
    early = {"key": "early", "timezone": "Asia/Ho_Chi_Minh", "week": {"sat": [("06:00", "10:00")]}}
    late = {"key": "late", "timezone": "Asia/Ho_Chi_Minh", "week": {"tue": [("06:00", "10:00")]}}
    spec = groups("quang-ninh", duty_calendar=duty)
    life = Life()
    life.officer(Reply("a", "Vâng."), OPENED + timedelta(hours=1))
    life.accepted("a", OPENED + timedelta(hours=1))
    life.ctx = context(organisation(groups=spec, calendars=[*as_written()["calendars"], early, late]))
    steps = [event for event in alarmed(life, local("2025-03-15 02:00")) if isinstance(event, TicketEscalated)]
    assert steps[0].tell_at == local(expected)


def test_a_warning_says_when_it_was_reached_however_late_it_is_seen() -> None:
    warned = next(event for event in Life().time(local("2025-03-03 13:30")).events if isinstance(event, DeadlineWarned))
    assert (warned.reached_at, warned.occurred_at) == (local("2025-03-03 12:00"), local("2025-03-03 13:30"))


def types_of(events: list[Any]) -> list[str]:
    return [event.type for event in events]


# --- who is told, and as what ------------------------------------------------------------------------------------


def escalated(org: Organisation | None = None) -> list[TicketEscalated]:
    life = Life(context(org or organisation()))
    life.officer(Reply("a", "Vâng."), OPENED + timedelta(hours=1))
    life.accepted("a", OPENED + timedelta(hours=1))
    found = [event for wall in ("2025-03-10 17:00", "2025-03-11 12:00", "2025-03-11 17:00") for event in life.time(local(wall)).events]
    return [event for event in found if isinstance(event, TicketEscalated)]


def test_each_is_told_in_which_capacity_and_in_both_languages_what_happened() -> None:
    taken_over, last = escalated()
    assert taken_over.told_as == {"quang": "lead", "sau": "supervisor", "hong": "relieved_lead"}
    assert last.told_as == {"sau": "supervisor", "competent-authority": "authority"}
    assert taken_over.because_in is not None
    assert taken_over.because_in.vi == "Quá hạn 4 giờ làm việc; Quảng Ninh tiếp nhận"
    assert last.because_in is not None
    assert last.because_in.en == "1 working day after the miss; it goes to Ministry of Finance"
    assert last.authority is not None
    assert (last.authority.vi, last.number, last.steps) == ("Bộ Tài chính", 4, 4)


def test_an_authority_without_an_address_is_reached_by_the_supervisor_who_is_asked_to() -> None:
    nowhere = {"name": {"vi": "Bộ Tài chính", "en": "Ministry of Finance"}}
    last = escalated(organisation(competent_authority=nowhere))[-1]
    assert (keys(last.recipients), last.told_as) == (["sau"], {"sau": "authority_unreachable"})


def test_a_substitute_is_told_in_the_place_of_whoever_is_away() -> None:
    org = with_officers(
        officer("sau", supervises=["quang-ninh"], substitute="hung", on_duty=False), officer("hung", "hon-gai", substitute="tong")
    )
    assert escalated(org)[0].told_as == {"quang": "lead", "hung": "supervisor", "hong": "relieved_lead"}


def test_where_no_mail_would_reach_anybody_those_above_are_told_too() -> None:
    org = with_officers(officer("hong", "hon-gai", email=None))
    group = org.group("hon-gai")
    assert group is not None
    assert keys(told(("lead",), org, group, None)) == ["hong", "sau", "phuc"]
    with_mailbox = group.model_copy(update={"mailbox": "hon-gai@customs.example"})
    assert keys(told(("lead",), org, with_mailbox, None)) == ["hong"]
    assert told((), org, group, None) == ()


TOLD: list[tuple[str, dict[str, Any], list[str]]] = [
    ("nobody named, the group above", {"after_hours": 4, "take_over": "parent_group"}, ["quang"]),
    ("nobody named, the authority", {"after_hours": 4, "take_over": "authority"}, ["competent-authority"]),
    ("nobody named and nothing moves", {"after_hours": 4}, []),
    ("it comes too late to announce the miss", {"percent": 50, "take_over": "parent_group", "tell": ["lead"]}, ["quang", "hong"]),
    ("it comes too late and nothing moves", {"percent": 50, "tell": ["lead"]}, []),
]


@pytest.mark.parametrize(("step", "expected"), [row[1:] for row in TOLD], ids=[row[0] for row in TOLD])
def test_whoever_takes_over_is_told_in_any_case(step: dict[str, Any], expected: list[str]) -> None:
    resolution = {"clock": "resolution", "hours": 8, "warn_percent": []}
    life = Life(context(organisation(policies=[{"key": "p", "targets": [resolution], "ladder": [step]}])))
    (taken,) = [event for event in life.time(local("2025-03-05 09:00")).events if isinstance(event, TicketEscalated)]
    assert keys(taken.recipients) == expected


officers = st.fixed_dictionaries(
    {
        "on_duty": st.booleans(),
        "substitute": st.sampled_from([None, "a", "b", "c", "d"]),
        "email": st.sampled_from([None, "x@customs.example"]),
    }
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(officers, min_size=4, max_size=4),
    st.lists(st.sampled_from(["officer", "lead", "supervisor", "authority"]), min_size=1, unique=True),
    st.sampled_from([None, "a", "b"]),
    st.booleans(),
)
def test_whoever_is_away_and_whoever_stands_in_for_whom_somebody_is_always_told(
    specs: list[dict[str, Any]], words: list[Any], having: str | None, authority_has_mail: bool
) -> None:
    people = [officer(key, "hon-gai", **spec) for key, spec in zip("abcd", specs, strict=True)]
    people[3]["supervises"] = ["quang-ninh"]
    authority = {"name": {"vi": "Bộ", "en": "Ministry"}, **({"email": "mof@gov.example"} if authority_has_mail else {})}
    org = with_officers(*people, groups=groups("hon-gai", lead="c"), competent_authority=authority)
    group = org.group("hon-gai")
    assert group is not None
    found = told_as(words, org, group, having)
    assert found
    assert any(person.email for _, person in found)
    present = {spec.key for spec in org.officers if spec.on_duty}
    away = {person.key for _, person in found} - present - {"competent-authority"}
    assert away <= {"c", "phuc"}, "of those away only a lead is told"


def test_two_tickers_that_see_the_same_step_give_it_the_same_id() -> None:
    life = in_the_night()
    one = time_passing(life.ticket, life.ctx, local("2025-03-08 03:00")).events
    two = time_passing(life.ticket, life.ctx, local("2025-03-08 03:05")).events
    assert [event.id for event in one] == [event.id for event in two]
