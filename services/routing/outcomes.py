"""Finished clocks as facts: one for each, written with its verdict, with all a report may ask about it as it was then."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import UpdateOne

from kit.mongo import Document
from schemas.values import ClockKind
from services.routing.domain.clocks import Clock, spent
from services.routing.domain.context import Context
from services.routing.domain.ticket import Said, Ticket

COUNTED: Final = ("day", "kind", "verdict", "worked_ms", "group", "unit", "units", "topic", "channel", "member_tier")
"""What decides where in the rollups a fact is counted, and as what."""

ANSWERED: Final[frozenset[ClockKind]] = frozenset({"first_response", "next_response"})
"""What an accepted answer ends, whoever has the ticket by then."""

Identity = tuple[str, int, datetime]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a decision adds to the facts, and which of them a repair changed."""

    fresh: tuple[Document, ...] = ()
    corrections: tuple[UpdateOne, ...] = ()


@dataclass(frozen=True, slots=True)
class Credited:
    """Who gets the verdicts of clocks that end here: the group that answered, else whoever had the ticket until now.

    So handing it on ends one's own clock, and an answer counts for those who gave it, though it is accepted after they handed it on.
    """

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
    fresh = tuple(_fact(after, clock, credited(before, after, ctx, clock.kind), ctx) for clock in new)
    return Outcomes(fresh, tuple(_corrections(after, ended, known)))


def credited(before: Ticket | None, after: Ticket, ctx: Context, kind: ClockKind) -> Credited:
    held = before or after
    key, officer = held.group, held.officer or (after.officer if after.group == held.group else None)
    said = _answer(before, after) if kind in ANSWERED else None
    if said is not None and said.group != key:
        key, officer = said.group, said.officer
    group = ctx.group(key)
    units = ctx.org.ancestors(group.unit) or (group.unit,)
    return Credited(key, group.unit, units, officer, ctx.calendar(group.calendar).zone.key)


def _answer(before: Ticket | None, after: Ticket) -> Said | None:
    """The answer that was accepted here: it is awaited no more, and neither is what was said before it."""
    gone = [said for said in before.awaiting if said not in after.awaiting] if before else []
    return max(gone, key=lambda said: said.sequence, default=None)


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
        "worked_ms": _worked_ms(clock, ctx),
        **_repairable(clock),
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


def _worked_ms(clock: Clock, ctx: Context) -> int:
    """As MongoDB keeps instants: sums stay exact. Measured once: what the calendars say of that time later changes no report."""
    calendar = ctx.calendar_at(clock.revision, clock.calendar)
    return spent(clock, calendar, clock.finished_at or clock.started_at, ctx.calendar_then) // timedelta(milliseconds=1)


def _repairable(clock: Clock) -> Document:
    """What a repair may change."""
    return {
        "verdict": clock.verdict,
        "due_at": clock.due_at,
        "finished_at": clock.finished_at,
        "policy": clock.policy,
        "revision": clock.revision,
        "repaired": bool(clock.repairs),
    }


def _corrections(ticket: Ticket, ended: list[Clock], known: dict[Identity, Clock]) -> Iterator[UpdateOne]:
    for clock in ended:
        was = known.get(_identity(clock))
        if was is not None and (was.verdict, was.due_at, was.finished_at) != (clock.verdict, clock.due_at, clock.finished_at):
            yield correction(outcome_id(ticket.id, *_identity(clock)), _repairable(clock))


def correction(key: str, measured: Document) -> UpdateOne:
    """Changes a fact and has it counted anew. Who was credited stays, and so does the zone its day is taken in."""
    now: dict[str, Any] = {name: {"$literal": value} for name, value in measured.items()}
    counted = {"$cond": [{"$eq": ["$pending", True]}, {"$ifNull": ["$was", "$$REMOVE"]}, {name: f"${name}" for name in COUNTED}]}
    day = {"$dateToString": {"date": {"$literal": measured["finished_at"]}, "timezone": "$zone", "format": "%Y-%m-%d"}}
    return UpdateOne({"_id": key}, [{"$set": {"was": counted, "pending": True, "day": day, **now}}])


def _identity(clock: Clock) -> Identity:
    return clock.kind, clock.cycle, clock.started_at
