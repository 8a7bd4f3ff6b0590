"""What is not sent: to addresses that came back for good, and acknowledgements without end."""

from datetime import timedelta
from typing import Any

import pytest

from kit.journal import Journal
from kit.log import get_logger
from kit.mail_tokens import returned_delivery
from schemas import topics
from schemas.notifications import NotificationFailed
from schemas.requests import DeliveryBounced
from schemas.tickets import AnswerGiven, BusinessReplied, DeadlineMissed, DeadlineWarned, TicketAssigned, TicketOpened
from schemas.values import Channel, Contact, Deadline, LocalText, RefusedFiles
from services.notifier.handlers import Handlers
from services.notifier.limits import Limits
from services.notifier.preferences import OFF, Preferences
from services.notifier.reported import Reported
from services.notifier.return_path import ReturnPaths
from services.notifier.screening import Screening
from services.notifier.suppressions import Suppressions
from tests.component.notifier.conftest import Office, answer, settle
from tests.unit.notifier.examples import ANNA, AT, MINH, event, message, ticket

LAN = "lan@halong.example"


def ticket_id(number: int) -> str:
    return f"01935b8e-7c00-7000-8000-{number:012d}"


def opened(number: int, *, email: str = LAN, channel: Channel = "email") -> TicketOpened:
    one = ticket(contact=Contact(email=email), channel=channel, officer=None)
    made = event(TicketOpened, id=ticket_id(1000 + number), ticket_id=ticket_id(number), ticket=one, recipients=())
    assert isinstance(made, TicketOpened)
    return made


async def states(office: Office, **query: object) -> list[str]:
    rows = await office.rows(template="acknowledgement", **query)
    return sorted(row["state"] for row in rows)


async def test_five_acknowledgements_a_day_go_to_one_address_and_the_sixth_is_dropped_silently(office: Office) -> None:
    for number in range(7):
        await office.plan(opened(number, email=LAN.upper() if number % 2 else LAN))
    assert await states(office) == ["dropped"] * 2 + ["pending"] * 5
    assert await office.ended() == []
    await office.plan(opened(50, email="mai@other.example"))
    assert await states(office, address="mai@other.example") == ["pending"]


async def test_within_one_batch_they_are_counted_as_well(office: Office) -> None:
    await office.plan(*(opened(number) for number in range(7)))
    assert (await states(office)).count("dropped") == 2


async def test_after_a_day_the_address_gets_acknowledgements_again(office: Office) -> None:
    await office.plan(*(opened(number) for number in range(6)))
    await office.database["acknowledged"].update_many({}, {"$set": {"at": office.mongo.now() - timedelta(hours=24, seconds=1)}})
    await office.plan(opened(10))
    assert await states(office, ticket_id=ticket_id(10)) == ["pending"]


async def test_who_did_not_write_a_mail_is_told_each_time(office: Office) -> None:
    await office.plan(*(opened(number, channel="form") for number in range(7)))
    assert await states(office) == ["pending"] * 7


def without_its_file(sequence: int) -> BusinessReplied:
    """A mail on a request by the form."""
    because = LocalText(vi="Tệp “a.pdf” không có nội dung.", en="The file “a.pdf” is empty.")
    said = message(author_role="business", channel="email", refused=RefusedFiles(because=(because,)))
    fields = {"id": ticket_id(1000 + sequence), "ticket_id": ticket_id(1), "sequence": sequence}
    made = event(BusinessReplied, **fields, ticket=ticket(contact=Contact(email=LAN)), recipients=(), message=said)
    assert isinstance(made, BusinessReplied)
    return made


async def test_a_machine_that_mails_the_same_bad_file_again_and_again_is_told_five_times_a_day(office: Office) -> None:
    for sequence in range(2, 9):
        await office.plan(without_its_file(sequence))
    assert await states(office) == ["dropped"] * 2 + ["pending"] * 5


async def test_answers_of_officers_are_never_held_back(office: Office) -> None:
    await office.plan(*(opened(number) for number in range(6)))
    await office.plan(*(answer(ticket_id(number), 2) for number in range(6)))
    assert {row["state"] for row in await office.rows(template="answer")} == {"pending"}


