"""Finished clocks as facts: one for each, written with its verdict, with all a report may ask about it as it was then."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import UpdateOne

from kit.mongo import Document
from services.routing.domain.clocks import Clock, spent
from services.routing.domain.context import Context
from services.routing.domain.ticket import Ticket

COUNTED: Final = ("day", "kind", "verdict", "worked_ms", "group", "unit", "units", "topic", "channel", "member_tier")
"""What decides where in the rollups a fact is counted, and as what."""

Identity = tuple[str, int, datetime]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a decision adds to the facts, and which of them a repair changed."""

    fresh: tuple[Document, ...] = ()
    corrections: tuple[UpdateOne, ...] = ()


@dataclass(frozen=True, slots=True)
class Credited:
    """Who gets the verdicts of clocks that end here: whoever had the ticket until now, so that handing it on ends their own clock."""

    group: str
    unit: str
    units: tuple[str, ...]
    """The unit and everything above it, as the tree was then."""

    officer: str | None
    zone: str
    """Of the group's calendar: it says which day it was."""


def outcomes(before: Ticket | None, after: Ticket, ctx: Context) -> Outcomes:
    """A fact for each clock that has its verdict now and had none before; a correction where a verdict that was there changed."""
    ended = [clock for clock in after.clocks if clock.verdict]
    known = {_identity(clock): clock for clock in before.clocks if clock.verdict} if before else {}
    new = [clock for clock in ended if _identity(clock) not in known]
    who = credited(before, after, ctx) if new else None
    fresh = tuple(_fact(after, clock, who, ctx) for clock in new) if who else ()
    return Outcomes(fresh, tuple(_corrections(after, ended, known, ctx)))


def credited(before: Ticket | None, after: Ticket, ctx: Context) -> Credited:
    held = before or after
    group = ctx.group(held.group)
    officer = held.officer or (after.officer if after.group == held.group else None)
    units = ctx.org.ancestors(group.unit) or (group.unit,)
    return Credited(held.group, group.unit, units, officer, ctx.calendar(group.calendar).zone.key)


def outcome_id(ticket_id: str, kind: str, cycle: int, started_at: datetime) -> str:
    return f"{ticket_id}:{kind}:{cycle}:{started_at.isoformat()}"


def _fact(ticket: Ticket, clock: Clock, who: Credited, ctx: Context) -> Document:
    """`pending` is there until it is folded into the rollups; of a corrected one `was` says how the rollups count it meanwhile."""
    assert clock.finished_at is not None  # noqa: S101 (a clock with a verdict has ended)
    return {
        "_id": outcome_id(ticket.id, *_identity(clock)),
        "ticket_id": ticket.id,
        "reference": ticket.reference,
        "kind": clock.kind,
        "cycle": clock.cycle,
        "started_at": clock.started_at,
        **_measured(clock, ctx),
        "day": local_day(clock.finished_at, ctx, who),
        "zone": who.zone,
        "group": who.group,
        "unit": who.unit,
        "units": list(who.units),
        "officer": who.officer,
        "topic": ticket.topic,
        "channel": ticket.channel,
        "priority": ticket.priority,
        "member_tier": ticket.member_tier,
        "pending": True,
    }


def local_day(at: datetime, ctx: Context, who: Credited) -> str:
    """As `2025-03-31`, which sorts as the days do."""
    return ctx.calendar(ctx.group(who.group).calendar).local_date(at).isoformat()


def _measured(clock: Clock, ctx: Context) -> Document:
    """What a repair may change. Working time in milliseconds, as MongoDB keeps instants: sums stay exact."""
    worked = spent(clock, ctx.calendar(clock.calendar), clock.finished_at or clock.started_at)
    return {
        "verdict": clock.verdict,
        "due_at": clock.due_at,
        "finished_at": clock.finished_at,
        "worked_ms": worked // timedelta(milliseconds=1),
        "policy": clock.policy,
        "revision": clock.revision,
        "repaired": bool(clock.repairs),
    }


def _corrections(ticket: Ticket, ended: list[Clock], known: dict[Identity, Clock], ctx: Context) -> Iterator[UpdateOne]:
    for clock in ended:
        was = known.get(_identity(clock))
        if was is not None and (was.verdict, was.due_at, was.finished_at) != (clock.verdict, clock.due_at, clock.finished_at):
            yield correction(outcome_id(ticket.id, *_identity(clock)), _measured(clock, ctx))


def correction(key: str, measured: Document) -> UpdateOne:
    """Changes a fact and has it counted anew. Who was credited stays, and so does the zone its day is taken in."""
    now: dict[str, Any] = {name: {"$literal": value} for name, value in measured.items()}
    counted = {"$cond": [{"$eq": ["$pending", True]}, {"$ifNull": ["$was", "$$REMOVE"]}, {name: f"${name}" for name in COUNTED}]}
    day = {"$dateToString": {"date": {"$literal": measured["finished_at"]}, "timezone": "$zone", "format": "%Y-%m-%d"}}
    return UpdateOne({"_id": key}, [{"$set": {"was": counted, "pending": True, "day": day, **now}}])


def _identity(clock: Clock) -> Identity:
    return clock.kind, clock.cycle, clock.started_at
