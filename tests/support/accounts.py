"""Clocks whose life is written in tests/data/explanations, and the accounts of them that the API, the page and the command give."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from schemas.organisation import Organisation, Target
from schemas.values import Business, Contact
from services.routing.calendars import build
from services.routing.directory import context
from services.routing.domain import clocks
from services.routing.domain.calendar import Calendar
from services.routing.domain.clocks import Clock
from services.routing.domain.ticket import Ticket
from services.routing.explaining import Account, account
from tests.support.organisations import as_written, organisation
from tests.unit.routing.generated import written

CASES: Final = sorted((Path(__file__).parents[1] / "data" / "explanations").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


def calendars_of(case: dict[str, Any]) -> dict[str, Calendar]:
    return {key: build(written(**spec)) for key, spec in case["calendars"].items()}


def lived(case: dict[str, Any], calendars: dict[str, Calendar]) -> Clock:
    """The clock after everything the case says happened to it."""
    spec = case["clock"]
    on = spec["calendar"]
    present = build(written(**spec["as_it_was"])) if "as_it_was" in spec else calendars[on]
    target = Target(clock=spec["kind"], **spec["target"])
    clock = clocks.start(spec["kind"], spec["cycle"], target, "standard", 7, on, present, datetime.fromisoformat(spec["started"]))
    for move, when, *what in case["moves"]:
        at = datetime.fromisoformat(when)
        match move:
            case "pause":
                clock = clocks.pause(clock, at, what[0], present)
            case "resume":
                clock = clocks.resume(clock, at, present)
            case "move":
                clock = clocks.retarget(clock, target, "standard", 8, what[0], calendars[what[0]], at, before=present)
                present = calendars[what[0]]
            case "finish":
                clock = clocks.finish(clock, at)
            case _:
                raise ValueError(f"nothing is known of {move}")
    return clock


def account_of(path: Path) -> tuple[Account, Organisation]:
    """The account a ticket with only this clock gives at the instant of the case."""
    case = read(path)
    calendars = [{"key": key, **spec} for key, spec in case["calendars"].items()]
    org = organisation(calendars=calendars, groups=[{**group, "calendar": calendars[0]["key"]} for group in as_written()["groups"]])
    clock = lived(case, calendars_of(case))
    ticket = Ticket(
        id="0190b7a0-0000-7000-8000-000000000001",
        reference="HD-7KM-3WX-9AP",
        status="open",
        subject="Trị giá lô hàng",
        topic="valuation",
        unit=None,
        language="vi",
        channel="form",
        business=Business(name="Công ty An Bình"),
        contact=Contact(email="lan@anbinh.example"),
        group="hon-gai",
        policy="standard",
        revision=7,
        opened_at=clock.started_at,
        last_event_at=clock.started_at,
        clocks=(clock,),
        version=1,
    )
    return account(ticket, f"{clock.kind}-{clock.cycle}", clock, context(org, 7), [], datetime.fromisoformat(case["at"])), org