async def test_the_breaker_stops_acknowledgements_to_everybody_for_the_rest_of_the_minute(office: Office) -> None:
    handlers = strict(office, per_minute=3)
    await handlers.on_tickets([opened(number, email=f"a{number}@x.example") for number in range(5)])
    assert await states(office) == ["dropped"] * 2 + ["pending"] * 3
    await office.database["acknowledged"].update_many({}, {"$set": {"at": office.mongo.now() - timedelta(seconds=61)}})
    await handlers.on_tickets([opened(9, email="a9@x.example")])
    assert await states(office, ticket_id=ticket_id(9)) == ["pending"]


def strict(office: Office, *, per_minute: int) -> Handlers:
    return office.telling(
        Screening(Suppressions(office.database), Limits(office.database, per_minute=per_minute), Preferences(office.database))
    )


# Bounces


def reported(office: Office) -> Reported:
    journal = Journal(office.database, topics.NOTIFICATIONS)
    return Reported(office.mongo, office.database, journal, Suppressions(office.database), get_logger("test"))


async def sent(office: Office, number: int = 1) -> str:
    """The id of an answer to Lan that was accepted."""
    await office.plan(answer(ticket_id(number), 1))
    await settle(await office.alone(), steps=2)
    (row,) = await office.rows(ticket_id=ticket_id(number))
    assert row["state"] == "delivered"
    return str(row["_id"])


def bounce(delivery_id: str, number: int = 1, **changed: object) -> DeliveryBounced:
    fields: dict[str, object] = {
        "id": f"bounce-{delivery_id}-{changed}",
        "source": "helpdesk/intake",
        "occurred_at": AT,
        "ticket_id": ticket_id(number),
        "delivery": delivery_id.replace("-", "")[:12],
        "action": "failed",
        "hard": True,
        "status": "5.1.1",
        "diagnostic": "550 5.1.1 User unknown",
        "recipient": LAN,
        "proven": True,
        "received_at": AT,
    }
    return DeliveryBounced.model_validate(fields | changed)


async def test_a_hard_bounce_is_a_failed_delivery_and_the_next_mail_there_fails_at_once_until_it_is_lifted(office: Office) -> None:
    delivery_id = await sent(office)
    await reported(office).on_requests([bounce(delivery_id)])
    last = (await office.ended())[-1]
    assert isinstance(last, NotificationFailed)
    assert (last.delivery_id, last.sequence, last.bounced, last.message_id) == (delivery_id, 2, "hard", "m-1")
    assert last.reason == "bounced (hard): 550 5.1.1 User unknown"
    assert (last.address, last.suppressed) == (LAN, True)
    suppressions = Suppressions(office.database)
    assert [row["_id"] for row in await suppressions.listed()] == [LAN]

    await office.plan(answer(ticket_id(2), 1))
    (row,) = await office.rows(ticket_id=ticket_id(2))
    assert (row["state"], row["reason"]) == ("failed", "suppressed: 550 5.1.1 User unknown")
    at_once = (await office.ended())[-1]
    assert isinstance(at_once, NotificationFailed)
    assert (at_once.address, at_once.bounced, at_once.suppressed) == (LAN, None, True)
    assert len(office.box.seen) == 1

    assert await suppressions.lift(LAN.upper(), office.mongo.now())
    assert await suppressions.listed() == []
    assert not await suppressions.lift(LAN, office.mongo.now())
    await sent(office, 3)


@pytest.mark.parametrize(
    "named", [{"recipient": "ke-toan@anbinh.example"}, {"recipient": None}, {"recipient": "x", "original_recipient": "y"}]
)
async def test_a_hard_bounce_that_is_about_another_address_suppresses_nobody_and_the_officer_sees_which(
    office: Office, named: dict[str, Any]
) -> None:
    """A list that passes mail on, or somebody who read the return path in the mail."""
    await reported(office).on_requests([bounce(await sent(office), **named)])
    assert await Suppressions(office.database).listed() == []
    last = (await office.ended())[-1]
    assert isinstance(last, NotificationFailed)
    about = named["recipient"] or "an address it does not name"
    assert last.reason == f"bounced (soft): the report is about {about}: 550 5.1.1 User unknown"
    assert (last.address, last.bounced, last.suppressed) == (LAN, "soft", False)
    (row,) = await office.rows()
    assert (row["state"], row["returned"]["hard"]) == ("failed", True)
    await sent(office, 2)


