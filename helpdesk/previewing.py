"""What loading an organisation file would do to the open clocks, in words, before anything is saved."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from helpdesk import provision
from kit.mongo import Mongo
from kit.organisation import OrganisationStore
from kit.settings import ServiceSettings
from schemas.organisation import Organisation
from services.routing.directory import of_revision, proposed
from services.routing.previewing import Move, Preview, preview
from services.routing.repository import oldest_in_use

if TYPE_CHECKING:
    from datetime import datetime


async def looked_ahead(settings: ServiceSettings, mongo: Mongo, organisation: Organisation) -> Preview | None:
    """None when no organisation is loaded yet, so that there can be no clocks either."""
    database = mongo.database(provision.database_name(settings, "routing"))
    store = OrganisationStore(database, lambda: oldest_in_use(database))
    await store.refresh()
    if not store.loaded:
        return None
    if store.current.organisation.measures() == organisation.measures():
        return Preview()
    present = of_revision(store.current)
    now = mongo.now()
    return await preview(database, proposed(organisation, present, now), now, _progress)


def described(found: Preview, organisation: Organisation) -> Iterator[str]:
    unread = f"; {found.unreadable} could not be read" if found.unreadable else ""
    if not found.clocks:
        yield f"no open clock would move{unread}"
        return
    yield f"{found.clocks} open clocks of {found.tickets} tickets would move{unread}"
    for (group, clock), count in sorted(found.moved.items()):
        yield f"  {count:>8}  {group}  {clock}"
    yield f"{found.overdue} would be overdue at once"
    yield f"the {len(found.largest)} largest moves" if len(found.largest) > 1 else "the move"
    yield from (_line(move, organisation) for move in found.largest)


def _line(move: Move, organisation: Organisation) -> str:
    spec = organisation.group(move.group)
    zone = ZoneInfo(organisation.as_group(spec).timezone if spec else organisation.timezone)
    marks = (", overdue at once" if move.overdue else "") + (", paused" if move.paused else "")
    return f"  {move.reference}  {move.group}  {move.clock}  {_at(move.old, zone)} -> {_at(move.new, zone)} ({_by(move.by)}{marks})"


def _at(at: "datetime", zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _by(span: timedelta) -> str:
    """As `+1 d 02:30`: of real time, not of working time."""
    minutes = abs(span) // timedelta(minutes=1)
    days, rest = divmod(minutes, 24 * 60)
    return ("-" if span < timedelta(0) else "+") + (f"{days} d " if days else "") + f"{rest // 60:02}:{rest % 60:02}"


def _progress(tickets: int) -> None:
    """Where a person looks on, and seldom enough to cost nothing."""
    if sys.stderr.isatty() and tickets % 5_000 == 0:
        print(f"looked at {tickets:,} tickets", file=sys.stderr)
