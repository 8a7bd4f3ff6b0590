"""A ticket nobody touches: warned, missed, taken over and carried up to the competent authority, each told to the right people once."""

from datetime import timedelta
from typing import Any

from schemas.tickets import DeadlineMissed, DeadlineWarned, TicketEscalated, ticket_events
from tests.support.installation import Accepted, Installation
from tests.support.mail_sink import Mail
from tests.support.waiting import wait_until

AUTHORITY = "tiepnhan@finance.example"
SUPERVISOR = "trung@customs.example"
GATE_LEAD, DEPARTMENT_LEAD = "cuong@customs.example", "ky@customs.example"


async def events(installation: Installation, asked: Accepted) -> list[Any]:
    """What routing journalled about the ticket, in order."""
    rows = await installation.database("routing")["journal"].find({"stream": asked.ticket_id}).sort("seq").to_list()
    return [ticket_events.validate_json(row["body"]) for row in rows]


def told(mails: list[Mail], words: str) -> set[str]:
    return {mail.recipient for mail in mails if words in mail.subject}


async def test_a_ticket_nobody_touches_climbs_the_ladder_and_each_step_is_told_once(installation: Installation) -> None:
    asked = await installation.ask(unit="cau-treo", topic="procedure", email="lao@doanhnghiep.example")
    await wait_until(lambda: any(mail.recipient == AUTHORITY for mail in installation.sink.about(asked.reference)), "the authority is told")
    happened = await events(installation, asked)
    mails = installation.sink.about(asked.reference)

    # The officer the automatic group chose, and the people above, by name.
    officer = happened[0].ticket.officer.email
    assert officer in {"cuong@customs.example", "linh@customs.example", "nam@customs.example"}
    opened_at = happened[0].ticket.opened_at
    misses = {event.clock: event for event in happened if isinstance(event, DeadlineMissed)}
    assert {clock: miss.due_at - opened_at for clock, miss in misses.items()} == {
        "first_response": timedelta(seconds=4),
        "resolution": timedelta(seconds=8),
    }
    assert all(miss.late_by < timedelta(seconds=5) for miss in misses.values())
    steps = [event for event in happened if isinstance(event, TicketEscalated)]
    assert [(event.step, event.due_at - opened_at, event.ticket.group.key) for event in steps] == [
        (2, timedelta(seconds=12), "ha-tinh"),
        (3, timedelta(seconds=16), "ha-tinh"),
    ]
    assert [event.clock for event in happened if isinstance(event, DeadlineWarned)] == ["first_response", "resolution"]

    assert told(mails, "Sắp đến hạn") == {officer, GATE_LEAD}
    assert told(mails, "Quá hạn") == {GATE_LEAD, SUPERVISOR}
    assert told(mails, "Chuyển lên cấp trên") == {GATE_LEAD, DEPARTMENT_LEAD, SUPERVISOR, AUTHORITY}
    assert len(mails) == len({mail.message_id for mail in mails})
    row = await installation.ticket(asked)
    assert row is not None
    assert row["group"] == "ha-tinh"

    report = await installation.officer("trung").get("reports/on-time", clock="resolution")
    assert sum(figure["overdue"] for figure in report["rows"]) == 1