@pytest.mark.parametrize(
    "named",
    [
        {"recipient": f" {LAN.upper()} "},
        {"recipient": "ke-toan@anbinh.example", "original_recipient": LAN},
    ],
)
async def test_the_address_that_was_written_to_is_known_in_any_case_and_behind_the_one_it_was_passed_on_to(
    office: Office, named: dict[str, Any]
) -> None:
    await reported(office).on_requests([bounce(await sent(office), **named)])
    assert [row["_id"] for row in await Suppressions(office.database).listed()] == [LAN]


@pytest.mark.parametrize("recipient", ["lan@ví-dụ.vn", "LAN@XN--V-D-RMA6749A.VN"])
async def test_the_address_that_was_written_to_is_known_in_both_spellings_of_its_domain(office: Office, recipient: str) -> None:
    delivery_id = await sent(office)
    await office.database["deliveries"].update_one({"_id": delivery_id}, {"$set": {"address": "lan@ví-dụ.vn"}})
    await reported(office).on_requests([bounce(delivery_id, recipient=recipient)])
    assert len(await Suppressions(office.database).listed()) == 1


async def test_a_digest_that_came_back_is_a_failed_delivery_and_its_readers_address_is_suppressed(office: Office) -> None:
    due = office.mongo.now() - timedelta(hours=1)
    for number in (1, 2):
        missed = Deadline(kind="resolution", cycle=1, state="running", due_at=due, missed_at=due)
        about = {"ticket_id": ticket_id(number), "sequence": 2, "due_at": due, "recipients": (MINH,), "ticket": ticket(deadlines=(missed,))}
        await office.plan(event(DeadlineMissed, id=ticket_id(100 + number), **about))
    await office.database["deliveries"].update_many({"state": "gathering"}, {"$set": {"next_at": due}})
    await office.gather()
    await settle(await office.alone())
    (digest,) = await office.rows(template="digest")
    assert (digest["state"], digest["ticket_id"]) in {("delivered", ticket_id(1)), ("delivered", ticket_id(2))}
    paths = ReturnPaths("h@customs.example", "b@customs.example", "a-secret-of-this-installation")
    named = returned_delivery(["a-secret-of-this-installation"], [paths.of(digest)])
    assert named is not None
    assert not named.alone
    ended = len(await office.ended())

    report = bounce(digest["_id"], recipient=MINH.email).model_copy(update={"ticket_id": named.ticket_id, "delivery": named.delivery})
    await reported(office).on_requests([report])
    (digest,) = await office.rows(template="digest")
    assert (digest["state"], digest["reason"]) == ("failed", "bounced (hard): 550 5.1.1 User unknown")
    assert digest["returned"]["hard"]
    (held,) = await Suppressions(office.database).listed()
    assert (held["_id"], held["officer"], held["reference"]) == (MINH.email, MINH.key, "digest")
    assert len(await office.ended()) == ended, "its parts were told when it was accepted"


async def test_an_address_that_came_back_again_after_it_was_lifted_is_suppressed_again(office: Office) -> None:
    suppressions = Suppressions(office.database)
    for number in (1, 2):
        await reported(office).on_requests([bounce(await sent(office, number), number, diagnostic=f"550 {number}")])
        (row,) = await suppressions.listed()
        assert row["reason"] == f"550 {number}"
        await suppressions.lift(LAN, office.mongo.now())


async def test_a_soft_bounce_fails_the_delivery_and_suppresses_nothing(office: Office) -> None:
    await reported(office).on_requests([bounce(await sent(office), hard=False, status="5.2.2", diagnostic="mailbox full")])
    last = (await office.ended())[-1]
    assert isinstance(last, NotificationFailed)
    assert (last.bounced, last.reason, last.suppressed) == ("soft", "bounced (soft): mailbox full", False)
    assert await Suppressions(office.database).listed() == []


@pytest.mark.parametrize("action", ["delayed", "complained"])
async def test_a_delay_and_a_complaint_are_noted_and_nobody_is_told(office: Office, action: str) -> None:
    await reported(office).on_requests([bounce(await sent(office), action=action, hard=False)])
    (row,) = await office.rows()
    assert (row["state"], row["returned"]["action"]) == ("delivered", action)
    assert len(await office.ended()) == 1
    assert await Suppressions(office.database).listed() == []


