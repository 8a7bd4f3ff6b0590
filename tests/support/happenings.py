"""Events and steps in a ticket's life, as short as a test needs them."""

from datetime import datetime, timedelta
from typing import Any

from schemas.notifications import NotificationDelivered, NotificationFailed
from schemas.requests import MessageReceived, RequestReceived
from schemas.tickets import TicketEventBase
from schemas.values import Business, ClockKind, Contact, TicketStatus
from services.routing.domain.clocks import Clock
from services.routing.domain.commands import Actor, Claim, Command, Refer, Reject, Resolve, Wait
from services.routing.domain.context import Context
from services.routing.domain.decide import Decision, business_message, decide, delivery, open_ticket, time_passing
from services.routing.domain.ticket import Ticket
from tests.support.organisations import context, local

TICKET = "0195f3a0-0000-7000-8000-000000000001"
MONDAY_NINE = local("2025-03-03 09:00")
OPENED = MONDAY_NINE
HAI, HUNG, HONG = Actor("hai", "Hai"), Actor("hung", "Hung"), Actor("hong", "Hong")
"""Two officers of the group that `opened` tickets are in, and its lead."""


def request(received_at: datetime = OPENED, ticket_id: str = TICKET, **changed: Any) -> RequestReceived:
    fields: dict[str, Any] = {
        "id": f"request-of-{ticket_id}",
        "source": "helpdesk/intake",
        "occurred_at": received_at,
        "ticket_id": ticket_id,
        "sequence": 1,
        "reference": "HQ-7K3M-9",
        "channel": "form",
        "topic": "valuation",
        "unit": "hon-gai",
        "subject": "Trị giá lô hàng",
        "text": "Chúng tôi không rõ cách tính trị giá.",
        "language": "vi",
        "business": Business(name="Công ty An Bình", tax_code="0100109106"),
        "contact": Contact(name="Lan", email="lan@anbinh.example"),
        "message_id": f"{ticket_id}-first",
        "received_at": received_at,
    }
    return RequestReceived.model_validate({**fields, **changed})


def message(at: datetime, number: int = 2, **changed: Any) -> MessageReceived:
    fields: dict[str, Any] = {
        "id": f"heard-{number}",
        "source": "helpdesk/intake",
        "occurred_at": at,
        "ticket_id": TICKET,
        "sequence": number,
        "message_id": f"said-{number}",
        "channel": "email",
        "text": "Xin bổ sung hồ sơ.",
        "received_at": at,
    }
    return MessageReceived.model_validate({**fields, **changed})


def delivered(message_id: str | None, accepted_at: datetime, **changed: Any) -> NotificationDelivered:
    return NotificationDelivered.model_validate({**_about(message_id, accepted_at), "accepted_at": accepted_at, "attempts": 1, **changed})


def failed(message_id: str | None, at: datetime, **changed: Any) -> NotificationFailed:
    return NotificationFailed.model_validate({**_about(message_id, at), "reason": "mailbox unknown", "attempts": 5, **changed})


def _about(message_id: str | None, at: datetime) -> dict[str, Any]:
    return {
        "id": f"delivery-of-{message_id}",
        "source": "helpdesk/notifier",
        "occurred_at": at,
        "ticket_id": TICKET,
        "delivery_id": f"to-{message_id}",
        "event_id": f"event-of-{message_id}",
        "message_id": message_id,
        "audience": "business",
        "template": "answer",
        "channel": "email",
    }


class Life:
    """A ticket and everything that happened to it; each step checks what must hold after every step."""

    def __init__(self, ctx: Context | None = None, opening: RequestReceived | None = None) -> None:
        self.ctx = ctx or context()
        opening = opening or request()
        first = open_ticket(opening, self.ctx, {}, opening.received_at)
        self.ticket: Ticket = first.ticket
        self.events: list[TicketEventBase] = list(first.events)

    def officer(self, command: Command, at: datetime, actor: Actor = HAI) -> Decision:
        return self._step(decide(self.ticket, command, actor, self.ctx, at))

    def business(self, at: datetime, number: int = 2, *, read_at: datetime | None = None, automatic: str | None = None) -> Decision:
        return self._step(business_message(self.ticket, message(at, number, automatic=automatic), self.ctx, read_at or at))

    def accepted(self, message_id: str | None, at: datetime, **changed: Any) -> Decision:
        return self._step(delivery(self.ticket, delivered(message_id, at, **changed), self.ctx, at + timedelta(seconds=1)))

    def bounced(self, message_id: str | None, at: datetime, **changed: Any) -> Decision:
        return self._step(delivery(self.ticket, failed(message_id, at, **changed), self.ctx, at))

    def time(self, at: datetime) -> Decision:
        return self._step(time_passing(self.ticket, self.ctx, at))

    def clock(self, kind: ClockKind, cycle: int | None = None) -> Clock:
        """The latest clock of the kind; of this cycle, if given."""
        return [clock for clock in self.ticket.clocks if clock.kind == kind and cycle in {None, clock.cycle}][-1]

    def _step(self, decision: Decision) -> Decision:
        expected = list(range(self.ticket.version + 1, self.ticket.version + 1 + len(decision.events)))
        assert [event.sequence for event in decision.events] == expected
        assert decision.ticket.version == self.ticket.version + len(decision.events)
        if decision.events:
            assert decision.events[-1].ticket.version == decision.ticket.version
        self.events += decision.events
        instants = [event.occurred_at for event in self.events]
        assert instants == sorted(instants)
        assert len({event.id for event in self.events}) == len(self.events)
        self.ticket = decision.ticket
        return decision


WAYS: dict[TicketStatus, tuple[Command, ...]] = {
    "new": (),
    "open": (Claim(),),
    "waiting": (Wait("q", "Hồ sơ nào?"),),
    "referred": (Refer("Bộ Công Thương", "Thuộc thẩm quyền khác"),),
    "resolved": (Resolve("r", "Đã giải quyết."),),
    "rejected": (Reject("r", "Không thuộc phạm vi", "Điều 5"),),
}


def life_in(status: TicketStatus) -> Life:
    """A ticket opened Monday 09:00 that came into the status at 10:00."""
    life = Life()
    for command in WAYS.get(status, WAYS["resolved"]):
        life.officer(command, OPENED + timedelta(hours=1))
    if status == "closed":
        life.time(OPENED + timedelta(days=15))
    assert life.ticket.status == status
    return life


def types(decision: Decision) -> list[str]:
    return [event.type for event in decision.events]


def keys(people: Any) -> list[str]:
    return [person.key for person in people]
