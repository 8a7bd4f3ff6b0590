"""What a newer revision leaves in the records: event ids, revisions, eras, and the misses of a revision that was itself replaced."""

from datetime import timedelta

from schemas.tickets import DeadlinesMoved
from services.routing.domain.clocks import Clock
from services.routing.domain.decide import Decision, brought_up, business_message, open_ticket, time_passing
from tests.support.happenings import message, request, types
from tests.support.organisations import local, organisation
from tests.unit.routing.test_retiming import HAND_OVER, ORIGINAL, TUESDAY, clock, editions, office, opened, revised, targets

TEN, ELEVEN = local("2025-03-03 10:00"), local("2025-03-03 11:00")
LONGER = targets({"clock": "resolution", "days": 6})


def moved_event(decision: Decision) -> DeadlinesMoved:
    (event,) = [event for event in decision.events if isinstance(event, DeadlinesMoved)]
    return event


def test_the_event_has_one_id_whoever_brings_the_ticket_up_and_another_for_another_ticket() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 10:00", revised(office(closed=[TUESDAY]))))
    by_retimer = moved_event(brought_up(opened(first), second, ELEVEN))
    by_business = moved_event(business_message(opened(first), message(ELEVEN), second, ELEVEN))
    assert by_retimer.id == by_business.id
    other = open_ticket(request(local("2025-03-03 09:00"), ticket_id="0195f3a0-0000-7000-8000-000000000002"), first, {}, TEN).ticket
    assert moved_event(brought_up(other, second, ELEVEN)).id != by_retimer.id


def test_another_target_on_the_same_calendar_is_measured_from_the_start_and_known_by_its_revision() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 10:00", revised(LONGER)))
    resolution = clock(brought_up(opened(first), second, ELEVEN).ticket, "resolution")
    assert (resolution.revision, resolution.eras, resolution.due_at) == (2, (), local("2025-03-11 17:00"))


def test_so_it_is_on_a_calendar_that_is_not_the_focal_points() -> None:
    def shorter(written: dict[str, object]) -> None:
        written["policies"][0].update(targets=[{"clock": "resolution", "hours": 12}])  # type: ignore[index]

    first, second = editions(ORIGINAL, ("2025-03-03 10:00", revised(shorter)))
    ticket = open_ticket(request(local("2025-03-03 09:00"), unit="cau-treo"), first, {}, local("2025-03-03 09:00")).ticket
    resolution = clock(brought_up(ticket, second, ELEVEN).ticket, "resolution")
    assert (resolution.calendar, resolution.eras, resolution.due_at) == ("border", (), local("2025-03-03 21:00"))


def test_a_deadline_of_a_revision_that_was_replaced_itself_is_missed_if_it_passed_in_its_time() -> None:
    hurried = organisation(
        policies=[
            {"key": "hurried", "units": ["hon-gai"], "targets": [{"clock": "first_response", "hours": 2}]},
            *revised().model_dump(mode="json", exclude_none=True)["policies"],
        ]
    )
    one, _, three = editions(ORIGINAL, ("2025-03-03 10:00", hurried), ("2025-03-03 13:30", organisation()))
    decision = brought_up(opened(one), three, local("2025-03-03 13:45"))
    assert "deadline_missed" in types(decision)
    assert clock(decision.ticket, "first_response").missed_at == ELEVEN


def test_what_is_spent_on_the_old_calendar_reaches_to_a_miss_seen_after_the_new_one_was_loaded() -> None:
    first, second = editions(ORIGINAL, ("2025-03-03 11:00", revised(office(closed=[TUESDAY]), targets(HAND_OVER))))
    missed = time_passing(opened(first), first, local("2025-03-03 14:30")).ticket
    late: Clock = clock(brought_up(missed, second, local("2025-03-03 15:00")).ticket, "first_response")
    (era,) = late.eras
    assert (era.until, era.worked) == (local("2025-03-03 14:00"), timedelta(hours=4))