async def test_a_delay_that_ends_in_a_bounce_is_a_bounce_and_a_second_bounce_is_nothing(office: Office) -> None:
    delivery_id = await sent(office)
    for changes in ({"action": "delayed", "hard": False}, {}, {"id": "another"}, {}):
        await reported(office).on_requests([bounce(delivery_id, **changes)])
    assert [end.type for end in await office.ended()] == ["notification_delivered", "notification_failed"]


async def test_a_report_that_only_knows_the_mails_id_suppresses_nothing(office: Office) -> None:
    """Everybody who got a copy of an answer to it knows that id."""
    await reported(office).on_requests([bounce(await sent(office), proven=False)])
    (row,) = await office.rows()
    assert (row["state"], await Suppressions(office.database).listed()) == ("failed", [])
    last = (await office.ended())[-1]
    assert isinstance(last, NotificationFailed)
    assert (last.bounced, last.suppressed) == ("hard", False)


async def test_a_report_without_proof_about_another_address_changes_nothing(office: Office) -> None:
    await reported(office).on_requests([bounce(await sent(office), proven=False, recipient="whoever@nowhere.example")])
    (row,) = await office.rows()
    assert row["state"] == "delivered"


async def test_a_report_about_no_delivery_of_ours_changes_nothing(office: Office) -> None:
    delivery_id = await sent(office)
    await reported(office).on_requests([bounce("0" * 12), bounce(delivery_id, 2), opened(1)])
    assert len(await office.ended()) == 1
    assert await Suppressions(office.database).listed() == []


async def test_a_mail_that_is_still_being_tried_is_left_to_its_tries(office: Office) -> None:
    await office.plan(answer(ticket_id(1), 1))
    (row,) = await office.rows()
    await reported(office).on_requests([bounce(row["_id"])])
    (row,) = await office.rows()
    assert (row["state"], row["returned"]["hard"]) == ("pending", True)
    assert await office.ended() == []


def test_the_example_is_an_answer_to_lan() -> None:
    given = event(AnswerGiven)
    assert given.ticket.contact.email == LAN


async def test_a_notice_is_dropped_for_whoever_turned_it_off_and_for_nobody_else_until_it_is_on_again(office: Office) -> None:
    preferences, now = Preferences(office.database), office.mongo.now()
    assert await preferences.turn(MINH.key, "warnings", on=False, by="link", at=now)
    assert not await preferences.turn(MINH.key, "warnings", on=False, by="link", at=now)
    both = {"ticket_id": ticket_id(1), "recipients": (MINH, ANNA)}
    await office.plan(
        event(DeadlineWarned, id=ticket_id(101), sequence=2, **both), event(DeadlineMissed, id=ticket_id(102), sequence=3, **both)
    )
    found = {(row["template"], row["recipient"]): (row["state"], row.get("reason")) for row in await office.rows()}
    assert found.pop(("deadline_warned", MINH.key)) == ("dropped", OFF)
    assert {state for state, _ in found.values()} <= {"pending", "gathering"}
    assert len(found) == 3
    assert await office.ended() == []
    assert [row["officer"] for row in await preferences.listed()] == [MINH.key]
    assert await preferences.turn(MINH.key, "warnings", on=True, by="link", at=now)
    await office.plan(event(DeadlineWarned, id=ticket_id(103), ticket_id=ticket_id(1), sequence=4, recipients=(MINH,)))
    assert [row["state"] for row in await office.rows(event_id=ticket_id(103))] != ["dropped"]
    assert await preferences.listed() == []


async def test_a_request_given_to_an_officer_is_told_whatever_they_turned_off(office: Office) -> None:
    preferences, now = Preferences(office.database), office.mongo.now()
    for officer in (MINH.key, ANNA.key):
        await preferences.turn(officer, "new_requests", on=False, by="cli", at=now)
    given = event(
        TicketAssigned, id=ticket_id(101), ticket_id=ticket_id(1), by="system", ticket=ticket(officer=MINH), recipients=(MINH, ANNA)
    )
    await office.plan(given)
    assert {row["recipient"]: row["state"] for row in await office.rows()} == {MINH.key: "pending", ANNA.key: "dropped"}
