"""What officers do. Refusals say what to do instead; who may see a ticket at all was checked before."""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from services.routing.domain import ending, handing, measuring, prioritising, saying
from services.routing.domain.commands import (
    Actor,
    Assign,
    Claim,
    Command,
    Note,
    Prioritise,
    Refer,
    Reject,
    Release,
    Reopen,
    RepairClock,
    Reply,
    Resolve,
    Wait,
)
from services.routing.domain.context import Context
from services.routing.domain.draft import Decision, Draft
from services.routing.domain.repairing import repair
from services.routing.domain.retiming import caught_up
from services.routing.domain.ticket import Ticket


def decide(
    ticket: Ticket, command: Command, actor: Actor, ctx: Context, now: datetime, *, open_work: Mapping[str, int] | None = None
) -> Decision:
    """Do what the officer asks, or raise `Refused`.

    Deadlines that passed unseen are recorded first, so that no command can hide a miss from the ticker.
    """
    draft = caught_up(Draft(ticket, ctx, now, cause=f"{ticket.id}:{ticket.version}"))
    draft = measuring.note_misses(draft, draft.at)
    done = _obey(draft, command, actor, open_work or {})
    return measuring.announce(done, draft.ticket).decision()


def _obey(draft: Draft, command: Command, actor: Actor, open_work: Mapping[str, int]) -> Draft:  # noqa: C901, PLR0911, PLR0912 (one line per command)
    match command:
        case Claim():
            return handing.claim(draft, command, actor)
        case Release():
            return handing.release(draft, command, actor)
        case Assign():
            return handing.assign(draft, command, actor, open_work)
        case Prioritise():
            return prioritising.prioritise(draft, command, actor)
        case Reply():
            return saying.reply(draft, command, actor)
        case Note():
            return saying.note(draft, command, actor)
        case Wait():
            return saying.wait(draft, command, actor)
        case Refer():
            return saying.refer(draft, command, actor)
        case Resolve():
            return ending.resolve(draft, command, actor)
        case Reject():
            return ending.reject(draft, command, actor)
        case Reopen():
            return ending.reopen(draft, command, actor)
        case RepairClock():
            return repair(draft, command, actor)
        case _:
            assert_never(command)
