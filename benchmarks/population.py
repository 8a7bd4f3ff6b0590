"""Many open tickets at once: a few are opened by the real code, the others are copies of them under ids of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from helpdesk.demo import ORGANISATION
from helpdesk.organisation import read
from kit.ids import new_id, slot_of
from kit.mongo import Database, Document
from schemas.organisation import Organisation, PolicySpec, Step, Target
from schemas.requests import RequestReceived
from schemas.values import Business, Contact
from services.routing.deciding import change_of
from services.routing.directory import context
from services.routing.documents import Prepared
from services.routing.domain.context import Context
from services.routing.domain.decide import open_ticket
from services.routing.storage import TICKETS

UNIT: Final = "cau-treo"
"""Of the demo: on duty around the clock, so that deadlines pass whenever this runs."""

TARGET: Final = timedelta(seconds=60)
WARN_PERCENT: Final = 90
STEP_AFTER: Final = timedelta(seconds=5)
LADDER_EVERY: Final = 10
"""One due ticket in so many has the warning and a step of the ladder besides the miss."""

PLAIN, MISS, LADDER = "tax", "origin", "procedure"
"""Topics, which choose the policy: nothing comes due; only the miss; all there is."""

CLOCKS: Final = 2
"""Of every ticket: first response and resolution."""

AT_ONCE: Final = 2_000
LATER: Final = timedelta(hours=750)
"""Until anything happens to a ticket that is open and nothing else."""


def organisation() -> Organisation:
    """The demo with a policy each for: open and nothing else, a miss, and a warning, a miss and a step of the ladder."""
    hours = TARGET / timedelta(hours=1)
    step = Step(clock="first_response", after_hours=STEP_AFTER / timedelta(hours=1), tell=("lead",))
    policies = (
        _policy(PLAIN, Target(clock="first_response", hours=LATER / timedelta(hours=1), warn_percent=())),
        _policy(MISS, Target(clock="first_response", hours=hours, warn_percent=())),
        _policy(LADDER, Target(clock="first_response", hours=hours, warn_percent=(WARN_PERCENT,)), step),
    )
    written = read(ORGANISATION)
    return written.model_copy(update={"policies": (*policies, *written.policies)})


def _policy(topic: str, target: Target, *ladder: Step) -> PolicySpec:
    targets = (target, Target(clock="resolution", hours=2 * LATER / timedelta(hours=1), warn_percent=()))
    return PolicySpec(key=f"measured-{topic}", topics=(topic,), units=(UNIT,), targets=targets, ladder=ladder)


@dataclass(frozen=True)
class Population:
    """`opened` open clocks; of `due` of them the deadline passes between `first_at` and `last_at`, evenly."""

    opened: int
    due: int
    first_at: datetime
    last_at: datetime

    async def load(self, database: Database) -> None:
        rows = self.documents()
        while some := list(islice(rows, AT_ONCE)):
            await database[TICKETS.name].insert_many(some, ordered=False)

    def documents(self) -> Iterator[Document]:
        """As routing stores them."""
        ctx = context(organisation(), 1)
        tickets = max(self.opened // CLOCKS, self.due)
        apart = (self.last_at - self.first_at) / max(self.due, 1)
        prototypes: dict[tuple[str, datetime], Document] = {}
        for number in range(tickets):
            topic, opened_at = PLAIN, self.first_at - timedelta(seconds=number % 360)
            if number < self.due:
                topic = LADDER if number % LADDER_EVERY == 0 else MISS
                opened_at = self.first_at + number * apart - TARGET
                opened_at = opened_at.replace(microsecond=opened_at.microsecond // 100_000 * 100_000)
            if (topic, opened_at) not in prototypes:
                prototypes[topic, opened_at] = _opened(topic, opened_at, ctx)
            yield _copied(prototypes[topic, opened_at], number)


def _opened(topic: str, at: datetime, ctx: Context) -> Document:
    ticket_id = new_id()
    event = RequestReceived(
        id=new_id(),
        source="helpdesk/intake",
        occurred_at=at,
        ticket_id=ticket_id,
        sequence=1,
        reference=ticket_id,
        channel="form",
        topic=topic,
        unit=UNIT,
        subject="Lô hàng bị giữ tại cửa khẩu",
        text="Lô hàng của chúng tôi bị giữ vì hồ sơ chưa đủ.",
        language="vi",
        business=Business(name="Công ty TNHH Thử Nghiệm", tax_code="0101234567"),
        contact=Contact(name="Nguyễn Văn An", email="an@bench.example"),
        message_id=f"{ticket_id}-first",
        received_at=at,
    )
    (document,) = Prepared([change_of(None, open_ticket(event, ctx, {}, at), ctx, cause=event.id)]).opened
    return document


def _copied(prototype: Document, number: int) -> Document:
    ticket_id, reference = new_id(), f"M-{number}"
    state = {**prototype["state"], "id": ticket_id, "reference": reference}
    return {**prototype, "_id": ticket_id, "reference": reference, "slot": slot_of(ticket_id), "state": state}
